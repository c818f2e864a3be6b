"""Tilings and their demands, as arrays: a search weighs tens of thousands of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelsim.pe.mapping import Tiling
from accelsim.pe.skipping.receivers import Sending

CHANNELS, POSITIONS = ORDERS = ("channels", "positions")
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Tilings:
    """Tilings with one split of PEs and one outer loop of the PEs.

    ``rows``: int64 (N, 5), the other fields of each `Tiling` in order, loops as indices of
    `ORDERS`.
    """

    channel_pes: int
    order: str
    rows: Ints

    @classmethod
    def of(cls, tilings: Sequence[Tiling]) -> Tilings:
        """Arrays of tilings with the split and the loop of the first."""
        first = tilings[0]
        rows = [
            (
                t.together,
                t.chunk,
                ORDERS.index(t.buffer_order),
                t.buffer_channels,
                t.buffer_positions,
            )
            for t in tilings
        ]
        return cls(first.channel_pes, first.order, np.array(rows, np.int64))

    def __getitem__(self, index: NDArray[np.bool_]) -> Tilings:
        """Those at ``index``."""
        return Tilings(self.channel_pes, self.order, self.rows[index])

    @property
    def together(self) -> Ints:
        """As in `Tiling`, int64 (N)."""
        return self.rows[:, 0]

    @property
    def chunk(self) -> Ints:
        """As in `Tiling`, int64 (N)."""
        return self.rows[:, 1]

    @property
    def outer_positions(self) -> NDArray[np.bool_]:
        """Whether the buffer's outer loop is over positions, bool (N)."""
        return np.equal(self.rows[:, 2], ORDERS.index(POSITIONS))

    @property
    def buffer_channels(self) -> Ints:
        """As in `Tiling`, int64 (N)."""
        return self.rows[:, 3]

    @property
    def buffer_positions(self) -> Ints:
        """As in `Tiling`, int64 (N)."""
        return self.rows[:, 4]


@dataclass(frozen=True)
class Demand:
    """Space that a tiling needs, and words that it moves.

    - ``scratchpad_bits``: bits of a PE's working space.
    - ``buffer_bits``: bits of one half of the staging double buffer.
    - ``moving``, ``stationary``: words over the NoC, every fetch counted.
    - ``carried``: partial sums written to the scratchpads and read back.
    - ``dram_moving``, ``dram_stationary``: words from DRAM, if the operand lives there.
    - ``stationary_taken``: stationary words, each counted once per PE that takes it.
    - ``sending``: how often a moving word is sent in a pass over the positions.
    """

    scratchpad_bits: int
    buffer_bits: int
    moving: int
    stationary: int
    carried: int
    dram_moving: int
    dram_stationary: int
    stationary_taken: int
    sending: Sending


@dataclass(frozen=True)
class Demands:
    """The demand of each of some tilings, int64 (N) each; ``sending``: values of `Sending`."""

    scratchpad_bits: Ints
    buffer_bits: Ints
    moving: Ints
    stationary: Ints
    carried: Ints
    dram_moving: Ints
    dram_stationary: Ints
    stationary_taken: Ints
    sending: Ints

    def of(self, index: int) -> Demand:
        """That of one tiling."""
        return Demand(
            scratchpad_bits=int(self.scratchpad_bits[index]),
            buffer_bits=int(self.buffer_bits[index]),
            moving=int(self.moving[index]),
            stationary=int(self.stationary[index]),
            carried=int(self.carried[index]),
            dram_moving=int(self.dram_moving[index]),
            dram_stationary=int(self.dram_stationary[index]),
            stationary_taken=int(self.stationary_taken[index]),
            sending=Sending(self.sending[index]),
        )
