"""One dimension of a map, as positions and taps visit it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.taps import Taps, forward_taps, transposed_taps


@dataclass(frozen=True)
class Window:
    """One dimension of the moving map, as positions and taps visit it. ``size`` is its number of
    elements.

    Position p and tap t read element (p * stride + t * dilation - padding) / spacing. If that is
    not a whole number, they read a stride zero; if it is outside the map, a padding zero. A
    transposed convolution has a negative dilation, and its spacing is the stride of the forward
    convolution.
    """

    size: int = 1
    positions: int = 1
    taps: int = 1
    stride: int = 1
    dilation: int = 1
    padding: int = 0
    spacing: int = 1

    @property
    def reach(self) -> int:
        """Distance from the first tap to the last, in units of 1 / spacing elements."""
        return (self.taps - 1) * abs(self.dilation)

    @cached_property
    def held(self) -> int:
        """Elements between the first and the last tap of a position, both included; the most of any
        position. So many stay while positions pass.
        """
        taps = self.reads(False)
        first = np.where(taps >= 0, taps, self.size).min(axis=1)
        return max(0, int((taps.max(axis=1) - first).max()) + 1)

    @cached_property
    def elements_read(self) -> NDArray[np.bool_]:
        """Whether any position reads each element: bool (size). Strides may leave gaps."""
        read = np.zeros(self.size, np.bool_)
        taps = self.reads(False)
        read[taps[taps >= 0]] = True
        return read

    @property
    def transposed(self) -> Window:
        """Window over the errors at this window's output, for EP: positions and elements swap."""
        return Window(
            self.positions,
            self.size,
            self.taps,
            self.spacing,
            -self.dilation,
            -self.padding,
            self.stride,
        )

    @cached_property
    def swapped(self) -> Window:
        """Window over the same elements with positions and taps exchanged."""
        return replace(
            self,
            positions=self.taps,
            taps=self.positions,
            stride=self.dilation,
            dilation=self.stride,
        )

    @cached_property
    def pairs_inside(self) -> int:
        """Number of (position, tap) pairs that read an element of the map, not a zero."""
        places = (
            np.arange(self.positions)[:, None] * self.stride
            + np.arange(self.taps) * self.dilation
            - self.padding
        )
        inside = (places >= 0) & (places < self.size * self.spacing) & (places % self.spacing == 0)
        return int(inside.sum())

    def reads(self, keep_zeros: bool) -> Taps:
        """Element that each tap of each position reads: int32 (positions, T), coded as in
        `kernels.bits.taps`. ``keep_zeros`` keeps structural zeros in the stream.
        """
        sizes = (self.positions, self.size, self.taps)
        if self.dilation < 0:
            return transposed_taps(*sizes, self.spacing, -self.padding, -self.dilation, keep_zeros)
        return forward_taps(*sizes, self.stride, self.padding, self.dilation, keep_zeros)


POINT = Window()
"""One element, read by one tap of one position."""
