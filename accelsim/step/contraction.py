"""The loop nest of a contraction: canonical axes, and which of them index each operand.

An output is one channel at one position; it sums products over the reduction. Forward passes, error
propagation, weight gradients, outer products and feedback differ in their axes and in nothing else,
so whoever maps, times or counts a contraction asks its nest and never its pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from math import prod

import numpy as np

from accelsim.kernels.bits.taps import MapTaps, Taps, forward_taps, transposed_taps

Shape = tuple[int, int, int]
Pair = tuple[int, int]


class Axis(StrEnum):
    """Axes of a nest, inside one of its groups.

    CHANNEL: outputs told apart by the stationary operand. DEPTH: channels of the moving map. ROW
    and COLUMN: positions of a map; TAP_ROW and TAP_COLUMN: what each of them reads of it.
    """

    CHANNEL = "channel"
    SAMPLE = "sample"
    ROW = "row"
    COLUMN = "column"
    TAP_ROW = "tap_row"
    TAP_COLUMN = "tap_column"
    DEPTH = "depth"


MAP = (Axis.ROW, Axis.COLUMN)
TAPS = (Axis.TAP_ROW, Axis.TAP_COLUMN)


@dataclass(frozen=True)
class Window:
    """One dimension of the moving map of ``size`` elements, as positions and taps walk it.

    Position p and tap t meet element (p * stride + t * dilation - padding) / spacing. Where that is
    no whole number they meet a stride zero, outside the map a padding zero. A transposed
    convolution has a negative dilation, and its stride as spacing.
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
        """Distance from the first tap to the last, between elements' places."""
        return (self.taps - 1) * abs(self.dilation)

    @property
    def transposed(self) -> Window:
        """The window of the errors at this window's map: positions become elements."""
        return Window(
            self.positions, self.size, self.taps, 1, -self.dilation, -self.padding, self.stride
        )

    @property
    def swapped(self) -> Window:
        """The same elements with positions and taps in each other's place."""
        return replace(
            self,
            positions=self.taps,
            taps=self.positions,
            stride=self.dilation,
            dilation=self.stride,
        )

    @cached_property
    def pairs_inside(self) -> int:
        """(position, tap) pairs that meet an element of the map."""
        places = (
            np.arange(self.positions)[:, None] * self.stride
            + np.arange(self.taps) * self.dilation
            - self.padding
        )
        inside = (places >= 0) & (places < self.size * self.spacing) & (places % self.spacing == 0)
        return int(inside.sum())

    def reads(self, keep_zeros: bool) -> Taps:
        """Element that each tap of each position reads: int32 (positions, T), as
        `kernels.bits.taps` codes padding and removed zeros. ``keep_zeros`` leaves structural zeros
        in the stream.
        """
        sizes = (self.positions, self.size, self.taps)
        if self.dilation < 0:
            return transposed_taps(*sizes, self.spacing, -self.padding, -self.dilation, keep_zeros)
        return forward_taps(*sizes, self.stride, self.padding, self.dilation, keep_zeros)


@dataclass(frozen=True)
class Names:
    """Letters of the papers for output channels, positions and reduction, for people to read."""

    channels: str
    positions: str
    reduction: str


FORWARD = Names("k", "(n, p, q)", "(r, s, c)")
BACKWARD = Names("c", "(n, h, w)", "(r, s, k)")
GRADIENT = Names("k", "(r, s, c)", "(n, p, q)")
FEEDBACK = Names("k", "(n, p, q)", "e")


@dataclass(frozen=True)
class Nest:
    """Extents of a contraction's axes, and the axes that index its operands.

    ``channels`` and ``depth`` are those of all ``groups``; a group has its share of both.
    ``moving``, ``stationary`` and ``output``: axes by which each tensor is indexed, in the order of
    its dimensions; a dimension of the moving map is indexed by a position and a tap, through the
    window. ``stored``: words of a stationary row that are stored, where that is not all of it.
    """

    samples: int
    channels: int
    depth: int
    moving: tuple[Axis, ...]
    stationary: tuple[Axis, ...]
    output: tuple[Axis, ...]
    names: Names
    rows: Window = Window()
    columns: Window = Window()
    groups: int = 1
    stored: int = 0

    def extent(self, axis: Axis) -> int:
        """Extent of an axis inside one group."""
        return {
            Axis.CHANNEL: self.channels // self.groups,
            Axis.SAMPLE: self.samples,
            Axis.ROW: self.rows.positions,
            Axis.COLUMN: self.columns.positions,
            Axis.TAP_ROW: self.rows.taps,
            Axis.TAP_COLUMN: self.columns.taps,
            Axis.DEPTH: self.depth // self.groups,
        }[axis]

    def size(self, axes: tuple[Axis, ...]) -> int:
        """Product of the extents of axes."""
        return prod(self.extent(axis) for axis in axes)

    # Outputs

    @cached_property
    def position_axes(self) -> tuple[Axis, ...]:
        """Axes of an output channel's positions, outermost first."""
        return tuple(axis for axis in self.output if axis is not Axis.CHANNEL)

    @cached_property
    def positions(self) -> int:
        """Outputs of each channel."""
        return self.size(self.position_axes)

    @cached_property
    def dense_reduction(self) -> int:
        """Words of one output's reduction, those that are not stored included."""
        axes = dict.fromkeys((*self.moving, *self.stationary))
        return self.size(tuple(axis for axis in axes if axis not in self.output))

    @property
    def reduction(self) -> int:
        """Words of one output's reduction."""
        return self.stored or self.dense_reduction

    @property
    def macs(self) -> int:
        """Dense MACs: all positions of the nest, zeros included."""
        return self.channels * self.positions * self.reduction

    @property
    def map_positions(self) -> int:
        """Positions of the map of one sample, or taps of a gradient's kernel."""
        return self.rows.positions * self.columns.positions

    # Kinds of nest

    @property
    def sums_samples(self) -> bool:
        """Whether the reduction runs over samples: gradients of weights."""
        return Axis.SAMPLE not in self.output

    @property
    def unshared(self) -> bool:
        """Whether every position of the map has stationary words of its own, as rows of a feedback
        matrix are: only samples share them.
        """
        return Axis.ROW in self.stationary

    @property
    def has_taps(self) -> bool:
        """Whether the moving operand is a map under a kernel, not a vector."""
        return Axis.TAP_ROW in self.moving

    @property
    def outer_product(self) -> bool:
        """Whether nothing but samples is summed: the gradient of a matrix."""
        return self.sums_samples and not self.has_taps

    @property
    def transposed(self) -> bool:
        """Whether the stationary tensor is stored by what the op reduces over, not by its output
        channels.
        """
        return self.stationary[0] is Axis.DEPTH

    @property
    def kind(self) -> str:
        """Word for the nest in documents."""
        if self.unshared:
            return "feedback"
        if not self.has_taps:
            return "outer" if self.sums_samples else "matmul"
        return "grouped_conv" if self.groups > 1 else "conv"

    # The moving operand

    @property
    def moving_map(self) -> Shape:
        """(rows, columns, channels) of one sample of the moving operand."""
        return self.rows.size, self.columns.size, self.depth

    @cached_property
    def moving_words(self) -> tuple[int, int, int]:
        """Moving words of a pass over the positions: each once; again for every kernel row; again
        for every kernel position. Taps outside the map fetch nothing.
        """
        plane = self.samples * self.depth
        rows, columns = self.rows.size, self.columns.size
        if not self.has_taps:
            return (plane * rows * columns,) * 3
        again = self.rows.pairs_inside
        return (
            plane * rows * columns,
            plane * again * columns,
            plane * again * self.columns.pairs_inside,
        )

    def reads(self, keep_zeros: bool) -> MapTaps:
        """Taps of streams; of gradients, of the positions that they sum over."""
        rows, columns = self.rows, self.columns
        if self.sums_samples:
            rows, columns = rows.swapped, columns.swapped
        return MapTaps(rows.reads(keep_zeros), columns.reads(keep_zeros))

    # Nests of the same layer

    @cached_property
    def backward(self) -> Nest:
        """Error propagation through the same weights: a transposed convolution at the resolution
        of the input map.
        """
        stationary = (Axis.DEPTH, *self.stationary[1:-1], Axis.CHANNEL)
        return replace(
            self,
            channels=self.depth,
            depth=self.channels,
            stationary=stationary,
            names=BACKWARD,
            rows=self.rows.transposed,
            columns=self.columns.transposed,
        )

    @cached_property
    def backward_by_channel(self) -> Nest:
        """The same through weights that are stored by its own output channels, as fixed feedback
        is.
        """
        nest = self.backward
        return replace(nest, stationary=(Axis.CHANNEL, *nest.stationary[1:-1], Axis.DEPTH))

    @cached_property
    def gradient(self) -> Nest:
        """Gradient of the stationary operand: the taps become positions, and positions are summed
        over.
        """
        taps, map_axes = (TAPS, MAP) if self.has_taps else ((), ())
        return replace(
            self,
            stationary=(Axis.SAMPLE, *taps, Axis.CHANNEL),
            output=(Axis.CHANNEL, *map_axes, Axis.DEPTH),
            names=GRADIENT,
            rows=self.rows.swapped,
            columns=self.columns.swapped,
        )


def matrix_nest(samples: int, outputs: int, inputs: int) -> Nest:
    """Vectors times a matrix: a fully connected layer forward."""
    return Nest(
        samples,
        outputs,
        inputs,
        moving=(Axis.SAMPLE, Axis.DEPTH),
        stationary=(Axis.CHANNEL, Axis.DEPTH),
        output=(Axis.SAMPLE, Axis.CHANNEL),
        names=FORWARD,
    )


def convolution_nest(
    samples: int, channels: int, depth: int, rows: Window, columns: Window, groups: int = 1
) -> Nest:
    """A convolution forward, channels last."""
    return Nest(
        samples,
        channels,
        depth,
        moving=(Axis.SAMPLE, *MAP, *TAPS, Axis.DEPTH),
        stationary=(Axis.CHANNEL, *TAPS, Axis.DEPTH),
        output=(Axis.SAMPLE, *MAP, Axis.CHANNEL),
        names=FORWARD,
        rows=rows,
        columns=columns,
        groups=groups,
    )


def feedback_nest(samples: int, target: Shape, errors: int, stored: int = 0) -> Nest:
    """A feedback matrix from ``errors`` to every neuron of the map ``target`` (rows, columns,
    channels); ``stored`` entries of each row of a sparse one.
    """
    rows, columns, channels = target
    return Nest(
        samples,
        channels,
        errors,
        moving=(Axis.SAMPLE, Axis.DEPTH),
        stationary=(Axis.CHANNEL, *MAP, Axis.DEPTH),
        output=(Axis.SAMPLE, *MAP, Axis.CHANNEL),
        names=FEEDBACK,
        rows=Window(positions=rows, stride=0),
        columns=Window(positions=columns, stride=0),
        stored=stored,
    )
