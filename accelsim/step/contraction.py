"""Loop nests of contractions: canonical axes, and the axes that index each operand.

An output is one channel at one position: a sum of products over the reduction axes. Forward passes,
error propagation, weight gradients, outer products and feedback differ only in their axes, so code
that maps, times or counts a contraction reads its nest, not its pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from math import prod

from accelsim.kernels.bits.taps import MapTaps
from accelsim.step.window import POINT, Window

Shape = tuple[int, int, int]
Pair = tuple[int, int]


class Axis(StrEnum):
    """Axes of a nest, within one of its groups.

    CHANNEL: outputs that the stationary operand distinguishes. DEPTH: channels of the moving map.
    SAMPLE: samples of the batch. ROW, COLUMN: positions of a map. TAP_ROW, TAP_COLUMN: the map
    elements that each position reads.
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
class Names:
    """Letters that the papers use for output channels, positions and reduction; for display.

    ``product``: the nest multiplies two maps, as attention does. Its positions are named by row and
    column, its reduction by depth; it has no samples or taps to name.
    """

    channels: str
    positions: str
    reduction: str
    product: bool = False

    @property
    def backward(self) -> Names:
        """Names in EP."""
        if not self.product:
            return BACKWARD
        return replace(self, channels=self.reduction, reduction=self.channels)

    @property
    def gradient(self) -> Names:
        """Names in the gradient of the stationary operand."""
        if not self.product:
            return GRADIENT
        return replace(self, positions=self.reduction, reduction=self.positions)


FORWARD = Names("k", "(n, p, q)", "(r, s, c)")
BACKWARD = Names("c", "(n, h, w)", "(r, s, k)")
GRADIENT = Names("k", "(r, s, c)", "(n, p, q)")
FEEDBACK = Names("k", "(n, p, q)", "e")


@dataclass(frozen=True)
class Nest:
    """Extents of a contraction's axes, and the axes that index its operands.

    ``channels`` and ``depth`` are totals over all ``groups``; each group has an equal share of
    both. ``moving``, ``stationary`` and ``output`` are the axes that index each tensor, in the
    order of its dimensions. Two axes, a position and a tap, index each dimension of the moving map
    through its window. ``stored`` is the number of stored words per stationary row of a sparse
    matrix, or 0 if rows are stored whole.
    """

    samples: int
    channels: int
    depth: int
    moving: tuple[Axis, ...]
    stationary: tuple[Axis, ...]
    output: tuple[Axis, ...]
    names: Names
    rows: Window = POINT
    columns: Window = POINT
    groups: int = 1
    stored: int = 0

    def extent(self, axis: Axis) -> int:
        """Extent of an axis within one group."""
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
        """Product of the extents of ``axes``."""
        return prod(self.extent(axis) for axis in axes)

    # Outputs

    @cached_property
    def position_axes(self) -> tuple[Axis, ...]:
        """Axes of the positions of an output channel, outermost first."""
        return tuple(axis for axis in self.output if axis is not Axis.CHANNEL)

    @cached_property
    def positions(self) -> int:
        """Outputs per channel."""
        return self.size(self.position_axes)

    @cached_property
    def dense_reduction(self) -> int:
        """Length of one output's reduction, including words that are not stored."""
        axes = dict.fromkeys((*self.moving, *self.stationary))
        return self.size(tuple(axis for axis in axes if axis not in self.output))

    @property
    def reduction(self) -> int:
        """Length of one output's reduction, in stored words."""
        return self.stored or self.dense_reduction

    @property
    def macs(self) -> int:
        """Dense MACs: all positions of the nest, including zeros."""
        return self.channels * self.positions * self.reduction

    @property
    def map_positions(self) -> int:
        """Positions of one sample's map, or kernel taps for a weight gradient."""
        return self.rows.positions * self.columns.positions

    # Kinds of nest

    @property
    def sums_samples(self) -> bool:
        """True if the reduction includes samples, as in weight gradients."""
        return Axis.SAMPLE not in self.output

    @property
    def unshared(self) -> bool:
        """True if only samples share stationary words, as in a feedback matrix."""
        return Axis.ROW in self.stationary

    @property
    def has_taps(self) -> bool:
        """True if the moving operand is a map under a kernel, false if it is a vector."""
        return Axis.TAP_ROW in self.moving

    @property
    def outer_product(self) -> bool:
        """True if the reduction is over samples only: the weight gradient of a matrix."""
        return self.sums_samples and not self.has_taps

    @property
    def transposed(self) -> bool:
        """True if the first axis of the stationary tensor is a reduction axis."""
        return self.stationary[0] is Axis.DEPTH

    @property
    def kind(self) -> str:
        """Name of the nest's kind in result documents."""
        if self.unshared:
            return "feedback"
        if self.names.product:
            return "matmul"
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
        """Moving words fetched in one pass over the positions if each is fetched once; once per
        kernel row; once per kernel position. Taps outside the map and words that no position reads
        fetch nothing.
        """
        plane = self.samples * self.depth
        if not self.has_taps:
            return (plane * self.rows.size * self.columns.size,) * 3
        rows, columns = (int(each.elements_read.sum()) for each in (self.rows, self.columns))
        again = self.rows.pairs_inside
        return (
            plane * rows * columns,
            plane * again * columns,
            plane * again * self.columns.pairs_inside,
        )

    def reads(self, keep_zeros: bool) -> MapTaps:
        """Map elements that the taps of each position read. For a weight gradient, positions and
        taps are exchanged, because the stream runs over the positions that are summed.
        """
        rows, columns = self.rows, self.columns
        if self.sums_samples:
            rows, columns = rows.swapped, columns.swapped
        return MapTaps(rows.reads(keep_zeros), columns.reads(keep_zeros))

    # Nests of the same layer

    @cached_property
    def backward(self) -> Nest:
        """Nest of EP through the same weights: a transposed convolution."""
        other = {Axis.CHANNEL: Axis.DEPTH, Axis.DEPTH: Axis.CHANNEL}
        stationary = tuple(other.get(axis, axis) for axis in self.stationary)
        return replace(
            self,
            channels=self.depth,
            depth=self.channels,
            stationary=stationary,
            names=self.names.backward,
            rows=self.rows.transposed,
            columns=self.columns.transposed,
        )

    @cached_property
    def backward_by_channel(self) -> Nest:
        """The `backward` nest with weights stored by its own output channels, like feedback."""
        nest = self.backward
        return replace(nest, stationary=(Axis.CHANNEL, *nest.stationary[1:-1], Axis.DEPTH))

    @cached_property
    def gradient(self) -> Nest:
        """Nest of the stationary operand's gradient: taps and positions are exchanged."""
        taps, map_axes = (TAPS, MAP) if self.has_taps else ((), ())
        return replace(
            self,
            stationary=(Axis.SAMPLE, *taps, Axis.CHANNEL),
            output=(Axis.CHANNEL, *map_axes, Axis.DEPTH),
            names=self.names.gradient,
            rows=self.rows.swapped,
            columns=self.columns.swapped,
        )


def matrix_nest(samples: int, outputs: int, inputs: int) -> Nest:
    """Nest of ``samples`` vectors times a matrix (outputs, inputs): a fully connected layer."""
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
    """Nest of a forward convolution, channels last. ``depth`` is the number of input channels."""
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


def product_nest(
    groups: int, rows: int, columns: int, channels: int, depth: int, names: Names, by_depth: bool
) -> Nest:
    """Nest of ``groups`` products of maps: ``rows`` x ``columns`` vectors of ``depth`` words times
    ``channels`` vectors. Its loops are those of a grouped 1 x 1 convolution. ``by_depth``: the
    stationary map is stored word by word of all vectors, not vector by vector.
    """
    rows_, columns_ = Window(rows, rows), Window(columns, columns)
    nest = convolution_nest(1, groups * channels, groups * depth, rows_, columns_, groups)
    stationary = (Axis.DEPTH, *TAPS, Axis.CHANNEL) if by_depth else nest.stationary
    return replace(nest, names=names, stationary=stationary)


def feedback_nest(samples: int, target: Shape, errors: int, stored: int = 0) -> Nest:
    """Nest of a feedback matrix from ``errors`` values to every neuron of a map ``target`` (rows,
    columns, channels). A sparse matrix has ``stored`` entries per row.
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
