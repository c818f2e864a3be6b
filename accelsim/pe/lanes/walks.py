"""Cost of a stream of pairs: the part of the timing model that differs between kinds of skipping
lanes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import ceil

import numpy as np

from accelsim.kernels.bits.bitmaps import PackedMask, split_channels
from accelsim.kernels.bits.taps import MapTaps
from accelsim.kernels.lanes.pair_streams import pair_stream_cycles
from accelsim.kernels.lanes.weight_gradient import grouped_wgrad_cycles, wgrad_cycles
from accelsim.kernels.lanes.zero_skip import stream_cycles
from accelsim.pe.lanes.cache import outer_lanes
from accelsim.pe.lanes.streams import Cycles, Words


class Walks(ABC):
    """Cycles of streams, and the number of executed positions.

    Arguments and shapes are those of the kernels in `kernels.lanes`.
    """

    lanes_per_output = 1
    """Lanes that reduce one output cooperatively. Each of them spends the cycles of its stream."""
    in_order = False
    """Whether words are read row by row into a staging buffer, whatever is skipped."""

    @abstractmethod
    def every(self, length: Cycles) -> Cycles:
        """Cycles of streams of ``length`` positions when nothing is skipped."""

    @abstractmethod
    def expected(self, length: float, set_bits: float) -> float:
        """Expected cycles of a stream of ``length`` positions, ``set_bits`` of them set, anywhere
        with equal probability.
        """

    @abstractmethod
    def moving(self, moving: PackedMask, taps: MapTaps) -> tuple[Cycles, Cycles]:
        """Cycles and set bits, int32 (S, Y*X), of the moving operand's streams alone."""

    @abstractmethod
    def pairs(
        self, moving: PackedMask, stationary: Words, taps: MapTaps, skip: str = "both"
    ) -> tuple[Cycles, Cycles]:
        """Cycles and set bits, int32 (K, Y*X), of one sample's pairs. ``skip``: both or
        stationary.
        """

    @abstractmethod
    def gradients(
        self, x: PackedMask, e: PackedMask, samples: int, taps: MapTaps, skip: str
    ) -> tuple[Cycles, int]:
        """Cycles, int32 (K or 1, R*S*C or 1), of weight gradients, and the set bits of all."""

    def grouped_gradients(
        self, x: PackedMask, e: PackedMask, samples: int, taps: MapTaps, skip: str
    ) -> tuple[Cycles, int]:
        """Cycles, int32 (K, R*S*C), of the weight gradients of a grouped convolution, and the set
        bits of all. ``x``: (G, S, H, W, Cw), C channels per group. ``e``: (S', P, Q, Kw), K
        channels of all groups.
        """
        share = e.channels // len(x.words)
        parts = [
            self.gradients(
                PackedMask(maps, x.channels), PackedMask(errors, share), samples, taps, skip
            )
            for maps, errors in zip(
                x.words, split_channels(e.words, e.channels, len(x.words)), strict=True
            )
        ]
        shape = (share, taps.kernel * x.channels)
        cycles = np.concatenate([np.broadcast_to(part, shape) for part, _ in parts])
        return cycles, sum(executed for _, executed in parts)

    @abstractmethod
    def outer(
        self, x: PackedMask, e: PackedMask, samples: int, segments: int, skip: str
    ) -> tuple[Cycles, int]:
        """Cycles, int32 (K or 1, segments or 1), of an outer product, and the set bits of all.

        ``x``, ``e``: masks uint64 (S, Cw) and (S', Kw). ``segments``: lanes that share a channel's
        moving vector.
        """


class LaneWalks(Walks):
    """Lanes of kind `lanes`: each has its own window."""

    def __init__(self, window: int) -> None:
        self._window = window

    def every(self, length: Cycles) -> Cycles:
        return length

    def expected(self, length: float, set_bits: float) -> float:
        """A cycle goes past the first set position of the window, or past the whole window: on
        average (1 - (1 - d)^W) / d positions (docs/pe-lanes.md). A stream within one window takes a
        cycle per set position, and one if its last position is not set.
        """
        if not length or not set_bits:
            return ceil(length / self._window)
        density = min(1.0, set_bits / length)
        if length <= self._window:
            return set_bits + 1.0 - density
        return length * density / (1.0 - (1.0 - density) ** self._window)

    def moving(self, moving: PackedMask, taps: MapTaps) -> tuple[Cycles, Cycles]:
        return stream_cycles(*moving, *taps, self._window)[:2]

    def pairs(
        self, moving: PackedMask, stationary: Words, taps: MapTaps, skip: str = "both"
    ) -> tuple[Cycles, Cycles]:
        return pair_stream_cycles(*moving, stationary, *taps, self._window, skip)

    def gradients(
        self, x: PackedMask, e: PackedMask, samples: int, taps: MapTaps, skip: str
    ) -> tuple[Cycles, int]:
        return wgrad_cycles(x, e, samples, taps, self._window, skip)

    def grouped_gradients(
        self, x: PackedMask, e: PackedMask, samples: int, taps: MapTaps, skip: str
    ) -> tuple[Cycles, int]:
        return grouped_wgrad_cycles(x, e, samples, taps, self._window, skip)

    def outer(
        self, x: PackedMask, e: PackedMask, samples: int, segments: int, skip: str
    ) -> tuple[Cycles, int]:
        channels = x.channels, e.channels
        return outer_lanes(x.words, e.words, samples, *channels, segments, self._window, skip)


ONE_TAP = MapTaps(np.zeros((1, 1), np.int32), np.zeros((1, 1), np.int32))
"""Taps for a vector: a single tap at position 0."""
