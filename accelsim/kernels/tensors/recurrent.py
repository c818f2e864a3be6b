"""Gates of recurrent layers, element by element, and the sum of an embedding's rows.

Arrays are contiguous (rows, columns), of one floating type; a row is one sample at one time step.
Gates are adjacent in a row, H columns each: i, f, g, o of the LSTM; r, z, n and b (the hidden part
of the candidate) of the GRU. Rows are independent, so they may be those of one time step or of all.
The caller computes the tanh, which numpy does faster; a sigmoid is 0.5 * tanh(0.5 * x) + 0.5.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.jit import jit

Array = NDArray[np.floating[Any]]


@jit
def gate_sums(by_input: Array, by_hidden: Array, factors: Array, sums: Array) -> None:
    """First columns of ``sums``: (by_input + by_hidden) * factors, with one factor per column."""
    for row in range(len(by_input)):
        for column in range(len(factors)):
            sums[row, column] = (by_input[row, column] + by_hidden[row, column]) * factors[column]


@jit
def lstm_cell(gates: Array, before: Array, cell: Array) -> None:
    """c = f * c' + i * g. The gates i, f and o are turned from tanh into sigmoid values in
    place.
    """
    hidden = cell.shape[1]
    half = cell.dtype.type(0.5)
    for row in range(len(cell)):
        for i in range(hidden):
            f, g, o = hidden + i, 2 * hidden + i, 3 * hidden + i
            gates[row, i] = half * gates[row, i] + half
            gates[row, f] = half * gates[row, f] + half
            gates[row, o] = half * gates[row, o] + half
            cell[row, i] = gates[row, f] * before[row, i] + gates[row, i] * gates[row, g]


@jit
def gru_candidate(by_input: Array, by_hidden: Array, gates: Array) -> None:
    """Sum of the GRU's candidate, a + r * b, into the columns of n.

    The gates r and z are turned from tanh into sigmoid values in place; b is stored in its columns.
    """
    hidden = gates.shape[1] // 4
    half = gates.dtype.type(0.5)
    for row in range(len(gates)):
        for r in range(hidden):
            z, n, b = hidden + r, 2 * hidden + r, 3 * hidden + r
            gates[row, r] = half * gates[row, r] + half
            gates[row, z] = half * gates[row, z] + half
            gates[row, b] = by_hidden[row, n]
            gates[row, n] = by_input[row, n] + gates[row, r] * by_hidden[row, n]


@jit
def gru_state(gates: Array, before: Array, state: Array) -> None:
    """h = (1 - z) * n + z * h'."""
    hidden = state.shape[1]
    one = state.dtype.type(1)
    for row in range(len(state)):
        for column in range(hidden):
            z = gates[row, hidden + column]
            state[row, column] = (one - z) * gates[row, 2 * hidden + column] + z * before[
                row, column
            ]


@jit
def rnn_errors(error: Array, carried: Array, state: Array, sums: Array) -> None:
    """Errors at the ``sums`` from those at h = tanh(sum).

    The error at h is ``error`` from the layer above plus ``carried`` from the next step.
    ``carried`` is reset to 0.
    """
    one, zero = state.dtype.type(1), state.dtype.type(0)
    for row in range(len(state)):
        for column in range(state.shape[1]):
            h = state[row, column]
            sums[row, column] = (error[row, column] + carried[row, column]) * (one - h * h)
            carried[row, column] = zero


@jit
def lstm_errors(
    error: Array,
    carried: Array,
    cell_error: Array,
    gates: Array,
    before: Array,
    squashed: Array,
    sums: Array,
) -> None:
    """Errors at the ``sums`` of i, f, g, o.

    They follow from ``error`` + ``carried`` at h = o * ``squashed``, and from ``cell_error`` at c =
    f * ``before`` + i * g, where ``squashed`` is tanh(c). ``cell_error`` becomes the error at the
    previous cell; ``carried`` is reset to 0.
    """
    hidden = error.shape[1]
    one, zero = error.dtype.type(1), error.dtype.type(0)
    for row in range(len(error)):
        for column in range(hidden):
            i, f = gates[row, column], gates[row, hidden + column]
            g, o = gates[row, 2 * hidden + column], gates[row, 3 * hidden + column]
            c = squashed[row, column]
            at_hidden = error[row, column] + carried[row, column]
            at_cell = cell_error[row, column] + at_hidden * o * (one - c * c)
            sums[row, column] = at_cell * g * i * (one - i)
            sums[row, hidden + column] = at_cell * before[row, column] * f * (one - f)
            sums[row, 2 * hidden + column] = at_cell * i * (one - g * g)
            sums[row, 3 * hidden + column] = at_hidden * c * o * (one - o)
            cell_error[row, column] = at_cell * f
            carried[row, column] = zero


@jit
def gru_errors(
    error: Array, carried: Array, gates: Array, before: Array, by_input: Array, by_hidden: Array
) -> None:
    """Errors at the input parts and at the hidden parts of the sums of r, z, n, which differ only
    in n.

    They follow from ``error`` + ``carried`` at h. ``carried`` becomes the error at the previous
    state that bypasses the weights: z times the error at h.
    """
    hidden = error.shape[1]
    one = error.dtype.type(1)
    for row in range(len(error)):
        for column in range(hidden):
            r, z = gates[row, column], gates[row, hidden + column]
            n, b = gates[row, 2 * hidden + column], gates[row, 3 * hidden + column]
            at_hidden = error[row, column] + carried[row, column]
            at_candidate = at_hidden * (one - z) * (one - n * n)
            at_reset = at_candidate * b * r * (one - r)
            at_update = at_hidden * (before[row, column] - n) * z * (one - z)
            by_input[row, column] = at_reset
            by_input[row, hidden + column] = at_update
            by_input[row, 2 * hidden + column] = at_candidate
            by_hidden[row, column] = at_reset
            by_hidden[row, hidden + column] = at_update
            by_hidden[row, 2 * hidden + column] = at_candidate * r
            carried[row, column] = at_hidden * z


@jit
def add_rows(rows: Array, places: NDArray[np.int64], total: Array) -> None:
    """Add row j of ``rows`` (J, C) to row ``places[j]`` of ``total``, in the order of j."""
    for j in range(len(places)):
        place = places[j]
        for column in range(rows.shape[1]):
            total[place, column] += rows[j, column]
