"""Conservation laws on random machines of every kind, random networks and every learning rule.

There are 300 examples, or 10,000 under the profile ``nightly`` (`make nightly-laws`), where they
differ in each run. Each kind of PE array and schedule is a separate test, so that workers can share
them. The books of memories (`accelsim.sim.ledger`) are kept in every run.
"""

from __future__ import annotations

import itertools
import json
import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from accelsim.config.names import Schedule
from accelsim.config.registries import RULES as LEARNING_RULES
from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.pe.mapping import Route
from accelsim.results.laws import violations
from accelsim.results.op import ArrayCycles
from accelsim.results.result import Result
from accelsim.rules.registry import check_rule
from accelsim.sim.ledger import VARIABLE
from accelsim.sim.observers import Observer
from accelsim.sim.planning.cold import Load
from accelsim.sim.planning.op_plan import OpPlan
from accelsim.sim.planning.traffic import moves
from accelsim.sim.run import OpRecord, Run
from accelsim.step.copies import copy_suffix
from accelsim.step.ops import Contraction, Pass
from accelsim.workload.network import Network
from accelsim.zeros.trace import Trace
from tests.examples import examples
from tests.random_machines import KINDS, any_machines, convolutions, machine, masks, trace_of
from tests.random_networks import network_of, networks
from tests.reference_networks import Builder
from tests.watched_machine import dram_of, peak_dram_bytes_per_cycle

pytestmark = pytest.mark.hypothesis

SHARDS = tuple(itertools.product(KINDS, map(str, Schedule)))
EXAMPLES = examples(300, nightly=10_000)
RULES = (
    *LEARNING_RULES.names(),
    "bp-only:p=0.5",
    "dfa:per_step=true",
    "sdfa:k=2",
    "sdfa:k=2,rank=1",
    "ssdfa:per_step=true",
    "triangular:per_step=true",
    "revised:groups=2,sparsity=0.5",
    "revised:binary=true,order=printed",
    "hdfa:p=0.5,sparsity=0.5",
)
ADDRESSING = (".shuffle", ".upsample")
SENT = {Route.MULTICAST, Route.SCATTER, Route.LOAD}
BETWEEN = {Route.PEER, Route.REDUCE}


@dataclass(frozen=True)
class Case:
    """A training step on a machine."""

    network: Network
    architecture: Machine
    rule: str
    batch: int
    trace: Trace | str
    schedule: str
    optimizer: str
    passes: tuple[str, ...]
    seed: int
    warm: bool = True
    checkpoint: str | None = None
    microbatch: int | None = None

    def simulate(self, architecture: Machine, schedule: str) -> tuple[list[Result], list[Run]]:
        """Simulate the step: results by kind of step, and their runs."""
        runs: list[Run] = []

        class Kept(Observer):
            def end(self, run: Run) -> None:
                runs.append(run)

        with patch.dict(os.environ, {VARIABLE: "1"}):
            result = simulate(
                self.network,
                architecture,
                rule=self.rule,
                batch=self.batch,
                trace=self.trace,
                trace_any_rule=True,
                schedule=schedule,
                optimizer=self.optimizer,
                passes=self.passes,
                warm=self.warm,
                checkpoint=self.checkpoint,
                microbatch=self.microbatch,
                seed=self.seed,
                observers=[Kept()],
            )
        check_document(result)
        return [step.result for step in result.steps] or [result], runs


@st.composite
def cases(draw: st.DrawFn, kind: str, schedule: str) -> Case:
    network = draw(st.one_of(convolutions(2), networks()))
    optimizer = draw(st.sampled_from(["sgd", "momentum", "adam"]))
    rule = draw(st.sampled_from([each for each in RULES if takes(network, each, optimizer)]))
    passes = draw(
        st.sampled_from([("ff", "ep", "wg", "wu")] * 4 + [("ff",), ("ep", "wg"), ("wg", "wu")])
    )
    trace = (
        trace_of(network, draw(masks(network, 2, weights=draw(st.booleans()))))
        if draw(st.booleans())
        else draw(st.sampled_from(["dense", "random:0.4"]))
    )
    architecture = draw(any_machines(kind))
    return Case(
        network,
        architecture,
        rule,
        draw(st.integers(1, 3)),
        trace,
        schedule,
        optimizer,
        passes,
        draw(st.integers(0, 3)),
        draw(st.sampled_from([True, True, True, False])),
    )


def takes(network: Network, rule: str, optimizer: str) -> bool:
    """True if the rule suits the network."""
    try:
        check_rule(network, rule, optimizer)
    except InputError:
        return False
    return True


@pytest.mark.parametrize(("kind", "schedule"), SHARDS)
def test_every_step_obeys_the_laws(kind: str, schedule: str) -> None:
    @settings(max_examples=-(-EXAMPLES // len(SHARDS)), suppress_health_check=list(HealthCheck))
    @given(cases(kind, schedule))
    def run(case: Case) -> None:
        check_step(case)

    run()


def check_step(case: Case) -> None:
    """Check every law on one step. Machines that are too small for an op are skipped."""
    try:
        results, runs = case.simulate(case.architecture, case.schedule)
    except InputError as error:
        # Some tiles do not fit the smallest memories.
        if "B to hold " not in str(error):
            raise
        assume(False)
    for result, simulated in zip(results, runs, strict=True):
        check_macs(result, case)
        check_cycles(result, simulated, case)
        check_energy(result)
        check_order(simulated)
        assert (result.step is None) == (len(case.passes) == len(Pass))
        assert result.step is None or result.step.cycles == simulated.cycles
        check_dram(result, simulated, case.architecture)
        check_roofline(simulated, case.architecture)
        for record in simulated.records:
            check_transfers(record.plan, case.architecture)
    check_work(results, case)


def check_document(result: Result) -> None:
    """A written result can be read again, and `accelsim check` reports nothing."""
    assert violations(Result.parse(json.loads(json.dumps(result.to_json())))) == []


def check_macs(result: Result, case: Case) -> None:
    for op in result.ops:
        macs = op.macs
        assert macs.dense == macs.executed + macs.skipped
        assert 0 <= macs.gated <= macs.executed <= macs.dense
        assert 0 <= macs.effectual <= macs.dense
        if case.architecture.pe_array.gating:
            assert macs.executed - macs.gated <= macs.effectual
        else:
            assert macs.gated == 0


def check_work(results: list[Result], case: Case) -> None:
    """Work and effectual MACs are properties of the step: another machine gives the same numbers,
    except for vector work that full fusion does again, and for addressing.
    """
    others, _ = case.simulate(machine("von_neumann"), "serial")
    fusion = case.architecture.fusion
    for result, other in zip(results, others, strict=True):
        assert work_of(result, fusion) == work_of(other, fusion)


def kind_of_work(name: str) -> str:
    """Name of an op without the ending of copies."""
    return name.removesuffix(copy_suffix(name))


def work_of(result: Result, fusion: str) -> dict[str, tuple[float, float, float]]:
    return {
        op.name: (
            op.macs.dense,
            op.macs.effectual,
            0 if fusion == "full" or kind_of_work(op.name).endswith(ADDRESSING) else op.vector_ops,
        )
        for op in result.ops
        if op.kind != "load"
    }


def check_cycles(result: Result, run: Run, case: Case) -> None:
    """Each cycle of the array, of every lane, of every partition and of the vector unit has exactly
    one cause.
    """
    array = case.architecture.pe_array
    lanes = array.rows * array.cols * array.lanes
    share = lanes if case.schedule == "serial" else lanes // case.architecture.partitions
    assert sum(causes(result.array_cycles)) == result.cycles
    records = [record for record in run.records if record.op.pass_.lower() in case.passes]
    for op, record in zip(result.ops, records, strict=True):
        assert min(causes(op.array_cycles)) >= 0
        assert sum(causes(op.array_cycles)) == op.cycles
        if record.plan.on_array:
            assert min(op.lane_cycles.by_cause().values()) >= 0
            assert op.lane_cycles.total == op.cycles * share
            assert op.macs.executed <= op.cycles * share
        if op.kind != "vector":
            assert op.lane_cycles.busy == op.macs.executed
    cycles = {cycle for record in records for cycle in range(record.start, record.end)}
    elsewhere = share * sum(
        cycle in cycles
        for record in run.records
        if record not in records and record.plan.on_array
        for cycle in range(record.start, record.end)
    )
    # Actions with a count of zero, such as the clock of lanes without work, have no entry.
    assert (
        sum(result.actions.get(action, 0) for action in ("control.clock", "control.idle_clock"))
        == lanes * result.cycles - elsewhere
    )
    assert result.actions.get("leakage.cycles", 0) == result.cycles == len(cycles)
    if result.step is None:
        assert result.cycles == max(record.end for record in run.records)
    assert (result.interval_cycles is None) == (result.step is not None or not case.warm)
    if case.schedule == "serial" and result.step is None:
        assert [op.start_cycle for op in result.ops] == list(
            itertools.accumulate((op.cycles for op in result.ops[:-1]), initial=0)
        )
        assert result.interval_cycles in (None, result.cycles)


def causes(cycles: ArrayCycles) -> list[float]:
    return list(cycles.by_cause().values())


def check_energy(result: Result) -> None:
    """Energy is the sum of counts times prices, and energy outside ops is reported separately."""
    unattributed = result.unattributed_by_component_pj or {}
    of_ops = math.fsum(op.energy_pj for op in result.ops) + math.fsum(unattributed.values())
    prices = {f"{each.component}.{each.action}": each.pj for each in result.energy_sources}
    of_actions = math.fsum(
        times * prices[action] for action, times in result.actions.items() if times
    )
    assert math.isclose(of_ops, result.energy_pj, rel_tol=1e-12)
    assert math.isclose(of_actions, result.energy_pj, rel_tol=1e-12)


def check_order(run: Run) -> None:
    """An op starts after all its dependencies have ended, and holds its component exclusively. Ops
    that others do have no time of their own.
    """
    records = [record for record in run.records if record.plan.block_cycles.size]
    end = {record.op.name: record.end for record in records}
    made = {
        tensor.name: record.op.name
        for record in records
        for tensor in record.op.outputs
        if not tensor.persistent
    }
    holders: dict[int | str | None, list[tuple[int, int]]] = {}
    for record in records:
        waits = {
            *record.op.depends_on,
            *(made[each.tensor.name] for each in record.op.operands if each.tensor.name in made),
        }
        assert all(end[name] <= record.start for name in waits), record.op.name
        unit = "dma" if isinstance(record.op, Load) else record.partition
        holders.setdefault(unit, []).append((record.start, record.end))
    for spans in holders.values():
        for (_, before), (start, _) in itertools.pairwise(sorted(spans)):
            assert before <= start


def check_dram(result: Result, run: Run, architecture: Machine) -> None:
    """Bursts carry all bytes; every clock of every rank is either active or precharged; refreshes
    are on time.
    """
    dram = dram_of(architecture)
    channels = architecture.dram.channels or dram.organisation.channels
    ranks = channels * dram.organisation.ranks
    records = [record for record in run.records if record.op.pass_ in passes_of(result)]
    for kind, parts in (
        ("read", [r.plan.loads for r in records]),
        ("write", [r.plan.stores for r in records]),
    ):
        nbytes = sum(part.nbytes for each in parts for part in each)
        assert result.actions.get(f"dram.{kind}_burst", 0) * dram.organisation.burst >= nbytes
        assert 8 * nbytes >= sum(record.plan.bits[f"dram_{kind}"] for record in records)
    if result.step is not None:
        return  # the step's clocks and refreshes are shared out
    clocks = sum(
        result.actions.get(action, 0)
        for action in ("dram.active_standby", "dram.precharge_standby")
    )
    assert clocks % ranks == 0
    assert clocks // ranks >= result.cycles * 10**12 // (architecture.clock_hz * dram.timing.tck_ps)
    assert (
        abs(result.actions.get("dram.refresh", 0) // ranks - clocks // ranks // dram.timing.tREFI)
        <= 1
    )
    assert result.actions.get("dram.precharge", 0) <= result.actions.get("dram.activate", 0)


def passes_of(result: Result) -> set[str]:
    return {op.pass_ for op in result.ops}


def check_transfers(plan: OpPlan, architecture: Machine) -> None:
    """Bits sent equal bits received: at each receiver of a multicast, at both ends of a link, and
    on both sides of the global buffer.
    """
    bits: Counter[str] = Counter()
    for moved in plan.moved:
        t = moved.transfer
        crossing = "in" if t.inbound else "out"
        bits[f"DRAM {crossing}"] += moved.dram_bits
        bits[f"stash {crossing}"] += moved.stash_bits
        if t.route in BETWEEN:
            bits["peer"] += moved.delivered_bits
            bits[f"peer {crossing}"] += moved.bits
            bits["arrived"] += moved.delivered_bits * (plan.on_array or not t.inbound)
        else:
            bits[f"{t.route} {crossing}"] += moved.bits * (t.deliveries > 0)
        queued = architecture.pe_array.takes_words_from_fifos and moves(plan.op, t)
        if t.route in SENT and not queued:
            kept = 0 if moved.encoded else moved.delivered_words * t.masked
            bits["arrived"] += moved.delivered_bits + kept
    sent = bits["multicast in"] + bits["scatter in"] + bits["load in"]
    assert plan.bits["dram_read"] == bits["DRAM in"]
    assert plan.bits["dram_write"] == bits["DRAM out"]
    # Words in a line buffer are read by the port for results if there is no other.
    kept = sum(rider.kept * rider.kept_bits for rider in plan.op.epilogue)
    taken = sum(rider.taken * rider.kept_bits for rider in plan.op.epilogue)
    alone = architecture.global_buffer.ports == 1
    assert plan.fill_buffer_bits == sent + bits["buffer in"] + taken * (not alone)
    out = bits["collect out"] + bits["buffer out"]
    assert plan.drain_buffer_bits == out + kept + taken * alone
    staged_out, staged_in = (bits[f"DRAM {way}"] + bits[f"stash {way}"] for way in ("out", "in"))
    assert (plan.staged_in_bits, plan.staged_out_bits) == (staged_in, staged_out)
    assert plan.bits["global_buffer_read"] == plan.fill_buffer_bits + staged_out + taken * alone
    assert plan.bits["global_buffer_write"] == plan.drain_buffer_bits + staged_in - taken * alone
    results = bits["collect out"] + bits["pass out"]
    stored = bits["home out"] + bits["stash out"]
    of_sums = plan.bits["scratchpad_write"] - bits["arrived"] - stored
    sums = {0}
    if plan.timing:
        every_mac = (plan.timing.executed - plan.timing.gated) * architecture.precision.psum
        if architecture.pe_array.kind == "row_stationary":
            sums = {every_mac}
        elif isinstance(plan.op, Contraction) and plan.op.nest.sums_samples:
            sums = {0, every_mac}  # outer products, unless the accumulators hold their sums
    assert of_sums in sums
    if architecture.noc.topology == "tree":
        assert (plan.fill_bits, plan.drain_bits, plan.peer_bits) == (
            sent,
            results,
            bits["peer"],
        )
        assert (plan.stash_in_bits, plan.stash_out_bits) == (bits["stash in"], bits["stash out"])
        return
    pes, ports = (
        architecture.pe_array.rows * architecture.pe_array.cols,
        architecture.noc.buffer_ports,
    )
    into, out = slice(4 * pes, 4 * pes + ports), slice(4 * pes + ports, 4 * pes + 2 * ports)
    fill, drain = (
        0 * np.arange(out.stop) if load is None else load
        for load in (plan.mesh_fill, plan.mesh_drain)
    )
    assert drain[out].sum() == results
    assert drain[into].sum() == 0
    for load, ports_there, ports_back, way in (
        (plan.mesh_load, out, into, "in"),
        (plan.mesh_store, into, out, "out"),
    ):
        assert (load is None) == (bits[f"stash {way}"] == 0)
        if load is not None:
            assert load[ports_there].sum() == bits[f"stash {way}"]
            assert load[ports_back].sum() == 0
    if plan.on_array or isinstance(plan.op, Load):
        # A word passes a port once, or once per port if its receivers are near different ports.
        assert sent <= fill[into].sum() <= ports * sent
        assert fill[out].sum() == 0
    else:
        # Words for several copies may pass a port more than once.
        crossed, back = fill[into].sum() + fill[out].sum() - bits["peer in"], bits["peer out"]
        assert back <= crossed <= ports * back


def check_roofline(run: Run, architecture: Machine) -> None:
    """No op, and no whole step, is faster than the lanes, any link, any memory or the vector unit
    allows.
    """
    array, pad = architecture.pe_array, architecture.scratchpad
    pads = run.residency.pes_per_partition * pad.banks * pad.width_bits
    for record in run.records:
        plan = record.plan
        within(record.cycles, [record], architecture)
        assert record.cycles >= int(plan.block_cycles.sum())
        if plan.on_array:
            assert int(plan.block_cycles.sum()) * pads >= through(
                plan.bits["scratchpad_read"], plan.bits["scratchpad_write"], pad.ports
            )
    within(run.cycles, run.records, architecture)
    executed = sum(record.plan.timing.executed for record in run.records if record.plan.timing)
    assert run.cycles * array.rows * array.cols * array.lanes >= executed


def within(cycles: int, records: Sequence[OpRecord], architecture: Machine) -> None:
    """Assert that the traffic of these ops fits links, buffer, DRAM and vector unit in ``cycles``
    cycles.
    """
    noc, buffer, unit = architecture.noc, architecture.global_buffer, architecture.vector_unit
    plans = [record.plan for record in records]
    assert cycles * noc.width_bits >= sum(plan.fill_bits + plan.stash_out_bits for plan in plans)
    assert cycles * noc.width_bits >= sum(plan.drain_bits + plan.stash_in_bits for plan in plans)
    assert cycles * noc.width_bits * noc.peer_links >= sum(plan.peer_bits for plan in plans)
    loads = [load for plan in plans for load in plan.mesh_bits if load is not None]
    assert not loads or cycles * noc.width_bits >= np.sum(loads, axis=0).max()
    read, written = (
        sum(plan.bits[f"global_buffer_{kind}"] for plan in plans) for kind in ("read", "write")
    )
    assert cycles * buffer.banks * buffer.width_bits >= through(read, written, buffer.ports)
    assert cycles >= sum(
        plan.bits["dram_read"] + plan.bits["dram_write"] for plan in plans
    ) / 8 / peak_dram_bytes_per_cycle(architecture) * (1 - 1e-9)
    assert cycles * unit.width * unit.ops_per_cycle >= sum(
        plan.vector_ops * (not plan.on_array) + sum(plan.ridden.values()) for plan in plans
    )


def through(read: int, written: int, ports: int) -> int:
    """Bits that pass the busiest port of a bank."""
    return read + written if ports == 1 else max(read, written)


def test_a_mask_of_input_and_hidden_state_encodes_neither_alone() -> None:
    cell = {"name": "cell", "kind": "rnn", "hidden": 2}
    layers = [
        {"name": "embedding", "kind": "embedding", "dim": 1},
        cell,
        {"name": "fc", "kind": "fc", "out_features": 2},
    ]
    network = network_of(
        {"name": "random", "input": {"sequence": 2, "vocabulary": 3}, "layers": layers}
    )
    for form in ("bitmap", "rle", "csc"):
        result = simulate(
            network, machine(format__activation=form), rule="bp", batch=3, trace="random:0.4"
        )
        assert any("cell.out.initial" in note for note in result.notes)


@pytest.mark.filterwarnings("error")
def test_weights_that_are_all_zero_take_no_room_without_their_zeros() -> None:
    network = network_of(
        {
            "name": "random",
            "input": {"height": 1, "width": 1, "channels": 4},
            "layers": [{"name": "fc", "kind": "fc", "out_features": 64}],
        }
    )
    trace = trace_of(network, {"fc.weight": np.zeros((64, 4), bool)})
    tight = {"scratchpad__working": "600B", "scratchpad__capacity": "601B"}
    encoded = simulate(
        network, machine(format__weight="rle", **tight), rule="bp", batch=1, trace=trace
    )
    dense = simulate(network, machine(**tight), rule="bp", batch=1, trace=trace)
    assert isinstance(encoded, Result)
    assert isinstance(dense, Result)
    assert encoded.spilled_words < dense.spilled_words


def test_windows_that_see_only_padding_read_no_word() -> None:
    network = (
        Builder("random", (1, 1, 1))
        .add("conv", 1, kernel=(1, 1), stride=(1, 3), padding=(0, 0, 1, 0))
        .add("fc", 2)
        .network()
    )
    case = Case(
        network, machine("systolic"), "bp", 1, "dense", "serial", "sgd", ("ff", "ep", "wg", "wu"), 0
    )
    check_step(case)
    (result,), _ = case.simulate(case.architecture, "serial")
    assert (result.ops[0].macs.executed, result.ops[0].macs.effectual) == (1, 0)


def test_indices_of_a_format_pass_the_ports_of_a_broadcast_array_that_walks_every_word() -> None:
    """A weight of 8 bits with an index of 1 bit takes two accesses of 8 bits, and the op as long as
    they need.
    """
    network = Builder("random", (5, 2, 1)).add("conv", 1, kernel=(1, 1)).add("fc", 2).network()
    words = dict.fromkeys(["weight", "activation", "error", "gradient", "feedback"], 8)
    architecture = machine(
        "von_neumann",
        pe_array__kind="broadcast",
        pe_array__rows=1,
        pe_array__cols=1,
        pe_array__lanes=1,
        pe_array__skip=dict.fromkeys(["ff", "ep", "wg"], "moving"),
        pe_array__gating=False,
        scratchpad__banks=1,
        scratchpad__width=8,
        format__weight="csc",
        format__index_bits=1,
        **{f"precision__{role}": bits for role, bits in words.items()},
    )
    trace = trace_of(network, {"conv0.weight": np.zeros((1, 1, 1, 1), np.bool_)})
    check_step(
        Case(network, architecture, "bp", 1, trace, "serial", "sgd", ("ff", "ep", "wg", "wu"), 0)
    )
