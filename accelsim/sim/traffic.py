"""What a transfer costs: words and bits counted in every memory that it touches, and what it puts
on the NoC and the global buffer's port.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accelsim.machine.architecture import Architecture
from accelsim.machine.words import word_bits
from accelsim.pe.mapping import Route, Transfer
from accelsim.sim.bank_streams import BankStreams
from accelsim.sim.encodings import Encoding
from accelsim.sim.memory import TensorMemory
from accelsim.sim.mesh import Mesh
from accelsim.sim.op_plan import DramPart, Moved, OpPlan
from accelsim.step.ops import Tensor


def tree_links(leaves: int, receivers: int) -> int:
    """Links of a binary multicast tree over ``leaves`` PEs that a word crosses on its way to
    ``receivers`` neighbouring ones.
    """
    depth = max(1, (leaves - 1).bit_length())
    return (
        depth
        if receivers <= 1
        else min(2 * leaves - 2, 2 * receivers - 2 + depth - (receivers - 1).bit_length())
    )


class Traffic:
    """Counts the transfers of a run's ops on one machine."""

    def __init__(self, architecture: Architecture, memory: TensorMemory) -> None:
        self._architecture = architecture
        self._memory = memory
        self._mesh = Mesh.of(architecture)
        self._streams = BankStreams(architecture)
        self._systolic = architecture.pe_array.passes_operands
        array = architecture.pe_array
        self._pes = array.rows * array.cols
        # mean distance of two random PEs of a mesh, in hops: (rows^2 - 1) / (3 rows) + the same for
        # columns
        self._peer_hops = max(
            1, round((array.rows - 1 / array.rows) / 3 + (array.cols - 1 / array.cols) / 3)
        )

    def read_bits(self, tensor: Tensor) -> int:
        """Bits of one of the tensor's stored words where lanes read it: its value, and its own
        index; a bitmap is read as a mask.
        """
        encoding = self._memory.encodings.get(tensor.name)
        return encoding.word_bits if encoding else word_bits(tensor, self._architecture)

    def _encoding(self, t: Transfer) -> Encoding | None:
        """The format of what a transfer moves. Partial sums have none: they are not the tensor
        yet.
        """
        return None if t.partial else self._memory.encodings.get(t.tensor.name)

    def bits(self, t: Transfer, words: int) -> int:
        """Bits of that many of a transfer's elements."""
        encoding = self._encoding(t)
        return encoding.bits_of(words) if encoding else words * t.bits

    def _moved(self, step: int, t: Transfer) -> Moved:
        encoding = self._encoding(t)
        crossing = t.dram_words if t.spilled or self._memory.in_dram(step, t.tensor) else 0
        if encoding is None:
            return Moved(t, t.words, t.words * t.bits, crossing, crossing * t.bits, crossing > 0)
        words, bits = encoding.words_of(t.words), encoding.bits_of(t.words)
        return Moved(
            t,
            words,
            bits,
            encoding.words_of(crossing),
            encoding.bits_of(crossing),
            crossing > 0,
            True,
        )

    def add(self, plan: OpPlan, step: int, t: Transfer) -> None:
        """Count a transfer and put its bits on the stages that it passes."""
        moved = self._moved(step, t)
        plan.moved.append(moved)
        words, bits = moved.words, moved.bits
        if t.route in (Route.MULTICAST, Route.SCATTER):
            self._read_buffer(plan, moved)
            # Of an encoded tensor the indices tell which words are zero; else a mask bit is kept
            # beside each word.
            kept = 0 if moved.encoded else words * t.masked
            self.scratchpad(plan, "write", words * t.receivers, (bits + kept) * t.receivers)
            if self._systolic:
                # A word waits in the operand buffers at the edge, then passes from PE to PE through
                # registers.
                self.scratchpad(plan, "read", words, bits)
            self._deliver(plan, moved)
        elif t.route is Route.COLLECT:
            self._write_buffer(plan, moved)
            self._collect(plan, moved)
        elif t.route is Route.BUFFER:
            if t.inbound:
                self._read_buffer(plan, moved)
            else:
                self._write_buffer(plan, moved)
        elif t.route is Route.HOME:
            self.scratchpad(plan, "read" if t.inbound else "write", words, bits)
        else:
            # Of an op that is not on the array, words go from homes to the vector unit, or come
            # back.
            if plan.on_array or t.inbound:
                self.scratchpad(plan, "read", words, bits)
            if plan.on_array or not t.inbound:
                self.scratchpad(plan, "write", words * t.receivers, bits * t.receivers)
            plan.words["remote"] += words * t.receivers
            if t.route is Route.REDUCE:
                # Each partial sum is read, travels a link to its neighbour in the tree, is added
                # there and written.
                plan.counts.add("vector", "op", words)
            self._between(plan, moved)
        if moved.dram_bits:
            self._dram(plan, moved)

    def scratchpad(self, plan: OpPlan, kind: str, words: int, bits: int) -> None:
        """Count a read or write of scratchpads."""
        plan.words["local"] += words
        plan.bits[f"scratchpad_{kind}"] += bits
        plan.counts.add("scratchpad", f"{kind}_bits", bits)

    def _buffer(self, plan: OpPlan, kind: str, words: int, bits: int) -> None:
        plan.words["global_buffer"] += words
        plan.bits[f"global_buffer_{kind}"] += bits
        plan.counts.add("global_buffer", f"{kind}_bits", bits)

    def _read_buffer(self, plan: OpPlan, moved: Moved) -> None:
        self._buffer(plan, "read", moved.words, moved.bits)
        plan.fill_buffer_bits += moved.bits
        plan.fill_wait += self._streams.wait(plan.op, moved)

    def _write_buffer(self, plan: OpPlan, moved: Moved) -> None:
        self._buffer(plan, "write", moved.words, moved.bits)
        plan.drain_buffer_bits += moved.bits
        plan.drain_wait += self._streams.wait(plan.op, moved)

    def _dram(self, plan: OpPlan, moved: Moved) -> None:
        """DRAM words pass through the staging half of the global buffer, one after the other."""
        t, words, bits = moved.transfer, moved.dram_words, moved.dram_bits
        plan.words["dram"] += words
        size = -(-self.bits(t, t.tensor.elements) // 8)
        part = DramPart(t.tensor.name, size, -(-bits // 8))
        wait = self._streams.sequential_wait(bits)
        if t.inbound:
            plan.loads.append(part)
            plan.bits["dram_read"] += bits
            plan.staged_in_bits += bits
            plan.staged_in_wait += wait
            self._buffer(plan, "write", words, bits)
        else:
            plan.stores.append(part)
            plan.bits["dram_write"] += bits
            plan.staged_out_bits += bits
            plan.staged_out_wait += wait
            self._buffer(plan, "read", words, bits)

    # The NoC

    def _deliver(self, plan: OpPlan, moved: Moved) -> None:
        """From the global buffer to the PEs."""
        t = moved.transfer
        if self._mesh is None:
            plan.counts.add("noc", "bit_hops", moved.bits * tree_links(self._pes, t.receivers))
            plan.fill_bits += moved.bits
            return
        amount, unit = _dealt(moved)
        self._fill(plan, unit * self._mesh.spread(plan.first_pe, plan.pes, amount, t.receivers))

    def _collect(self, plan: OpPlan, moved: Moved) -> None:
        """From the PEs to the global buffer."""
        if self._mesh is None:
            plan.counts.add("noc", "bit_hops", moved.bits * tree_links(self._pes, 1))
            plan.drain_bits += moved.bits
            return
        amount, unit = _dealt(moved)
        loads = unit * self._mesh.gather(plan.first_pe, plan.pes, amount)
        plan.counts.add("noc", "bit_hops", int(loads.sum()))
        plan.mesh_drain = loads if plan.mesh_drain is None else plan.mesh_drain + loads

    def _between(self, plan: OpPlan, moved: Moved) -> None:
        """From PE to PE, or between PEs and the vector unit, which stands at the global buffer."""
        t, bits = moved.transfer, moved.bits * moved.transfer.receivers
        if self._mesh is None:
            plan.counts.add(
                "noc", "bit_hops", bits * (1 if t.route is Route.REDUCE else self._peer_hops)
            )
            plan.peer_bits += bits
            return
        amount, unit = _dealt(moved)
        first, pes, mesh = plan.first_pe, plan.pes, self._mesh
        if t.route is Route.REDUCE:
            shared = plan.mapping.reduction_pes if plan.mapping else 1
            loads = mesh.reduce(first, pes, shared, amount)
        elif plan.on_array:
            loads = mesh.exchange(first, pes, amount * t.receivers)
        else:
            loads = (
                mesh.gather(first, pes, amount) if t.inbound else mesh.spread(first, pes, amount, 1)
            )
        self._fill(plan, unit * loads)

    def _fill(self, plan: OpPlan, loads: NDArray[np.int64]) -> None:
        plan.counts.add("noc", "bit_hops", int(loads.sum()))
        plan.mesh_fill = loads if plan.mesh_fill is None else plan.mesh_fill + loads


def _dealt(moved: Moved) -> tuple[int, int]:
    """What links share: whole words of so many bits each; of an encoded tensor, bits."""
    return (moved.bits, 1) if moved.encoded else (moved.words, moved.transfer.bits)
