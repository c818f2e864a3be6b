"""What an op costs before events: the words and actions that each policy of the machine counts."""

from __future__ import annotations

import pytest

from accelsim.machine.architecture import Machine
from accelsim.mapping.residency import updates_in_pe
from accelsim.sim.planning.op_plan import OpPlan
from accelsim.workload.network import Network
from tests.random_machines import machine
from tests.reference_networks import Builder
from tests.watched_machine import Watched, watch


def network() -> Network:
    return (
        Builder("plain", (4, 4, 4)).conv(6).add("relu").conv(4).add("relu").add("fc", 3).network()
    )


def plans(seen: Watched) -> dict[str, OpPlan]:
    return {record.op.name: record.plan for record in seen.run.records}


def weights(name: str) -> int:
    return {
        layer.name: layer.out_shape[2] * (9 * layer.in_shape[2] if layer.kind == "conv" else 64)
        for layer in network().weighted
    }[name]


def test_remote_reads_fetch_each_weight_of_backpropagations_ep_from_its_home() -> None:
    for transpose in ("remote_read", "psum_reduce", "transposable"):
        seen = plans(watch(network(), machine(near_memory__transpose=transpose)))
        ep = seen["conv2.EP"]
        assert all(
            plan.words["remote"] == 0
            for name, plan in seen.items()
            if not name.endswith(("EP", "WU"))
        )
        if transpose == "remote_read":
            assert ep.words["remote"] >= weights("conv2")
        if transpose == "transposable":
            assert ep.words["remote"] == 0
            assert ep.counts["scratchpad", "transposed_read_bits"] > 0
        if transpose == "psum_reduce":
            # 4 channels of 16 pixels of 6 outputs, summed over 4 PEs by 3 transfers each
            assert ep.words["remote"] == 6 * 16 * 3
            assert ep.counts["scratchpad", "transposed_read_bits"] == 0


def test_direct_feedback_needs_no_transpose() -> None:
    counts = [
        {
            name: (plan.words, dict(plan.counts))
            for name, plan in plans(
                watch(network(), machine(near_memory__transpose=each), "dfa")
            ).items()
        }
        for each in ("remote_read", "psum_reduce", "transposable")
    ]
    assert counts[0] == counts[1] == counts[2]
    assert all(
        words["remote"] == 0 for name, (words, _) in counts[0].items() if name.endswith(".EP")
    )


def test_regenerated_feedback_takes_no_room_and_pays_a_word_a_mac() -> None:
    stored, drawn = (
        watch(network(), machine(near_memory__feedback=each), "dfa") for each in ("stored", "prng")
    )
    assert "conv2.feedback" in stored.run.residency.homes
    assert "conv2.feedback" not in drawn.run.residency.homes
    assert drawn.run.residency.free_bytes[0] > stored.run.residency.free_bytes[0]
    for name in ("conv2.EP", "fc4.EP"):
        plan, timing = plans(drawn)[name], plans(drawn)[name].timing
        assert timing is not None
        assert plan.counts["prng", "words"] == timing.executed - timing.gated
        assert (
            plan.counts["scratchpad", "read_bits"]
            < plans(stored)[name].counts["scratchpad", "read_bits"]
        )
        assert plans(stored)[name].counts["prng", "words"] == 0
    backprop = (
        watch(network(), machine(near_memory__feedback=each)) for each in ("stored", "prng")
    )
    assert (
        len(
            {
                tuple((record.op.name, record.start, record.end) for record in each.run.records)
                for each in backprop
            }
        )
        == 1
    )


def test_fused_updates_keep_no_gradient_and_separate_ones_do() -> None:
    fused, separate = (
        watch(network(), machine(near_memory__update=each)) for each in ("fused", "separate")
    )
    assert {op.name for op in fused.run.residency.fused.values()} == {
        "conv0.WU",
        "conv2.WU",
        "fc4.WU",
    }
    assert separate.run.residency.fused == {}
    total = sum(weights(layer.name) for layer in network().weighted)
    for seen in (fused, separate):
        assert (
            sum(
                plan.counts["vector", "op"]
                for name, plan in plans(seen).items()
                if name.endswith(".WU")
            )
            == 4 * total
        )
    off = watch(network(), machine(near_memory__update="fused", vector_unit__update_in_pe=False))
    assert off.run.residency.fused == {}


def test_updates_reach_every_copy() -> None:
    """6 PEs hold conv0's 6 channels once, and fc4's 3 channels of 64 weights twice. An update reads
    gradient, weight and momentum, and writes the last two. The PEs send a copy on; the vector unit
    sends the weight to both.
    """
    for in_pe, remote, received in ((True, 192, 192), (False, 192 * (3 + 3), 192 * 3)):
        seen = plans(watch(network(), machine(vector_unit__update_in_pe=in_pe)))
        assert seen["fc4.WU"].words["remote"] == remote
        assert seen["fc4.WU"].words_received == received
        assert seen["conv0.WU"].words["remote"] == (0 if in_pe else weights("conv0") * 5)


@pytest.mark.parametrize("in_pe", [True, False])
def test_an_update_holds_lanes_exactly_where_the_pes_do_it(in_pe: bool) -> None:
    """Weights of a batch norm have no home, so that the vector unit updates them in any case."""
    normalized = Builder("normalized", (4, 4, 4)).conv(6).add("batch_norm").add("relu")
    architecture = machine(near_memory__update="separate", vector_unit__update_in_pe=in_pe)
    seen = watch(normalized.add("fc", 3).network(), architecture, schedule="unlocked")
    updates = [record for record in seen.run.records if record.op.name.endswith(".WU")]
    on_array = {record.op.name: record.plan.on_array for record in updates}
    assert on_array == {"conv0.WU": in_pe, "batch_norm1.WU": False, "fc3.WU": in_pe}
    for record in updates:
        assert (record.partition is not None) == record.plan.on_array
        assert updates_in_pe(record.op, architecture) == record.plan.on_array
        assert (record.counts["control", "clock"] > 0) == record.plan.on_array


def test_gradients_that_must_wait_spill_where_fused_ones_do_not() -> None:
    """Scratchpads with room for the weights alone."""
    small = {"scratchpad__capacity": "910B", "scratchpad__working": "600B"}
    fused, separate = (
        watch(network(), machine(near_memory__update=each, **small))
        for each in ("fused", "separate")
    )
    assert (
        plans(fused)["conv0.WG"].words["global_buffer"]
        < plans(separate)["conv0.WG"].words["global_buffer"]
    )


def test_von_neumann_reads_the_weights_in_every_pass_and_near_memory_in_none() -> None:
    def weight_bytes(architecture: Machine, rule: str) -> dict[str, int]:
        found = plans(watch(network(), architecture, rule))
        return {
            name: sum(part.nbytes for part in plan.loads if part.tensor.endswith(".weight"))
            for name, plan in found.items()
        }

    size = {
        f"{layer.name}.{each}": 2 * weights(layer.name)
        for layer in network().weighted
        for each in ("FF", "EP", "WU")
    }
    del size["conv0.EP"]
    assert {
        name: found for name, found in weight_bytes(machine("von_neumann"), "bp").items() if found
    } == size
    assert set(weight_bytes(machine(), "bp").values()) == {0}


def test_scratchpads_too_small_for_the_weights_read_what_spilled_every_time() -> None:
    seen = watch(network(), machine(scratchpad__capacity="656B", scratchpad__working="600B"))
    homes = seen.run.residency.homes
    assert seen.run.residency.spilled_words() == sum(home.spilled for home in homes.values()) > 0
    assert homes["conv2.weight"].spilled > 0
    for name in ("conv2.FF", "conv2.EP"):
        assert (
            sum(part.nbytes for part in plans(seen)[name].loads if part.tensor == "conv2.weight")
            >= 2 * homes["conv2.weight"].spilled
        )


def causes(plan: OpPlan) -> tuple[dict[str, str], dict[str, str]]:
    """Why each tensor is loaded from DRAM, and why it is stored there."""
    loads, stores = (
        {part.tensor: str(part.cause) for part in parts} for parts in (plan.loads, plan.stores)
    )
    return loads, stores


def test_what_crosses_the_dram_bus_says_why() -> None:
    """A buffer that holds no tensor: FF writes what a later pass reads as stash, and the next
    layer's FF reads it as its operand. Weights that scratchpads cannot hold are spilled.
    """
    tiny = {"global_buffer__capacity": "272B", "global_buffer__staging": "128B"}
    von_neumann = plans(watch(network(), machine("von_neumann", **tiny)))
    assert causes(von_neumann["conv0.FF"]) == (
        {"input": "operand", "conv0.weight": "operand"},
        {"conv0.out": "output"},
    )
    assert causes(von_neumann["relu1.FF"])[1] == {"relu1.out": "stash"}
    assert causes(von_neumann["conv2.FF"])[0] == {"relu1.out": "operand", "conv2.weight": "operand"}
    assert causes(von_neumann["conv2.WG"]) == (
        {"relu1.out": "stash", "conv2.error": "operand"},
        {"conv2.gradient": "output"},
    )
    spilling = {"scratchpad__capacity": "656B", "scratchpad__working": "600B"}
    near_memory = plans(watch(network(), machine(**tiny, **spilling)))
    assert causes(near_memory["conv2.FF"])[0] == {"relu1.out": "operand", "conv2.weight": "spill"}
    updated = {"conv2.weight": "spill", "conv2.momentum": "spill"}
    assert causes(near_memory["conv2.WU"]) == (updated, updated)
