"""Recurrent layers over time: a matmul and a gate op a time step, forward and backward, and one
weight gradient for the sequence.

The matmul multiplies [x_t, h_(t-1)] with the (gates*hidden) x (in + hidden) weights. The GRU
applies its reset gate after the product, so that one matmul does; the candidate's input and hidden
parts are kept apart, which makes 4 words an element of h (as in the LSTM) from its 3 gates.
"""

from __future__ import annotations

from collections.abc import Callable

from accelsim.rules.walk import vector_costs
from accelsim.rules.walk.lowering import Lowering, Value, Work, operands, step_name
from accelsim.step.contraction import Nest, matrix_nest
from accelsim.step.ops import Operand, Pass, Role, Tensor, Use
from accelsim.workload.network import RECURRENT_GATES, Layer

GATE_WORDS = {"rnn": 1, "lstm": 4, "gru": 4}
"""Words an element of h between the matmul and the gates."""


def cell_nest(layer: Layer, samples: int) -> Nest:
    """Loop nest of the matmul forward: gates*hidden outputs of in + hidden inputs."""
    hidden = layer.out_shape[2]
    outputs = RECURRENT_GATES[layer.kind] * hidden
    return matrix_nest(samples, outputs, layer.in_shape[2] + hidden)


def _state(low: Lowering, layer: Layer, name: str) -> Value:
    """A state at every step, preceded by the one the sequence starts from (an input of the training
    step).
    """
    hidden = layer.out_shape[2]
    start = Tensor(f"{layer.name}.{name}.initial", Role.ACTIVATION, (low.batch, hidden))
    return (start, *low.tensors(f"{layer.name}.{name}", Role.ACTIVATION, layer.out_shape))


def _gates(low: Lowering, layer: Layer, name: str, role: Role, stash: bool = False) -> Value:
    return low.tensors(
        f"{layer.name}.{name}",
        role,
        (1, 1, GATE_WORDS[layer.kind] * layer.out_shape[2]),
        stash=stash,
    )


def _stashed(low: Lowering, layer: Layer) -> Value:
    """The gates' outputs, which their derivatives need; a plain RNN's is h itself."""
    return () if layer.kind == "rnn" else _gates(low, layer, "gates", Role.ACTIVATION, stash=True)


def recurrent_forward(low: Lowering, layer: Layer) -> None:
    """``<layer>.FF.t`` and ``<layer>.gate.FF.t``, a chain over time."""
    hidden, cell = _state(low, layer, "out"), _state(low, layer, "cell")
    low.outputs[layer.name] = hidden[1:]
    sums, gates = _gates(low, layer, "preactivation", Role.ACTIVATION), _stashed(low, layer)
    for step, x in enumerate(low.input_of(layer)):
        name = step_name(f"{layer.name}.FF", step)
        read = operands([x, hidden[step]], Use.MOVING, f"{layer.name}.input", step)
        read += operands([low.weight(layer)], Use.STATIONARY, f"{layer.name}.weight")
        low.contraction(
            name,
            layer.name,
            Pass.FF,
            cell_nest(layer, low.batch),
            read,
            [sums[step]],
        )
        read_state = {"rnn": (), "lstm": cell[step : step + 1], "gru": hidden[step : step + 1]}[
            layer.kind
        ]
        made = (
            hidden[step + 1],
            *(cell[step + 1 : step + 2] if layer.kind == "lstm" else ()),
            *gates[step : step + 1],
        )
        _gate_op(
            low,
            layer,
            Pass.FF,
            step,
            "gate",
            vector_costs.GATE[layer.kind],
            (sums[step], *read_state),
            made,
        )


def gate_backward(
    low: Lowering, layer: Layer, step: int, error: Value, arrived: Value = (), left: Value = ()
) -> Tensor:
    """``<layer>.gate.EP.t``: from the error at h_t, and with BP those ``arrived`` from step t+1, to
    the error of the gates' sums.

    ``left`` are the errors that pass by the weights to step t-1 (the LSTM's cell, the GRU's kept
    state).
    """
    hidden, cell = _state(low, layer, "out"), _state(low, layer, "cell")
    state = {
        "rnn": hidden[step + 1 : step + 2],
        "lstm": cell[step : step + 2],
        "gru": hidden[step : step + 1],
    }[layer.kind]
    read = (error[step], *arrived, *state, *_stashed(low, layer)[step : step + 1])
    made = gate_errors(low, layer)[step]
    ops = vector_costs.GATE_BACKWARD[layer.kind] + (
        vector_costs.GATE_CARRY[layer.kind] if arrived or left else 0
    )
    _gate_op(low, layer, Pass.EP, step, "gate_backward", ops, read, (made, *left))
    return made


def gate_errors(low: Lowering, layer: Layer) -> Value:
    """The errors of the gates' sums, which are what EP and WG of the layer read."""
    return _gates(low, layer, "gate_error", Role.ERROR)


def _error_key(layer: Layer) -> str | None:
    """A plain RNN's gate error has the zeros of the error at h (tanh' has none); the other cells'
    gate errors are dense.
    """
    return f"{layer.name}.error" if layer.kind == "rnn" else None


def recurrent_propagation(
    low: Lowering,
    layer: Layer,
    error: Value,
    target: Value | None,
    stationary: tuple[Operand, ...],
    backward: Callable[[Nest], Nest],
) -> Value:
    """BP through time: ``<layer>.gate.EP.t`` and ``<layer>.EP.t``, a chain from the last step to
    the first.

    Every step counts the whole product, as the papers count; nobody reads the first one's hidden
    part. ``stationary``: what EP multiplies with; ``backward``: EP's nest from the forward one.
    """
    by_hidden = _passing(low, layer, "hidden_error")
    around = {"rnn": None, "lstm": "cell_error", "gru": "state_error"}[layer.kind]
    by_state = _passing(low, layer, around) if around else ()
    steps = low.network.time_steps
    nest = backward(cell_nest(layer, low.batch))
    for step in reversed(range(steps)):
        arrived = () if step == steps - 1 else (by_hidden[step + 1], *by_state[step + 1 : step + 2])
        moving = gate_backward(
            low, layer, step, error, arrived, by_state[step : step + 1] if step else ()
        )
        read = operands([moving], Use.MOVING, _error_key(layer), step) + stationary
        made = (*(target[step : step + 1] if target else ()), by_hidden[step])
        low.contraction(
            step_name(f"{layer.name}.EP", step),
            layer.name,
            Pass.EP,
            nest,
            read,
            made,
        )
    return gate_errors(low, layer)


def recurrent_gradient(low: Lowering, layer: Layer, error: Value, gradient: Tensor) -> None:
    """``<layer>.WG``: the outer products of [x_t, h_(t-1)] and the gates' errors, summed over batch
    and time.
    """
    hidden = _state(low, layer, "out")[:-1]
    read = operands([*low.input_of(layer), *hidden], Use.MOVING, f"{layer.name}.input") + operands(
        error, Use.STATIONARY, _error_key(layer)
    )
    low.contraction(
        f"{layer.name}.WG",
        layer.name,
        Pass.WG,
        cell_nest(layer, low.samples).gradient,
        read,
        [gradient],
    )


def _passing(low: Lowering, layer: Layer, name: str) -> Value:
    """Errors that step t sends to step t-1, by t."""
    full = (low.batch, layer.out_shape[2])
    return tuple(
        Tensor(step_name(f"{layer.name}.{name}", step), Role.ERROR, full)
        for step in range(low.network.time_steps)
    )


def _gate_op(
    low: Lowering,
    layer: Layer,
    pass_: Pass,
    step: int,
    function: str,
    ops: int,
    read: Value,
    made: Value,
) -> None:
    name = step_name(f"{layer.name}.gate.{pass_}", step)
    low.vector(
        name,
        layer.name,
        pass_,
        Work(function, low.batch * layer.out_shape[2], ops),
        operands(read, Use.READ),
        made,
    )
