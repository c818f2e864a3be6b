"""Costs of a transfer: words and bits counted in each memory, and load on NoC and global-buffer
port.
"""

from __future__ import annotations

from dataclasses import replace

from accelsim.machine.architecture import Machine
from accelsim.machine.words import line_bits, word_bits
from accelsim.pe.mapping import Route, Transfer
from accelsim.results.op import Cause
from accelsim.sim.encodings import Encoding
from accelsim.sim.memory.tensors import TensorMemory
from accelsim.sim.planning.bank_streams import BankStreams
from accelsim.sim.planning.mesh import Mesh
from accelsim.sim.planning.op_plan import DramPart, Moved, PlanDraft
from accelsim.sim.planning.stash_leg import StashLeg
from accelsim.sim.planning.tree import Tree
from accelsim.step.ops import Op, Tensor, Use


class Traffic:
    """Counts the transfers of a run's ops on one machine."""

    def __init__(self, architecture: Machine, memory: TensorMemory) -> None:
        self._architecture = architecture
        self._memory = memory
        self._mesh = Mesh.of(architecture)
        self._streams = BankStreams(architecture)
        self._fifos = architecture.pe_array.takes_words_from_fifos
        self._edge_buffers = architecture.pe_array.passes_operands
        self._tree = Tree.of(architecture)
        self._stash = StashLeg(architecture, self._streams)

    def read_bits(self, tensor: Tensor) -> int:
        """Bits per stored word when a lane reads it: value plus its own index.

        The words of a bitmap tensor count values only, as the bitmap is read as a mask.
        """
        encoding = self._memory.encodings.get(tensor.name)
        return encoding.word_bits if encoding else word_bits(tensor, self._architecture)

    def _encoding(self, t: Transfer) -> Encoding | None:
        """Encoding of the moved tensor. Partial sums have none: they are not yet the tensor."""
        return None if t.partial else self._memory.encodings.get(t.tensor.name)

    def bits(self, t: Transfer, words: int) -> int:
        """Bits of ``words`` elements of a transfer, in its tensor's format."""
        encoding = self._encoding(t)
        return encoding.bits_of(words) if encoding else words * t.bits

    def _moved(self, step: int, t: Transfer) -> Moved:
        encoding = self._encoding(t)
        from_dram = t.spilled or t.route is Route.LOAD or self._memory.in_dram(step, t.tensor)
        crossing = t.dram_words if from_dram else 0
        if encoding is None:
            return Moved(
                t,
                t.words,
                t.words * t.bits,
                t.deliveries,
                t.deliveries * t.bits,
                crossing,
                crossing * t.bits,
                crossing > 0,
            )
        return Moved(
            t,
            encoding.words_of(t.words),
            encoding.bits_of(t.words),
            encoding.words_of(t.deliveries),
            encoding.bits_of(t.deliveries),
            encoding.words_of(crossing),
            encoding.bits_of(crossing),
            crossing > 0,
            True,
        )

    def _beyond_staging(self, step: int, moved: Moved) -> Moved:
        """The transfer with the words that it moves between staging half and scratchpads, if its
        tensor is stashed there.
        """
        t, encoding = moved.transfer, self._encoding(moved.transfer)
        pes = None if t.spilled else self._memory.stash_pes(step, t.tensor)
        if pes is None or not t.dram_words:
            return moved
        words = encoding.words_of(t.dram_words) if encoding else t.dram_words
        bits = self.bits(t, t.dram_words)
        return replace(moved, stash_words=words, stash_bits=bits, stash_pes=pes)

    def add(self, plan: PlanDraft, step: int, t: Transfer) -> None:
        """Count a transfer and add its bits to the stages that it passes."""
        moved = self._beyond_staging(step, self._moved(step, t))
        plan.moved.append(moved)
        if t.enters_pes and (plan.on_array or not t.inbound or t.route is not Route.PEER):
            plan.totals["words_received"] += moved.delivered_words
        if t.route is Route.LOAD and not t.deliveries:
            pass  # the words stay in the global buffer, where `_dram` writes them
        elif t.route in (Route.MULTICAST, Route.SCATTER, Route.LOAD):
            self._read_buffer(plan, moved)
            if not (self._fifos and moves(plan.op, t)):
                self._pads_receive(plan, moved)
            if self._edge_buffers and t.route is not Route.LOAD:
                # A word waits in the operand buffer at the array's edge, then passes from PE to PE
                # through registers.
                self._pads(plan, "read", moved)
            self._deliver(plan, moved)
        elif t.route in (Route.COLLECT, Route.PASS):
            if t.route is Route.COLLECT:
                self._write_buffer(plan, moved)
            self._collect(plan, moved)
        elif t.route is Route.BUFFER:
            if t.inbound:
                self._read_buffer(plan, moved)
            else:
                self._write_buffer(plan, moved)
        elif t.route is Route.HOME:
            self._pads(plan, "read" if t.inbound else "write", moved)
        else:
            self._exchange(plan, moved)
        if moved.stash_bits:
            self._stash.add(plan, moved)
        if moved.dram_bits:
            self._dram(plan, moved, self._cause(plan.op, step, t))

    def refresh_copies(self, plan: PlanDraft) -> None:
        """Count updated weights on their way to the PEs that hold copies of them."""
        for tensor in plan.op.outputs:
            home = self._memory.residency.home(tensor)
            if home is not None and home.copies > 1:
                bits, words = word_bits(tensor, self._architecture), home.resident
                copied = words * (home.copies - 1)
                self.add(plan, 0, Transfer(tensor, Route.PEER, False, words, bits, copied))

    def _exchange(self, plan: PlanDraft, moved: Moved) -> None:
        """On the array, words move between PEs. Other ops move words from home PEs to the vector
        unit or back.
        """
        t = moved.transfer
        if plan.on_array or t.inbound:
            self._pads(plan, "read", moved)
        if plan.on_array or not t.inbound:
            self._pads_receive(plan, moved)
        plan.words["remote"] += moved.delivered_words
        if t.route is Route.REDUCE:
            # Each partial sum is read, crosses a link to its neighbour in the tree, is added there
            # and written.
            plan.counts.add("vector", "op", moved.words)
        self._between(plan, moved)

    def _pads(self, plan: PlanDraft, kind: str, moved: Moved) -> None:
        """Count words that scratchpads read or write in order. The PEs share them equally, and each
        packs its own into whole accesses.
        """
        amount, unit = _dealt(moved)
        whole = self._packed(plan, amount, unit)
        plan.pad_access(kind, moved.words, moved.bits, whole)

    def _pads_receive(self, plan: PlanDraft, moved: Moved) -> None:
        """Count delivered words, which scratchpads write in order.

        The indices of an encoded tensor mark its zeros; a dense tensor whose zeros are skipped has
        a bit map of its own.
        """
        words, bits, (_, unit) = moved.delivered_words, moved.delivered_bits, _dealt(moved)
        masks = 0 if moved.encoded else words * moved.transfer.masked
        whole = self._packed(plan, bits // unit, unit) + self._packed(plan, masks, 1)
        plan.pad_access("write", words, bits + masks, whole)

    def _packed(self, plan: PlanDraft, amount: int, unit: int) -> int:
        """Bits of the accesses that move ``amount`` units, the PEs sharing them equally."""
        return line_bits(amount, unit, self._architecture.scratchpad.width_bits, len(plan.pes))

    def _read_buffer(self, plan: PlanDraft, moved: Moved) -> None:
        plan.buffer_access("read", moved.words, moved.bits)
        plan.totals["fill_buffer_bits"] += moved.bits
        plan.totals["fill_wait"] += self._streams.wait(plan.op, moved)

    def _write_buffer(self, plan: PlanDraft, moved: Moved) -> None:
        plan.buffer_access("write", moved.words, moved.bits)
        plan.totals["drain_buffer_bits"] += moved.bits
        plan.totals["drain_wait"] += self._streams.wait(plan.op, moved)

    def _cause(self, op: Op, step: int, t: Transfer) -> Cause:
        """Why a transfer crosses the DRAM bus."""
        if t.partial:
            return Cause.SUMS
        if t.route is Route.LOAD:
            return Cause.LOAD
        if t.spilled or self._memory.local_split(step, t.tensor) is not None:
            return Cause.SPILL
        if self._memory.stashes(op, t.tensor):
            return Cause.STASH
        return Cause.OPERAND if t.inbound else Cause.OUTPUT

    def _dram(self, plan: PlanDraft, moved: Moved, cause: Cause) -> None:
        """Count DRAM words, which pass sequentially through the staging half of the global
        buffer.
        """
        t, words, bits = moved.transfer, moved.dram_words, moved.dram_bits
        plan.words["dram"] += words
        size = -(-self.bits(t, t.tensor.elements) // 8)
        part = DramPart(t.tensor.name, size, -(-bits // 8), cause, words)
        wait = self._streams.sequential_wait(bits)
        if t.inbound:
            plan.loads.append(part)
            plan.bits["dram_read"] += bits
            plan.totals["staged_in_bits"] += bits
            plan.totals["staged_in_wait"] += wait
            plan.buffer_access("write", words, bits)
        else:
            plan.stores.append(part)
            plan.bits["dram_write"] += bits
            plan.totals["staged_out_bits"] += bits
            plan.totals["staged_out_wait"] += wait
            plan.buffer_access("read", words, bits)

    # NoC

    def _deliver(self, plan: PlanDraft, moved: Moved) -> None:
        """Add load from the global buffer to the PEs."""
        if self._mesh is None:
            plan.wires(
                sum(
                    unit * amount * self._tree.multicast(plan.pes, receivers)
                    for unit, amount, receivers in _shared(moved)
                )
            )
            plan.totals["fill_bits"] += moved.bits
            return
        for unit, amount, receivers in _shared(moved):
            plan.add_mesh("fill", unit * self._mesh.spread(plan.pes, amount, receivers))

    def _collect(self, plan: PlanDraft, moved: Moved) -> None:
        """Add load from the PEs to the global buffer."""
        if self._mesh is None:
            plan.wires(moved.bits * self._tree.path)
            plan.totals["drain_bits"] += moved.bits
            return
        amount, unit = _dealt(moved)
        plan.add_mesh("drain", unit * self._mesh.gather(plan.pes, amount))

    def _between(self, plan: PlanDraft, moved: Moved) -> None:
        """Add load between PEs, or between PEs and the vector unit, which sits beside the global
        buffer.
        """
        t, bits = moved.transfer, moved.delivered_bits
        reduces = t.route is Route.REDUCE
        shared = plan.mapping.reduction_pes if plan.mapping else 1
        if self._mesh is None:
            if reduces:
                length = self._tree.reduce(plan.pes, shared)
            else:
                length = self._tree.exchange(plan.pes) if plan.on_array else self._tree.path
            plan.wires(bits * length)
            plan.totals["peer_bits"] += bits
            return
        if not (reduces or plan.on_array or t.inbound):
            self._deliver(plan, moved)
            return
        amount, unit = _dealt(moved)
        if reduces:
            loads = self._mesh.reduce(plan.pes, shared, amount)
        elif plan.on_array:
            loads = self._mesh.exchange(plan.pes, moved.delivered_bits // unit)
        else:
            loads = self._mesh.gather(plan.pes, amount)
        plan.add_mesh("fill", unit * loads)


def moves(op: Op, t: Transfer) -> bool:
    """Whether a transfer brings words of the operand that moves through the array."""
    return any(each.tensor is t.tensor and each.use is Use.MOVING for each in op.operands)


def _shared(moved: Moved) -> list[tuple[int, int, int]]:
    """(bits per unit, units, receivers) of a multicast. The mean number of receivers is met by two
    whole numbers; a word that no PE takes crosses the links to one.
    """
    amount, unit = _dealt(moved)
    fewer, more = divmod(moved.delivered_bits // unit, max(1, amount))
    return [
        (unit, units, max(1, receivers))
        for units, receivers in ((amount - more, fewer), (more, fewer + 1))
        if units
    ]


def _dealt(moved: Moved) -> tuple[int, int]:
    """(amount, bits per unit) that links share: words of fixed size, or single bits if encoded."""
    return (moved.bits, 1) if moved.encoded else (moved.words, moved.transfer.bits)
