"""Windows over a map: the keys that convolutions and pools share, and their output sizes."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from accelsim.workload.network import Pair, Shape
from accelsim.workload.section import Extent

Pad = Annotated[int, Field(ge=0, le=1 << 16)]
Window = Extent | tuple[Extent, Extent]
Padding = Literal["same", "valid"] | Pad | tuple[Pad, Pad] | tuple[Pad, Pad, Pad, Pad]

PADDING = (
    "Zeros around the map: a number, [rows, columns], [top, bottom, left, right], `valid` (none) "
    "or `same` (output = ceil(input / stride); "
    "if their number is odd, the larger half goes below and right)."
)


class Geometry(NamedTuple):
    """Placement of windows on a map.

    ``kernel``, ``stride``, ``dilation`` and ``positions`` are (rows, columns); ``padding`` is (top,
    bottom, left, right). ``positions`` is below 1 if the kernel exceeds the padded map.
    """

    kernel: Pair
    stride: Pair
    padding: tuple[int, int, int, int]
    dilation: Pair
    positions: Pair
    source: Shape

    @property
    def fault(self) -> tuple[str, str, str] | None:
        """(key, rule, value) of the fault if the kernel exceeds the padded map, else None."""
        if min(self.positions) >= 1:
            return None
        top, bottom, left, right = self.padding
        padded = f"{self.source[0] + top + bottom}x{self.source[1] + left + right}"
        taps = zip(self.dilation, self.kernel, strict=True)
        reach = "x".join(str(dilation * (kernel - 1) + 1) for dilation, kernel in taps)
        return "kernel", f"no larger than the padded map, {padded}", reach

    def out_shape(self, channels: int) -> Shape:
        """Output shape (rows, columns, channels), at least 1 x 1."""
        return max(self.positions[0], 1), max(self.positions[1], 1), channels


def pair(value: Window) -> Pair:
    """Expand a number, or [rows, columns], to (rows, columns)."""
    return (value, value) if isinstance(value, int) else value


def sides(padding: Padding, axis: int) -> Pair:
    """Padding (before, after) along one axis (0 rows, 1 columns), other than `same`."""
    if isinstance(padding, tuple) and len(padding) == 4:
        return padding[2 * axis], padding[2 * axis + 1]
    one = 0 if isinstance(padding, str) else pair(padding)[axis]
    return one, one


def output_extent(
    size: int, kernel: int, stride: int, dilation: int, padding: Padding, axis: int
) -> tuple[int, int, int]:
    """(outputs, zeros before, zeros after) along one axis (0 rows, 1 columns). Outputs are below 1
    if the kernel exceeds the padded map.
    """
    reach = dilation * (kernel - 1) + 1
    if padding == "same":
        outputs = -(-size // stride)
        total = max((outputs - 1) * stride + reach - size, 0)
        return outputs, total // 2, total - total // 2
    before, after = sides(padding, axis)
    return (size + before + after - reach) // stride + 1, before, after


def geometry(
    source: Shape, kernel: Pair, stride: Pair, dilation: Pair, padding: Padding
) -> Geometry:
    """Placement of windows over the map ``source``, a shape (rows, columns, channels)."""
    rows, columns = (
        output_extent(source[axis], kernel[axis], stride[axis], dilation[axis], padding, axis)
        for axis in (0, 1)
    )
    zeros = (*rows[1:], *columns[1:])
    return Geometry(kernel, stride, zeros, dilation, (rows[0], columns[0]), source)
