"""Room of scratchpads that homes leave free: for gradients while they live, and for the stash."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class StashRoom:
    """Room of one partition, or of the whole array without near memory.

    A gradient takes equal room in every PE; words of the stash take any.

    - ``pes``: the PEs.
    - ``total_bytes``: free in all PEs together. ``every_bytes``: free in every PE.
    - ``for_gradients``, ``for_stash``: bytes of every PE that the other kind leaves free.
    - ``gradient_bytes``: bytes of every PE that gradients hold now. ``stash_bits``: bits that the
      stash holds now.
    """

    pes: range
    total_bytes: int
    every_bytes: int
    for_gradients: int = 0
    for_stash: int = 0
    gradient_bytes: int = 0
    stash_bits: int = 0

    def free_for_stash(self) -> int:
        """Bits that the stash can still take."""
        gradients = len(self.pes) * max(self.gradient_bytes, self.for_gradients)
        return 8 * (self.total_bytes - gradients) - self.stash_bits

    def free_for_gradients(self) -> int:
        """Bytes of every PE that gradients can still take."""
        pes = len(self.pes)
        stash = max(self.stash_bits, 8 * pes * self.for_stash)
        beside = (8 * self.total_bytes - stash) // (8 * pes)
        return max(0, min(self.every_bytes, beside) - self.gradient_bytes)
