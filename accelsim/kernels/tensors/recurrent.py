"""Gates of recurrent layers, element by element, and the sum of an embedding's rows.

Arrays are contiguous (rows, columns), one row a sample at a time step, and of one floating type.
Gates stand side by side in a row, H columns each: the LSTM's i, f, g, o, the GRU's r, z, n and b,
the hidden part of its candidate. Each row is worked on alone, so rows may be those of one time step
or of all. What numpy does faster, the tanh, is left to the caller; a sigmoid is 0.5 * tanh(0.5 * x)
+ 0.5.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.jit import jit

Array = NDArray[np.floating[Any]]


@jit
def gate_sums(by_input: Array, by_hidden: Array, factors: Array, sums: Array) -> None:
    """The first columns of ``sums``, one a factor: the sum of both parts times the column's factor
    (columns,).
    """
    for row in range(len(by_input)):
        for column in range(len(factors)):
            sums[row, column] = (by_input[row, column] + by_hidden[row, column]) * factors[column]


@jit
def lstm_cell(gates: Array, before: Array, cell: Array) -> None:
    """c = f * c' + i * g, with i, f and o made sigmoids of the tanh in ``gates``."""
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
    """r and z made sigmoids of the tanh in ``gates``, b kept, and n's place filled with a + r * b,
    its sum.
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
    """Errors at the ``sums`` from those at h = tanh(sum): ``error`` from above plus the one
    ``carried`` from the next step, which is used up.
    """
    one, nothing = state.dtype.type(1), state.dtype.type(0)
    for row in range(len(state)):
        for column in range(state.shape[1]):
            h = state[row, column]
            sums[row, column] = (error[row, column] + carried[row, column]) * (one - h * h)
            carried[row, column] = nothing


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
    """Errors at the ``sums`` of i, f, g, o from ``error`` + ``carried`` at h = o * ``squashed`` and
    ``cell_error`` at c = f * ``before`` + i * g.

    ``squashed`` is tanh(c). ``cell_error`` becomes the one at the cell before, ``carried`` is used
    up.
    """
    hidden = error.shape[1]
    one, nothing = error.dtype.type(1), error.dtype.type(0)
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
            carried[row, column] = nothing


@jit
def gru_errors(
    error: Array, carried: Array, gates: Array, before: Array, by_input: Array, by_hidden: Array
) -> None:
    """Errors at the sums of r, z, n from ``error`` + ``carried`` at h: at their input parts and at
    their hidden parts, which differ in n alone.

    ``carried`` becomes what passes by the weights to the state before, z times the error at h.
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
