"""Planner of one op: bits per stage, array or vector cycles per block, words and actions
counted.
"""

from __future__ import annotations

import numpy as np

from accelsim.machine.words import access_bits, value_bits, word_bits
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import updates_in_pe
from accelsim.pe.mapping import Mapping, Route, Tiling, Transfer
from accelsim.pe.timing import ArrayTiming, TimingModel
from accelsim.sim.memory.tensors import TensorMemory
from accelsim.sim.planning.choice import Choice
from accelsim.sim.planning.cold import Load, load_partition, load_transfer
from accelsim.sim.planning.op_plan import Ints, OpPlan, PlanDraft
from accelsim.sim.planning.riders import Riders
from accelsim.sim.planning.traffic import Traffic
from accelsim.step.ops import Contraction, Op, Tensor, Use, VectorWork


class Planner:
    """Plans the ops of one run on one machine."""

    def __init__(
        self, mapper: Mapper, model: TimingModel, memory: TensorMemory, choice: Choice
    ) -> None:
        self._kind = mapper.kind
        self._architecture = self._kind.architecture
        self._choice = choice
        self._mapper = mapper
        self._model = model
        self._memory = memory
        self._timings: dict[tuple[str, int, Tiling | None], ArrayTiming] = {}
        self._traffic = Traffic(self._architecture, memory)
        self._riders = Riders(self._architecture)

    def plan(self, step: int, op: Op, partition: int | None = 0) -> OpPlan:
        """Plan an op that starts. Its outputs are allocated in the memories first.

        ``partition``: the partition that the op holds, or None for an op of the vector unit. Raises
        TypeError for an op of another class.
        """
        homes = self._memory.residency.partition_of
        first = (homes.get(op.layer, 0) if partition is None else partition) * self._mapper.pes
        self._memory.start(step, op)
        pes = range(first, first + self._mapper.pes)
        if isinstance(op, Contraction):
            return self._contraction(step, op, pes)
        if isinstance(op, VectorWork):
            return self._vector(step, op, pes)
        if isinstance(op, Load):
            return self._load(step, op)
        raise TypeError(f"{op.name}: an op must be a contraction or vector work, got {type(op)}")

    def _contraction(self, step: int, op: Contraction, pes: range) -> OpPlan:
        # Map before the outputs are allocated: a gradient in the PEs would leave less room for the
        # op's own mapping.
        tiler = self._choice.tiler(op)
        for tensor in op.outputs:
            split = self._mapper.gradient_split(op, tensor)
            self._memory.produce(step, tensor, split, op.layer)
        placed = tuple(
            (self._memory.in_dram(step, tensor), self._memory.stash_pes(step, tensor))
            for tensor in op.tensors
        )
        return self._choice.best(tiler, placed, lambda mapping: self._mapped(step, mapping, pes))

    def _mapped(self, step: int, mapping: Mapping, pes: range) -> OpPlan:
        op = mapping.op
        transfers = self._riders.passed_on(op, mapping.transfers)
        transfers += self._riders.beside(op, transfers)
        for moved in self._beyond_the_array(op):
            transfers += self._vector_transfers(step, *moved, in_pe=False)
        blocks = self._blocks(step, transfers, mapping.channel_tiles * mapping.position_tiles)
        key = (op.name, blocks, mapping.tiling)
        timing = self._timings.get(key)
        if timing is None:
            timing = self._timings[key] = self._model.time(mapping, blocks)
        plan = PlanDraft(op, pes, True, mapping)
        for transfer in transfers:
            self._traffic.add(plan, step, transfer)
        inwards, outwards = self._riders.count(plan, op, transfers)
        plan.totals["fill_vector"] += inwards
        plan.totals["drain_vector"] += outwards
        self._array_actions(plan, op, timing)
        block_cycles = timing.block_cycles
        return plan.finish(block_cycles, timing, self._port_wait(plan, block_cycles))

    @staticmethod
    def _beyond_the_array(op: Contraction) -> list[tuple[Tensor, int, bool]]:
        """(tensor, words, inbound) of what only the vector unit reads and writes."""
        read = [
            (operand.tensor, operand.words_read, True)
            for operand in op.operands_of(Use.READ)
            if not operand.beside
        ]
        made = {tensor.name for tensor in op.made}
        return read + [
            (tensor, tensor.elements, False) for tensor in op.outputs if tensor.name not in made
        ]

    def _port_wait(self, plan: PlanDraft, block_cycles: Ints) -> int:
        """Cycles, beyond the blocks' own, in which the scratchpad ports still carry the op's reads
        and writes: whole accesses, those to the lines of compressed columns included.
        """
        pad = self._architecture.scratchpad
        read, written = plan.pad_bits["read"], plan.pad_bits["write"]
        moved = read + written if pad.ports == 1 else max(read, written)
        moved += plan.counts["control", "index_read"]
        width = len(plan.pes) * pad.banks * pad.width_bits
        return max(0, -(-moved // width) - int(block_cycles.sum()))

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
        elif self._near_memory and op.nest.transposed and near.transpose == "transposable":
            # The words of a column lie in different rows of the memory.
            whole = access_bits(reads.stationary, bits, width)
            count("read", reads.stationary, bits, whole, "transposed_read_bits")
        else:
            whole = timing.stationary_read_bits(reads.stationary, bits, width)
            count("read", reads.stationary, bits, whole)

    @property
    def _near_memory(self) -> bool:
        return self._architecture.organization == "near_memory"

    def _vector(self, step: int, op: VectorWork, pes: range) -> OpPlan:
        unit, array = self._architecture.vector_unit, self._architecture.pe_array
        in_pe = updates_in_pe(op, self._architecture)
        for tensor in op.outputs:
            self._memory.produce(step, tensor, None, op.layer)
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
            for transfer in self._vector_transfers(step, tensor, words, inbound, in_pe)
        ]
        transfers += self._riders.beside(op, transfers)
        slots = len(pes) * array.lanes if in_pe else unit.width
        cycles = -(-op.elements // slots) * -(-op.ops_per_element // unit.ops_per_cycle)
        plan = PlanDraft(op, pes, in_pe)
        cycles += sum(self._riders.count(plan, op, transfers))
        blocks = min(self._blocks(step, transfers, max(1, cycles)), max(1, cycles))
        shares = np.arange(blocks + 1, dtype=np.int64) * cycles // blocks
        for transfer in transfers:
            self._traffic.add(plan, step, transfer)
        if in_pe:
            self._refresh_copies(plan)
        plan.counts.add("vector", "op", op.vector_ops)
        block_cycles = np.diff(shares)
        return plan.finish(block_cycles, None, self._port_wait(plan, block_cycles))

    def _vector_transfers(
        self, step: int, tensor: Tensor, words: int, inbound: bool, in_pe: bool
    ) -> list[Transfer]:
        """``words``: words of the tensor that the op reads or writes. Those with a home and those
        that spilled share them by their numbers.
        """
        bits = word_bits(tensor, self._architecture)
        split = self._memory.local_split(step, tensor)
        if split is None:
            return [Transfer(tensor, Route.BUFFER, inbound, words, bits, dram_words=words)]
        resident = split[0] * words // max(1, tensor.elements)
        spilled = words - resident
        away = Route.SCATTER if inbound else Route.COLLECT
        transfers = []
        if resident and in_pe:
            transfers.append(Transfer(tensor, Route.HOME, inbound, resident, bits))
        elif resident:
            # Resident words travel to the vector unit, and back to their homes and copies.
            home = self._memory.residency.home(tensor)
            copies = home.copies if home and not inbound else 1
            transfers.append(
                Transfer(tensor, Route.PEER, inbound, resident, bits, resident * copies)
            )
        if spilled:
            transfers.append(
                Transfer(
                    tensor,
                    away if in_pe else Route.BUFFER,
                    inbound,
                    spilled,
                    bits,
                    spilled,
                    spilled,
                    spilled=tensor.persistent,
                )
            )
        return transfers

    def _load(self, step: int, op: Load) -> OpPlan:
        first = load_partition(op, self._memory.residency) * self._mapper.pes
        plan = PlanDraft(op, range(first, first + self._mapper.pes), False)
        transfer = load_transfer(op.tensor, self._memory.residency, self._architecture)
        self._traffic.add(plan, step, transfer)
        blocks = self._blocks(step, [transfer], max(1, transfer.words))
        block_cycles = np.zeros(blocks, np.int64)
        return plan.finish(block_cycles, None, self._port_wait(plan, block_cycles))

    def _refresh_copies(self, plan: PlanDraft) -> None:
        """Send updated weights to the PEs that hold copies of them."""
        for tensor in plan.op.outputs:
            home = self._memory.residency.home(tensor)
            if home is not None and home.copies > 1:
                bits, words = word_bits(tensor, self._architecture), home.resident
                copied = words * (home.copies - 1)
                self._traffic.add(plan, 0, Transfer(tensor, Route.PEER, False, words, bits, copied))

    def _blocks(
        self, step: int, transfers: list[Transfer] | tuple[Transfer, ...], most: int
    ) -> int:
        """Number of blocks: enough for each block to fit one half of the staging double buffer.

        At least the machine's ``blocks_per_op``, at most ``most``.
        """
        inbound = sum(
            self._traffic.bits(t, t.words)
            for t in transfers
            if t.inbound and t.route in {Route.MULTICAST, Route.SCATTER, Route.LOAD}
        )
        beyond = sum(
            self._traffic.bits(t, t.dram_words)
            for t in transfers
            if t.spilled
            or t.route is Route.LOAD
            or self._memory.in_dram(step, t.tensor)
            or self._memory.stash_pes(step, t.tensor) is not None
        )
        staged = -(-max(inbound, beyond) // (8 * self._architecture.global_buffer.staging_bytes))
        return min(most, max(self._architecture.blocks_per_op, staged))
