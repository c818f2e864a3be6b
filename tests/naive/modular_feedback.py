"""Links of the modular rules (Han et al. 2020, eqs. 6 to 8 as amended) and direct feedback,
computed element by element.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accelsim.workload.network import Layer, Shape
from tests.naive.layers import Landing, Map, convolve, flat, matrix_of, shaped, zeros


def dense(matrix: list[list[float]], error: Map, shape: Shape) -> Map:
    """D e of eq. 6. Rows of the matrix are elements of the target map."""
    return shaped(matrix_of(matrix, flat(error)), shape)


def nearest(error: Map, height: int, width: int) -> Map:
    """Map resized by nearest neighbour."""
    return [
        [list(error[y * len(error) // height][x * len(error[0]) // width]) for x in range(width)]
        for y in range(height)
    ]


def same_size(error: Map, kernel: list, dilation: tuple[int, int], groups: int) -> Map:
    """D (x)_g e of eq. 8, with zeros around the map."""
    height, width, channels = len(error), len(error[0]), len(error[0][0])
    made = zeros((height, width, len(kernel)))
    rows, columns, share = len(kernel[0]), len(kernel[0][0]), channels // groups
    for y in range(height):
        for x in range(width):
            for k in range(len(kernel)):
                group = k // (len(kernel) // groups)
                for r in range(rows):
                    for s in range(columns):
                        b, a = (
                            y + (r - rows // 2) * dilation[0],
                            x + (s - columns // 2) * dilation[1],
                        )
                        if 0 <= b < height and 0 <= a < width:
                            for c in range(share):
                                made[y][x][k] += kernel[k][r][s][c] * error[b][a][group * share + c]
    return made


def shuffle(error: Map, groups: int) -> Map:
    """Channel shuffle: the first channels of all groups, then the second channels, and so on."""
    channels = len(error[0][0])
    of = channels // groups
    order = [group * of + place for place in range(of) for group in range(groups)]
    return [[[position[channel] for channel in order] for position in row] for row in error]


def convolved(error: Map, kernel: list, dilation: tuple[int, int], shape: Shape) -> Map:
    """``conv-dfa`` and ``dilated``: convolution at the resolution of e_L, then upsampling."""
    return nearest(same_size(error, kernel, dilation, 1), shape[0], shape[1])


def revised(
    error: Map,
    d1: list,
    d2: list,
    dilation: tuple[int, int],
    groups: int,
    printed: bool,
    shape: Shape,
) -> Map:
    """Eq. 7 at the target's resolution: D1 (x)_g shuffle(D2 (x)_g e_L) if ``printed``, else D2
    (x)_g shuffle(D1 (x)_g e_L).
    """
    wide = nearest(error, shape[0], shape[1])
    if printed:
        return same_size(shuffle(same_size(wide, d2, (1, 1), groups), groups), d1, dilation, groups)
    return same_size(shuffle(same_size(wide, d1, dilation, groups), groups), d2, (1, 1), groups)


@dataclass(frozen=True)
class NaiveLink:
    """A link's source and its fixed weights in the order of application. ``kind``: dense, conv,
    revised, printed or shortcut.
    """

    kind: str
    source: str
    weights: tuple[list, ...]
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1


def over_links(links: Mapping[str, NaiveLink]) -> Landing:
    """Landing that delivers errors to each layer's input map through its link."""

    def landing(layer: Layer, errors: dict[str, Map]) -> Map:
        link, shape = links[layer.name], layer.in_shape
        error = errors[link.source]
        if link.kind == "dense":
            return dense(link.weights[0], error, shape)
        if link.kind == "conv":
            return convolved(error, link.weights[0], link.dilation, shape)
        if link.kind == "shortcut":
            return same_size(nearest(error, shape[0], shape[1]), link.weights[0], (1, 1), 1)
        d1, d2 = reversed(link.weights) if link.kind == "printed" else link.weights
        return revised(error, d1, d2, link.dilation, link.groups, link.kind == "printed", shape)

    return landing


def from_output(output: str, matrices: Mapping[str, list[list[float]]]) -> Landing:
    """Landing of direct feedback (Noekland 2016): B e_output at the input map of each layer. B is
    [neuron][class].
    """
    return lambda layer, errors: dense(matrices[layer.name], errors[output], layer.in_shape)


def transposed_matrix(layer: Layer, weight: list) -> list[list[float]]:
    """Transpose of a convolution as a matrix [element of the input map][element of the output map]:
    row i is the convolution of the i-th unit map.
    """
    height, width, channels = layer.in_shape
    rows = []
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                unit = zeros(layer.in_shape)
                unit[y][x][c] = 1.0
                rows.append(flat(convolve(layer, unit, weight)))
    return rows
