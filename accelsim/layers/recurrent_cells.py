"""Numbers of each recurrent cell: states from the gates' sums, and errors at the sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from accelsim.kernels.tensors import recurrent as kernels
from accelsim.layers.recurrent_numerics import Cell
from accelsim.numerics.arrays import Array


class RnnCell(Cell):
    """Plain cell: h = tanh(a)."""

    WORDS = 0

    def step(self, rows: slice, by_input: Array, by_hidden: Array) -> None:
        state = self.hidden[self.after(rows)]
        np.add(by_input, by_hidden, out=state)
        np.tanh(state, out=state)

    def errors(
        self,
        rows: slice,
        error: Array,
        carried: dict[str, Array],
        by_input: Array,
        by_hidden: Array,
    ) -> None:
        kernels.rnn_errors(error, carried["hidden"], self.hidden[self.after(rows)], by_input)


class LstmCell(Cell):
    """c = f * c' + i * g and h = o * tanh(c), with gates i, f, g, o and previous cell state c'."""

    WORDS = 4
    STATES = ("hidden", "cell")

    def __init__(self, steps: int, batch: int, hidden: int, dtype: np.dtype[Any]) -> None:
        super().__init__(steps, batch, hidden, dtype)
        self.cell = self.states["cell"]
        self.squashed: Array = np.empty((steps * batch, hidden), dtype)
        """tanh(c), (T*N, H)."""
        self.output = slice(3 * hidden, 4 * hidden)
        self.factors = np.repeat(np.array([0.5, 0.5, 1, 0.5], dtype), hidden)

    def step(self, rows: slice, by_input: Array, by_hidden: Array) -> None:
        gates, cell, squashed = self.gates[rows], self.cell[self.after(rows)], self.squashed[rows]
        kernels.gate_sums(by_input, by_hidden, self.factors, gates)
        np.tanh(gates, out=gates)
        kernels.lstm_cell(gates, self.cell[rows], cell)
        np.tanh(cell, out=squashed)
        np.multiply(gates[:, self.output], squashed, out=self.hidden[self.after(rows)])

    def errors(
        self,
        rows: slice,
        error: Array,
        carried: dict[str, Array],
        by_input: Array,
        by_hidden: Array,
    ) -> None:
        kernels.lstm_errors(
            error,
            carried["hidden"],
            carried["cell"],
            self.gates[rows],
            self.cell[rows],
            self.squashed[rows],
            by_input,
        )


class GruCell(Cell):
    """n = tanh(a + r * b) and h = (1 - z) * n + z * h', with gates r, z, n. a is the candidate's
    input part, b its hidden part, h' the previous state.
    """

    WORDS = 4
    PARTS_DIFFER = True

    def __init__(self, steps: int, batch: int, hidden: int, dtype: np.dtype[Any]) -> None:
        super().__init__(steps, batch, hidden, dtype)
        self.sigmoids = slice(0, 2 * hidden)
        self.candidate = slice(2 * hidden, 3 * hidden)
        self.factors = np.full(2 * hidden, 0.5, dtype)

    def step(self, rows: slice, by_input: Array, by_hidden: Array) -> None:
        gates = self.gates[rows]
        kernels.gate_sums(by_input, by_hidden, self.factors, gates)
        np.tanh(gates[:, self.sigmoids], out=gates[:, self.sigmoids])
        kernels.gru_candidate(by_input, by_hidden, gates)
        np.tanh(gates[:, self.candidate], out=gates[:, self.candidate])
        kernels.gru_state(gates, self.hidden[rows], self.hidden[self.after(rows)])

    def errors(
        self,
        rows: slice,
        error: Array,
        carried: dict[str, Array],
        by_input: Array,
        by_hidden: Array,
    ) -> None:
        kernels.gru_errors(
            error, carried["hidden"], self.gates[rows], self.hidden[rows], by_input, by_hidden
        )
