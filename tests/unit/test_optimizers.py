"""Weight updates against their equations, one number at a time."""

from __future__ import annotations

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.rules.walk.numbers import BP, FEEDBACK
from accelsim.training.optimizers import (
    OPTIMIZERS,
    Adam,
    AdamW,
    HybridMomentum,
    Lion,
    Momentum,
    Sgd,
    optimizer,
)
from tests.naive import hybrid as naive

KEY = ("fc", "weight")
RANDOM = np.random.default_rng(7)
START = RANDOM.standard_normal(5)
GRADIENTS = RANDOM.standard_normal((12, 5))


def trajectory(chosen, gradients=GRADIENTS, kinds=None, key=KEY):
    """Parameters after each step, (steps, 5)."""
    parameter, found = START.copy(), []
    for index, gradient in enumerate(gradients):
        chosen.step({key: parameter}, {key: gradient}, kinds[index] if kinds else BP)
        found.append(parameter.copy())
    return np.array(found)


def one_by_one(follow):
    """The same of a scalar transcription: (start, gradients of one number) -> values."""
    return np.array(
        [
            follow(theta, gradients.tolist())
            for theta, gradients in zip(START.tolist(), GRADIENTS.T, strict=True)
        ]
    ).T


@pytest.mark.parametrize(
    ("chosen", "follow"),
    [
        (Sgd(0.1), lambda theta, gradients: naive.momentum(theta, gradients, 0.1, 0.0)),
        (Momentum(0.1), lambda theta, gradients: naive.momentum(theta, gradients, 0.1, 0.9)),
        (
            Momentum(0.1, momentum=0.5),
            lambda theta, gradients: naive.momentum(theta, gradients, 0.1, 0.5),
        ),
        (Adam(0.1), lambda theta, gradients: naive.adam(theta, gradients, 0.1)),
        (
            Adam(0.1, decay=(0.8, 0.9), epsilon=0.1),
            lambda theta, gradients: naive.adam(theta, gradients, 0.1, 0.8, 0.9, 0.1),
        ),
    ],
    ids=["sgd", "momentum", "half momentum", "adam", "adam of other constants"],
)
def test_optimizers_follow_their_equations(chosen, follow):
    np.testing.assert_allclose(trajectory(chosen), one_by_one(follow), rtol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 0.3, 0.9, 1.0])
def test_hybrid_momentum_mixes_as_algorithm_1_says(gamma):
    by_backprop = [bool(flag) for flag in np.random.default_rng(1).integers(0, 2, len(GRADIENTS))]
    assert len({*by_backprop[:4]}) == 2
    found = trajectory(
        HybridMomentum(0.1, gamma=gamma), kinds=[BP if flag else FEEDBACK for flag in by_backprop]
    )
    expected = one_by_one(
        lambda theta, gradients: naive.custom_optimizer(
            theta, list(zip(by_backprop, gradients, strict=True)), 0.1, 0.9, gamma
        )
    )
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_hybrid_momentum_of_one_kind_of_step_is_momentum_bit_for_bit():
    expected = trajectory(Momentum(0.1, weight_decay=0.01))
    assert np.array_equal(
        trajectory(HybridMomentum(0.1, 0.01, gamma=0.3), kinds=[BP] * 12), expected
    )
    assert np.array_equal(
        trajectory(HybridMomentum(0.1, 0.01, gamma=1.0), kinds=[FEEDBACK] * 12), expected
    )


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam"])
def test_weight_decay_adds_its_share_of_weights_and_of_nothing_else(name):
    decaying, plain = (optimizer(name, 0.1, decay) for decay in (0.2, 0.0))
    parameter = {KEY: START.copy(), ("bn", "scale"): START.copy()}
    plainly = {KEY: START.copy(), ("bn", "scale"): START.copy()}
    for gradient in GRADIENTS:
        plain.step(plainly, {KEY: gradient + 0.2 * plainly[KEY], ("bn", "scale"): gradient})
        decaying.step(parameter, {KEY: gradient, ("bn", "scale"): gradient})
    assert all(np.array_equal(parameter[key], plainly[key]) for key in parameter)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_parameters_without_a_gradient_stay(name):
    parameters = {KEY: START.copy(), ("other", "weight"): START.copy()}
    chosen = optimizer(name, 0.1, 0.5)
    chosen.step(parameters, {KEY: GRADIENTS[0]})
    assert np.array_equal(parameters["other", "weight"], START)
    assert not np.array_equal(parameters[KEY], START)
    assert not any("other" in key for key in chosen.state)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_gradients_are_never_written_to_and_float32_stays(name):
    parameter, gradient = START.astype(np.float32), GRADIENTS[0].astype(np.float32)
    gradient.flags.writeable = False
    for gamma in (None, 0.5):
        chosen = optimizer(name, 0.1, 0.1, gamma)
        for kind in (BP, FEEDBACK, BP):
            chosen.step({KEY: parameter}, {KEY: gradient}, kind)
        assert {array.dtype for array in chosen.state.values()} <= {np.dtype(np.float32)}
        assert parameter.dtype == np.float32


def test_optimizers_by_name():
    assert {name: type(optimizer(name, 0.1)) for name in OPTIMIZERS} == {
        "sgd": Sgd,
        "momentum": Momentum,
        "adam": Adam,
        "adamw": AdamW,
        "lion": Lion,
    }
    assert type(optimizer("momentum", 0.1, gamma=0.9)) is HybridMomentum
    assert type(optimizer("adam", 0.1, gamma=0.9)) is Adam


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("rmsprop", 0.1),
            "optimizer must be one of sgd, momentum, adam, adamw, lion, got rmsprop",
        ),
        (("sgd", 0.0), "learning rate must be > 0, got 0.0"),
        (("sgd", float("nan")), "learning rate must be > 0, got nan"),
        (("sgd", 0.1, -1.0), "weight decay must be >= 0, got -1.0"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(InputError) as caught:
        optimizer(*arguments)
    assert str(caught.value) == message


def test_adamw_decays_weights_apart_from_the_moments() -> None:
    """One step by hand: the corrected moments are g and g^2, so the update is eta * sign(g)."""
    weight, gradient = np.array([2.0, -1.0]), np.array([0.5, -4.0])
    AdamW(0.1, 0.2).step({("l", "weight"): weight}, {("l", "weight"): gradient})
    assert np.allclose(weight, [2.0 * 0.98 - 0.1, -1.0 * 0.98 + 0.1], atol=1e-7)
    scale = np.array([2.0, -1.0])
    AdamW(0.1, 0.2).step({("l", "scale"): scale}, {("l", "scale"): gradient})
    assert np.allclose(scale, [1.9, -0.9], atol=1e-7)


def test_lion_by_hand() -> None:
    weight, first, second = np.array([1.0, 1.0]), np.array([1.0, -2.0]), np.array([-20.0, 1.0])
    lion = Lion(0.1, 0.5)
    lion.step({("l", "weight"): weight}, {("l", "weight"): first})
    assert np.allclose(weight, [0.95 - 0.1, 0.95 + 0.1])
    moment = 0.01 * first
    assert np.allclose(lion.state["moment", "l", "weight"], moment)
    before = weight.copy()
    lion.step({("l", "weight"): weight}, {("l", "weight"): second})
    assert np.allclose(weight, before * 0.95 - 0.1 * np.sign(0.9 * moment + 0.1 * second))
