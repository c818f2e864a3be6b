"""Load that the transfers of one op put on links, ports and the DRAM bus in the whole-machine twin.

On a mesh every word travels link by link (`tests.naive.mesh`), and banks of the global buffer are
accessed line by line (`tests.naive.banks`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from accelsim.machine.architecture import Machine
from accelsim.pe.mapping import Route, Transfer
from accelsim.step.ops import Contraction, Op, Pass, Role, Use
from tests.naive import mesh
from tests.naive.banks import stream_cycles
from tests.naive.whole_machine_memory import Places

TOKENS_SUMMED = (".FF", ".EP.query")
"""Products of attention that sum over the tokens of keys and values."""


def lines(words: int, bits: int, width: int) -> int:
    """Bits of the accesses that move neighbouring words: line after line until none is left."""
    left, moved = words * bits, 0
    while left > 0:
        left, moved = left - width, moved + width
    return moved


@dataclass
class Load:
    """Bits of a whole op by link, and cycles that bank conflicts add at each port. DRAM parts are
    (tensor, its size in bytes, bytes to move). ``fetched``, ``stowed``: bits of the stash from and
    to scratchpads over a tree.
    """

    down: int = 0
    up: int = 0
    peer: int = 0
    fetched: int = 0
    stowed: int = 0
    mesh_fetched: Counter[mesh.Link] = field(default_factory=Counter)
    mesh_stowed: Counter[mesh.Link] = field(default_factory=Counter)
    mesh_fill: Counter[mesh.Link] = field(default_factory=Counter)
    mesh_drain: Counter[mesh.Link] = field(default_factory=Counter)
    fill_port: int = 0
    fill_wait: int = 0
    drain_port: int = 0
    drain_wait: int = 0
    staged_in: int = 0
    staged_in_wait: int = 0
    staged_out: int = 0
    staged_out_wait: int = 0
    fill_vector: int = 0
    drain_vector: int = 0
    pads_read: int = 0
    pads_written: int = 0
    reads: list[tuple[str, int, int]] = field(default_factory=list)
    writes: list[tuple[str, int, int]] = field(default_factory=list)

    @property
    def fills(self) -> bool:
        return bool(self.down or self.peer or self.fill_port or self.mesh_fill or self.fill_vector)

    @property
    def drains(self) -> bool:
        return bool(self.up or self.drain_port or self.mesh_drain or self.drain_vector)

    @property
    def loads(self) -> bool:
        return bool(self.reads or self.fetched or self.mesh_fetched)

    @property
    def stores(self) -> bool:
        return bool(self.writes or self.stowed or self.mesh_stowed)


class Traffic:
    """Computes loads. ``pes``: PEs of a partition."""

    def __init__(self, architecture: Machine, places: Places, pes: int) -> None:
        self.architecture, self.places, self.pes = architecture, places, pes
        rows, ports = architecture.pe_array.rows, architecture.noc.buffer_ports
        self.port_rows = [(2 * port + 1) * rows // (2 * ports) for port in range(ports)]
        self._walked: dict[tuple[object, ...], Counter[mesh.Link]] = {}

    def crossing(self, step: int, t: Transfer) -> int:
        """Words that cross the DRAM bus."""
        return t.dram_words if t.spilled or self.places.from_dram(step, t.tensor) else 0

    def stashed(self, step: int, t: Transfer) -> int:
        """Words that come from the stash in scratchpads, or go there."""
        there = self.places.stash_pes(step, t.tensor) is not None and not t.spilled
        return t.dram_words * there

    def load(
        self,
        step: int,
        op: Op,
        transfers: list[Transfer],
        on_array: bool,
        first: int,
        shared: int = 1,
    ) -> Load:
        """Load of an op on the PEs from ``first``, of which ``shared`` share a reduction. For an op
        that is not on the array, words move between homes and the vector unit.
        """
        load = Load()
        for t in transfers:
            bits = t.words * t.bits
            if t.route in {Route.MULTICAST, Route.SCATTER} or (
                t.route is Route.BUFFER and t.inbound
            ):
                load.fill_port += bits
                load.fill_wait += self._bank_wait(op, t)
            elif t.route in {Route.COLLECT, Route.BUFFER}:
                load.drain_port += bits
                load.drain_wait += self._bank_wait(op, t)
            self._pads(load, t, on_array)
            if self.architecture.noc.topology == "mesh":
                self._over_mesh(load, t, on_array, first, shared)
            else:
                load.down += bits if t.route in {Route.MULTICAST, Route.SCATTER} else 0
                load.up += bits if t.route in {Route.COLLECT, Route.PASS} else 0
                load.peer += t.deliveries * t.bits if t.route in {Route.PEER, Route.REDUCE} else 0
            self._over_stash(load, t, self.stashed(step, t), self.places.stash_pes(step, t.tensor))
            crossing = self.crossing(step, t) * t.bits
            if crossing:
                part = (t.tensor.name, -(-self.places.bits(t.tensor) // 8), -(-crossing // 8))
                wait = self._stream_wait(crossing)
                if t.inbound:
                    load.reads.append(part)
                    load.staged_in, load.staged_in_wait = (
                        load.staged_in + crossing,
                        load.staged_in_wait + wait,
                    )
                else:
                    load.writes.append(part)
                    load.staged_out, load.staged_out_wait = (
                        load.staged_out + crossing,
                        load.staged_out_wait + wait,
                    )
        return load

    def _over_stash(self, load: Load, t: Transfer, words: int, pes: range | None) -> None:
        """Add words that pass between the staging buffer and scratchpads. Each of the PEs has an
        equal share of them.
        """
        if pes is None or not words:
            return
        bits, cols = words * t.bits, self.architecture.pe_array.cols
        on_tree = self.architecture.noc.topology == "tree"
        if t.inbound:
            load.pads_read += self._in_order(words, t.bits, len(pes))
            load.staged_in += bits
            load.staged_in_wait += self._stream_wait(bits)
            load.fetched += bits * on_tree
        else:
            load.pads_written += self._in_order(words, t.bits, len(pes))
            load.staged_out += bits
            load.staged_out_wait += self._stream_wait(bits)
            load.stowed += bits * on_tree
        if on_tree:
            return
        if t.inbound:
            walked = mesh.gather(pes.start, len(pes), words, self.port_rows, cols)
        else:
            walked = mesh.multicast(pes.start, len(pes), 1, words, self.port_rows, cols)[0]
        for link, crossed in walked.items():
            (load.mesh_fetched if t.inbound else load.mesh_stowed)[link] += crossed * t.bits

    def _pads(self, load: Load, t: Transfer, on_array: bool) -> None:
        """Add bits of the accesses to scratchpads. Every PE has its share of the words one after
        another, and of their mask bits if zeros are skipped.
        """
        once = self._in_order(t.words, t.bits)
        copied = self._in_order(t.deliveries, t.bits)
        if t.route in {Route.MULTICAST, Route.SCATTER}:
            load.pads_written += copied
            if t.masked:
                load.pads_written += self._in_order(t.deliveries, 1)
        elif t.route is Route.HOME:
            load.pads_read += once if t.inbound else 0
            load.pads_written += 0 if t.inbound else once
        elif t.route in {Route.PEER, Route.REDUCE}:
            load.pads_read += once if on_array or t.inbound else 0
            load.pads_written += copied if on_array or not t.inbound else 0

    def _in_order(self, words: int, bits: int, pes: int = 0) -> int:
        """Bits of the accesses of all PEs, each to its share of the words."""
        width, pes = self.architecture.scratchpad.width_bits, pes or self.pes
        return sum(
            lines((pe + 1) * words // pes - pe * words // pes, bits, width) for pe in range(pes)
        )

    # A mesh

    def _over_mesh(self, load: Load, t: Transfer, on_array: bool, first: int, shared: int) -> None:
        """Add words that travel from or to the global buffer, or between PEs. The vector unit is
        located at the global buffer.
        """
        to_homes = t.route is Route.PEER and not (on_array or t.inbound)
        if to_homes or t.route in {Route.MULTICAST, Route.SCATTER}:
            # Some words go to one PE more than the others.
            fewer, more = divmod(t.deliveries, max(1, t.words))
            self._carry(load.mesh_fill, t, ("spread", first, t.words - more, fewer))
            self._carry(load.mesh_fill, t, ("spread", first, more, fewer + 1))
        elif t.route in {Route.COLLECT, Route.PASS}:
            self._carry(load.mesh_drain, t, ("gather", first, t.words, 1))
        elif t.route is Route.REDUCE:
            self._carry(load.mesh_fill, t, ("reduce", first, t.words, shared))
        elif t.route is Route.PEER and on_array:
            self._carry(load.mesh_fill, t, ("exchange", first, t.deliveries, 1))
        elif t.route is Route.PEER:
            self._carry(load.mesh_fill, t, ("gather", first, t.words, 1))

    def _carry(
        self, bits: Counter[mesh.Link], t: Transfer, walk: tuple[str, int, int, int]
    ) -> None:
        if walk not in self._walked:
            self._walked[walk] = self._walk(*walk)
        for link, words in self._walked[walk].items():
            bits[link] += words * t.bits

    def _walk(self, kind: str, first: int, words: int, several: int) -> Counter[mesh.Link]:
        cols = self.architecture.pe_array.cols
        if kind == "spread":
            return mesh.multicast(
                first, self.pes, max(1, min(several, self.pes)), words, self.port_rows, cols
            )[0]
        if kind == "gather":
            return mesh.gather(first, self.pes, words, self.port_rows, cols)
        if kind == "exchange":
            return mesh.all_pairs(first, self.pes, words, cols)
        return mesh.unicast(mesh.reduction(first, self.pes, several, words), cols)

    # Banks of the global buffer

    def _bank_wait(self, op: Op, t: Transfer) -> int:
        """Cycles added by bank conflicts. Each pass over the tensor is a separate stream."""
        stride = self._stride(op, t)
        if stride == 1:
            return self._stream_wait(t.words * t.bits)
        if self.architecture.global_buffer.conflicts == "ideal":
            return 0
        size, left, cycles = t.tensor.elements, t.words, 0
        while left:
            cycles += self._stream(min(left, size), t.bits, size // stride, stride)
            left -= min(left, size)
        return cycles - self._port_cycles(t.words * t.bits)

    def _stride(self, op: Op, t: Transfer) -> int:
        """Distance in words between consecutive reads: weights are read by column in EP, maps by
        channel where positions are summed. Products of attention that sum over keys read the keys
        or values of all tokens channel by channel.
        """
        uses = {operand.tensor.name: operand.use for operand in reversed(op.operands)}
        use = uses.get(t.tensor.name) if t.inbound and isinstance(op, Contraction) else None
        if use is Use.STATIONARY and op.name.endswith(TOKENS_SUMMED) and op.stationary_arrives:
            return t.tensor.shape[-1]
        if op.pass_ is Pass.EP and use is Use.STATIONARY and t.tensor.role is Role.WEIGHT:
            return t.tensor.elements // t.tensor.shape[0]
        if not isinstance(op, Contraction) or use not in {Use.MOVING, Use.STATIONARY}:
            return 1
        return t.tensor.shape[-1] if op.nest.sums_samples else 1

    def _stream_wait(self, bits: int) -> int:
        """Cycles added by bank conflicts for a sequential stream of ``bits``."""
        buffer = self.architecture.global_buffer
        if buffer.conflicts == "ideal" or not bits:
            return 0
        lines = -(-bits // buffer.width_bits)
        return self._stream(lines, buffer.width_bits, lines, 1) - self._port_cycles(bits)

    def _stream(self, words: int, bits: int, column: int, stride: int) -> int:
        buffer = self.architecture.global_buffer
        lines = -(-8 * buffer.capacity_bytes // (buffer.banks * buffer.width_bits))
        return stream_cycles(
            words,
            bits,
            max(1, column),
            stride,
            buffer.banks,
            buffer.width_bits,
            lines if buffer.interleave == "block" else 0,
        )

    def _port_cycles(self, bits: int) -> int:
        buffer = self.architecture.global_buffer
        return -(-bits // (buffer.banks * buffer.width_bits))
