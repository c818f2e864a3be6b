"""The pipeline kernel against its plain twin in SimPy: the same blocks in the same cycles and the
same DRAM state, for any concurrent ops.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace

import numpy as np
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.cost.counters import ActionCounts
from accelsim.dram.channels import DramChannels
from accelsim.dram.rows import PICOSECONDS
from accelsim.dram.standard import DramSpec
from accelsim.kernels.links import servers as k
from accelsim.rules.registry import lower
from accelsim.sim.pipeline import Executed, Pipelines, Times
from accelsim.sim.planning.mesh import Mesh
from accelsim.sim.planning.op_plan import DramPart, OpPlan
from accelsim.step.ops import Op
from tests.dram_transfers import Moves, Transfer
from tests.examples import examples
from tests.naive import pipeline as naive
from tests.property.test_dram import specs
from tests.random_machines import machine
from tests.reference_networks import Builder

ROW = 64
STEP = lower(Builder("one", (2, 2, 2)).add("fc", 2).network(), "bp", 1)
OP: Op = STEP.ops[0]
VECTOR_OP: Op = STEP.op("loss.EP")


@dataclass
class Seen:
    """Observations of a run: start and end of ops, times of their stages, and their counts, in the
    order in which ops ended.
    """

    log: list[tuple[str, int, int]] = field(default_factory=list)
    times: list[dict[str, tuple[list[int], list[int]]]] = field(default_factory=list)
    serials: list[int] = field(default_factory=list)
    counts: list[list[tuple[tuple[str, str], int]]] = field(default_factory=list)


@dataclass(frozen=True)
class Draft:
    """An op: its delay after the previous op of its process, and its traffic."""

    wait: int
    block_cycles: tuple[int, ...]
    bits: tuple[int, ...]
    loads: tuple[tuple[str, int, int], ...]
    stores: tuple[tuple[str, int, int], ...]
    waits: tuple[int, int, int, int]
    vector: tuple[bool, int, int]
    mesh: tuple[tuple[tuple[int, int], ...], ...]
    stash: tuple[int, int]

    def plan(self, mesh_links: int) -> OpPlan:
        loads = [np.zeros(mesh_links, np.int64) for _ in range(4)]
        for stage, crossed in enumerate(self.mesh if mesh_links else ()):
            for link, bits in crossed:
                loads[stage][link % mesh_links] = bits
        fill_wait, drain_wait, staged_in_wait, staged_out_wait = self.waits
        fill, fill_buffer, peer, drain, drain_buffer, staged_in, staged_out = self.bits
        fetched, stowed = (
            each if mesh_links and each.any() else None for each in (loads[2], loads[3])
        )
        stash_in, stash_out = (0, 0) if mesh_links else self.stash
        brings = self.loads or stash_in or fetched is not None
        sends = self.stores or stash_out or stowed is not None
        own, fill_vector, drain_vector = self.vector
        return OpPlan(
            VECTOR_OP if own else OP,
            not own,
            range(1),
            np.array(self.block_cycles, np.int64),
            None,
            None,
            tuple(DramPart(*part) for part in self.loads),
            tuple(DramPart(*part) for part in self.stores),
            (),
            {},
            {},
            ActionCounts(),
            loads[0] if mesh_links else None,
            loads[1] if mesh_links else None,
            fill_bits=fill,
            fill_buffer_bits=fill_buffer,
            peer_bits=peer,
            drain_bits=drain,
            drain_buffer_bits=drain_buffer,
            staged_in_bits=staged_in if brings else 0,
            staged_out_bits=staged_out if sends else 0,
            fill_wait=fill_wait if fill_buffer else 0,
            drain_wait=drain_wait if drain_buffer else 0,
            staged_in_wait=staged_in_wait if brings else 0,
            staged_out_wait=staged_out_wait if sends else 0,
            stash_in_bits=stash_in,
            stash_out_bits=stash_out,
            mesh_load=fetched,
            mesh_store=stowed,
            fill_vector=0 if own else fill_vector,
            drain_vector=0 if own else drain_vector,
        )


sizes = {"A": 1, "B": 100, "C": 700, "D": 5000, "E": 64}
parts = st.lists(
    st.tuples(st.sampled_from(sorted(sizes)), st.integers(1, 3000)),
    max_size=3,
    unique_by=lambda part: part[0],
).map(lambda found: tuple((name, sizes[name], nbytes) for name, nbytes in found))
amounts = st.sampled_from([0, 0, 1, 7, 64, 300, 5000])
drafts = st.builds(
    Draft,
    st.sampled_from([0, 0, 1, 5, 100]),
    st.lists(st.sampled_from([0, 0, 1, 2, 10, 100]), min_size=1, max_size=12).map(tuple),
    st.tuples(*[amounts] * 7),
    parts,
    parts,
    st.tuples(*[st.sampled_from([0, 0, 1, 13])] * 4),
    st.tuples(st.booleans(), *[st.sampled_from([0, 0, 1, 30])] * 2),
    st.tuples(*[st.lists(st.tuples(st.integers(0, 99), amounts), max_size=4).map(tuple)] * 4),
    st.tuples(amounts, amounts),
)


def run(
    pipelines: Pipelines | naive.Pipelines, mesh_links: int, processes: list[list[Draft]]
) -> tuple[Seen, object]:
    """Run processes in parallel, each with one op after another. A resource is passed on at the end
    of each op, as between the ops of a step.
    """
    env: simpy.Environment = pipelines.env
    seen = Seen()
    shared = simpy.PriorityResource(env)

    def process(number: int, ops: list[Draft]) -> Generator[simpy.Event, None, None]:
        for index, draft in enumerate(ops):
            if draft.wait:
                yield pipelines.timeout(draft.wait)
            with shared.request(priority=number) as request:
                yield request
            plan = draft.plan(mesh_links)
            start = int(env.now)
            executed: Executed = yield from pipelines.run(plan, lambda name: name)
            times: Times = executed.times
            seen.log.append((f"{number}.{index}", start, int(env.now)))
            seen.times.append(
                {name: (each.started.tolist(), each.done.tolist()) for name, each in times.items()}
            )
            seen.serials.append(executed.serial)
            seen.counts.append(list(executed.commands))

    for number, ops in enumerate(processes):
        env.process(process(number, ops))
    pipelines.play()
    served = [pipelines.served(link) for link in range(k.MESH + mesh_links)]
    return seen, (served, pipelines.rows._places, pipelines.rows.peak_bytes, env.now)


def check_transfers(
    asked: list[naive.Asked], ends: dict[tuple[int, str, int], int], spec: DramSpec, clock_hz: int
) -> tuple[DramChannels, dict[int, tuple[int, ...]]]:
    """A block of a load or store ends with the port of the global buffer or its last transfer.

    Returns the DRAM after the transfers, moved without a machine, and the commands of each op.
    """
    channels = DramChannels(spec, 1)
    moves = Moves(channels)
    period = spec.timing.tck_ps * clock_hz
    moves.run(
        Transfer(
            -(-each.cycle * PICOSECONDS // period),
            each.base,
            each.size,
            each.offset,
            each.nbytes,
            each.write,
            each.key,
        )
        for each in asked
    )
    found: dict[tuple[int, str, int], int] = {}
    for key, each in zip(moves.order, asked, strict=True):
        end = -(-moves.ends[key] * period // PICOSECONDS)
        found[each.block] = max(found.get(each.block, each.port), end)
    assert found == {block: ends[block] for block in found}
    commands: dict[int, tuple[int, ...]] = {}
    for key, counts in moves.commands.items():
        known = commands.get(key[0], (0, 0, 0, 0))
        commands[key[0]] = tuple(one + other for one, other in zip(known, counts, strict=True))
    return channels, commands


@settings(max_examples=examples(200))
@given(
    specs(),
    st.lists(st.lists(drafts, min_size=1, max_size=3), min_size=1, max_size=4),
    st.sampled_from(["1GHz", "800MHz", "933MHz", "7Hz"]),
    st.sampled_from(["tree", "mesh"]),
    st.integers(1, 2),
)
def test_blocks_pass_as_through_the_plain_twin(
    spec: DramSpec, processes: list[list[Draft]], clock: str, topology: str, ports: int
) -> None:
    small = {
        "noc__width": 7,
        "noc__peer_links": 2,
        "global_buffer__width": 8,
        "global_buffer__banks": 2,
    }
    architecture = machine(clock=clock, noc__topology=topology, global_buffer__ports=ports, **small)
    mesh = Mesh.of(architecture)
    links = mesh.links if mesh else 0
    channels = DramChannels(spec, 1)
    found, rest = run(Pipelines(architecture, channels, ROW, len(processes)), links, processes)
    ends = {
        (serial, name, block): cycle
        for serial, times in zip(found.serials, found.times, strict=True)
        for name, (_, done) in times.items()
        for block, cycle in enumerate(done)
    }
    twin = naive.Pipelines(architecture, channels, ROW, len(processes))
    twin.ends = ends
    wanted, wanted_rest = run(twin, links, processes)
    assert replace(found, counts=[]) == replace(wanted, counts=[])
    assert rest == wanted_rest
    moved, commands = check_transfers(twin.asked, ends, spec, architecture.clock_hz)
    for one, two in zip(channels.system.dram, moved.system.dram, strict=True):
        np.testing.assert_array_equal(one, two)
    names = ("activate", "precharge", "read_burst", "write_burst")
    assert found.counts == [
        [
            (("dram", name), count)
            for name, count in zip(names, commands.get(serial, ()), strict=False)
            if count
        ]
        for serial in found.serials
    ]


@given(st.integers(0, 10**13), st.integers(1, 10**12), st.integers(1, 10**12))
def test_scaling_does_not_overflow(value: int, by: int, over: int) -> None:
    exact = -(-value * by // over)
    if exact < 2**62:
        assert k.scaled(value, by, over) == exact


@given(st.integers(0, 10**15), st.integers(1, 10**6), st.data())
def test_shares_do_not_overflow(total: int, blocks: int, data: st.DataObject) -> None:
    block = data.draw(st.integers(0, blocks - 1))
    assert k.share(total, block, blocks) == naive.share(total, block, blocks)
