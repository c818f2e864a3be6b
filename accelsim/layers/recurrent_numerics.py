"""Numbers of recurrent layers: plain RNN (Elman 1990), LSTM (Gers et al. 2000) and GRU (Cho et al.
2014), all without biases.

The weights multiply [x_t, h_(t-1)]. Rows are time-major: row t*N + n. The GRU's reset gate acts
after the product, as in PyTorch and cuDNN, so the candidate's input and hidden parts are kept
apart. Products with x_t are computed for all time steps at once; the counted MACs are those of one
product per time step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import sqrt
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from accelsim.errors import InputError
from accelsim.layers.numerics import WeightedNumerics
from accelsim.numerics import products
from accelsim.numerics.arrays import Array

if TYPE_CHECKING:
    from accelsim.layers.recurrent import Recurrent


class Cell(ABC):
    """Gates and states of one cell kind, over the T time steps of one forward pass.

    ``states``: arrays ((T+1)*N, H) by name. Row j is the state before gate row j, and row j + N the
    state after it; the first N rows are the initial state. ``gates``: (T*N, words*H), the gate
    values that the derivatives need.
    """

    WORDS: ClassVar[int]
    """Words per element of h that the gates' derivatives need; 0 if h itself is enough."""
    STATES: ClassVar[tuple[str, ...]] = ("hidden",)
    """Names of the states."""
    PARTS_DIFFER: ClassVar[bool] = False
    """True if the errors at the input part and the hidden part of the sums differ."""

    def __init__(self, steps: int, batch: int, hidden: int, dtype: np.dtype[Any]) -> None:
        self.batch = batch
        self.states = {name: np.empty(((steps + 1) * batch, hidden), dtype) for name in self.STATES}
        self.hidden = self.states["hidden"]
        self.gates: Array = np.empty((steps * batch, self.WORDS * hidden), dtype)

    def after(self, rows: slice) -> slice:
        """Rows of the states that follow the given rows of gates."""
        return slice(rows.start + self.batch, rows.stop + self.batch)

    @abstractmethod
    def step(self, rows: slice, by_input: Array, by_hidden: Array) -> None:
        """Compute gates and states of one time step's rows, from the input and hidden parts (N,
        gates*H) of the sums.
        """

    @abstractmethod
    def errors(
        self,
        rows: slice,
        error: Array,
        carried: dict[str, Array],
        by_input: Array,
        by_hidden: Array,
    ) -> None:
        """Compute the errors at the input and hidden parts of the sums, (rows, gates*H), from the
        error at h, (rows, H). The two parts are one array, except for the GRU.

        ``carried`` holds, by state, the error from the next time step. It is overwritten with the
        error that goes to the previous step without passing through the weights.
        """


class RecurrentNumerics(WeightedNumerics):
    """Maps (T*N, 1, 1, C) to (T*N, 1, 1, H) over T = ``steps`` time steps, with ``weight``
    (gates*H, C + H).

    ``state``: initial state of the next forward pass, "hidden" and in an LSTM "cell", each (N, H).
    Zeros are used if it is None or has another N. ``final_state``: the state after the last time
    step. ``state_error``: after a backward pass, the errors at the initial state. They go no
    further, because backpropagation is truncated to one sequence.
    """

    layer: Recurrent

    def __init__(self, layer: Recurrent, dtype: np.dtype[Any], steps: int) -> None:
        super().__init__(layer, dtype)
        self.steps = steps
        self.channels, self.hidden = layer.in_shape[2], layer.out_shape[2]
        self.sums = layer.weight_shape[0]
        """Columns of the matrix products: gates*H."""
        self.state: dict[str, Array] | None = None
        self.final_state: dict[str, Array] = {}
        self.state_error: dict[str, Array] = {}
        self.input_errors: Array = np.empty((0, self.sums), dtype)
        """Errors at the input parts of the gates' sums, (T*N, gates*H)."""
        self.hidden_errors = self.input_errors
        """Errors at the hidden parts of the gates' sums: the same array, except for the GRU."""

    @property
    def gate_errors(self) -> Array:
        """Errors at the gates' sums after `backward` or `learn`, (T*N, words*H).

        Words: rnn 1; lstm 4 (i, f, g, o); gru 4 (r, z, the candidate's input part, its hidden
        part).
        """
        if self.hidden_errors is self.input_errors:
            return self.input_errors
        return np.concatenate((self.input_errors, self.hidden_errors[:, -self.hidden :]), axis=1)

    def fresh_parameters(self, random: np.random.Generator, makes_logits: bool) -> dict[str, Array]:
        """Draw weights uniformly in +-1 / sqrt(H), as PyTorch does for recurrent layers."""
        limit = 1 / sqrt(self.hidden)
        return {"weight": random.uniform(-limit, limit, self.layer.weight_shape).astype(self.dtype)}

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        """Hidden states (T*N, 1, 1, H) of inputs (T*N, 1, 1, C).

        Raises InputError if the number of rows is not a multiple of the time steps.
        """
        samples = len(inputs[0])
        if samples % self.steps:
            raise InputError(
                f"{self.layer.name}: rows must be a multiple of {self.steps}, the time steps, got "
                f"{samples}"
            )
        batch = samples // self.steps
        self.input = np.ascontiguousarray(inputs[0]).reshape(samples, self.channels)
        self.cell = self.layer.cell(self.steps, batch, self.hidden, self.dtype)
        for name, states in self.cell.states.items():
            states[:batch] = self._initial(name, batch)
        weight = self.parameters["weight"]
        by_input = products.product(self.input, weight[:, : self.channels].T)
        by_hidden = np.empty((batch, self.sums), self.dtype)
        across = np.ascontiguousarray(weight[:, self.channels :].T)
        for rows in self._time_steps(batch):
            products.product(self.cell.hidden[rows], across, out=by_hidden)
            self.cell.step(rows, by_input[rows], by_hidden)
        self.final_state = {
            name: states[samples:].copy() for name, states in self.cell.states.items()
        }
        return self.cell.hidden[batch:].reshape(samples, *self.layer.out_shape)

    def learn(self, error: Array) -> None:
        """Set ``gradients`` from the error at every h_t. The error at h_t reaches the gates of step
        t only; none crosses time steps, not even in the cell state.
        """
        samples = len(self.input)
        carried = self._nothing_carried(samples)
        self._start_errors()
        self.cell.errors(
            slice(0, samples), self._rows(error), carried, self.input_errors, self.hidden_errors
        )
        self._set_gradient()

    def backward(
        self, error: Array, propagate: bool, transport: Array | None = None
    ) -> tuple[Array, ...]:
        """Backpropagation through time (Werbos 1990), from the error at every h_t (T*N, 1, 1, H).

        Every step multiplies by all the weights, as the papers count, even if the error at the
        input is not needed.
        """
        weight = self.parameters["weight"] if transport is None else transport
        across = weight[:, self.channels :]
        batch, rows_of = self.cell.batch, self._rows(error)
        carried = self._nothing_carried(batch)
        passed = np.empty((batch, self.hidden), self.dtype)
        self._start_errors()
        for rows in reversed(self._time_steps(batch)):
            self.cell.errors(
                rows, rows_of[rows], carried, self.input_errors[rows], self.hidden_errors[rows]
            )
            carried["hidden"] += products.product(self.hidden_errors[rows], across, out=passed)
        self.state_error = carried
        self._set_gradient()
        at_input = products.product(self.input_errors, weight[:, : self.channels])
        return (at_input.reshape(-1, *self.layer.in_shape),) if propagate else ()

    def _initial(self, name: str, batch: int) -> Array | float:
        """Initial value of a state for ``batch`` samples: ``state`` if its size matches, else 0."""
        return (
            self.state[name] if self.state is not None and len(self.state[name]) == batch else 0.0
        )

    def _time_steps(self, batch: int) -> list[slice]:
        """Rows of each time step."""
        return [slice(step * batch, (step + 1) * batch) for step in range(self.steps)]

    def _rows(self, error: Array) -> Array:
        return np.ascontiguousarray(error, self.dtype).reshape(-1, self.hidden)

    def _nothing_carried(self, rows: int) -> dict[str, Array]:
        """Zero errors for every state."""
        return {name: np.zeros((rows, self.hidden), self.dtype) for name in self.cell.states}

    def _start_errors(self) -> None:
        """Allocate the arrays of errors at the gates' sums."""
        self.input_errors = np.empty((len(self.input), self.sums), self.dtype)
        self.hidden_errors = (
            np.empty_like(self.input_errors) if self.layer.cell.PARTS_DIFFER else self.input_errors
        )

    def _set_gradient(self) -> None:
        """Set the weight gradient: one outer product, over the sequence, of the gates' errors and
        [x_t, h_(t-1)].
        """
        gradient = np.empty(self.layer.weight_shape, self.dtype)
        products.product(self.input_errors.T, self.input, out=gradient[:, : self.channels])
        products.product(
            self.hidden_errors.T,
            self.cell.hidden[: len(self.input)],
            out=gradient[:, self.channels :],
        )
        self.gradients = {"weight": gradient}
