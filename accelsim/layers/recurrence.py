"""The recurrent part of a cell, over the rows of a map: one time step per row.

A `linear` layer makes the input parts of all gates' sums at once; this layer adds h_(t-1) times the
hidden weights, row after row. With it a network of maps, such as convolutions before an LSTM, may
contain recurrent layers; networks that are unrolled as a whole use `lstm`, `gru` and `rnn`.

Errors cross time steps by backpropagation under every learning rule, because the layer is the
inside of a cell. Its products are those of the hidden weights: per time step one in FF and one in
EP, and one weight gradient for all steps, in EP too. Without biases.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod, sqrt
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.layers.numerics import LayerNumerics
from accelsim.layers.recurrent import KINDS, Recurrent
from accelsim.numerics import products
from accelsim.numerics.arrays import Array
from accelsim.step.contraction import matrix_nest
from accelsim.step.forms import Form
from accelsim.step.ops import Operand, Pass, Role, Tensor, Use
from accelsim.workload.lowering import Work, gradient_of, operands, step_name
from accelsim.workload.network import Layer, Shape
from accelsim.workload.section import LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value

CELLS = ("rnn", "lstm", "gru")


class RecurrenceSection(LayerSection):
    """Keys of the recurrent part of a cell. Its input has the gates' sums of each row: hidden
    channels times 1 (rnn), 4 (lstm) or 3 (gru).
    """

    kind: Literal["recurrence"] = Field(
        description="Recurrent part of a cell over the rows of a map of one column."
    )
    cell: Literal["rnn", "lstm", "gru"] = Field(description="Kind of the cell.")
    reverse: bool = Field(False, description="Whether it goes from the last row to the first.")

    def layer(self, sources: Sources) -> Recurrence:
        (source,), gates = sources.shapes, KINDS[self.cell].gates
        if source[1] != 1:
            sources.fault("inputs", "a layer whose map has one column", sources.names[0])
        if source[2] % gates:
            rule = f"a layer whose channels the {gates} gates divide"
            sources.fault("inputs", rule, f"{sources.names[0]} with {source[2]}")
        shape = (source[0], 1, max(1, source[2] // gates))
        return Recurrence(self.name, sources.names, sources.shapes, shape, self.cell, self.reverse)


@dataclass(frozen=True)
class Recurrence(Layer):
    """The recurrent part of a cell with weights of shape (gates*hidden, hidden)."""

    cell: str = "rnn"
    reverse: bool = False

    kind: ClassVar[str] = "recurrence"

    @property
    def form(self) -> type[Recurrent]:
        """The cell's counts and numbers, those of the unrolled kind."""
        return KINDS[self.cell]

    @property
    def hidden(self) -> int:
        return self.out_shape[2]

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.form.gates * self.hidden, self.hidden)

    @property
    def learns(self) -> bool:
        return True

    def resized(self, in_shapes: tuple[Shape, ...], channels: int, vocabulary: int) -> Recurrence:
        hidden = max(1, in_shapes[0][2] // self.form.gates)
        return replace(self, in_shapes=in_shapes, out_shape=(*self.out_shape[:2], hidden))

    @property
    def steps(self) -> range:
        """Rows in the order of time."""
        rows = range(self.in_shape[0])
        return rows[::-1] if self.reverse else rows

    # Tensors: one for each row, because steps move only their own words

    def _rows(self, low: Lowering, name: str, role: Role, words: int = 1) -> tuple[Tensor, ...]:
        shape = (low.batch, words * self.hidden)
        return tuple(
            Tensor(step_name(f"{self.name}.{name}", row), role, shape)
            for row in range(self.in_shape[0])
        )

    def _initial(self, low: Lowering, name: str) -> Tensor:
        shape = (low.batch, self.hidden)
        return Tensor(f"{self.name}.{name}.initial", Role.ACTIVATION, shape)

    def _states(self, low: Lowering, name: str) -> dict[int, tuple[Tensor, Tensor]]:
        """By row: the state before and after its step."""
        after = self._rows(low, name, Role.ACTIVATION)
        before = self._initial(low, name)
        states = {}
        for row in self.steps:
            states[row] = (before, after[row])
            before = after[row]
        return states

    # Ops

    def forward(self, low: Lowering) -> None:
        """Emit ``<layer>.FF.t`` and ``<layer>.gate.FF.t`` for every row t, a chain, and
        ``<layer>.FF``, which lays the rows side by side.
        """
        hidden, words = self._states(low, "hidden"), self.form.gates * self.hidden
        cells = self._states(low, "cell") if self.cell == "lstm" else {}
        sums = self._rows(low, "sums", Role.ACTIVATION, self.form.gates)
        gates = self._rows(low, "gates", Role.ACTIVATION, self.form.words)
        source, weight = low.input_of(self), low.weight(self)
        nest = matrix_nest(low.batch, *self.weight_shape)
        for row in self.steps:
            before, after = hidden[row]
            low.contraction(
                step_name(f"{self.name}.FF", row),
                self.name,
                Pass.FF,
                nest,
                (*operands([before], Use.MOVING), *operands([weight], Use.STATIONARY)),
                [sums[row]],
            )
            ops = self.form.gate_ops + self.form.gates
            low.vector(
                step_name(f"{self.name}.gate.FF", row),
                self.name,
                Pass.FF,
                Work("gate", low.batch * self.hidden, ops),
                (
                    *_parts(source, low.batch * words),
                    *operands([sums[row], before, *cells.get(row, ())[:1]], Use.READ),
                ),
                (after, gates[row], *cells.get(row, ())[1:]),
            )
        out = low.tensors(f"{self.name}.out", Role.ACTIVATION, self.out_shape)
        low.outputs[self.name] = out
        rows = [hidden[row][1] for row in range(self.in_shape[0])]
        self._side_by_side(low, f"{self.name}.FF", Pass.FF, rows, out)

    def backward(self, low: Lowering, error: Value) -> None:
        """Emit ``<layer>.gate.EP.t`` and ``<layer>.EP.t`` from the last step to the first, then the
        weight gradient, and ``<layer>.EP``, which lays the errors at the sums side by side.
        """
        hidden = self._states(low, "hidden")
        cells = self._states(low, "cell") if self.cell == "lstm" else {}
        gates = self._rows(low, "gates", Role.ACTIVATION, self.form.words)
        gate_errors = self._rows(low, "gate_error", Role.ERROR, self.form.words)
        by_hidden = self._rows(low, "hidden_error", Role.ERROR)
        by_state = self._rows(low, "state_error", Role.ERROR) if self.form.passing else ()
        weight = low.weight(self)
        nest = matrix_nest(low.batch, *self.weight_shape).backward
        arrived: tuple[Tensor, ...] = ()
        for row in reversed(self.steps):
            states = (*hidden[row], *cells.get(row, ()))
            left = by_state[row : row + 1]
            ops = self.form.gate_back_ops + self.form.carry_ops
            low.vector(
                step_name(f"{self.name}.gate.EP", row),
                self.name,
                Pass.EP,
                Work("gate_backward", low.batch * self.hidden, ops),
                (
                    *_parts(error, low.batch * self.hidden),
                    *operands((*arrived, *states, gates[row]), Use.READ),
                ),
                (gate_errors[row], *left),
            )
            read = operands([gate_errors[row]], Use.MOVING)
            read += operands([weight], Use.STATIONARY)
            name = step_name(f"{self.name}.EP", row)
            low.contraction(name, self.name, Pass.EP, nest, read, [by_hidden[row]])
            arrived = (by_hidden[row], *left)
        low.contraction(
            f"{self.name}.EP.gradient",
            self.name,
            Pass.EP,
            matrix_nest(low.batch * self.in_shape[0], *self.weight_shape).gradient,
            operands([hidden[row][0] for row in self.steps], Use.MOVING)
            + operands([gate_errors[row] for row in self.steps], Use.STATIONARY),
            [gradient_of(weight)],
        )
        target = low.target(self)
        if target is not None:
            self._side_by_side(low, f"{self.name}.EP", Pass.EP, gate_errors, target)

    def _side_by_side(
        self, low: Lowering, name: str, pass_: Pass, rows: list[Tensor] | Value, out: Value
    ) -> None:
        words = sum(tensor.elements for tensor in out)
        work = Work("concat", words, 0, Form.ADDRESSING)
        read = tuple(Operand(tensor, Use.READ, words=words // self.in_shape[0]) for tensor in rows)
        low.vector(name, self.name, pass_, work, read, out)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> RecurrenceNumerics:
        return RecurrenceNumerics(self, dtype)


def _parts(value: Value, words: int) -> tuple[Operand, ...]:
    """The words of one row of a map."""
    return tuple(Operand(tensor, Use.READ, words=words) for tensor in value)


class RecurrenceNumerics(LayerNumerics):
    """Maps (N, T, 1, gates*H) to (N, T, 1, H), with ``weight`` (gates*H, H)."""

    layer: Recurrence

    def fresh_parameters(self, random: np.random.Generator, makes_logits: bool) -> dict[str, Array]:
        """Draw weights uniformly in +-1 / sqrt(H), as PyTorch does for recurrent layers."""
        limit = 1 / sqrt(self.layer.hidden)
        shape = self.layer.weight_shape
        return {"weight": random.uniform(-limit, limit, shape).astype(self.dtype)}

    def forward(self, inputs: tuple[Array, ...], training: bool) -> Array:
        samples, rows = len(inputs[0]), self.layer.in_shape[0]
        sums = self._by_time(inputs[0])
        self.cell = self.layer.form.cell(rows, samples, self.layer.hidden, self.dtype)
        for states in self.cell.states.values():
            states[:samples] = 0
        across = np.ascontiguousarray(self.parameters["weight"].T)
        for step in self._steps(samples):
            by_hidden = products.product(self.cell.hidden[step], across)
            self.cell.step(step, sums[step], by_hidden)
        return self._by_sample(self.cell.hidden[samples:], samples)

    def backward(self, error: Array, propagate: bool) -> tuple[Array, ...]:
        samples, weight = len(error), self.parameters["weight"]
        errors = self._by_time(error)
        at_input = np.empty((len(errors), weight.shape[0]), self.dtype)
        at_hidden = np.empty_like(at_input) if self.layer.form.cell.PARTS_DIFFER else at_input
        shape = (samples, self.layer.hidden)
        carried = {name: np.zeros(shape, self.dtype) for name in self.cell.states}
        for step in reversed(self._steps(samples)):
            self.cell.errors(step, errors[step], carried, at_input[step], at_hidden[step])
            carried["hidden"] += products.product(at_hidden[step], weight)
        before = self.cell.hidden[: len(errors)]
        self.gradients = {"weight": products.product(at_hidden.T, before)}
        return (self._by_sample(at_input, samples),) if propagate else ()

    def _steps(self, samples: int) -> list[slice]:
        return [
            slice(step * samples, (step + 1) * samples) for step in range(self.layer.in_shape[0])
        ]

    def _by_time(self, maps: Array) -> Array:
        """Maps (N, T, 1, C) as rows (T * N, C) in the order of time."""
        rows = maps[:, ::-1] if self.layer.reverse else maps
        turned = rows.reshape(*maps.shape[:2], -1).swapaxes(0, 1)
        return np.ascontiguousarray(turned, self.dtype).reshape(prod(maps.shape[:2]), -1)

    def _by_sample(self, rows: Array, samples: int) -> Array:
        """The inverse of `_by_time`."""
        maps = rows.reshape(-1, samples, rows.shape[1]).swapaxes(0, 1)
        ordered = maps[:, ::-1] if self.layer.reverse else maps
        return np.ascontiguousarray(ordered)[:, :, None, :]
