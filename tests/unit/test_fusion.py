"""Rewriting of steps under fusion, against structures worked out by hand."""

from __future__ import annotations

import pytest

from accelsim.experiment.simulate import simulate
from accelsim.machine.loading import load_machine
from accelsim.mapping.fusion.rewriting import Fused, fuse
from accelsim.rules.registry import lower
from accelsim.step.ops import Op, Use
from accelsim.workload.network import Network
from tests.random_machines import machine
from tests.reference_networks import Builder


def normalized() -> Network:
    """conv0, batch_norm1, relu2, conv3, batch_norm4, relu5, fc6."""
    builder = Builder("normalized", (4, 4, 2))
    for _ in range(2):
        builder.add("conv", 3, kernel=(3, 3), padding=(1, 1, 1, 1)).add("batch_norm").add("relu")
    return builder.add("fc", 2).network()


def fused(network: Network, fusion: str, rule: str = "bp", **keys: object) -> Fused:
    return fuse(lower(network, rule, 2), machine(fusion=fusion, **keys))


def read(op: Op) -> list[str]:
    """Names of the operands; a star marks one that stands beside another."""
    return [operand.tensor.name + "*" * bool(operand.beside) for operand in op.operands]


def made(op: Op) -> list[str]:
    return [tensor.name for tensor in op.outputs]


def work(op: Op) -> list[tuple[str, int]]:
    return [(rider.op, rider.ops_per_element) for rider in op.epilogue]


def test_none_leaves_a_step_as_it_is() -> None:
    step = lower(normalized(), "bp", 2)
    assert fuse(step, machine(fusion="none")) == Fused(step)


def test_an_activation_is_an_epilogue_of_its_convolution() -> None:
    network = Builder("plain", (4, 4, 2)).add("conv", 3, kernel=(1, 1)).add("relu").add("fc", 2)
    op = fused(network.network(), "epilogue").step.op("conv0.FF")
    assert (made(op), work(op)) == (["relu1.out", "relu1.mask"], [("relu1.FF", 1)])
    assert op.passed is not None
    assert op.passed.name == "conv0.out"


def test_epilogue_stops_at_the_barrier_of_batch_norm() -> None:
    step = fused(normalized(), "epilogue").step
    convolution, norm = step.op("conv0.FF"), step.op("batch_norm1.FF")
    assert made(convolution) == ["conv0.out", "batch_norm1.statistics"]
    assert work(convolution) == [("batch_norm1.FF", 3)]
    assert read(norm) == ["conv0.out", "batch_norm1.weight", "batch_norm1.statistics"]
    assert made(norm) == ["batch_norm1.normalized", "relu2.out", "relu2.mask"]
    assert (norm.vector_ops, work(norm)) == (4 * 2 * 48, [("relu2.FF", 1)])


def test_full_fusion_makes_the_map_wherever_it_is_read() -> None:
    step = fused(normalized(), "full").step
    names = [op.name for op in step.ops]
    assert not {"batch_norm1.FF", "relu2.FF", "relu2.EP", "batch_norm1.EP"} & set(names)
    for name, use in (("conv3.FF", Use.MOVING), ("conv3.WG", Use.MOVING)):
        operand = step.op(name).operand(use)
        assert operand is not None
        assert operand.tensor.name == "conv0.out"
        assert [(r.op, r.ops_per_element) for r in operand.prologue] == [
            ("batch_norm1.FF", 4),
            ("relu2.FF", 1),
        ]
    assert "relu2.mask" in made(step.op("conv3.FF"))
    assert "relu2.mask" not in made(step.op("conv3.WG"))


def test_errors_behind_batch_norm_are_made_from_two_maps() -> None:
    step = fused(normalized(), "full").step
    gradient = step.op("conv0.WG")
    error = gradient.operand(Use.STATIONARY)
    assert error is not None
    assert (error.tensor.name, [rider.op for rider in error.prologue]) == (
        "batch_norm1.error",
        ["batch_norm1.EP"],
    )
    assert "conv0.out*" in read(gradient)
    propagation = step.op("conv3.EP")
    assert made(propagation) == ["batch_norm1.error", "batch_norm1.gradient"]
    assert work(propagation) == [("relu2.EP", 1), ("batch_norm1.EP", 3)]


def test_an_update_waits_for_the_last_reader_of_the_old_values() -> None:
    """conv0.WG normalizes errors with the scale that batch_norm1.WU overwrites."""
    for step in (fused(normalized(), "full").step, fused(normalized(), "full", "dfa").step):
        names = [op.name for op in step.ops]
        assert names.index("conv0.WG") < names.index("batch_norm1.WU")
        assert "conv0.WG" in step.op("batch_norm1.WU").depends_on


def test_every_dependency_comes_first() -> None:
    for fusion in ("epilogue", "full"):
        for rule in ("bp", "dfa", "fa", "ssdfa", "revised:groups=1"):
            before: set[str] = set()
            for op in fused(normalized(), fusion, rule).step.ops:
                assert set(op.depends_on) <= before
                before.add(op.name)


def residual() -> Network:
    """conv0 and its ReLU feed conv2; add3 sums conv2 and relu1."""
    builder = Builder("residual", (4, 4, 2)).add("conv", 2, kernel=(1, 1)).add("relu")
    builder.add("conv", 2, kernel=(1, 1)).add("add", inputs=("conv2", "relu1"))
    return builder.add("relu").add("fc", 2).network()


def test_a_residual_sum_is_an_epilogue_of_the_map_made_last() -> None:
    op = fused(residual(), "epilogue").step.op("conv2.FF")
    assert read(op) == ["relu1.out", "conv2.weight", "relu1.out"]
    assert work(op) == [("add3.FF", 1), ("relu4.FF", 1)]
    assert made(op) == ["relu4.out", "relu4.mask"]


def test_only_full_fusion_serves_several_readers() -> None:
    """The error behind relu4 goes to conv2 and, over the shortcut, into the sum at relu1."""
    hosts = {fusion: fused(residual(), fusion) for fusion in ("epilogue", "full")}
    for fusion in hosts.values():
        assert work(fusion.step.op("fc5.EP")) == [("relu4.EP", 1)]
        assert work(fusion.step.op("conv2.EP")) == [("relu1.EP.sum", 1), ("relu1.EP", 1)]
        assert "add3.error" in made(fusion.step.op("fc5.EP"))


@pytest.mark.parametrize(("staging", "rides"), [("48B", True), ("47B", False)])
def test_a_pool_needs_a_line_buffer_for_its_rows(staging: str, rides: bool) -> None:
    """One of the two rows of a window waits: 4 columns of 3 channels, 24 bytes."""
    network = Builder("pool", (4, 4, 2)).add("conv", 3, kernel=(1, 1))
    network.add("max_pool", kernel=(2, 2), stride=(2, 2)).add("fc", 2)
    op = fused(network.network(), "epilogue", global_buffer__staging=staging).step.op("conv0.FF")
    waiting = [(rider.kept, rider.taken) for rider in op.epilogue]
    assert waiting == ([(2 * 24, 2 * 24)] if rides else [])


def test_shuffle_and_upsample_are_addresses() -> None:
    builder = Builder("modules", (8, 8, 2))
    for _ in range(3):
        builder.add("conv", 4, kernel=(3, 3), padding=(1, 1, 1, 1), stride=(2, 2)).add("relu")
    network = builder.add("fc", 2).network()
    result = fused(network, "epilogue", "revised:groups=2")
    gone = [op.name for op in result.absorbed if op.name.endswith((".shuffle", ".upsample"))]
    assert gone
    for name in gone:
        (host,) = result.into[name]
        assert ".EP." in host
        assert host in {op.name for op in result.step.ops}
    run = simulate(
        network, machine(fusion="epilogue"), rule="revised:groups=2", batch=1, trace="dense"
    )
    for op in run.ops:
        if op.name in gone:
            assert (op.vector_ops, op.cycles, op.start_cycle) == (0, 0, 0)


def operations(network: Network, op: str, fusion: str = "full") -> float:
    """Operations of one op in a step of BP."""
    result = simulate(
        network, machine(fusion=fusion), rule="bp", batch=1, trace="dense", optimizer="sgd"
    )
    return {each.name: each.vector_ops for each in result.ops}[op]


def test_a_map_read_both_ways_is_normalized_only_where_it_must_be() -> None:
    """conv2 reads the normalized map of 48 words and, for the shortcut, the map itself. Sums 3;
    4 each in FF and WG of conv2; remade for 2 in the backward epilogue and the error at conv0.
    """
    builder = Builder("raw", (4, 4, 4)).add("conv", 3, kernel=(1, 1)).add("batch_norm")
    builder.add("conv", 3, kernel=(1, 1)).add("add", inputs=("conv2", "conv0"))
    network = builder.add("fc", 2).network()
    assert operations(network, "batch_norm1.FF") == 48 * (3 + 4 + 4 + 2 + 2)


def test_the_order_of_inputs_does_not_matter() -> None:
    found = set()
    for inputs in (("conv2", "conv0", "batch_norm1"), ("conv2", "batch_norm1", "conv0")):
        builder = Builder("order", (4, 4, 4)).add("conv", 3, kernel=(1, 1)).add("batch_norm")
        builder.add("conv", 3, inputs=("conv0",), kernel=(1, 1)).add("add", inputs=inputs)
        found.add(operations(builder.add("fc", 2).network(), "batch_norm1.FF"))
    assert len(found) == 1


def test_an_op_that_does_not_read_the_whole_map_writes_no_mask() -> None:
    builder = Builder("stride", (8, 8, 2)).add("conv", 3, kernel=(1, 1)).add("batch_norm")
    builder.add("relu").add("conv", 2, kernel=(1, 1), stride=(2, 2))
    builder.add("conv", 2, inputs=("relu2",), kernel=(2, 2), stride=(2, 2))
    network = builder.add("add", inputs=("conv3", "conv4")).add("fc", 2).network()
    step = fused(network, "full").step
    assert "relu2.mask" in made(step.op("relu2.FF"))
    assert "relu2.mask" not in made(step.op("conv3.FF"))


def test_words_that_are_read_again_make_no_whole_map() -> None:
    """Two rows of three windows, 36 words, from 25 of the 36 words of a channel."""
    builder = Builder("again", (6, 6, 2)).add("conv", 3, kernel=(1, 1)).add("batch_norm")
    builder.add("relu").add("conv", 2, kernel=(3, 3), stride=(2, 2)).add("fc", 2)
    step = fused(builder.network(), "full").step
    assert "relu2.mask" in made(step.op("relu2.FF"))


def test_a_mask_is_written_once() -> None:
    builder = Builder("once", (4, 4, 4)).add("conv", 3, kernel=(1, 1)).add("batch_norm")
    builder.add("relu").add("tanh").add("conv", 2, kernel=(1, 1))
    builder.add("conv", 2, inputs=("relu2",), kernel=(1, 1))
    network = builder.add("add", inputs=("conv4", "conv5")).add("fc", 2).network()
    writers = [op.name for op in fused(network, "full").step.ops if "relu2.mask" in made(op)]
    assert writers == ["conv4.FF"]


def test_rows_of_overlapping_windows_wait_for_several() -> None:
    """Six rows of 18 words, windows of 3 rows, one row apart: five rows wait, and each of the four
    rows of windows reads two.
    """
    builder = Builder("overlap", (6, 6, 2)).add("conv", 3, kernel=(1, 1))
    builder.add("max_pool", kernel=(3, 3), stride=(1, 1)).add("fc", 2)
    (rider,) = fused(builder.network(), "epilogue").step.op("conv0.FF").epilogue
    assert (rider.kept, rider.taken) == (2 * 5 * 18, 2 * 4 * 2 * 18)


def test_line_buffers_of_one_op_share_their_room() -> None:
    """Rows of 32 words of 16 bits: one line buffer of 64 bytes fits half of 128 bytes, not two."""
    builder = Builder("pools", (8, 8, 2)).add("conv", 4, kernel=(1, 1))
    for _ in range(2):
        builder.add("max_pool", kernel=(2, 2), stride=(1, 1))
    network = builder.add("fc", 2).network()
    step = fused(network, "epilogue", global_buffer__staging="128B").step
    assert [rider.op for rider in step.op("conv0.FF").epilogue] == ["max_pool1.FF"]


def test_a_map_that_only_epilogues_read_is_not_stored() -> None:
    """Both pools ride on conv0, and so does the ReLU whose map they read."""
    builder = Builder("two", (4, 4, 2)).add("conv", 3, kernel=(1, 1)).add("relu")
    for kind in ("max_pool", "avg_pool"):
        builder.add(kind, inputs=("relu1",), kernel=(2, 2), stride=(2, 2))
    network = builder.add("add", inputs=("max_pool2", "avg_pool3")).add("fc", 2).network()
    result = fused(network, "full")
    written = made(result.step.op("conv0.FF"))
    assert "avg_pool3.out" in written
    assert not {"conv0.out", "relu1.out"} & set(written)
    assert result.saved["max_pool2.FF"] == 96
    assert result.saved["avg_pool3.FF"] == 2 * 96


def test_an_error_that_only_sums_read_is_not_stored() -> None:
    """Nothing is below batch_norm0, so that its backward pass makes gradients only."""
    network = Builder("first", (4, 4, 3)).add("batch_norm").add("fc", 2).network()
    result = fused(network, "epilogue")
    op = result.step.op("fc1.EP")
    assert made(op) == ["batch_norm0.gradient"]
    assert op.passed is not None
    assert op.passed.name == "batch_norm0.error"
    # The error and the normalized map are read once instead of twice; the error is not written.
    assert result.saved["batch_norm0.EP"] == (2 + 1) * 96 + 96 + 6


def test_an_update_waits_for_readers_that_are_found_first() -> None:
    """conv1.WG reads the scale of batch_norm3. After it comes the sum of the errors at conv0, which
    reads the scale too, earlier: as an epilogue of conv1.EP.
    """
    builder = Builder("late", (4, 3, 3)).add("conv", 2, kernel=(1, 1)).add("conv", 2, kernel=(1, 1))
    builder.add("add", inputs=("conv0", "conv1")).add("batch_norm").add("fc", 2)
    names = [op.name for op in fused(builder.network(), "full").step.ops]
    assert names.index("conv1.EP") < names.index("conv1.WG") < names.index("batch_norm3.WU")


def test_a_sum_reads_the_whole_map_whoever_reads_the_sum() -> None:
    """The sum behind relu2 writes its mask, though a convolution reads a quarter of the sum."""
    builder = Builder("sum", (8, 8, 2)).add("conv", 3, kernel=(1, 1)).add("batch_norm").add("relu")
    builder.add("add", inputs=("relu2", "conv0")).add("conv", 2, kernel=(1, 1), stride=(2, 2))
    step = fused(builder.add("fc", 2).network(), "full").step
    assert "relu2.FF" not in {op.name for op in step.ops}
    assert made(step.op("add3.FF")) == ["add3.out", "relu2.mask"]


def test_the_normalized_map_is_made_again_without_parameters() -> None:
    read_back = read(fused(normalized(), "full").step.op("conv3.EP"))
    assert {"conv0.out", "batch_norm1.statistics"} < set(read_back)
    assert "batch_norm1.weight" not in read_back


def test_words_that_move_instead_count_once() -> None:
    """96 words of 3 channels. FF reads the map twice and 6 parameters, and writes result and stash.
    Instead it writes 6 sums, which FF, WG and EP of conv3 and WG of conv0 read, the first two with
    parameters. EP reads error and stash twice, and parameters, and writes the error. Instead EP of
    conv3 reads the map, and WG of conv0 map, parameters, gradients and sums.
    """
    saved = fused(normalized(), "full").saved
    assert saved["batch_norm1.FF"] == 2 * 96 + 6 + 2 * 96 - 6 - 2 * (6 + 6) - 6
    assert saved["batch_norm1.EP"] == 4 * 96 + 6 + 96 - 96 - (96 + 6 + 6 + 6)


@pytest.mark.parametrize("organization", ["von_neumann", "systolic"])
def test_an_upsampled_error_has_all_words_of_its_map(organization: str) -> None:
    """conv0.WG reads 4 x 4 errors of 2 channels at the addresses of 2 x 2."""
    builder = Builder("up", (4, 4, 2)).conv(2, side=1).conv(2, stride=2).add("relu")
    network = builder.add("fc", 2).network()
    words = {
        op.words
        for fusion in ("none", "epilogue")
        for op in simulate(
            network, machine(organization, fusion=fusion), rule="dilated", batch=1, trace="dense"
        ).ops
        if op.name == "conv0.WG"
    }
    assert len(words) == 1


def test_fused_ops_stand_where_their_work_is_done() -> None:
    network = normalized()
    result = simulate(
        network, machine("von_neumann", fusion="full"), rule="bp", batch=2, trace="dense"
    )
    ops = {op.name: op for op in result.ops}
    behind = ops["conv0.FF"]
    assert ops["batch_norm1.FF"].start_cycle == behind.start_cycle + behind.cycles
    assert ops["relu2.FF"].start_cycle == ops["conv3.FF"].start_cycle
    gone = {op.name for op in fused(network, "full").absorbed}
    assert {"batch_norm1.FF", "relu2.FF"} < gone
    for name in gone:
        assert (ops[name].cycles, ops[name].array_cycles.total) == (0, 0)


@pytest.mark.parametrize("fusion", ["none", "epilogue", "full"])
def test_all_operations_cost_energy_once(fusion: str) -> None:
    result = simulate(
        normalized(), machine("von_neumann", fusion=fusion), rule="bp", batch=2, trace="dense"
    )
    assert result.actions["vector.op"] == result.vector_ops
    (price,) = (
        each.pj
        for each in result.energy_sources
        if (each.component, each.action) == ("vector", "op")
    )
    for op in result.ops:
        energy = op.energy_by_component_pj.get("vector", 0.0)
        assert energy == pytest.approx(price * op.vector_ops)


def test_words_saved_are_not_negative() -> None:
    """6 words of 3 channels: sums and parameters are more than the map."""
    network = Builder("tiny", (1, 1, 3)).add("fc", 3).add("batch_norm").add("fc", 2).network()
    assert fused(network, "full").saved["batch_norm1.FF"] == 0


def test_a_line_buffer_is_read_through_the_port_of_reads() -> None:
    """Served among the writes, its reads would let an op end before its port could carry them."""
    ports = {"global_buffer": {"ports": 2, "width": 16, "banks": 4}}
    on = load_machine("von-neumann").replace(**ports)
    result = simulate("cifar10-conv", on, batch=2, trace="dense", objective="canonical")
    assert result.cycles > 0
