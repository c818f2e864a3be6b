"""Angles between feedback and weights, and between a rule's updates and backpropagation's."""

from __future__ import annotations

from math import isnan
from types import SimpleNamespace

import numpy as np
import pytest

from accelsim.rules.chained.numbers import Backprop
from accelsim.rules.direct.numbers import DirectFeedback
from accelsim.rules.hybrid.numbers import Hybrid
from accelsim.rules.registry import rule_numerics
from accelsim.rules.spelling import parse_rule
from accelsim.training.angles import angle, feedback_angles, update_angles
from accelsim.zeros.feedback import Feedback
from tests.reference_networks import CLASSES, Builder, batch_of, filled_model, small_networks


@pytest.mark.parametrize(
    ("left", "right", "degrees"),
    [
        ([1, 0], [0, 3], 90),
        ([1, 0], [2, 2], 45),
        ([1, 2, 3], [2, 4, 6], 0),
        ([1, 2, 3], [-2, -4, -6], 180),
        ([[1, 0], [0, 0]], [[1, 0], [0, np.sqrt(3)]], 60),
        ([1e-30, 0], [1e-30, 1e-30], 45),
    ],
)
def test_angles_by_hand(left, right, degrees):
    assert angle(np.array(left, np.float64), np.array(right, np.float64)) == pytest.approx(
        degrees, abs=2e-6
    )


def test_zeros_have_no_angle():
    assert isnan(angle(np.zeros(3), np.ones(3)))


def training(network, numerics_of):
    """What the angles read of a training run."""
    model = filled_model(network)
    return SimpleNamespace(
        network=network, model=model, numerics=numerics_of(model), task=SimpleNamespace(start=id)
    )


def transposes(model, sign=1.0):
    """Direct feedback from the products of the weights behind each map, transposed."""
    product, found = np.eye(CLASSES), {}
    for layer in reversed(model.network.weighted[1:]):
        product = product @ model.parameters()[layer.name, "weight"]
        found[layer.name] = (Feedback(CLASSES, sign * product.T),)
    return DirectFeedback(model, found)


@pytest.mark.parametrize(("sign", "degrees"), [(1.0, 0.0), (-0.1, 180.0)])
def test_feedback_that_is_the_weights_transposed_is_at_no_angle(sign, degrees):
    network = small_networks()["fc-linear"]
    found = feedback_angles(training(network, lambda model: transposes(model, sign)))
    assert found.keys() == {layer.name for layer in network.weighted[1:]}
    assert list(found.values()) == pytest.approx([degrees] * len(found), abs=2e-6)


def test_random_feedback_is_about_at_right_angles():
    network = (
        Builder("wide", (1, 1, 50))
        .add("fc", 400)
        .add("tanh")
        .add("fc", 300)
        .add("tanh")
        .add("fc", CLASSES)
        .network()
    )
    found = feedback_angles(
        training(network, lambda model: rule_numerics(parse_rule("dfa"), model, 0))
    )
    assert len(found) == 2
    assert list(found.values()) == pytest.approx([90, 90], abs=10)


def test_feedback_angles_of_the_fully_connected_head_alone():
    network = small_networks()["normalized"]
    assert list(
        feedback_angles(training(network, lambda model: rule_numerics(parse_rule("dfa"), model, 0)))
    ) == ["fc6"]
    for name in ("bp", "fa", "revised", "frozen", "hdfa"):
        assert (
            feedback_angles(
                training(
                    network, lambda model, name=name: rule_numerics(parse_rule(name), model, 0)
                )
            )
            == {}
        )


@pytest.mark.parametrize("numerics_of", [Backprop, transposes], ids=["bp", "transposes"])
def test_updates_of_backpropagation_are_at_no_angle(numerics_of):
    network = small_networks()["fc-linear"]
    found = update_angles(training(network, numerics_of), batch_of(network))
    assert found.keys() == {"all", *(layer.name for layer in network.weighted)}
    assert list(found.values()) == pytest.approx([0] * len(found), abs=2e-5)


def test_update_angles_of_a_hybrid_are_its_feedback_steps_and_leave_the_run_as_it_was():
    network = small_networks()["residual"]
    hybrid = training(
        network,
        lambda model: Hybrid(
            rule_numerics(parse_rule("revised"), model, 0), Backprop(model), 0.5, 0
        ),
    )
    revised = training(network, lambda model: rule_numerics(parse_rule("revised"), model, 0))
    before = {
        key: array.copy()
        for key, array in {**hybrid.model.parameters(), **hybrid.model.running_moments()}.items()
    }
    found = update_angles(hybrid, batch_of(network))
    assert found == update_angles(revised, batch_of(network))
    after = {**hybrid.model.parameters(), **hybrid.model.running_moments()}
    assert all(np.array_equal(after[key], array) for key, array in before.items())
    output = network.output.name
    assert found[output] == pytest.approx(0, abs=2e-6), "the output layer's update is every rule's"
    assert all(5 < degrees < 175 for name, degrees in found.items() if name not in (output, "all"))


def test_layers_that_a_rule_leaves_alone_have_no_update_angle():
    network = small_networks()["normalized"]
    found = update_angles(
        training(network, lambda model: rule_numerics(parse_rule("frozen"), model, 0)),
        batch_of(network),
    )
    assert found == pytest.approx({network.output.name: 0.0, "all": 0.0}, abs=2e-6)
