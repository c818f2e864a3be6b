"""The machine: components, and the processes that take a step's ops through them.

Components are FIFO servers (NoC down, up and peer links, global buffer, DRAM), partitions of the PE
array and the vector unit. An op holds its partition (or the vector unit) from its first transfer to
its last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import simpy

from accelsim.config.names import Schedule
from accelsim.cost.counters import ActionCounts
from accelsim.cost.energy import EnergyTable
from accelsim.dram.channels import DramChannels
from accelsim.dram.rows import PICOSECONDS
from accelsim.dram.standard import DramSpec
from accelsim.errors import LawViolation
from accelsim.kernels.links.servers import BUFFER, BUFFER_WRITE, DOWN, MESH, PEER, UP
from accelsim.machine.architecture import Architecture
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import Residency, allocate, updates_in_pe
from accelsim.pe.registry import pe_kind
from accelsim.pe.timing import TimingModel
from accelsim.sim.choice import Choice
from accelsim.sim.encodings import encode
from accelsim.sim.ledger import Ledger
from accelsim.sim.memory import TensorMemory
from accelsim.sim.op_plan import OpPlan
from accelsim.sim.partitions import Partitions
from accelsim.sim.pipeline import Pipelines, Process, Times, stalls
from accelsim.sim.plan import Planner
from accelsim.step.ops import Contraction, Op, TrainingStep
from accelsim.zeros.masks import MaskSource

Progress = Callable[[int, int], None]
"""Called with (ops done, ops in all)."""

LEAST_STEPS, MOST_STEPS, SETTLED = 6, 64, 2
REFRESHES = 16
"""For the steady-state interval, steps are run until they cover that many DRAM refreshes, which
move the ends of single steps; from step `SETTLED` on the ends are taken as evenly spaced.
"""


@dataclass
class OpRecord:
    """What one op did: its plan, the cycles [start, end) in which it held its component, and the
    array's waiting by cause.

    ``partition``: the component, a partition of the array or, None, the vector unit.
    """

    plan: OpPlan
    step: int
    partition: int | None
    start: int = 0
    end: int = 0
    stalls: dict[str, int] = field(default_factory=dict)

    @property
    def op(self) -> Op:
        return self.plan.op

    @property
    def cycles(self) -> int:
        return self.end - self.start


@dataclass
class Run:
    """A finished simulation of one step. ``background``: actions of no op (leakage, idle clocks,
    DRAM standby and refresh).

    ``stored_dense``: tensors that the machine has a format for, but whose zeros nobody knows.
    """

    records: list[OpRecord]
    cycles: int
    interval_cycles: int
    peak_stash_bytes: int
    residency: Residency
    lanes: int
    background: ActionCounts
    partition_lanes: int
    peak_dram_bytes: int
    dram_overcommitted: bool
    stored_dense: tuple[str, ...] = ()


class Machine:
    """One machine, ready to run training steps."""

    def __init__(
        self,
        architecture: Architecture,
        dram: DramSpec,
        masks: MaskSource,
        prices: EnergyTable | None = None,
    ) -> None:
        """``prices``: for an objective of energy in choosing mappings."""
        self._architecture = architecture
        self._dram = dram
        self._prices = prices
        self._model = pe_kind(architecture).timing(masks)

    def run(self, step: TrainingStep, schedule: str, progress: Progress | None = None) -> Run:
        """Simulate one step; under the unlocked schedule also enough further steps to see the
        steady-state interval.
        """
        if schedule == Schedule.SERIAL:
            return _Simulation(
                self._architecture, self._dram, self._model, self._prices, step, True, 1, progress
            ).run()
        alone = _Simulation(
            self._architecture, self._dram, self._model, self._prices, step, False, 1, progress
        ).run()
        refresh_ps = self._dram.timing.tREFI * self._dram.timing.tck_ps
        steps = (
            REFRESHES
            * refresh_ps
            * self._architecture.clock_hz
            // (max(1, alone.cycles) * PICOSECONDS)
        )
        steps = min(MOST_STEPS, max(LEAST_STEPS, steps))
        several = _Simulation(
            self._architecture, self._dram, self._model, self._prices, step, False, steps, None
        ).run()
        ends = [
            max(record.end for record in several.records if record.step == index)
            for index in range(steps)
        ]
        counted = steps - 1 - SETTLED
        alone.interval_cycles = -(-max(ends[-1] - ends[SETTLED], _longest_held(several)) // counted)
        return alone


class _Simulation:
    """The state of one run: one or more steps, back to back."""

    def __init__(
        self,
        architecture: Architecture,
        dram: DramSpec,
        model: TimingModel,
        prices: EnergyTable | None,
        step: TrainingStep,
        serial: bool,
        steps: int,
        progress: Progress | None,
    ) -> None:
        partitions = 1 if serial else architecture.partitions
        self._architecture = architecture
        self._step = step
        self._steps = steps
        self._serial = serial
        self._progress = progress
        self._channels = DramChannels(dram, architecture.dram.channels)
        self._pipelines = Pipelines(
            architecture,
            self._channels,
            dram.organisation.row_bursts * dram.organisation.burst,
            partitions + 1,
        )
        self.env = self._pipelines.env
        self._encodings = encode(step, architecture, model.masks)
        encoded_bits = {name: encoding.bits for name, encoding in self._encodings.of.items()}
        self._residency = allocate(step, architecture, partitions, encoded_bits)
        self._memory = TensorMemory(architecture, self._residency, step, self._encodings.of)
        mapper = Mapper(architecture, self._residency)
        choice = Choice(architecture, dram, mapper, prices)
        choice.refuse_illegal_pins(step.ops)
        self._planner = Planner(architecture, mapper, model, self._memory, choice)
        for name, nbytes in self._memory.outlasting().items():
            self._pipelines.rows.place(name, nbytes)
        self._partitions = Partitions(self.env, partitions)
        self._vector_unit = simpy.PriorityResource(self.env)
        self._ledger = Ledger(step, self._memory) if Ledger.wanted() else None
        self._done: dict[tuple[int, str], simpy.Event] = {}
        self._records: list[OpRecord] = []

    def run(self) -> Run:
        ops = self._step.ops
        for index in range(self._steps):
            for op in ops:
                self._done[index, op.name] = self.env.event()
        if self._serial:
            self.env.process(self._sequence())
        else:
            for index in range(self._steps):
                for position, op in enumerate(ops):
                    self.env.process(self._unlocked(index, position, op))
        self.env.run()
        if len(self._records) != self._steps * len(ops):
            raise LawViolation(
                f"only {len(self._records)} of {self._steps * len(ops)} ops have run: they wait "
                f"for one another"
            )
        return self._finish()

    def _sequence(self) -> Process:
        """Serial schedule: one op after another, in the step's order, which is BP's."""
        for op in self._step.ops:
            yield from self._execute(0, op, 0)

    def _unlocked(self, index: int, position: int, op: Op) -> Process:
        """An op runs as soon as its operands exist and, from the second step on, what it needs of
        the step before is updated.
        """
        fused = self._residency.fused
        if op in fused.values():
            return
        update = fused.get(op.name)
        waits = [self._done[index, name] for name in op.depends_on]
        waits += [
            self._done[index, name]
            for name in (update.depends_on if update else ())
            if name != op.name
        ]
        if index:
            waits += [self._done[index - 1, name] for name in self._step.carried.get(op.name, ())]
        if waits:
            yield self.env.all_of(waits)
        priority = index * len(self._step.ops) + position
        if not self._on_array(op):
            with self._vector_unit.request(priority=priority) as request:
                yield request
                yield from self._execute(index, op, None)
            return
        partition = yield from self._partitions.take(self._residency.partition(op), priority)
        yield from self._execute(index, op, partition)
        if update:
            # The tiles of a fused update alternate with those of its gradient: nothing may come
            # between the two.
            yield from self._execute(index, update, partition)
        self._partitions.give_back(partition)

    def _on_array(self, op: Op) -> bool:
        return isinstance(op, Contraction) or updates_in_pe(op, self._architecture)

    def _execute(self, index: int, op: Op, partition: int | None) -> Process:
        plan = self._planner.plan(index, op, partition)
        record = OpRecord(
            plan, index, partition if plan.on_array else None, start=int(self.env.now)
        )
        if self._ledger:
            self._ledger.begin(index, plan)
        times = yield from self._pipelines.run(plan, lambda name: self._memory.place(index, name))
        record.end = int(self.env.now)
        record.stalls = self._attribute(plan, times, record)
        self._records.append(record)
        read = tuple(dict.fromkeys(operand.tensor.name for operand in op.operands))
        gone = self._memory.consumed(index, read, op.layer)
        for tensor in op.outputs:
            gone += self._memory.finished(index, tensor, op.layer)
        if self._ledger:
            self._ledger.end(index, plan, gone)
        for name in gone:
            self._pipelines.rows.release(self._memory.place(index, name))
        self._done[index, op.name].succeed()
        if self._progress:
            self._progress(len(self._records), len(self._step.ops) * self._steps)

    def _attribute(self, plan: OpPlan, times: Times, record: OpRecord) -> dict[str, int]:
        """The array's waiting during the op by cause; while the vector unit works for it, the array
        waits for a dependency.

        Waiting for a fill is the NoC's doing unless the global buffer's port alone took longer:
        that part is a bank stall.
        """
        found = stalls(times, record.start, record.end)
        fill = found["fill"]
        links = max(
            self._pipelines.cycles(DOWN, plan.fill_bits),
            self._pipelines.cycles(PEER, plan.peer_bits),
        )
        if plan.mesh_fill is not None:
            links = max(links, self._pipelines.cycles(MESH, int(plan.mesh_fill.max())))
        port = self._pipelines.cycles(BUFFER, plan.fill_buffer_bits) + plan.fill_wait
        bank = fill * max(0, port - links) // port if port else 0
        dependency = (
            0
            if plan.on_array
            else record.cycles - found["dram"] - fill - found["drain"] - plan.port_wait
        )
        return {
            "dram": found["dram"],
            "noc": fill - bank,
            "bank": bank + plan.port_wait,
            "dependency": dependency,
            "drain": found["drain"],
        }

    def _finish(self) -> Run:
        cycles = int(self.env.now)
        array = self._architecture.pe_array
        lanes = array.rows * array.cols * array.lanes
        partition_lanes = lanes // self._partitions.count
        held = 0
        for record in self._records:
            if record.plan.on_array:
                lane_cycles = partition_lanes * record.cycles
                active = _active(record.plan, partition_lanes)
                record.plan.counts.add("control", "clock", active)
                record.plan.counts.add("control", "idle_clock", lane_cycles - active)
                held += lane_cycles
        self._check_links()
        if self._ledger:
            self._ledger.close()
        background = ActionCounts()
        background.add("control", "idle_clock", lanes * cycles - held)
        background.add("leakage", "cycles", cycles)
        self._channels.counted_elsewhere()
        self._channels.finish(-(-cycles * PICOSECONDS // self._architecture.clock_hz), background)
        order = {op.name: position for position, op in enumerate(self._step.ops)}
        self._records.sort(key=lambda record: (record.step, record.start, order[record.op.name]))
        return Run(
            records=self._records,
            cycles=cycles,
            interval_cycles=cycles,
            peak_stash_bytes=self._memory.peak_stash_bytes,
            residency=self._residency,
            lanes=lanes,
            background=background,
            partition_lanes=partition_lanes,
            peak_dram_bytes=self._pipelines.rows.peak_bytes,
            dram_overcommitted=self._pipelines.rows.overcommitted,
            stored_dense=self._encodings.dense,
        )

    def _check_links(self) -> None:
        """Every link has carried what the ops' plans sent over it, no more and no less."""
        plans = [record.plan for record in self._records]
        read = sum(plan.fill_buffer_bits + plan.staged_out_bits for plan in plans)
        written = sum(plan.drain_buffer_bits + plan.staged_in_bits for plan in plans)
        shared = self._architecture.global_buffer.ports == 1
        links = {
            "NoC down": (DOWN, sum(plan.fill_bits for plan in plans)),
            "NoC up": (UP, sum(plan.drain_bits for plan in plans)),
            "NoC between PEs": (PEER, sum(plan.peer_bits for plan in plans)),
            "global buffer": (BUFFER, read + written if shared else read),
            "global buffer, writes": (BUFFER_WRITE, 0 if shared else written),
        }
        loads = [
            load for plan in plans for load in (plan.mesh_fill, plan.mesh_drain) if load is not None
        ]
        if loads:
            links |= {
                f"NoC link {link}": (MESH + link, int(bits))
                for link, bits in enumerate(np.sum(loads, axis=0))
            }
        for name, (link, sent) in links.items():
            server = self._pipelines.served(link)
            if server.bits != sent or server.busy_cycles > self.env.now:
                raise LawViolation(
                    f"{name}: {server.bits} bits carried in {server.busy_cycles} busy cycles of "
                    f"{self.env.now}, {sent} bits sent"
                )


def _longest_held(run: Run) -> int:
    """Cycles in which the busiest partition, or the vector unit, is held by the settled steps; ops
    that any partition may run are shared by all.

    One that runs ahead of the others works on later steps before the settled one has ended, but it
    cannot do so for ever.
    """
    settled = [record for record in run.records if record.step > SETTLED]
    held: Counter[int | str | None] = Counter()
    for record in settled:
        held["vector unit" if record.partition is None else run.residency.partition(record.op)] += (
            record.cycles
        )
    del held[None]
    array = sum(record.cycles for record in settled if record.partition is not None)
    return max([-(-array * run.partition_lanes // run.lanes), *held.values()])


def _active(plan: OpPlan, lanes: int) -> int:
    """Lane cycles in which a lane works, so that its clock runs: MACs, empty windows, updates in
    the PEs.
    """
    timing = plan.timing
    if timing is None:
        return lanes * (int(plan.block_cycles.sum()) - plan.port_wait)
    return timing.busy + timing.window_empty
