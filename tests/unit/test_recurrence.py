"""The recurrent part of a cell over the rows of a map: numbers, products, laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import accelsim
from accelsim.layers.model import Model
from accelsim.results.laws import violations
from accelsim.step.ops import Contraction, Pass
from accelsim.workload.network import Network
from tests.layer_kinds import step_of
from tests.random_networks import network_of

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
ROWS, HIDDEN, CLASSES = 5, 3, 2


def network(cell: str, reverse: bool = False) -> Network:
    return network_of(
        {
            "name": "recurrence",
            "input": {"height": ROWS, "width": 1, "channels": 4},
            "layers": [
                {"name": "sums", "kind": "linear", "out_features": GATES[cell] * HIDDEN},
                {"name": "it", "kind": "recurrence", "cell": cell, "reverse": reverse},
                {"name": "fc", "kind": "fc", "out_features": CLASSES},
            ],
        }
    )


def sigmoid(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return 1 / (1 + np.exp(-x))


def by_hand(
    cell: str, sums: np.ndarray[Any, Any], weight: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """Hidden states (T, H) of one sample, from its sums (T, gates * H)."""
    h = c = np.zeros(HIDDEN)
    out = []
    for row in sums:
        x, y = np.split(row, GATES[cell]), np.split(weight @ h, GATES[cell])
        if cell == "rnn":
            h = np.tanh(x[0] + y[0])
        elif cell == "lstm":
            i, f, g, o = (a + b for a, b in zip(x, y, strict=True))
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            r, z = sigmoid(x[0] + y[0]), sigmoid(x[1] + y[1])
            h = (1 - z) * np.tanh(x[2] + r * y[2]) + z * h
        out.append(h)
    return np.array(out)


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("reverse", [False, True])
def test_states_follow_the_formula(cell: str, reverse: bool) -> None:
    model = Model(network(cell, reverse), seed=3, dtype=np.float64)
    inputs = np.random.default_rng(0).standard_normal((2, ROWS, 1, 4))
    model.forward(inputs)
    sums = model.maps["sums"][:, :, 0]
    weight = model.layers["it"].parameters["weight"]
    for sample in range(2):
        order = slice(None, None, -1 if reverse else 1)
        states = by_hand(cell, sums[sample][order], weight)[order]
        assert np.allclose(model.maps["it"][sample, :, 0], states, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("reverse", [False, True])
def test_gradients_are_differences(cell: str, reverse: bool) -> None:
    model = Model(network(cell, reverse), seed=1, dtype=np.float64)
    random = np.random.default_rng(2)
    inputs = random.standard_normal((2, ROWS, 1, GATES[cell] * HIDDEN))
    layer = model.layers["it"]
    weight = layer.parameters["weight"]
    error = random.standard_normal(layer.forward((inputs,), True).shape)
    (at_input,) = layer.backward(error, True)

    def loss() -> float:
        return float((layer.forward((inputs,), True) * error).sum())

    for array, gradient in ((inputs, at_input), (weight, layer.gradients["weight"])):
        direction = random.standard_normal(array.shape)
        step, before = 1e-6, array.copy()
        np.add(array, step * direction, out=array)
        above = loss()
        np.subtract(array, 2 * step * direction, out=array)
        below = loss()
        array[...] = before
        assert (above - below) / (2 * step) == pytest.approx(float((gradient * direction).sum()))


@pytest.mark.parametrize("cell", GATES)
def test_products(cell: str) -> None:
    step = step_of(network(cell), batch=3)
    macs = {
        pass_: sum(
            op.nest.macs
            for op in step.ops
            if isinstance(op, Contraction) and op.layer == "it" and op.pass_ is pass_
        )
        for pass_ in Pass
    }
    each = 3 * ROWS * GATES[cell] * HIDDEN * HIDDEN
    assert macs[Pass.FF] == each
    assert macs[Pass.EP] == 2 * each  # the error at h, and the weight gradient
    assert macs[Pass.WG] == 0


@pytest.mark.parametrize("rule", ["bp", "dfa"])
@pytest.mark.parametrize("cell", GATES)
def test_laws_hold(rule: str, cell: str) -> None:
    result = accelsim.simulate(network(cell, True), "near-memory", rule=rule, batch=2)
    assert violations(result) == []
    assert {op.layer for op in result.ops} >= {"sums", "it", "fc"}


def test_channels_that_the_gates_do_not_divide() -> None:
    with pytest.raises(accelsim.InputError, match="a layer whose channels the 4 gates divide"):
        network_of(
            {
                "name": "wrong",
                "input": {"height": 3, "width": 1, "channels": 6},
                "layers": [{"name": "it", "kind": "recurrence", "cell": "lstm"}],
            }
        )
