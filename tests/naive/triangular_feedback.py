"""Feedback over time in Han et al. 2020, eqs. 9 to 12 as amended, block by block and entry by
entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

from accelsim.workload.network import Layer
from tests.naive.layers import matrix_of
from tests.naive.sequences import Errors, Landing, Matrix, Sequence, from_output

Blocks = dict[tuple[int, int], Matrix]


def power(matrix: Matrix, exponent: int) -> Matrix:
    """Matrix power of eq. 9."""
    size = range(len(matrix))
    result = [[float(i == j) for j in size] for i in size]
    for _ in range(exponent):
        result = [[sum(result[i][k] * matrix[k][j] for k in size) for j in size] for i in size]
    return result


def sign(value: float) -> int:
    return (value > 0) - (value < 0)


def stored(matrix: Matrix, kept: list[list[int]] | None, binary: bool) -> Matrix:
    """sign(D * R) of eqs. 10 and 11, scaled so that the magnitude of its products is kept.

    Signs are multiplied by the matrix's root mean square. Entries kept by a mask are multiplied by
    one over the square root of the kept fraction.
    """
    columns = len(matrix[0])
    size = sqrt(sum(value * value for row in matrix for value in row) / (len(matrix) * columns))
    found = [[sign(value) * size if binary else value for value in row] for row in matrix]
    if kept is None:
        return found
    growth = sqrt(columns / len(kept[0]))
    return [
        [value * growth if column in kept[i] else 0.0 for column, value in enumerate(row)]
        for i, row in enumerate(found)
    ]


def blocks(
    partial: Matrix,
    steps: int,
    kept: list[list[list[int]]] | None,
    binary: bool,
    by_distance: bool,
    scale: float,
) -> Blocks:
    """S_ij = sign(power(D, j - i) * R_j) for i <= j. The printed exponent is T - j."""
    found = {}
    for i in range(steps):
        for j in range(i, steps):
            entries = power(partial, j - i if by_distance else steps - j)
            scaled = [[scale * value for value in row] for row in entries]
            found[i, j] = stored(scaled, None if kept is None else kept[j], binary)
    return found


def upper_triangle(found: Blocks, errors: Sequence) -> Sequence:
    """e_emb_i = sum over j >= i of S_ij e_rnn_j (eq. 12)."""
    steps, samples, neurons = len(errors), len(errors[0]), len(found[0, 0])
    landed = [[[0.0] * neurons for _ in range(samples)] for _ in range(steps)]
    for (i, j), block in found.items():
        for n in range(samples):
            for k, value in enumerate(matrix_of(block, errors[j][n])):
                landed[i][n][k] += value
    return landed


def two_modules(
    output: str,
    output_feedback: Mapping[str, list[Matrix]],
    triangles: Mapping[str, Blocks],
    source: str,
    plain: bool,
) -> Landing:
    """Landing: eq. 10 for layers of the output's module, eq. 12 for earlier layers. ``source``: the
    cell whose error leaves its module. ``plain``: it is a plain RNN.
    """
    direct = from_output(output, output_feedback)

    def landing(layer: Layer, errors: Errors) -> Sequence:
        if layer.name in output_feedback:
            return direct(layer, errors)
        e_rnn = errors.at_sums[source] if plain else errors.at_output[source]
        return upper_triangle(triangles[layer.name], e_rnn)

    return landing
