"""A map at another resolution: nearest neighbour or bilinear, as in the decoders of segmentation
and detection networks.

Nearest neighbour is addressing: readers read the source, and each address counts as a word read.
Backward, each element of the source sums the errors of its copies.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from accelsim.layers.numerics import LayerNumerics
from accelsim.layers.vector_layer import VectorLayer
from accelsim.numerics.arrays import Array
from accelsim.step.forms import Form
from accelsim.step.ops import Operand, Use
from accelsim.workload.lowering import Work
from accelsim.workload.network import Pair
from accelsim.workload.section import Extent, LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering

Mode = Literal["nearest", "bilinear"]


class ResizeSection(LayerSection):
    """Keys of a map at another resolution."""

    kind: Literal["resize"] = Field(description="A map at another resolution.")
    height: Extent = Field(description="Rows of the result.")
    width: Extent = Field(description="Columns of the result.")
    mode: Mode = Field(
        "nearest",
        description="`nearest`: row y of H' reads row floor(y H / H') of H. `bilinear`: from the "
        "nearest two rows and columns; the edges of both maps lie on each other, half a pixel "
        "outside their outermost elements.",
    )

    def layer(self, sources: Sources) -> Resize:
        shape = (self.height, self.width, sources.shapes[0][2])
        kind = Nearest if self.mode == "nearest" else Bilinear
        return kind(self.name, sources.names, sources.shapes, shape)


@dataclass(frozen=True)
class Resize(VectorLayer):
    """A map at another resolution, channel by channel."""

    kind: ClassVar[str] = "resize"

    @property
    def factors(self) -> Pair:
        """Copies of a row and of a column, 0 where they differ in number."""
        down, right = (
            after // before if after % before == 0 else 0
            for after, before in zip(self.out_shape[:2], self.in_shape[:2], strict=True)
        )
        return down, right

    @property
    def shrinks(self) -> Pair:
        """Rows and columns of the source between neighbours of the result, at least 1."""
        down, right = (
            max(1, before // after)
            for after, before in zip(self.out_shape[:2], self.in_shape[:2], strict=True)
        )
        return down, right


class Nearest(Resize):
    """Nearest neighbour."""

    @property
    def reach(self) -> tuple[Pair, Pair]:
        return (1, 1), self.shrinks

    def work(self) -> Work:
        return Work("resize", prod(self.out_shape), 0, Form.ADDRESSING)

    def operands(self, low: Lowering) -> tuple[Operand, ...]:
        """The source; only the elements that are kept, if there are fewer."""
        read = [
            len(np.unique(nearest(after, before)))
            for after, before in zip(self.out_shape[:2], self.in_shape[:2], strict=True)
        ]
        words = low.batch * prod(read) * self.in_shape[2]
        return tuple(Operand(tensor, Use.READ, words=words) for tensor in self.reads(low))

    def work_back(self) -> Work:
        """One addition per error behind the first of an element. If all elements have equally many
        copies, these are a window, whose rows but the last wait for that one.
        """
        down, right = self.factors
        if not down * right:
            return Work("resize_backward", prod(self.out_shape), 1)
        row = self.out_shape[1] * self.out_shape[2] * (down - 1)
        rows = self.in_shape[0] * row
        return Work(
            "resize_backward",
            prod(self.in_shape),
            down * right - 1,
            Form.WINDOWS,
            row_bound=row,
            kept=rows,
            taken=rows,
        )

    def numerics(self, dtype: np.dtype[Any], steps: int) -> ResizeNumerics:
        axes = zip(self.out_shape[:2], self.in_shape[:2], strict=True)
        return ResizeNumerics(self, dtype, [_copies(*axis) for axis in axes])


class Bilinear(Resize):
    """Bilinear interpolation."""

    @property
    def reach(self) -> tuple[Pair, Pair]:
        return (2, 2), self.shrinks

    @property
    def taps(self) -> int:
        """Elements of the source that each element of the result mixes."""
        axes = zip(self.out_shape[:2], self.in_shape[:2], strict=True)
        return prod(1 if after == before else 2 for after, before in axes)

    def work(self) -> Work:
        """One product per tap, and the sums of these; the weights are constants."""
        return Work("resize", prod(self.out_shape), 2 * self.taps - 1)

    def work_back(self) -> Work:
        """One product and one sum per tap of each error."""
        return Work("resize_backward", prod(self.out_shape), 2 * self.taps)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> ResizeNumerics:
        axes = zip(self.out_shape[:2], self.in_shape[:2], strict=True)
        return ResizeNumerics(self, dtype, [_mixtures(*axis) for axis in axes])


def nearest(after: int, before: int) -> NDArray[np.int64]:
    """Source element of each of ``after`` elements, of ``before``."""
    return np.arange(after) * before // after


def _copies(after: int, before: int) -> NDArray[np.float64]:
    """Matrix (after, before) that copies the nearest element."""
    matrix = np.zeros((after, before))
    matrix[np.arange(after), nearest(after, before)] = 1
    return matrix


def _mixtures(after: int, before: int) -> NDArray[np.float64]:
    """Matrix (after, before) of linear interpolation. Beyond the outermost centres the map goes on
    as it is there.
    """
    places = np.maximum((np.arange(after) + 0.5) * before / after - 0.5, 0)
    low = np.minimum(places.astype(np.int64), before - 1)
    high = np.minimum(low + 1, before - 1)
    matrix = np.zeros((after, before))
    np.add.at(matrix, (np.arange(after), low), 1 - (places - low))
    np.add.at(matrix, (np.arange(after), high), places - low)
    return matrix


class ResizeNumerics(LayerNumerics):
    """One matrix along the rows, one along the columns. Backward their transposes."""

    def __init__(
        self, layer: Resize, dtype: np.dtype[Any], matrices: list[NDArray[np.float64]]
    ) -> None:
        super().__init__(layer, dtype)
        self.rows, self.columns = (matrix.astype(dtype) for matrix in matrices)

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        return self._mixed(inputs[0], self.rows, self.columns)

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        return (self._mixed(error, self.rows.T, self.columns.T),) if propagate else ()

    @staticmethod
    def _mixed(maps: Array, rows: Array, columns: Array) -> Array:
        samples, height, width, channels = maps.shape
        tall = np.matmul(rows, maps.reshape(samples, height, width * channels))
        mixed: Array = np.matmul(columns, tall.reshape(samples, len(rows), width, channels))
        return mixed
