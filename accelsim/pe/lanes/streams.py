"""Lanes of FF and EP as arrays; few samples are repeated to represent a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Cycles = NDArray[np.int32]
Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Streams:
    """Lanes of the distinct samples.

    ``cycles``, and MACs ``executed`` and ``effectual``: int32 (K or 1, positions). A single row
    holds for all channels.
    """

    cycles: Cycles
    executed: Cycles
    effectual: Cycles

    def repeated(self, distinct: int) -> Streams:
        """The streams, repeated cyclically or cut to ``distinct`` positions."""
        if self.cycles.shape[1] == distinct:
            return self
        return Streams(
            *(
                tile_positions(values, distinct)
                for values in (self.cycles, self.executed, self.effectual)
            )
        )


def tile_positions(values: Cycles, distinct: int) -> Cycles:
    """Repeat rows cyclically, or cut them, to ``distinct`` positions."""
    return np.ascontiguousarray(np.tile(values, (1, -(-distinct // values.shape[1])))[:, :distinct])


def alike(groups: Words) -> bool:
    """Whether the masks of all groups (G, ...) are equal, as in attention."""
    return bool((groups == groups[:1]).all())


def per_channel(values: Cycles, channels: int) -> Cycles:
    """Expand one row that holds for all channels to ``channels`` rows."""
    return np.repeat(values, channels, axis=0) if len(values) == 1 else values
