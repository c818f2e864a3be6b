"""The simulator on random networks and machines, against the plain twin of whole ops, and the
conservation laws of results.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.experiment.trace_choice import random_trace
from accelsim.machine.architecture import Machine
from accelsim.results.laws import violations
from accelsim.results.result import Result
from accelsim.rules.registry import lower, parse_rule
from accelsim.sim.planning.traffic import moves
from accelsim.workload.network import Network
from tests.examples import examples
from tests.naive.links import LinkTwin
from tests.naive.machine import Counts, Twin, run
from tests.random_machines import (
    SKIPS,
    convolutions,
    lanes_of,
    machine,
    machines,
    masks,
    placements,
    trace_of,
)
from tests.random_networks import network_of, networks, sequence_workloads, token_workloads
from tests.watched_machine import Watched, peak_dram_bytes_per_cycle, watch

RULES = {
    "bp": 0,
    "bp-only": 0,
    "fa": 0,
    "dfa": 0,
    "bdfa": 0,
    "ssdfa": 1,
    "sdfa:k=2": 2,
    "sdfa:k=2,rank=10": 2,
    "ssdfa:per_step=true": 1,
    "frozen": 0,
}
MODULAR = ["modular", "conv-dfa", "dilated"]
MODULAR += ["revised", "revised:groups=2,binary=true", "revised:groups=2,order=printed"]

PSUM_BITS = 32
"""Bits of a partial sum in every generated machine."""


def lowers(network: Network, rule: str) -> bool:
    """True if the rule accepts the network. Only modular rules refuse networks: because of
    recurrent layers, modules or groups.
    """
    try:
        lower(network, rule, 1)
    except InputError:
        assert rule in MODULAR
        return False
    return True


def simulated(result: Result) -> dict[str, Counts]:
    """Contractions of a result in the form of the twin's counts."""
    found = {}
    for op in result.ops:
        if op.kind == "vector":
            continue
        stalls = op.array_cycles.stall.total
        counted = {
            key: getattr(op.macs, key) for key in ("dense", "effectual", "executed", "gated")
        }
        causes = {
            key: getattr(op.lane_cycles, key)
            for key in ("busy", "window_empty", "imbalance", "idle")
        }
        found[op.name] = Counts(**counted, cycles=op.cycles - stalls, **causes)
    return found


def compare(
    network: Network,
    architecture: Machine,
    found: Mapping[str, np.ndarray],
    batch: int,
    rule: str,
    seed: int,
) -> None:
    result = simulate(
        network,
        architecture,
        rule=rule,
        batch=batch,
        trace=trace_of(network, found),
        trace_any_rule=True,
        seed=seed,
    )
    lanes = lanes_of(architecture)
    twin = (LinkTwin if rule in MODULAR else Twin)(
        network, found, batch, lanes, rule, RULES.get(rule, 0), seed
    )
    twin.rank = 10 if rule.endswith("rank=10") else 0
    if isinstance(twin, LinkTwin):
        twin.spec = parse_rule(rule)
    expected = {name: run(work, lanes) for name, work in twin.ops().items()}
    assert simulated(result) == expected


@given(st.data())
def test_convolutions_take_the_cycles_and_macs_of_the_plain_twin(data: st.DataObject) -> None:
    network = data.draw(convolutions(2))
    samples = data.draw(st.integers(1, 2))
    rule = data.draw(
        st.sampled_from([name for name, k in RULES.items() if k <= network.output.out_shape[2]])
    )
    found = data.draw(masks(network, samples))
    compare(
        network,
        data.draw(machines()),
        found,
        data.draw(st.integers(1, 3)),
        rule,
        data.draw(st.integers(0, 3)),
    )


@given(st.data())
def test_links_take_the_cycles_and_macs_of_the_plain_twin(data: st.DataObject) -> None:
    network = data.draw(convolutions(3))
    rule = data.draw(st.sampled_from(MODULAR))
    assume(lowers(network, rule))
    found = data.draw(masks(network, data.draw(st.integers(1, 2))))
    compare(network, data.draw(machines()), found, data.draw(st.integers(1, 3)), rule, 0)


@settings(max_examples=examples(30))
@given(st.data())
def test_sequences_take_the_cycles_and_macs_of_the_plain_twin(data: st.DataObject) -> None:
    network = network_of(data.draw(sequence_workloads()))
    samples = data.draw(st.integers(1, 2))
    rule = data.draw(
        st.sampled_from([name for name, k in RULES.items() if k <= network.output.out_shape[2]])
    )
    found = data.draw(masks(network, samples))
    compare(
        network,
        data.draw(machines()),
        found,
        data.draw(st.integers(1, 3)),
        rule,
        data.draw(st.integers(0, 3)),
    )


@settings(max_examples=examples(200))
@given(st.data())
def test_transformers_take_the_cycles_and_macs_of_the_plain_twin(data: st.DataObject) -> None:
    network = network_of(data.draw(token_workloads()))
    rule = data.draw(
        st.sampled_from([name for name, k in RULES.items() if k <= network.output.out_shape[2]])
    )
    found = data.draw(masks(network, data.draw(st.integers(1, 2))))
    compare(
        network,
        data.draw(machines()),
        found,
        data.draw(st.integers(1, 3)),
        rule,
        data.draw(st.integers(0, 3)),
    )


# The conservation laws


FIFOS = tuple({"pe_array__kind": "broadcast", "pe_array__fifo_depth": depth} for depth in (1, 8))


@st.composite
def tight_machines(draw: st.DrawFn) -> Machine:
    """A machine of any kind with memories and links so small that tensors spill, stall and are
    fetched again.
    """
    kind = draw(st.sampled_from(["near_memory", "near_memory", "von_neumann", "systolic"]))
    staging = draw(st.sampled_from([16, 64, 1024]))
    near = {
        "near_memory__transpose": draw(
            st.sampled_from(["remote_read", "psum_reduce", "transposable"])
        ),
        "near_memory__update": draw(st.sampled_from(["fused", "separate"])),
        "near_memory__feedback": draw(st.sampled_from(["stored", "prng"])),
        "vector_unit__update_in_pe": draw(st.booleans()),
        "scratchpad__capacity": f"{600 + draw(st.integers(1, 200))}B",
    }
    lanes = {
        **draw(
            st.sampled_from(
                [
                    *({"pe_array__window": window} for window in (1, 4, 16)),
                    {"pe_array__kind": "coupled"},
                    *FIFOS,
                ]
            )
        ),
        "pe_array__skip": {name: draw(st.sampled_from(SKIPS)) for name in ("ff", "ep", "wg")},
        "pe_array__skip_outputs": draw(st.booleans()),
        "pe_array__structural_zeros": draw(st.sampled_from(["removed", "window"])),
        "scratchpad__working": "600B",
    }
    if lanes.get("pe_array__kind") == "broadcast":
        near["near_memory__transpose"] = draw(st.sampled_from(["remote_read", "transposable"]))
    return machine(
        kind,
        **({} if kind == "systolic" else lanes),
        **(near if kind == "near_memory" else {}),
        **draw(placements()),
        global_buffer__capacity=f"{2 * staging + draw(st.sampled_from([1, 100, 2000, 100000]))}B",
        global_buffer__staging=f"{staging}B",
        global_buffer__banks=draw(st.sampled_from([1, 4])),
        global_buffer__width=draw(st.sampled_from([8, 64])),
        noc__width=draw(st.sampled_from([7, 16, 256])),
        noc__peer_links=draw(st.integers(1, 2)),
        noc__topology=draw(st.sampled_from(["tree", "tree", "mesh"])),
        noc__buffer_ports=draw(st.integers(1, 2)),
        global_buffer__ports=draw(st.integers(1, 2)),
        global_buffer__conflicts=draw(st.sampled_from(["ideal", "modelled"])),
        global_buffer__interleave=draw(st.sampled_from(["word", "block"])),
        scratchpad__ports=draw(st.integers(1, 2)),
        vector_unit__width=draw(st.sampled_from([1, 64])),
        dram__channels=draw(st.integers(1, 2)),
        partitions=draw(st.sampled_from([1, 2, 3])),
    )


@given(st.data())
def test_every_result_obeys_the_laws(data: st.DataObject) -> None:
    network = data.draw(st.one_of(convolutions(2), networks()))
    architecture = data.draw(tight_machines())
    every = [
        "dfa:per_step=true",
        *(name for name, k in RULES.items() if k <= network.output.out_shape[2]),
    ]
    rule = data.draw(st.sampled_from([*every, *MODULAR]))
    assume(lowers(network, rule))
    schedule, optimizer = (
        data.draw(st.sampled_from(["serial", "unlocked"])),
        data.draw(st.sampled_from(["sgd", "momentum", "adam"])),
    )
    trace = trace_of(network, data.draw(masks(network, 2, weights=data.draw(st.booleans()))))
    batch = data.draw(st.integers(1, 3))
    result = simulate(
        network,
        architecture,
        rule=rule,
        batch=batch,
        trace=trace,
        trace_any_rule=True,
        schedule=schedule,
        optimizer=optimizer,
    )
    document = result.to_json()
    assert violations(Result.parse(json.loads(json.dumps(document)))) == []
    array = architecture.pe_array
    lanes = array.rows * array.cols * array.lanes
    share = lanes // (architecture.partitions if schedule == "unlocked" else 1)
    for op in result.ops:
        assert op.lane_cycles.total in {op.cycles * lanes, op.cycles * share}
        assert min(op.lane_cycles.by_cause().values()) >= 0
        assert min(op.array_cycles.by_cause().values()) >= 0
        assert 0 <= op.macs.gated <= op.macs.executed <= op.macs.dense
        assert op.macs.effectual <= op.macs.dense
        assert op.cycles >= op.macs.executed / share
    if schedule == "serial":
        assert [op.start_cycle for op in result.ops] == list(
            itertools.accumulate((op.cycles for op in result.ops[:-1]), initial=0)
        )
        assert result.interval_cycles == result.cycles


@given(st.data())
def test_words_live_somewhere_from_their_producer_to_their_last_reader(data: st.DataObject) -> None:
    network = data.draw(st.one_of(convolutions(2), networks()))
    architecture = data.draw(tight_machines())
    rule = data.draw(
        st.sampled_from(
            ["bp", "fa", "dfa", "dfa:per_step=true", "bdfa", "ssdfa", "frozen", *MODULAR]
        )
    )
    assume(lowers(network, rule))
    schedule = data.draw(st.sampled_from(["serial", "unlocked"]))
    trace = random_trace(network, 0.5, 2, 0) if data.draw(st.booleans()) else None
    seen = watch(network, architecture, rule, data.draw(st.integers(1, 3)), trace, schedule)
    check_order(seen)
    check_partitions(seen, schedule)
    check_dram(seen, architecture)
    check_capacities(seen, architecture)
    check_roofline(seen, architecture)
    check_links(seen, architecture)
    check_memories(seen)


def check_order(seen: Watched) -> None:
    """No op starts before its dependencies have ended, and no two ops hold a component at the same
    time.
    """
    end = {record.op.name: record.end for record in seen.run.records}
    assert len(end) == len(seen.step.ops)
    made = {
        tensor.name: op.name
        for op in seen.step.ops
        for tensor in op.outputs
        if not tensor.persistent
    }
    holders: dict[object, list[tuple[int, int]]] = {}
    for record in seen.run.records:
        waits = {
            *record.op.depends_on,
            *(
                made[operand.tensor.name]
                for operand in record.op.operands
                if operand.tensor.name in made
            ),
        }
        assert all(end[name] <= record.start for name in waits), record.op.name
        holders.setdefault(record.partition, []).append((record.start, record.end))
    for spans in holders.values():
        for (_, before), (start, _) in itertools.pairwise(sorted(spans)):
            assert before <= start


def check_partitions(seen: Watched, schedule: str) -> None:
    """An op on the array runs in the partition of its home.

    An op without a home waits only while no partition is free, and takes the free one with the
    lowest number. Among waiting ops, the first in the step's order is served first.
    """
    residency = seen.run.residency
    count = len(residency.free_bytes)
    end = {record.op.name: record.end for record in seen.run.records}
    order = {op.name: position for position, op in enumerate(seen.step.ops)}
    held = [
        sorted(
            (record.start, record.end) for record in seen.run.records if record.partition == number
        )
        for number in range(count)
    ]
    anywhere = []
    for record in seen.run.records:
        if record.partition is None:
            continue
        home = residency.partition(record.op)
        assert home == record.partition if home is not None else 0 <= record.partition < count
        ready = max((end[name] for name in record.op.depends_on), default=0)
        if home is None and schedule == "unlocked":
            anywhere.append((order[record.op.name], ready, record.start))
            for number, spans in enumerate(held):
                free = ready
                for start, stop in spans:
                    free = max(free, stop) if start <= free else free
                assert free >= record.start
                assert number >= record.partition or any(
                    start <= record.start <= stop for start, stop in spans
                )
    for (_, ready, start), (_, _, later) in itertools.combinations(sorted(anywhere), 2):
        assert start <= later or ready >= later


def check_dram(seen: Watched, architecture: Machine) -> None:
    """DRAM is read only for tensors from outside, for data written there before, and for spilled
    words.
    """
    made = {tensor.name for op in seen.step.ops for tensor in op.outputs if not tensor.persistent}
    sizes = {
        t.name: -(-seen.memory.bits(t) // 8)
        for op in seen.step.ops
        for t in (*op.outputs, *(o.tensor for o in op.operands))
    }
    tensors = {
        t.name: t for op in seen.step.ops for t in (*op.outputs, *(o.tensor for o in op.operands))
    }
    written: dict[str, int] = {}
    for record in seen.run.records:
        plan = record.plan
        operands = {operand.tensor.name for operand in record.op.operands}
        for part in plan.loads:
            assert part.tensor in operands
            assert part.size_bytes == sizes[part.tensor]
            assert part.nbytes > 0
            if part.tensor in made:
                assert written.get(part.tensor, 0) > 0, (
                    f"{record.op.name} reads {part.tensor}, which is not in DRAM"
                )
            home = seen.run.residency.home(tensors[part.tensor])
            assert home is None or home.spilled, (
                f"{record.op.name} reads {part.tensor}, which is in the scratchpads"
            )
        for part in plan.stores:
            assert part.tensor in {tensor.name for tensor in record.op.outputs}
            written[part.tensor] = written.get(part.tensor, 0) + part.nbytes
        assert sum(part.nbytes for part in plan.loads) <= plan.bits["dram_read"] / 8 + len(
            plan.loads
        )
        assert sum(part.nbytes for part in plan.loads) >= plan.bits["dram_read"] / 8
    if architecture.organization == "von_neumann":
        # Weights are only in DRAM, so every op that multiplies by them reads all of them there.
        for record in seen.run.records:
            loaded = {part.tensor: part.nbytes for part in record.plan.loads}
            for operand in record.op.operands:
                if operand.tensor.persistent:
                    assert loaded[operand.tensor.name] >= sizes[operand.tensor.name]


def check_capacities(seen: Watched, architecture: Machine) -> None:
    """The global buffer and the PEs' scratchpads never exceed their capacity, and are empty at the
    end.
    """
    buffer, pad = architecture.global_buffer, architecture.scratchpad
    room = 8 * (buffer.capacity_bytes - 2 * buffer.staging_bytes)
    tensors = {
        t.name: t for op in seen.step.ops for t in (*op.outputs, *(o.tensor for o in op.operands))
    }
    pinned = sum(seen.memory.bits(tensors[name]) for name in seen.memory._pinned)
    for free, held, free_bytes in seen.snapshots:
        assert free >= 0
        assert free + held + pinned == room
        assert all(0 <= each <= pad.capacity_bytes - pad.working_bytes for each in free_bytes)
    assert seen.memory._in_buffer == {}
    assert seen.memory._local == {}
    rooms = seen.run.residency.stash_rooms
    assert all((room.stash_bits, room.gradient_bytes) == (0, 0) for room in rooms)
    assert seen.memory.in_pads.peak_bytes <= sum(room.total_bytes for room in rooms)
    residency = seen.run.residency
    layers = {
        t.name: op.layer
        for op in seen.step.ops
        for t in (*op.outputs, *(o.tensor for o in op.operands))
    }
    bits = [0] * len(residency.free_bytes)
    for name, home in residency.homes.items():
        assert home.resident + home.spilled == tensors[name].elements
        assert min(home.resident, home.spilled) >= 0
        assert home.copies * tensors[name].home_channels <= max(
            residency.pes_per_partition, tensors[name].home_channels
        )
        part = residency.partition_of_feedback.get(name, residency.partition_of[layers[name]])
        bits[part] += (
            home.resident * home.copies * seen.memory.bits(tensors[name]) // tensors[name].elements
        )
    for held in bits:
        assert held <= 8 * residency.pes_per_partition * (pad.capacity_bytes - pad.working_bytes)


def check_roofline(seen: Watched, architecture: Machine) -> None:
    """No op, and no whole step, is faster than the array, a link, the buffer or DRAM allows."""
    width, buffer = architecture.noc.width_bits, architecture.global_buffer
    port = buffer.ports * buffer.banks * buffer.width_bits
    pad = architecture.scratchpad
    pads = seen.run.residency.pes_per_partition * pad.banks * pad.width_bits * pad.ports
    bus = peak_dram_bytes_per_cycle(architecture)
    plans = [record.plan for record in seen.run.records]
    for record in seen.run.records:
        plan = record.plan
        assert record.cycles >= int(plan.block_cycles.sum())
        assert record.cycles >= max(plan.fill_bits, plan.drain_bits) / width
        assert record.cycles >= plan.peer_bits / (width * architecture.noc.peer_links)
        assert record.cycles >= max(plan.stash_in_bits, plan.stash_out_bits) / width
        for loads in plan.mesh_bits:
            assert loads is None or record.cycles >= loads.max() / width
        moved = (
            plan.fill_buffer_bits
            + plan.drain_buffer_bits
            + plan.staged_in_bits
            + plan.staged_out_bits
        )
        assert moved == plan.bits["global_buffer_read"] + plan.bits["global_buffer_write"]
        assert record.cycles >= moved / port
        assert record.cycles >= (plan.bits["dram_read"] + plan.bits["dram_write"]) / 8 / bus
        if plan.on_array:
            assert (
                int(plan.block_cycles.sum())
                >= (plan.bits["scratchpad_read"] + plan.bits["scratchpad_write"]) / pads
            )
    assert seen.run.cycles >= sum(plan.fill_bits for plan in plans) / width
    assert (
        seen.run.cycles
        >= sum(plan.bits["global_buffer_read"] + plan.bits["global_buffer_write"] for plan in plans)
        / port
    )
    assert (
        seen.run.cycles
        >= sum(plan.bits["dram_read"] + plan.bits["dram_write"] for plan in plans) / 8 / bus
    )


def check_links(seen: Watched, architecture: Machine) -> None:
    """Links carry exactly the bits sent over them, and every word from the global buffer arrives
    once at each receiver.
    """
    for record in seen.run.records:
        plan, op = record.plan, record.op
        inbound = [each for each in seen.transfers[record.step, op.name] if each.inbound]
        sent = [each for each in inbound if str(each.route) in {"multicast", "scatter"}]
        mesh = plan.mesh_fill is not None
        given = sum(each.words * each.bits for each in sent)
        assert plan.fill_bits == (0 if mesh else given)
        peer = [each for each in seen.transfers[record.step, op.name] if str(each.route) == "peer"]
        reduced = [each for each in inbound if str(each.route) == "reduce"]
        home = [
            each
            for each in seen.transfers[record.step, op.name]
            if str(each.route) == "home" and not each.inbound
        ]
        # A mask bit is computed when a word arrives, so it crosses no link.
        # Words of FIFOs enter no scratchpad.
        fifos = architecture.pe_array.takes_words_from_fifos
        queued = [each for each in sent if fifos and moves(op, each)]
        arrived = sum(
            each.deliveries * (each.bits + each.masked) for each in sent if each not in queued
        )
        # For ops off the array, words with a home go to the vector unit and back.
        stored = [each for each in peer if plan.on_array or not each.inbound]
        arrived += sum(each.deliveries * each.bits for each in (*stored, *reduced, *home))
        if plan.timing is not None:
            arrived += plan.timing.sum_updates * PSUM_BITS
        stashed = [each for each in plan.moved if each.stash_bits and not each.transfer.inbound]
        arrived += sum(each.stash_bits for each in stashed)
        assert plan.bits["scratchpad_write"] == arrived
        assert plan.peer_bits == (
            0 if mesh else sum(each.deliveries * each.bits for each in (*peer, *reduced))
        )
        loads = [each for each in plan.mesh_bits if each is not None]
        if loads:
            # Every hop is on a link, and words from the global buffer enter through at least one of
            # its ports.
            assert plan.counts["noc", "bit_hops"] == sum(int(each.sum()) for each in loads)
            assert sum(int(each.sum()) for each in loads) >= given
        assert plan.words["remote"] == sum(each.deliveries for each in (*peer, *reduced))


def check_memories(seen: Watched) -> None:
    """A tensor made in the step is read from DRAM only after it was written there; bytes moved
    equal those requested by ops; rows are never shared.
    """
    made = {tensor.name for op in seen.step.ops for tensor in op.outputs if not tensor.persistent}
    written: set[object] = set()
    wiped_out = {
        t.name
        for each in seen.run.records
        if each.plan.timing and not each.plan.timing.outputs
        for t in each.op.outputs
    }
    for each in seen.journal.crossings:
        if each.write:
            written.add(each.tensor)
        elif isinstance(each.tensor, tuple):
            assert each.tensor[1] in made
            assert each.tensor in written or each.tensor[1] in wiped_out
        else:
            assert each.tensor not in made
    for write in (False, True):
        parts = [
            part
            for record in seen.run.records
            for part in (record.plan.stores if write else record.plan.loads)
        ]
        assert sum(each.nbytes for each in seen.journal.crossings if each.write is write) == sum(
            part.nbytes for part in parts
        )
    # No op writes more of a tensor than there is.
    for record in seen.run.records:
        for part in record.plan.stores:
            assert part.nbytes <= part.size_bytes
