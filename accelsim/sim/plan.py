"""What executing one op costs, before events: bits a stage moves, array or vector cycles a block, words and actions counted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from accelsim.counters import ActionCounts
from accelsim.mapper import Mapper
from accelsim.mapping import Route, Transfer
from accelsim.ops import Op, Pass, Tensor, Use
from accelsim.residency import word_bits
from accelsim.results import BYTE_KINDS, WORD_KINDS
from accelsim.sim.memory import TensorMemory
from accelsim.sim.pe_models import ArrayTiming, PEModel
from accelsim.spec.architecture import Architecture


@dataclass(frozen=True)
class DramPart:
    """Bytes of one tensor that cross the DRAM bus; ``size_bytes`` is all the tensor occupies there."""

    tensor: str
    size_bytes: int
    nbytes: int


@dataclass
class OpPlan:
    """One op ready for the events. Bits are of the whole op; each of ``block_cycles``' blocks moves its share of them.

    ``port_wait``: cycles among the blocks' in which lanes wait for the ports of their scratchpads.
    """

    op: Op
    on_array: bool
    block_cycles: NDArray[np.int64]
    timing: ArrayTiming | None = None
    loads: list[DramPart] = field(default_factory=list)
    stores: list[DramPart] = field(default_factory=list)
    fill_bits: int = 0
    fill_buffer_bits: int = 0
    drain_bits: int = 0
    drain_buffer_bits: int = 0
    peer_bits: int = 0
    staged_in_bits: int = 0
    staged_out_bits: int = 0
    port_wait: int = 0
    words: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WORD_KINDS, 0))
    bits: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BYTE_KINDS, 0))
    counts: ActionCounts = field(default_factory=ActionCounts)

    @property
    def blocks(self) -> int:
        return len(self.block_cycles)


def tree_links(leaves: int, receivers: int) -> int:
    """Links of a binary multicast tree over ``leaves`` PEs that a word crosses on its way to ``receivers`` neighbouring ones."""
    depth = max(1, (leaves - 1).bit_length())
    return depth if receivers <= 1 else min(2 * leaves - 2, 2 * receivers - 2 + depth - (receivers - 1).bit_length())


class Planner:
    """Plans ops of one run on one machine."""

    def __init__(self, architecture: Architecture, mapper: Mapper, model: PEModel, memory: TensorMemory) -> None:
        self._architecture = architecture
        self._mapper = mapper
        self._model = model
        self._memory = memory
        self._timings: dict[tuple[str, int], ArrayTiming] = {}
        array = architecture.pe_array
        self._pes = array.rows * array.cols
        # mean distance of two random PEs of a mesh, in hops: (rows^2 - 1) / (3 rows) + the same for columns
        self._peer_hops = max(1, round((array.rows - 1 / array.rows) / 3 + (array.cols - 1 / array.cols) / 3))

    def plan(self, step: int, op: Op) -> OpPlan:
        """The op's plan, with its outputs' places already taken in the memories."""
        if op.is_contraction:
            return self._contraction(step, op)
        return self._vector(step, op)

    def _contraction(self, step: int, op: Op) -> OpPlan:
        mapping = self._mapper.map(op)
        for tensor in op.outputs:
            self._memory.produce(step, tensor, self._mapper.gradient_split(op, tensor) if op.pass_ is Pass.WG else None, op.layer)
        blocks = self._blocks(step, mapping.transfers, mapping.channel_tiles * mapping.position_tiles)
        timing = self._timings.get((op.name, blocks))
        if timing is None:
            timing = self._timings[op.name, blocks] = self._model.time(mapping, blocks)
        plan = OpPlan(op, True, timing.block_cycles, timing)
        for transfer in mapping.transfers:
            self._add(plan, step, transfer)
        self._array_actions(plan, timing)
        self._wait_for_ports(plan)
        return plan

    def _wait_for_ports(self, plan: OpPlan) -> None:
        """Stretch the blocks where the scratchpads' ports cannot carry what lanes and transfers read and write while lanes compute."""
        pad = self._architecture.scratchpad
        moved = plan.bits["scratchpad_read"] + plan.bits["scratchpad_write"]
        cycles = int(plan.block_cycles.sum())
        plan.port_wait = max(0, -(-moved // (self._mapper.pes * pad.banks * pad.width_bits)) - cycles)
        if plan.port_wait:
            shares = np.arange(plan.blocks + 1, dtype=np.int64) * plan.port_wait // plan.blocks
            plan.block_cycles = plan.block_cycles + np.diff(shares)

    def _array_actions(self, plan: OpPlan, timing: ArrayTiming) -> None:
        op = plan.op
        moving, stationary = op.operand(Use.MOVING), op.operand(Use.STATIONARY)
        assert moving is not None
        assert stationary is not None
        active = timing.executed - timing.gated
        bits_moving, bits_stationary = (word_bits(operand.tensor, self._architecture) for operand in (moving, stationary))
        self._lane_actions(plan, timing)
        if self._systolic:
            # Operands pass from PE to PE through registers, which are control's.
            return
        if self._architecture.pe_array.keeps_rows:
            self._row_sums(plan, active)
        near = self._architecture.near_memory
        generated = op.fixed_feedback and self._near_memory and near.feedback == "prng"
        by_column = self._mapper.transposed(op) and near.transpose == "transposable"
        self._scratchpad(plan, "read", active, bits_moving)
        if generated:
            plan.counts.add("prng", "words", active)
        elif by_column:
            plan.words["local"] += active
            plan.bits["scratchpad_read"] += active * bits_stationary
            plan.counts.add("scratchpad", "transposed_read_bits", active * bits_stationary)
        else:
            self._scratchpad(plan, "read", active, bits_stationary)

    def _row_sums(self, plan: OpPlan, active: int) -> None:
        """A row-stationary PE keeps its partial sums in its scratchpad: each MAC reads one and writes it back."""
        bits = active * self._architecture.precision.psum
        for kind in ("read", "write"):
            plan.words["local"] += active
            plan.bits[f"scratchpad_{kind}"] += bits
            plan.counts.add("scratchpad", f"{kind}_bits", bits)

    def _lane_actions(self, plan: OpPlan, timing: ArrayTiming) -> None:
        plan.counts.add("mac", "multiply_add", timing.executed - timing.gated)
        plan.counts.add("mac", "gated", timing.gated)
        plan.counts.add("control", "registers", timing.executed)
        if self._architecture.pe_array.skips:
            plan.counts.add("control", "window_select", timing.busy + timing.window_empty)
            plan.counts.add("control", "mask_read", timing.mask_bits)

    @property
    def _systolic(self) -> bool:
        return self._architecture.pe_array.passes_operands

    @property
    def _near_memory(self) -> bool:
        return self._architecture.organization == "near_memory"

    def _vector(self, step: int, op: Op) -> OpPlan:
        assert op.vector is not None
        unit, array = self._architecture.vector_unit, self._architecture.pe_array
        homed = any(self._memory.local_split(step, operand.tensor) is not None for operand in op.operands)
        in_pe = op.pass_ is Pass.WU and unit.update_in_pe and self._near_memory and homed
        for tensor in op.outputs:
            self._memory.produce(step, tensor, None, op.layer)
        transfers = [self._vector_transfer(step, operand.tensor, True, in_pe) for operand in op.operands]
        transfers += [self._vector_transfer(step, tensor, False, in_pe) for tensor in op.outputs]
        flat = [transfer for group in transfers for transfer in group]
        slots = self._mapper.pes * array.lanes if in_pe else unit.width
        cycles = -(-op.vector.elements // slots) * -(-op.vector.ops_per_element // unit.ops_per_cycle)
        blocks = min(self._blocks(step, flat, max(1, cycles)), max(1, cycles))
        shares = np.arange(blocks + 1, dtype=np.int64) * cycles // blocks
        plan = OpPlan(op, in_pe, np.diff(shares))
        for transfer in flat:
            self._add(plan, step, transfer)
        if in_pe:
            self._refresh_copies(plan)
            self._wait_for_ports(plan)
        plan.counts.add("vector", "op", op.vector.ops)
        return plan

    def _vector_transfer(self, step: int, tensor: Tensor, inbound: bool, in_pe: bool) -> list[Transfer]:
        bits = word_bits(tensor, self._architecture)
        split = self._memory.local_split(step, tensor)
        if split is None:
            return [Transfer(tensor, Route.BUFFER, inbound, tensor.elements, bits, dram_words=tensor.elements)]
        resident, spilled = split
        away = Route.SCATTER if inbound else Route.COLLECT
        transfers = []
        if resident:
            # Off the PEs, resident words travel to the vector unit and back.
            transfers.append(Transfer(tensor, Route.HOME if in_pe else Route.PEER, inbound, resident, bits))
        if spilled:
            transfers.append(Transfer(tensor, away if in_pe else Route.BUFFER, inbound, spilled, bits, 1, spilled, spilled=tensor.persistent))
        return transfers

    def _refresh_copies(self, plan: OpPlan) -> None:
        """Updated weights go to the PEs that hold copies of them."""
        for tensor in plan.op.outputs:
            home = self._memory.residency.home(tensor)
            if home is not None and home.copies > 1:
                bits = word_bits(tensor, self._architecture)
                self._add(plan, 0, Transfer(tensor, Route.PEER, False, home.resident, bits, home.copies - 1))

    def _blocks(self, step: int, transfers: list[Transfer] | tuple[Transfer, ...], most: int) -> int:
        """As many blocks as it takes for each to pass through one half of the staging double buffer, and no fewer than the machine says."""
        inbound = sum(t.words * t.bits for t in transfers if t.inbound and t.route in {Route.MULTICAST, Route.SCATTER})
        dram = sum(t.dram_words * t.bits for t in transfers if t.spilled or self._memory.in_dram(step, t.tensor))
        staged = -(-max(inbound, dram) // (8 * self._architecture.global_buffer.staging_bytes))
        return min(most, max(self._architecture.blocks_per_op, staged))

    def _scratchpad(self, plan: OpPlan, kind: str, words: int, bits: int) -> None:
        plan.words["local"] += words
        plan.bits[f"scratchpad_{kind}"] += words * bits
        plan.counts.add("scratchpad", f"{kind}_bits", words * bits)

    def _buffer(self, plan: OpPlan, kind: str, words: int, bits: int) -> None:
        plan.words["global_buffer"] += words
        plan.bits[f"global_buffer_{kind}"] += words * bits
        plan.counts.add("global_buffer", f"{kind}_bits", words * bits)

    def _add(self, plan: OpPlan, step: int, t: Transfer) -> None:
        """Count a transfer and put its bits on the stages that it passes."""
        total = t.words * t.bits
        if t.route in (Route.MULTICAST, Route.SCATTER):
            self._buffer(plan, "read", t.words, t.bits)
            self._scratchpad(plan, "write", t.words * t.receivers, t.bits + t.masked)
            if self._systolic:
                # A word waits in the operand buffers at the edge, then passes from PE to PE through registers.
                self._scratchpad(plan, "read", t.words, t.bits)
            plan.counts.add("noc", "bit_hops", total * tree_links(self._pes, t.receivers))
            plan.fill_bits += total
            plan.fill_buffer_bits += total
        elif t.route is Route.COLLECT:
            self._buffer(plan, "write", t.words, t.bits)
            plan.counts.add("noc", "bit_hops", total * tree_links(self._pes, 1))
            plan.drain_bits += total
            plan.drain_buffer_bits += total
        elif t.route is Route.BUFFER:
            self._buffer(plan, "read" if t.inbound else "write", t.words, t.bits)
            if t.inbound:
                plan.fill_buffer_bits += total
            else:
                plan.drain_buffer_bits += total
        elif t.route is Route.HOME:
            self._scratchpad(plan, "read" if t.inbound else "write", t.words, t.bits)
        elif t.route is Route.REDUCE:
            # Each partial sum is read, travels a link to its neighbour in the tree, is added there and written.
            self._scratchpad(plan, "read", t.words, t.bits)
            self._scratchpad(plan, "write", t.words, t.bits)
            plan.words["remote"] += t.words
            plan.counts.add("vector", "op", t.words)
            plan.counts.add("noc", "bit_hops", total)
            plan.peer_bits += total
        else:
            self._scratchpad(plan, "read", t.words, t.bits)
            self._scratchpad(plan, "write", t.words * t.receivers, t.bits)
            plan.words["remote"] += t.words * t.receivers
            plan.counts.add("noc", "bit_hops", total * t.receivers * self._peer_hops)
            plan.peer_bits += total * t.receivers
        if t.dram_words and (t.spilled or self._memory.in_dram(step, t.tensor)):
            self._dram(plan, t)

    def _dram(self, plan: OpPlan, t: Transfer) -> None:
        """DRAM words pass through the staging half of the global buffer."""
        bits = t.dram_words * t.bits
        plan.words["dram"] += t.dram_words
        size = -(-t.tensor.elements * t.bits // 8)
        part = DramPart(t.tensor.name, size, -(-bits // 8))
        if t.inbound:
            plan.loads.append(part)
            plan.bits["dram_read"] += bits
            plan.staged_in_bits += bits
            self._buffer(plan, "write", t.dram_words, t.bits)
        else:
            plan.stores.append(part)
            plan.bits["dram_write"] += bits
            plan.staged_out_bits += bits
            self._buffer(plan, "read", t.dram_words, t.bits)
