"""An op's plan: what `plan.py` finds out before events, and what they need to know."""

from __future__ import annotations

from dataclasses import dataclass, field

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


@dataclass
class OpPlan:
    """One op ready for the events. Bits are of the whole op; each of ``block_cycles``' blocks moves
    its share of them.

    ``port_wait``: cycles among the blocks' in which lanes wait for the ports of their scratchpads.
    ``fill_wait`` to ``staged_out_wait``: cycles that conflicts of banks add to what the global
    buffer's port is busy with. ``mesh_fill``, ``mesh_drain``: on a mesh, which has neither fill,
    drain nor peer bits, bits over each of its links. ``first_pe``, ``pes``: the PEs that it may
    use, numbered row by row. ``moved``: all transfers.
    """

    op: Op
    on_array: bool
    block_cycles: NDArray[np.int64]
    timing: ArrayTiming | None = None
    mapping: Mapping | None = None
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
    fill_wait: int = 0
    drain_wait: int = 0
    staged_in_wait: int = 0
    staged_out_wait: int = 0
    mesh_fill: Ints | None = None
    mesh_drain: Ints | None = None
    first_pe: int = 0
    pes: int = 1
    moved: list[Moved] = field(default_factory=list)
    words: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WORD_KINDS, 0))
    bits: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BYTE_KINDS, 0))
    counts: ActionCounts = field(default_factory=ActionCounts)

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
