"""Steps of two kinds: which is which, and at their extremes the rules that they are made of, bit
for bit.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from accelsim.layers.model import Model
from accelsim.numerics.loss import softmax_loss
from accelsim.rules.registry import rule_numerics
from accelsim.rules.spelling import parse_rule
from accelsim.rules.walk.numbers import BP, FEEDBACK, LEFT_OUT
from accelsim.training.optimizers import optimizer
from accelsim.training.tasks import Task
from accelsim.training.trainer import Recipe, Trainer
from tests.chosen_rules import chosen
from tests.reference_networks import CLASSES, STEPS, WORDS, all_networks

NETWORKS = {name: all_networks()[name] for name in ("normalized", "residual", "words-gru")}
TRAINING_STEPS = 6


def batches(network):
    random = np.random.default_rng(4)
    for _ in range(TRAINING_STEPS):
        if network.vocabulary:
            yield random.integers(0, WORDS, (STEPS, 4)), random.integers(0, CLASSES, 4 * STEPS)
        else:
            yield (
                random.standard_normal((4, *network.input_shape)).astype(np.float32),
                random.integers(0, CLASSES, 4),
            )


def trained(network, rule, name="momentum", gamma=None):
    """Parameters, batch norm's moments, the optimizer's state and losses after some float32 steps
    with weight decay.
    """
    model = Model(network, seed=1)
    numerics, chosen = rule_numerics(rule, model, seed=2), optimizer(name, 0.02, 5e-3, gamma)
    losses, kinds = [], []
    for step, (inputs, labels) in enumerate(batches(network)):
        kinds.append(numerics.begin(step))
        loss, error = softmax_loss(model.forward(inputs), labels)
        numerics.propagate(error, labels)
        chosen.step(model.parameters(), model.gradients(), kinds[-1])
        losses.append(loss)
    return {**model.parameters(), **model.running_moments()}, chosen.state, losses, kinds


def assert_identical(found, expected):
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[key], array) for key, array in expected.items())


def hdfa(p, binary=True, **options):
    return chosen("hdfa", p=p, binary=binary, **options)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("name", ["momentum", pytest.param("adam", marks=pytest.mark.check)])
def test_only_steps_of_backpropagation_are_backpropagation(network, name):
    found = trained(network, hdfa(1.0), name, gamma=0.9)
    expected = trained(network, parse_rule("bp"), name)
    assert_identical(found[0], expected[0])
    assert_identical(found[1], expected[1])
    assert found[2] == expected[2]
    assert found[3] == [BP] * TRAINING_STEPS


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("name", ["momentum", pytest.param("adam", marks=pytest.mark.check)])
@pytest.mark.parametrize("binary", [False, True])
def test_only_feedback_steps_are_the_revised_rule(network, name, binary):
    found = trained(network, hdfa(0.0, binary), name, gamma=1.0)
    expected = trained(network, chosen("revised", binary=binary), name)
    assert_identical(found[0], expected[0])
    assert found[2] == expected[2]
    assert found[3] == expected[3] == [FEEDBACK] * TRAINING_STEPS
    other = trained(network, chosen("revised", binary=not binary), name)
    assert found[2][0] == other[2][0]
    assert found[2] != other[2]


def test_steps_take_their_own_rules_gradients():
    network = NETWORKS["residual"]
    model = Model(network, seed=1)
    hybrid, exact, revised = (
        rule_numerics(rule, model, seed=2)
        for rule in (hdfa(0.5), parse_rule("bp"), chosen("revised", binary=True))
    )
    inputs, labels = next(iter(batches(network)))
    _, error = softmax_loss(model.forward(inputs), labels)
    seen = set()
    for step in range(8):
        kind = hybrid.begin(step)
        seen.add(kind)
        found, expected = hybrid.propagate(error, labels), (exact if kind == BP else revised)
        gradients = {key: array.copy() for key, array in model.gradients().items()}
        assert_identical(found, expected.propagate(error, labels))
        assert_identical(gradients, model.gradients())
    assert seen == {BP, FEEDBACK}


def kinds_of(p, seed, steps, name="hdfa"):
    model = Model(all_networks()["fc-tanh"])
    numerics = rule_numerics(chosen(name, p=p), model, seed)
    return [numerics.begin(step) for step in steps]


@pytest.mark.parametrize("p", [0.0, 0.1, 0.3, 1.0])
def test_a_step_is_backpropagations_with_probability_p(p):
    steps = 4000
    by_backprop = np.array(kinds_of(p, 0, range(steps))) == BP
    assert abs(by_backprop.mean() - p) <= 4 * sqrt(p * (1 - p) / steps)
    together = (by_backprop[1:] & by_backprop[:-1]).mean()
    assert abs(together - p * p) <= 4 * sqrt(p * p * (1 - p * p) / steps), (
        "a step's kind says nothing of the next one's"
    )


def test_the_draw_is_of_seed_and_step_alone():
    steps = list(range(200))
    kinds = kinds_of(0.5, 3, steps)
    np.random.default_rng().random(100)
    assert kinds_of(0.5, 3, reversed(steps)) == kinds[::-1]
    assert kinds_of(0.5, 4, steps) != kinds


def test_left_out_steps_are_the_feedback_steps():
    kinds = kinds_of(0.4, 3, range(200))
    assert [LEFT_OUT if kind == FEEDBACK else kind for kind in kinds] == kinds_of(
        0.4, 3, range(200), "bp-only"
    )


class Batches(Task):
    """The same few batches, in an order that each epoch shuffles."""

    name, batch, steps_per_epoch = "batches", 4, TRAINING_STEPS

    def __init__(self, network, order):
        self.made = list(batches(network))
        self.order = order

    def epoch(self, seed, epoch):
        return (
            self.made[index]
            for index in np.random.default_rng([self.order, epoch]).permutation(TRAINING_STEPS)
        )

    def batches(self, part):
        return iter(self.made)


def trainer(rule, order=0, epochs=3):
    network = NETWORKS["normalized"]
    run = Trainer(
        network, rule, Batches(network, order), Recipe(epochs, 0.02, weight_decay=5e-3, seed=2)
    )
    kinds, begin = [], run.numerics.begin
    run.numerics.begin = lambda step: kinds.append(begin(step)) or kinds[-1]
    made = [run.epoch().steps for _ in range(epochs)]
    return run, kinds, made


def test_a_training_runs_steps_do_not_depend_on_the_order_of_its_data():
    (first, kinds, _), (second, others, _) = (
        trainer(hdfa(0.5, gamma=0.9), order) for order in (0, 1)
    )
    assert len({*kinds}) == 2
    assert kinds == others
    assert first.losses != second.losses


def test_a_training_run_of_backpropagations_steps_alone_is_backpropagations():
    found, expected = trainer(hdfa(1.0, gamma=0.9))[0], trainer(parse_rule("bp"))[0]
    assert found.losses == expected.losses
    assert_identical(found.model.parameters(), expected.model.parameters())


def test_a_training_run_leaves_steps_out():
    run, kinds, made = trainer(chosen("bp-only", p=0.4))
    assert sum(made) == kinds.count(BP) == len(run.losses) == run.optimizer.steps
    assert 0 < kinds.count(LEFT_OUT) == len(kinds) - sum(made)
    assert run.steps_done == len(kinds) == 3 * TRAINING_STEPS
    before = {key: array.copy() for key, array in run.model.parameters().items()}
    run.numerics.begin = {18: LEFT_OUT}.__getitem__
    assert run.step(run.task.made[0]) is False
    assert_identical(run.model.parameters(), before)
