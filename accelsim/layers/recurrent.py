"""Recurrent cells, unrolled over the sequence, without bias.

Each time step has a matmul op and a gate op, forward and backward. One weight gradient op serves
the whole sequence.

The matmul multiplies [x_t, h_(t-1)] by weights of shape (gates*hidden, in + hidden). The GRU
applies its reset gate after the product, so that a single matmul suffices. It keeps the candidate's
input and hidden parts apart, so its 3 gates make 4 words per element of h, as many as the LSTM's.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim.layers.recurrent_cells import GruCell, LstmCell, RnnCell
from accelsim.layers.recurrent_numerics import Cell, RecurrentNumerics
from accelsim.step.contraction import Nest, matrix_nest
from accelsim.step.ops import Operand, Pass, Role, Tensor, Use
from accelsim.workload.lowering import Work, gradient_of, operands, step_name
from accelsim.workload.network import Layer
from accelsim.workload.section import Extent, LayerSection, Sources

if TYPE_CHECKING:
    from accelsim.workload.lowering import Lowering, Value


class RecurrentSection(LayerSection):
    """Keys of a recurrent cell."""

    kind: Literal["rnn", "lstm", "gru"] = Field(
        description="Plain tanh cell, LSTM, or GRU (reset gate applied after the product)."
    )
    hidden: Extent = Field(description="Length of the hidden state.")

    needs_sequence: ClassVar[bool] = True

    def layer(self, sources: Sources) -> Recurrent:
        (source,) = sources.shapes
        if source[:2] != (1, 1):
            shape = "x".join(map(str, source))
            sources.fault("inputs", "a layer whose map is 1x1", f"{sources.names[0]} with {shape}")
        return KINDS[self.kind](self.name, sources.names, sources.shapes, (1, 1, self.hidden))


class Recurrent(Layer):
    """A recurrent cell with weights of shape (gates*hidden, C + hidden).

    Operation counts below are scalar operations per element of h.
    """

    weighted: ClassVar[bool] = True
    recurrent: ClassVar[bool] = True

    gates: ClassVar[int]
    """Outputs of the matmul per element of h."""
    words: ClassVar[int]
    """Words per element of h between the matmul and the gates."""
    gate_ops: ClassVar[int]
    """Operations of the gates, forward."""
    gate_back_ops: ClassVar[int]
    """Operations of the gates' derivatives."""
    carry_ops: ClassVar[int]
    """Further backward operations if errors cross time steps."""
    passing: ClassVar[str | None]
    """Name of the error that reaches the previous step without passing through the weights, or
    None.
    """
    cell: ClassVar[type[Cell]]
    """Class that computes the gates' numbers."""
    candidate_gate: ClassVar[int]
    """Index of the candidate state (the gate with tanh) among the gates' rows of the weights."""
    hands_on_sum_errors: ClassVar[bool] = False
    """True if feedback through time reads the errors at the gates' sums, which must be as long as
    h; false if it reads the errors at h.
    """

    @property
    def weight_shape(self) -> tuple[int, ...]:
        hidden = self.out_shape[2]
        return (self.gates * hidden, self.in_shape[2] + hidden)

    def nest(self, samples: int) -> Nest:
        """Loop nest of the forward matmul: gates*hidden outputs, in + hidden inputs."""
        return matrix_nest(samples, *self.weight_shape)

    def numerics(self, dtype: np.dtype[Any], steps: int) -> RecurrentNumerics:
        return RecurrentNumerics(self, dtype, steps)

    # What differs between cells

    @abstractmethod
    def reads_state(self, low: Lowering, step: int) -> Value:
        """States that the gates of time step ``step`` read."""

    @abstractmethod
    def reads_state_back(self, low: Lowering, step: int) -> Value:
        """States that the gates' derivatives read at time step ``step``."""

    def makes_state(self, low: Lowering, step: int) -> Value:
        """States that the gates of time step ``step`` write."""
        return self.states(low, "out")[step + 1 : step + 2]

    def stash(self, low: Lowering) -> Value:
        """Outputs of the gates, kept for their derivatives."""
        return self.gate_tensors(low, "gates", Role.ACTIVATION, stash=True)

    @property
    def error_key(self) -> str | None:
        """Trace tensor that gives the zeros of the gates' errors, or None if they are dense."""
        return None

    # Tensors

    def states(self, low: Lowering, name: str) -> Value:
        """State ``name`` before the first time step (an input of the training step), then after
        each step: T + 1 tensors of shape (batch, hidden).
        """
        hidden = self.out_shape[2]
        start = Tensor(f"{self.name}.{name}.initial", Role.ACTIVATION, (low.batch, hidden))
        return (start, *low.tensors(f"{self.name}.{name}", Role.ACTIVATION, self.out_shape))

    def gate_tensors(self, low: Lowering, name: str, role: Role, stash: bool = False) -> Value:
        """One tensor of the gates' words per time step."""
        shape = (1, 1, self.words * self.out_shape[2])
        return low.tensors(f"{self.name}.{name}", role, shape, stash=stash)

    def gate_errors(self, low: Lowering) -> Value:
        """Errors at the gates' sums, one tensor per time step. EP and WG of the layer read them."""
        return self.gate_tensors(low, "gate_error", Role.ERROR)

    # Ops

    def forward(self, low: Lowering) -> None:
        """Emit ``<layer>.FF.t`` and ``<layer>.gate.FF.t`` for every time step t. They form a chain
        over time.
        """
        hidden = self.states(low, "out")
        low.outputs[self.name] = hidden[1:]
        sums, gates = self.gate_tensors(low, "preactivation", Role.ACTIVATION), self.stash(low)
        nest = self.nest(low.batch)
        for step, x in enumerate(low.input_of(self)):
            name = step_name(f"{self.name}.FF", step)
            read = operands([x, hidden[step]], Use.MOVING, f"{self.name}.input", step)
            read += operands([low.weight(self)], Use.STATIONARY, f"{self.name}.weight")
            low.contraction(name, self.name, Pass.FF, nest, read, [sums[step]])
            work = Work("gate", low.batch * self.out_shape[2], self.gate_ops)
            self._gate_op(
                low,
                Pass.FF,
                step,
                work,
                (sums[step], *self.reads_state(low, step)),
                (*self.makes_state(low, step), *gates[step : step + 1]),
            )

    def backward(self, low: Lowering, error: Value) -> None:
        """Emit ``<layer>.WG``: the outer products of [x_t, h_(t-1)] and the gates' errors, summed
        over batch and time.
        """
        hidden = self.states(low, "out")[:-1]
        key = f"{self.name}.input"
        read = operands([*low.input_of(self), *hidden], Use.MOVING, key)
        read += operands(error, Use.STATIONARY, self.error_key)
        nest, gradient = self.nest(low.samples).gradient, gradient_of(low.weight(self))
        low.contraction(f"{self.name}.WG", self.name, Pass.WG, nest, read, [gradient])

    def local_errors(self, low: Lowering, error: Value) -> Value:
        """Emit ``<layer>.gate.EP.t``, which apply each step's own derivatives. No error crosses
        time steps.

        Returns the errors at the gates' sums.
        """
        for step in reversed(range(len(error))):
            self._gate_backward(low, step, error)
        return self.gate_errors(low)

    def errors_through_time(
        self,
        low: Lowering,
        error: Value,
        target: Value | None,
        stationary: tuple[Operand, ...],
        backward: Callable[[Nest], Nest],
    ) -> Value:
        """Emit ``<layer>.gate.EP.t`` and ``<layer>.EP.t`` for BP through time, a chain from the
        last time step to the first. Returns the errors at the gates' sums.

        ``target`` are the errors at the inputs, or None if not needed. ``stationary`` are the
        operands by which EP multiplies. ``backward`` derives EP's nest from the forward nest. Every
        step counts the whole product, as in the papers, although nothing reads the hidden part of
        the first step.
        """
        by_hidden = self._passing(low, "hidden_error")
        by_state = self._passing(low, self.passing) if self.passing else ()
        steps = low.network.time_steps
        nest = backward(self.nest(low.batch))
        for step in reversed(range(steps)):
            last = step == steps - 1
            arrived = () if last else (by_hidden[step + 1], *by_state[step + 1 : step + 2])
            left = by_state[step : step + 1] if step else ()
            moving = self._gate_backward(low, step, error, arrived, left)
            read = operands([moving], Use.MOVING, self.error_key, step) + stationary
            outputs = (*(target[step : step + 1] if target else ()), by_hidden[step])
            name = step_name(f"{self.name}.EP", step)
            low.contraction(name, self.name, Pass.EP, nest, read, outputs)
        return self.gate_errors(low)

    def _gate_backward(
        self, low: Lowering, step: int, error: Value, arrived: Value = (), left: Value = ()
    ) -> Tensor:
        """Emit ``<layer>.gate.EP.t``, which turns the error at h_t into the errors at the gates'
        sums. Returns the tensor of these errors.

        ``arrived`` are errors from step t+1 (BP only). ``left`` are errors that go to step t-1
        without passing through the weights: those of the LSTM's cell or of the GRU's state.
        """
        state, gates = self.reads_state_back(low, step), self.stash(low)[step : step + 1]
        gate_error = self.gate_errors(low)[step]
        ops = self.gate_back_ops + (self.carry_ops if arrived or left else 0)
        work = Work("gate_backward", low.batch * self.out_shape[2], ops)
        read = (error[step], *arrived, *state, *gates)
        self._gate_op(low, Pass.EP, step, work, read, (gate_error, *left))
        return gate_error

    def _passing(self, low: Lowering, name: str) -> Value:
        """Errors that step t sends to step t-1: one tensor per t, each (batch, hidden)."""
        full = (low.batch, self.out_shape[2])
        return tuple(
            Tensor(step_name(f"{self.name}.{name}", step), Role.ERROR, full)
            for step in range(low.network.time_steps)
        )

    def _gate_op(
        self, low: Lowering, pass_: Pass, step: int, work: Work, read: Value, outputs: Value
    ) -> None:
        """Emit ``<layer>.gate.<pass>.t`` as vector work."""
        name = step_name(f"{self.name}.gate.{pass_}", step)
        low.vector(name, self.name, pass_, work, operands(read, Use.READ), outputs)


class Rnn(Recurrent):
    """Plain tanh cell: h = tanh(a). Backward: e * (1 - h * h)."""

    kind: ClassVar[str] = "rnn"
    gates: ClassVar[int] = 1
    words: ClassVar[int] = 1
    gate_ops: ClassVar[int] = 1
    gate_back_ops: ClassVar[int] = 3
    carry_ops: ClassVar[int] = 1  # add the next step's error to e
    passing: ClassVar[str | None] = None
    cell: ClassVar[type[Cell]] = RnnCell
    candidate_gate: ClassVar[int] = 0
    hands_on_sum_errors: ClassVar[bool] = True

    def reads_state(self, low: Lowering, step: int) -> Value:
        return ()

    def reads_state_back(self, low: Lowering, step: int) -> Value:
        return self.makes_state(low, step)

    def stash(self, low: Lowering) -> Value:
        """Empty, because the gate's output is h itself."""
        return ()

    @property
    def error_key(self) -> str:
        """Key of the error at h. It has the same zeros, because tanh' is never zero."""
        return f"{self.name}.error"


class Lstm(Recurrent):
    """Long short-term memory.

    Forward operations: 4 gates, c = f*c + i*g 3, tanh(c) 1, o*tanh(c) 1. Backward: tanh(c) 1, its
    derivative 2, error at h to error at c 2, and 4 per gate.
    """

    kind: ClassVar[str] = "lstm"
    gates: ClassVar[int] = 4
    words: ClassVar[int] = 4
    gate_ops: ClassVar[int] = 9
    gate_back_ops: ClassVar[int] = 21
    carry_ops: ClassVar[int] = 3  # add the next step's error to e and its cell error, scale by f
    passing: ClassVar[str | None] = "cell_error"
    cell: ClassVar[type[Cell]] = LstmCell
    candidate_gate: ClassVar[int] = 2

    def reads_state(self, low: Lowering, step: int) -> Value:
        return self.states(low, "cell")[step : step + 1]

    def reads_state_back(self, low: Lowering, step: int) -> Value:
        return self.states(low, "cell")[step : step + 2]

    def makes_state(self, low: Lowering, step: int) -> Value:
        cell = self.states(low, "cell")[step + 1 : step + 2]
        return (*super().makes_state(low, step), *cell)


class Gru(Recurrent):
    """Gated recurrent unit.

    Forward operations: 2 gates, tanh(a + r*b) 3, (1-z)*n + z*h 4. Backward: z 5, n 5, r 4, r*dn 1.
    """

    kind: ClassVar[str] = "gru"
    gates: ClassVar[int] = 3
    words: ClassVar[int] = 4
    gate_ops: ClassVar[int] = 9
    gate_back_ops: ClassVar[int] = 15
    carry_ops: ClassVar[int] = 3  # add the next step's error to e, scale by z, add
    passing: ClassVar[str | None] = "state_error"
    cell: ClassVar[type[Cell]] = GruCell
    candidate_gate: ClassVar[int] = 2

    def reads_state(self, low: Lowering, step: int) -> Value:
        return self.states(low, "out")[step : step + 1]

    def reads_state_back(self, low: Lowering, step: int) -> Value:
        return self.reads_state(low, step)


KINDS: dict[str, type[Recurrent]] = {"rnn": Rnn, "lstm": Lstm, "gru": Gru}
