"""Processes that execute a step's ops on the components of a machine.

Components: FIFO servers (NoC down, up and peer links, global buffer, DRAM), partitions of the PE
array, and the vector unit. An op holds its partition (or the vector unit) from its first transfer
to its last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import simpy

from accelsim.cost.counters import EVERY_CYCLE, ActionCounts
from accelsim.cost.energy import EnergyTable
from accelsim.dram.channels import DramChannels
from accelsim.dram.rows import PICOSECONDS
from accelsim.dram.standard import DramSpec
from accelsim.errors import LawViolation
from accelsim.mapping.fusion.rewriting import Fused
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import allocate, updates_in_pe
from accelsim.pe.timing import TimingModel
from accelsim.sim.encodings import encode
from accelsim.sim.fused import with_fused
from accelsim.sim.ledger import Ledger
from accelsim.sim.link_law import check_links
from accelsim.sim.memory.release import release
from accelsim.sim.memory.tensors import TensorMemory
from accelsim.sim.observers import DramOp, Observer, dram_blocks, tell_of_bursts
from accelsim.sim.partitions import Partitions
from accelsim.sim.pipeline import Pipelines, Process, Times
from accelsim.sim.planning.choice import Choice
from accelsim.sim.planning.cold import Load, Start, cold_start
from accelsim.sim.planning.costs import Costs
from accelsim.sim.planning.op_plan import DramPart, OpPlan
from accelsim.sim.planning.plan import Planner
from accelsim.sim.planning.step_search import StepMapping
from accelsim.sim.run import OpRecord, Run
from accelsim.sim.stalls import attribute
from accelsim.step.ops import Contraction, Op


class Simulation:
    """State of one run of one or more steps, back to back."""

    def __init__(
        self,
        fused: Fused,
        model: TimingModel,
        dram: DramSpec,
        prices: EnergyTable | None,
        serial: bool,
        steps: int,
        warm: bool = True,
        mapped: StepMapping | None = None,
    ) -> None:
        """Raises InputError for pinned mappings that the machine cannot execute.

        ``fused``: the step as the machine executes it.
        ``serial``: run ops one after another on the whole array; else as soon as their operands
        exist. ``warm``: weights and other words that stay on the chip from step to step are there
        when the run begins; else its first step loads them. ``mapped``: places and mappings of the
        step, by default the canonical ones.
        """
        architecture, step = model.architecture, fused.step
        self._fused = fused
        self._serial = serial
        partitions = 1 if serial else architecture.partitions
        self._architecture = architecture
        self._step = step
        self._steps = steps
        self._observers: list[Observer] = []
        mapped = mapped or StepMapping.without_search(architecture, model.masks)
        self._channels = DramChannels(
            dram,
            architecture.dram.channels,
            architecture.dram.outstanding,
            mapped.arbitration == "oldest_first",
        )
        row_bytes = dram.organisation.row_bursts * dram.organisation.burst
        self._pipelines = Pipelines(architecture, self._channels, row_bytes, partitions + 2)
        self.env = self._pipelines.env
        self._encodings = encode(step, architecture, model.masks)
        at_home = self._encodings.at_home(architecture)
        self._residency = allocate(step, architecture, partitions, at_home, mapped.placing)
        self._memory = TensorMemory(architecture, self._residency, step, self._encodings.of, warm)
        self._start = Start(step.ops) if warm else cold_start(step, self._memory)
        mapper = Mapper(architecture, self._residency)
        costs = Costs(architecture, dram, prices)
        choice = Choice(architecture, mapper, costs, mapped.objective, mapped.memo)
        choice.refuse_illegal_pins(step.ops)
        self._planner = Planner(mapper, model, mapped.expected, self._memory, choice)
        for name, nbytes in self._memory.outlasting().items():
            self._pipelines.rows.place(name, nbytes)
        self._partitions = Partitions(self.env, partitions)
        self._vector_unit = simpy.PriorityResource(self.env)
        self._dma = simpy.PriorityResource(self.env)
        self._done: dict[tuple[int, str], simpy.Event] = {}
        self._records: list[OpRecord] = []
        self._moving: dict[int, DramOp] = {}

    def run(self, observers: Sequence[Observer] = ()) -> Run:
        """Run to the end.

        Raises LawViolation if ops deadlock, or if links carried other bits than ops sent.
        """
        self._observers = [*observers, *([Ledger()] if Ledger.wanted() else [])]
        for observer in self._observers:
            observer.begin(replace(self._step, ops=self._start.ops), self._steps, self._memory)
        ops = [
            (index, position, op)
            for index in range(self._steps)
            for position, op in enumerate(self._step.ops if index else self._start.ops)
        ]
        if any(observer.watches_bursts for observer in self._observers):
            self._channels.record()
        if self._serial:
            self.env.process(self._sequence([(index, op) for index, _, op in ops]))
        else:
            for index, _, op in ops:
                self._done[index, op.name] = self.env.event()
            for index, position, op in ops:
                self.env.process(self._unlocked(index, position, op))
        self._pipelines.play()
        if len(self._records) != len(ops):
            raise LawViolation(
                f"only {len(self._records)} of {len(ops)} ops have run: they wait for one another"
            )
        run = self._finish()
        watching = [observer for observer in self._observers if observer.watches_bursts]
        if watching:
            bursts = self._channels.bursts
            tell_of_bursts(watching, bursts, self._channels.table.burst_bytes, self._moving)
        for observer in self._observers:
            observer.end(run)
        return run

    def _sequence(self, ops: Sequence[tuple[int, Op]]) -> Process:
        """Serial schedule: one op after another in the step's order, which is that of BP, and step
        after step.
        """
        for index, op in ops:
            yield from self._execute(index, op, 0)

    def _unlocked(self, index: int, position: int, op: Op) -> Process:
        """Unlocked schedule: run an op as soon as its operands exist.

        From the second step on, it also waits for the updates of the previous step that it depends
        on.
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
        else:
            waits += [
                self._done[index, load]
                for each in (op, update)
                if each
                for load in self._start.waits.get(each.name, ())
            ]
        if waits:
            yield self.env.all_of(waits)
        priority = index * len(self._start.ops) + position
        if not self._on_array(op):
            engine = self._dma if isinstance(op, Load) else self._vector_unit
            with engine.request(priority=priority) as request:
                yield request
                yield from self._execute(index, op, None)
            return
        partition = yield from self._partitions.take(self._residency.partition(op), priority)
        yield from self._execute(index, op, partition)
        if update:
            # Tiles of a fused update alternate with those of its gradient, so no other op may come
            # between the two.
            yield from self._execute(index, update, partition)
        self._partitions.give_back(partition)

    def _on_array(self, op: Op) -> bool:
        return isinstance(op, Contraction) or updates_in_pe(op, self._architecture)

    def _execute(self, index: int, op: Op, partition: int | None) -> Process:
        plan = self._planner.plan(index, op, partition)
        start = int(self.env.now)
        for observer in self._observers:
            observer.op_started(index, plan, start)
        executed = yield from self._pipelines.run(
            plan, lambda name: self._memory.place(index, name)
        )
        end = int(self.env.now)
        record = OpRecord(
            plan,
            index,
            partition if plan.on_array else None,
            start,
            end,
            attribute(plan, executed.times, start, end, self._pipelines),
            self._counts(plan, executed.commands, end - start),
        )
        self._records.append(record)
        tensors = tuple(part.tensor for part in plan.loads + plan.stores)
        self._moving[executed.serial] = DramOp(index, op.name, tensors)
        self._tell_of_dram(index, plan, executed.times)
        freed = release(self._memory, index, op)
        for observer in self._observers:
            observer.op_ended(record, freed)
        for name in freed:
            self._pipelines.rows.release(self._memory.place(index, name))
        if not self._serial:
            self._done[index, op.name].succeed()

    def _tell_of_dram(self, index: int, plan: OpPlan, times: Times) -> None:
        watching = [observer for observer in self._observers if observer.watches_dram]
        if not watching:
            return

        def rows(part: DramPart) -> range:
            place = self._memory.place(index, part.tensor)
            return range(*self._pipelines.rows.place(place, part.size_bytes))

        for block in dram_blocks(index, plan, times, rows, self._channels.table.burst_bytes):
            for observer in watching:
                observer.dram_moved(block)

    def _counts(self, plan: OpPlan, commands: ActionCounts, cycles: int) -> ActionCounts:
        """Actions of an op: its plan's, its DRAM commands, and clocks of the lanes it held."""
        counts = plan.counts + commands
        if plan.on_array:
            active = _active(plan, self._partition_lanes)
            counts.add("control", "clock", active)
            counts.add("control", "idle_clock", self._partition_lanes * cycles - active)
        return counts

    @property
    def _lanes(self) -> int:
        array = self._architecture.pe_array
        return array.rows * array.cols * array.lanes

    @property
    def _partition_lanes(self) -> int:
        return self._lanes // self._partitions.count

    def _finish(self) -> Run:
        cycles = int(self.env.now)
        held = sum(
            self._partition_lanes * record.cycles
            for record in self._records
            if record.plan.on_array
        )
        plans = [record.plan for record in self._records]
        check_links(plans, self._pipelines, self._architecture.global_buffer, cycles)
        background = ActionCounts()
        background.add("control", "idle_clock", self._lanes * cycles - held)
        for component, action in EVERY_CYCLE:
            background.add(component, action, cycles)
        self._channels.finish(
            -(-cycles * PICOSECONDS // self._architecture.clock_hz),
            [record.counts for record in self._records],
            background,
        )
        ops = (*self._fused.absorbed, *self._start.ops)  # those without cycles come first
        order = {op.name: position for position, op in enumerate(ops)}
        records = with_fused(self._records, self._fused)
        records.sort(key=lambda record: (record.step, record.start, order[record.op.name]))
        return Run(
            records=tuple(records),
            cycles=cycles,
            interval_cycles=cycles,
            peak_stash_bytes=self._memory.peak_stash_bytes,
            peak_stash_in_pads=self._memory.in_pads.peak_bytes,
            residency=self._residency,
            lanes=self._lanes,
            partition_lanes=self._partition_lanes,
            background=background,
            peak_dram_bytes=self._pipelines.rows.peak_bytes,
            dram_overcommitted=self._pipelines.rows.overcommitted,
            stored_dense=self._encodings.dense,
            resident_words=self._memory.resident_words(),
            held=self._memory.held(),
        )


def _active(plan: OpPlan, lanes: int) -> int:
    """Lane cycles with an active clock: MACs, empty windows and updates in the PEs."""
    timing = plan.timing
    if timing is None:
        return lanes * (int(plan.block_cycles.sum()) - plan.port_wait)
    return timing.busy + timing.window_empty
