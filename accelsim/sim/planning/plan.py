"""Planner of one op: bits per stage, array or vector cycles per block, words and actions
counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from accelsim.machine.memories import Scratchpad
from accelsim.machine.words import access_bits, value_bits
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import updates_in_pe
from accelsim.mapping.tiling.tiler import Tiler
from accelsim.pe.mapping import Mapping, Route, Tiling, Transfer
from accelsim.pe.timing import ArrayTiming, TimingModel, run_bits
from accelsim.sim.memory.tensors import TensorMemory
from accelsim.sim.planning.choice import Choice
from accelsim.sim.planning.chosen import Chosen, Cost
from accelsim.sim.planning.cold import Load, load_partition, load_transfer
from accelsim.sim.planning.op_plan import Ints, OpPlan, PlanDraft
from accelsim.sim.planning.riders import Riders, beyond_the_array, vector_transfers
from accelsim.sim.planning.traffic import Traffic
from accelsim.step.ops import Contraction, Op, VectorWork

Places = tuple[tuple[bool, range | None], ...]
"""Place of each of an op's tensors: whether it is in DRAM, and the PEs that hold it as stash."""


PARTS_OF_TILES = 256
"""Most blocks into which the tiles of an op are divided. Such a block holds a part of the
reductions of its outputs.
"""


class Planner:
    """Plans the ops of one run on one machine."""

    def __init__(
        self,
        mapper: Mapper,
        model: TimingModel,
        expected: TimingModel,
        memory: TensorMemory,
        choice: Choice,
    ) -> None:
        """``expected``: the timing model of mappings among which ``choice`` chooses."""
        self._kind = mapper.kind
        self._architecture = self._kind.architecture
        self._choice = choice
        self._mapper = mapper
        self._model = model
        self._expected = expected
        self._memory = memory
        self._timings: dict[tuple[TimingModel, str, int, Tiling | None], ArrayTiming] = {}
        self._traffic = Traffic(self._architecture, memory)
        self._riders = Riders(self._architecture)

    def plan(self, step: int, op: Op, partition: int | None = 0) -> OpPlan:
        """Plan an op that starts. Its outputs are allocated in the memories first.

        ``partition``: the partition that the op holds, or None for an op of the vector unit. Raises
        TypeError for an op of another class.
        """
        pes = self._pes(op, partition)
        self._memory.start(step, op)
        if isinstance(op, Contraction):
            tiler, placed = self._placed(step, op)
            if not self._choice.is_made(op):
                return self._mapped(step, tiler.canonical, pes, self._model)
            chosen = self._chosen(step, tiler, placed, pes)
            mapping = tiler.mapping(chosen.tiling)
            plan = self._mapped(step, mapping, pes, self._model, chosen.in_parts)
            return replace(plan, chosen=chosen)
        if isinstance(op, VectorWork):
            self._produce(step, op)
            return self._vector(step, op, pes)
        if isinstance(op, Load):
            return self._load(step, op)
        raise TypeError(f"{op.name}: an op must be a contraction or vector work, got {type(op)}")

    def cost(self, step: int, op: Op, partition: int | None) -> Cost:
        """Expected cost of an op that starts, under the mapping that it would get. Its outputs are
        allocated in the memories first.
        """
        pes = self._pes(op, partition)
        self._memory.start(step, op)
        if isinstance(op, Contraction):
            tiler, placed = self._placed(step, op)
            return self._chosen(step, tiler, placed, pes).cost
        if not isinstance(op, VectorWork):
            raise TypeError(f"{op.name}: a step has contractions and vector work, got {type(op)}")
        self._produce(step, op)
        homes = map(self._mapper.home, op.tensors)
        splits = (self._memory.local_split(step, tensor) for tensor in op.tensors)
        places = (op.name, pes.start, *self._places(step, op), *homes, *splits)
        return self._choice.vector_cost(places, lambda: self._vector(step, op, pes))

    def _produce(self, step: int, op: VectorWork) -> None:
        sums = op.adds_gradients and updates_in_pe(op, self._architecture)
        for tensor in op.outputs:
            split = self._mapper.gradient_split(op, tensor) if sums else None
            self._memory.produce(step, tensor, split, op.layer)

    def _pes(self, op: Op, partition: int | None) -> range:
        homes = self._memory.residency.partition_of
        first = (homes.get(op.layer, 0) if partition is None else partition) * self._mapper.pes
        return range(first, first + self._mapper.pes)

    def _placed(self, step: int, op: Contraction) -> tuple[Tiler, Places]:
        """The op's mappings, and the places of its tensors."""
        # Map before the outputs are allocated: a gradient in the PEs would leave less room for the
        # op's own mapping.
        tiler = self._choice.tiler(op)
        for tensor in op.outputs:
            split = self._mapper.gradient_split(op, tensor)
            self._memory.produce(step, tensor, split, op.layer)
        return tiler, self._places(step, op)

    def _places(self, step: int, op: Op) -> Places:
        return tuple(
            (self._memory.in_dram(step, tensor), self._memory.stash_pes(step, tensor))
            for tensor in op.tensors
        )

    def _chosen(self, step: int, tiler: Tiler, placed: Places, pes: range) -> Chosen:
        return self._choice.best(
            tiler,
            placed,
            lambda mapping, parts: self._mapped(step, mapping, pes, self._expected, parts),
        )

    def _mapped(
        self, step: int, mapping: Mapping, pes: range, model: TimingModel, in_parts: bool = False
    ) -> OpPlan:
        op = mapping.op
        transfers = self._riders.passed_on(op, mapping.transfers)
        transfers += self._riders.beside(op, transfers)
        for moved in beyond_the_array(op):
            transfers += vector_transfers(self._memory, step, *moved, in_pe=False)
        tiles = mapping.channel_tiles * mapping.position_tiles
        blocks = self._blocks(step, transfers, tiles, PARTS_OF_TILES if in_parts else 0)
        key = (model, op.name, blocks, mapping.tiling)
        timing = self._timings.get(key)
        if timing is None:
            timing = self._timings[key] = model.time(mapping, blocks)
        plan = PlanDraft(op, pes, True, mapping)
        for transfer in transfers:
            self._traffic.add(plan, step, transfer)
        inwards, outwards = self._riders.count(plan, op, transfers)
        plan.totals["fill_vector"] += inwards
        plan.totals["drain_vector"] += outwards
        self._array_actions(plan, op, timing)
        block_cycles = split(timing.block_cycles, blocks)
        return self._finished(plan, block_cycles, timing)

    def _finished(
        self, plan: PlanDraft, block_cycles: Ints, timing: ArrayTiming | None = None
    ) -> OpPlan:
        wait = port_wait(plan, block_cycles, self._architecture.scratchpad)
        return plan.finish(block_cycles, timing, wait)

    def _array_actions(self, plan: PlanDraft, op: Contraction, timing: ArrayTiming) -> None:
        # Multiplying by one bit, a sign, is adding or subtracting.
        adds = any(
            value_bits(operand.tensor, self._architecture) == 1
            for operand in (op.moving, op.stationary)
        )
        plan.counts.add("mac", "add" if adds else "multiply_add", timing.executed - timing.gated)
        plan.counts.add("mac", "gated_add" if adds else "gated", timing.gated)
        for action, times in self._kind.control_actions(timing).items():
            plan.counts.add("control", action, times)
        reads = self._kind.operand_reads(timing)
        width = self._architecture.scratchpad.width_bits

        def count(kind: str, words: int, bits: int, whole: int | None = None, *action: str) -> None:
            if whole is None:
                whole = timing.read_bits(words, bits, width)
            plan.pad_access(kind, words, words * bits, whole, *action)

        for kind in ("read", "write"):
            count(kind, reads.sums, self._architecture.precision.psum)
        moving, stationary = op.moving.tensor, op.stationary.tensor
        count("read", reads.moving, self._traffic.read_bits(moving))
        bits = (
            self._traffic.read_bits(stationary)
            if reads.indexed
            else value_bits(stationary, self._architecture)
        )
        near = self._architecture.near_memory
        if op.fixed_feedback and self._architecture.generates_feedback:
            plan.counts.add("prng", "words", reads.stationary)
            return
        streams = self._kind.stationary_streams(plan.mapping) if plan.mapping else None
        words = timing.shared(reads.stationary, streams)
        if streams is not None:
            plan.counts.add("scratchpad", "buffer_read_bits", reads.stationary * bits)
            plan.counts.add("scratchpad", "buffer_write_bits", words * bits)
        if self._kind.near_memory and op.nest.transposed and near.transpose == "transposable":
            # The words of a column lie in different rows of the memory.
            whole = access_bits(words, bits, width)
            count("read", words, bits, whole, "transposed_read_bits")
        else:
            whole = timing.stationary_read_bits(words, bits, width)
            if streams is not None:
                lines = run_bits(timing.runs, bits, width)
                whole = min(whole, -(-lines * streams[0] // streams[1]))
            count("read", words, bits, whole)

    def _vector(self, step: int, op: VectorWork, pes: range) -> OpPlan:
        unit, array = self._architecture.vector_unit, self._architecture.pe_array
        in_pe = updates_in_pe(op, self._architecture)
        transfers = [
            transfer
            for inbound, moved in (
                (
                    True,
                    [
                        (operand.tensor, operand.words_read)
                        for operand in op.operands
                        if not operand.beside
                    ],
                ),
                (False, [(tensor, tensor.elements) for tensor in op.outputs]),
            )
            for tensor, words in moved
            for transfer in vector_transfers(self._memory, step, tensor, words, inbound, in_pe)
        ]
        transfers += self._riders.beside(op, transfers)
        slots = len(pes) * array.lanes if in_pe else unit.width
        cycles = -(-op.elements // slots) * -(-op.ops_per_element // unit.ops_per_cycle)
        plan = PlanDraft(op, pes, in_pe)
        cycles += sum(self._riders.count(plan, op, transfers))
        # Words of an op without operations stream through like those of others.
        most = max(1, cycles or op.elements)
        blocks = min(self._blocks(step, transfers, most), most)
        shares = np.arange(blocks + 1, dtype=np.int64) * cycles // blocks
        for transfer in transfers:
            self._traffic.add(plan, step, transfer)
        if in_pe:
            self._traffic.refresh_copies(plan)
        plan.counts.add("vector", "op", op.vector_ops)
        block_cycles = np.diff(shares)
        return self._finished(plan, block_cycles)

    def _load(self, step: int, op: Load) -> OpPlan:
        first = load_partition(op, self._memory.residency) * self._mapper.pes
        plan = PlanDraft(op, range(first, first + self._mapper.pes), False)
        transfer = load_transfer(op.tensor, self._memory.residency, self._architecture)
        self._traffic.add(plan, step, transfer)
        blocks = self._blocks(step, [transfer], max(1, transfer.words))
        block_cycles = np.zeros(blocks, np.int64)
        return self._finished(plan, block_cycles)

    def _blocks(
        self,
        step: int,
        transfers: Iterable[Transfer],
        most: int,
        parts: int = 0,
    ) -> int:
        """Number of blocks: enough for each block to fit one half of the staging double buffer.

        At least the machine's ``blocks_per_op``, at most ``most``; up to ``parts`` if words of a
        block would not fit.
        """
        bits = passing_bits(step, transfers, self._traffic, self._memory)
        staged = -(-bits // (8 * self._architecture.global_buffer.staging_bytes))
        if most < staged:
            return max(most, min(parts, staged))
        return min(most, max(self._architecture.blocks_per_op, staged))


def split(block_cycles: Ints, blocks: int) -> Ints:
    """Cycles of at most ``blocks`` blocks, of which as many as needed share one of
    ``block_cycles``.
    """
    parts = blocks // max(1, len(block_cycles))
    if parts <= 1:
        return block_cycles
    ends = np.arange(parts + 1, dtype=np.int64)[None, :] * block_cycles[:, None] // parts
    return np.diff(ends, axis=1).reshape(-1)


def port_wait(plan: PlanDraft, block_cycles: Ints, pad: Scratchpad) -> int:
    """Cycles, beyond the blocks' own, in which the scratchpad ports still carry the op's reads
    and writes: whole accesses, those to the lines of compressed columns included.
    """
    read, written = plan.pad_bits["read"], plan.pad_bits["write"]
    moved = read + written if pad.ports == 1 else max(read, written)
    moved += plan.counts["control", "index_read"]
    width = len(plan.pes) * pad.banks * pad.width_bits
    return max(0, -(-moved // width) - int(block_cycles.sum()))


def passing_bits(
    step: int, transfers: Iterable[Transfer], traffic: Traffic, memory: TensorMemory
) -> int:
    """Bits that pass the staging half of the global buffer, towards the PEs or from and to DRAM,
    whichever are more.
    """
    inbound = beyond = 0
    for t in transfers:
        if t.inbound and t.route in {Route.MULTICAST, Route.SCATTER, Route.LOAD}:
            inbound += traffic.bits(t, t.words)
        outside = memory.in_dram(step, t.tensor) or memory.stash_pes(step, t.tensor) is not None
        if t.spilled or t.route is Route.LOAD or outside:
            beyond += traffic.bits(t, t.dram_words)
    return max(inbound, beyond)
