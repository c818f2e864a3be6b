"""Networks with a loss at more than one layer."""

from __future__ import annotations

from typing import Any

import pytest

import accelsim
from accelsim.layers.model import Model
from accelsim.results.laws import violations
from accelsim.workload.network import Network
from tests.layer_kinds import step_of
from tests.random_networks import network_of


def network(outputs: tuple[str, ...] = ("side", "trunk"), **keys: Any) -> Network:
    return network_of(
        {
            "name": "two",
            "input": {"height": 4, "width": 4, "channels": 3},
            "outputs": outputs,
            "layers": [
                {"name": "trunk", "kind": "conv", "out_channels": 4, "kernel": 3, "padding": 1},
                {"name": "relu", "kind": "relu"},
                {"name": "side", "kind": "fc", "inputs": ["trunk"], "out_features": 2},
                {"name": "fc", "kind": "fc", "inputs": ["relu"], "out_features": 3},
            ],
            **keys,
        }
    )


def test_a_loss_for_each() -> None:
    step = step_of(network(), batch=2)
    losses = {op.name: op for op in step.ops if op.layer == "loss"}
    assert set(losses) == {"loss.EP", "loss.EP.side", "loss.EP.trunk"}
    assert {name: op.outputs[0].elements for name, op in losses.items()} == {
        "loss.EP": 6,
        "loss.EP.side": 4,
        "loss.EP.trunk": 2 * 4 * 4 * 4,
    }
    total = next(op for op in step.ops if op.name == "trunk.EP.sum")
    assert {operand.tensor.name for operand in total.operands} == {
        "trunk.loss_error",
        "trunk.error.relu",
        "trunk.error.side",
    }
    assert {"side.WG", "fc.WG", "trunk.WG"} <= {op.name for op in step.ops}


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "frozen"])
@pytest.mark.parametrize("arch", ["near-memory", "systolic-32x32"])
def test_laws_hold(rule: str, arch: str) -> None:
    result = accelsim.simulate(network(), arch, rule=rule, batch=2)
    assert violations(result) == []


def test_training_needs_one() -> None:
    with pytest.raises(accelsim.InputError, match="must have one output, got fc, side, trunk"):
        Model(network())


def test_names_of_outputs() -> None:
    with pytest.raises(accelsim.InputError, match=r"outputs\[0\] must be the name of a layer"):
        network(("sode",))
    with pytest.raises(accelsim.InputError, match="side, which none reads"):
        network(())
    assert network(("side", "fc")).outputs == ("side",)


def test_a_bias_that_is_left_out() -> None:
    layers = [
        {"name": "a", "kind": "fc", "out_features": 4},
        {"name": "shifted", "kind": "bias"},
        {"name": "b", "kind": "fc", "inputs": ["a"], "out_features": 3},
    ]
    made = network(("shifted",), biases="left_out", layers=layers)
    assert made.outputs == ("a",)
