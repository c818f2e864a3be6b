"""Lanes of FF and EP as arrays, and how a few samples stand for a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Cycles = NDArray[np.int32]
Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Streams:
    """Lanes of the distinct samples, int32 (K or 1, positions): ``cycles``, and MACs ``executed``
    and ``effectual`` among them.
    """

    cycles: Cycles
    executed: Cycles
    effectual: Cycles

    def repeated(self, distinct: int) -> Streams:
        """The streams of as many positions as the needed mask has."""
        if self.cycles.shape[1] == distinct:
            return self
        return Streams(
            *(
                tile_positions(values, distinct)
                for values in (self.cycles, self.executed, self.effectual)
            )
        )


def tile_positions(values: Cycles, distinct: int) -> Cycles:
    """Rows repeated cyclically, or cut, to ``distinct`` positions."""
    return np.ascontiguousarray(np.tile(values, (1, -(-distinct // values.shape[1])))[:, :distinct])


def per_channel(values: Cycles, channels: int) -> Cycles:
    """One row that stands for all channels, written out."""
    return np.repeat(values, channels, axis=0) if len(values) == 1 else values
