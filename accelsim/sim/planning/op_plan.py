"""An op's plan: all that the events need to know of it, counted before they begin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as Counted
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelsim.cost.counters import ActionCounts
from accelsim.pe.mapping import Mapping, Transfer
from accelsim.pe.timing import ArrayTiming
from accelsim.results.op import BYTE_KINDS, WORD_KINDS
from accelsim.step.ops import Op

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class DramPart:
    """Bytes of one tensor that cross the DRAM bus; ``size_bytes`` is all the tensor occupies
    there.
    """

    tensor: str
    size_bytes: int
    nbytes: int


@dataclass(frozen=True)
class Moved:
    """A transfer as it really goes, in its tensor's format: stored ``words`` and ``bits``, and
    those that cross the DRAM bus.

    ``crosses``: whether its tensor is in DRAM, even if all of it is zeros that take no bits.
    ``encoded``: its format is not dense, so that bits are more than words of a fixed size.
    """

    transfer: Transfer
    words: int
    bits: int
    dram_words: int = 0
    dram_bits: int = 0
    crosses: bool = False
    encoded: bool = False


@dataclass(frozen=True)
class OpPlan:
    """One op ready for the events. Bits are of the whole op; each of ``block_cycles``' blocks moves
    its share of them.

    ``port_wait``: cycles among the blocks' in which lanes wait for the ports of their scratchpads.
    ``fill_wait`` to ``staged_out_wait``: cycles that conflicts of banks add to what the global
    buffer's port is busy with. ``mesh_fill``, ``mesh_drain``: on a mesh, which has neither fill,
    drain nor peer bits, bits over each of its links. ``pes``: the PEs that it may use, numbered row
    by row. ``words``, ``bits``: by kind of memory; ``counts``: actions on the chip.
    """

    op: Op
    on_array: bool
    pes: range
    block_cycles: Ints
    timing: ArrayTiming | None
    mapping: Mapping | None
    loads: tuple[DramPart, ...]
    stores: tuple[DramPart, ...]
    moved: tuple[Moved, ...]
    words: Counted[str, int]
    bits: Counted[str, int]
    counts: ActionCounts
    mesh_fill: Ints | None
    mesh_drain: Ints | None
    port_wait: int = 0
    fill_bits: int = 0
    fill_buffer_bits: int = 0
    drain_bits: int = 0
    drain_buffer_bits: int = 0
    peer_bits: int = 0
    staged_in_bits: int = 0
    staged_out_bits: int = 0
    fill_wait: int = 0
    drain_wait: int = 0
    staged_in_wait: int = 0
    staged_out_wait: int = 0

    @property
    def fills(self) -> bool:
        """Whether anything moves towards the PEs or the vector unit, or between PEs."""
        return bool(self.fill_bits or self.fill_buffer_bits or self.peer_bits) or (
            self.mesh_fill is not None and bool(self.mesh_fill.any())
        )

    @property
    def drains(self) -> bool:
        """Whether anything moves to the global buffer."""
        return bool(self.drain_bits or self.drain_buffer_bits) or (
            self.mesh_drain is not None and bool(self.mesh_drain.any())
        )

    @property
    def blocks(self) -> int:
        return len(self.block_cycles)


class PlanDraft:
    """A plan while its transfers are counted; `finish` freezes it.

    ``totals``: the plan's bits and waits, by the names of its fields.
    """

    def __init__(self, op: Op, pes: range, on_array: bool, mapping: Mapping | None = None) -> None:
        self.op = op
        self.pes = pes
        self.on_array = on_array
        self.mapping = mapping
        self.loads: list[DramPart] = []
        self.stores: list[DramPart] = []
        self.moved: list[Moved] = []
        self.words = dict.fromkeys(WORD_KINDS, 0)
        self.bits = dict.fromkeys(BYTE_KINDS, 0)
        self.counts = ActionCounts()
        self.totals: Counter[str] = Counter()
        self.mesh_fill: Ints | None = None
        self.mesh_drain: Ints | None = None

    def access(self, memory: str, kind: str, words: int, bits: int) -> None:
        """Count a ``kind`` (read or write) of the scratchpads or the global buffer."""
        place = "local" if memory == "scratchpad" else memory
        self.words[place] += words
        self.bits[f"{memory}_{kind}"] += bits
        self.counts.add(memory, f"{kind}_bits", bits)

    def add_mesh_fill(self, loads: Ints) -> None:
        """Bits over each link of a mesh, towards the PEs or between them."""
        self.counts.add("noc", "bit_hops", int(loads.sum()))
        self.mesh_fill = loads if self.mesh_fill is None else self.mesh_fill + loads

    def add_mesh_drain(self, loads: Ints) -> None:
        """Bits over each link of a mesh, on their way to the global buffer."""
        self.counts.add("noc", "bit_hops", int(loads.sum()))
        self.mesh_drain = loads if self.mesh_drain is None else self.mesh_drain + loads

    def finish(self, block_cycles: Ints, timing: ArrayTiming | None, port_wait: int) -> OpPlan:
        """The plan; ``port_wait`` is spread over the blocks."""
        blocks = len(block_cycles)
        if port_wait:
            shares = np.arange(blocks + 1, dtype=np.int64) * port_wait // blocks
            block_cycles = block_cycles + np.diff(shares)
        return OpPlan(
            self.op,
            self.on_array,
            self.pes,
            block_cycles,
            timing,
            self.mapping,
            tuple(self.loads),
            tuple(self.stores),
            tuple(self.moved),
            self.words,
            self.bits,
            self.counts,
            self.mesh_fill,
            self.mesh_drain,
            port_wait,
            **self.totals,
        )
