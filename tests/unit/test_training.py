"""Training and the traces it leaves."""

from __future__ import annotations

import re

import numpy as np
import pytest

from accelsim.config.registries import RULES
from accelsim.errors import InputError
from accelsim.layers.recurrent import Lstm
from accelsim.numerics.loss import softmax_loss
from accelsim.rules.spelling import parse_rule
from accelsim.training.data.datasets import load_dataset
from accelsim.training.optimizers import OPTIMIZERS, Adam, Momentum, Sgd, optimizer
from accelsim.training.tasks import make_task
from accelsim.training.tracing import TracedTraining, train_and_trace
from accelsim.training.trainer import Recipe, Trainer
from accelsim.workload.network import Network
from accelsim.zeros.trace import Trace
from tests.made_up_rules import TABLE
from tests.reference_networks import Builder, numbers

pytest.importorskip("sklearn", reason="scikit-learn is not installed: no data set to train on")

LEARNING = {"steps": 120, "batch": 32, "samples": 2, "learning_rate": 0.03, "seed": 0}
RATES = {"fa": 0.005} | dict.fromkeys(("dfa", "modular", "conv-dfa", "dilated", "revised"), 0.01)
"""Rules whose errors are larger than backpropagation's take smaller steps."""
RATES |= {"frozen": 0.04}
"""Its one layer that learns takes larger steps."""
SHAPED_FOR = {"triangular": "recurrent layers", "bp-only": "a tenth of the steps"}
"""Rules that this training is no test of."""
LEARNING_RULES = [rule for rule in RULES.names() if rule not in SHAPED_FOR]


def digits_network():
    return (
        Builder("digits-net", (8, 8, 1)).conv(6).add("batch_norm").add("relu")
        .add("max_pool", kernel=(2, 2), stride=(2, 2))
        .conv(8).add("relu").add("fc", 20).add("relu").add("fc", 10).network()
    )  # fmt: skip


VARIANTS = ("fa", "bdfa", "sdfa", "modular", "conv-dfa", "dilated")
"""Rules that share the numbers of a quicker test's rule."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(rule, marks=pytest.mark.check) if rule in VARIANTS else rule
        for rule in LEARNING_RULES
    ],
)
def traced(request):
    """Rule, trace and losses of a short training."""
    options = {**LEARNING, "learning_rate": RATES.get(request.param, LEARNING["learning_rate"])}
    return request.param, *train_and_trace(
        digits_network(), parse_rule(request.param), None, TracedTraining(**options)
    )


def test_every_rule_learns(traced):
    _, trace, losses = traced
    assert len(losses) == LEARNING["steps"] + 1
    assert losses[0] == pytest.approx(np.log(10), rel=0.05)
    assert trace.extra["loss_start"] == pytest.approx(np.mean(losses[:10]), abs=1e-6)
    assert trace.extra["loss_end"] == pytest.approx(np.mean(losses[-10:]), abs=1e-6)
    assert trace.extra["loss_end"] < 0.6 * losses[0]


def test_trace_has_the_masks_of_the_format(traced, tmp_path):
    rule, trace, _ = traced
    shapes = {key: tensor.shape for key, tensor in trace.tensors.items()}
    masks = {
        "conv0.input": (2, 8, 8, 1),
        "conv0.error": (2, 8, 8, 6),
        "conv4.input": (2, 4, 4, 6),
        "conv4.error": (2, 4, 4, 8),
        "conv4.mask": (2, 4, 4, 6),
        "fc6.input": (2, 128),
        "fc6.error": (2, 20),
        "fc6.mask": (2, 128),
        "fc8.input": (2, 20),
        "fc8.error": (2, 10),
        "fc8.mask": (2, 20),
    }
    reached = [
        layer for layer in ("conv0", "conv4", "fc6", "fc8") if rule != "frozen" or layer == "fc8"
    ]
    assert shapes == {
        key: shape
        for key, shape in masks.items()
        if not key.endswith(".error") or key.partition(".")[0] in reached
    }
    density = {key: tensor.density for key, tensor in trace.tensors.items()}
    assert density["fc8.error"] == 1, "softmax leaves no zero"
    assert density.get("conv0.error", 1) == 1, (
        "batch norm between convolution and ReLU makes the gradient dense"
    )
    assert 0.1 < density["conv4.mask"] < 0.9
    # A ReLU right behind a layer: its error can only be where that ReLU is open, whatever the rule.
    for layer, reader in (("conv4", "fc6"), ("fc6", "fc8")):
        if layer not in reached:
            continue
        error, opened = (
            trace.get(f"{layer}.error").mask().reshape(-1),
            trace.get(f"{reader}.mask").mask().reshape(-1),
        )
        assert not (error & ~opened).any()
        assert error.sum() > 0.5 * opened.sum()
    assert trace.rule == rule
    trace.write(tmp_path / "t.npz")
    again = Trace.read(tmp_path / "t.npz")
    assert (again.workload, again.data, again.step, again.seed) == (
        "digits-net",
        "digits",
        LEARNING["steps"],
        0,
    )
    assert again.extra["learning_rate"] == RATES.get(rule, LEARNING["learning_rate"])
    assert again.extra["optimizer"] == "momentum"


@pytest.mark.parametrize("rule", [rule for rule in RULES.names() if rule != "triangular"])
def test_the_same_command_gives_the_same_bytes(tmp_path, rule):
    files = []
    for index, seed in enumerate((0, 0, 1)):
        trace, _ = train_and_trace(
            digits_network(),
            parse_rule(rule),
            None,
            TracedTraining(**{**LEARNING, "steps": 3, "seed": seed}),
        )
        path = tmp_path / f"{index}.npz"
        trace.write(path)
        files.append(path.read_bytes())
    assert files[0] == files[1]
    assert files[0] != files[2]


def test_progress_is_told_after_every_step():
    told = []
    train_and_trace(
        digits_network(),
        parse_rule("bp"),
        None,
        TracedTraining(**{**LEARNING, "steps": 2}),
        progress=lambda *said: told.append(said),
    )
    assert [said[:2] for said in told] == [(1, 2), (2, 2)]
    assert [said[2] for said in told] == pytest.approx([np.log(10)] * 2, rel=0.05)


def trainer(recipe=Recipe(learning_rate=0.03), rule="bp", batch=32):  # noqa: B008  # frozen
    network = digits_network()
    return Trainer(
        network,
        parse_rule(rule),
        make_task(load_dataset(None, network), network, batch, augmented=False),
        recipe,
    )


def test_accuracy_on_the_test_images_uses_running_moments():
    run = trainer()
    (before,) = run.task.score(run.model, "test").values()
    for _ in range(2):
        run.epoch()
    weights = {key: array.copy() for key, array in run.model.parameters().items()}
    (after,) = run.task.score(run.model, "test").values()
    assert before.accuracy < 0.3
    assert after.accuracy > 0.8
    assert all(np.array_equal(array, weights[key]) for key, array in run.model.parameters().items())


def test_an_epoch_says_what_its_steps_brought():
    run, told = trainer(), []
    made = run.epoch(lambda *said: told.append(said))
    assert (made.steps, run.epochs_done, run.steps_done) == (44, 1, 44)
    assert [said[:2] for said in told] == [(step, 44) for step in range(1, 45)]
    assert made.loss == pytest.approx(np.mean(run.losses), rel=1e-12)
    assert told[-1][2:] == (made.loss, made.accuracy)


def test_an_epoch_takes_every_image_once_in_an_order_of_its_own():
    task = trainer(batch=479).task
    epochs = [np.concatenate([labels for _, labels in task.epoch(0, epoch)]) for epoch in (0, 0, 1)]
    assert [len(labels) for labels in epochs] == [1437] * 3
    assert np.array_equal(epochs[0], epochs[1])
    assert not np.array_equal(epochs[0], epochs[2])
    assert np.array_equal(np.bincount(epochs[0]), np.bincount(epochs[2]))


def test_the_cosine_schedule_falls_to_zero():
    run = trainer(Recipe(epochs=2, learning_rate=0.4, schedule="cosine"))
    assert [run.learning_rate(step) for step in (0, 22, 44, 88)] == pytest.approx(
        [0.4, 0.2 * (1 + np.sqrt(0.5)), 0.2, 0.0]
    )
    constant = trainer(Recipe(epochs=2, learning_rate=0.4))
    assert [constant.learning_rate(step) for step in (0, 88)] == [0.4, 0.4]


def test_a_recipe_that_is_none_is_refused():
    with pytest.raises(InputError) as caught:
        Recipe(epochs=-1, schedule="linear")
    assert (
        str(caught.value)
        == "epochs must be >= 0, got -1\nschedule must be one of constant, cosine, got linear"
    )


def refusal(*arguments, **options):
    with pytest.raises(InputError) as caught:
        train_and_trace(*arguments, TracedTraining(**{**LEARNING, **options}))
    return str(caught.value)


def test_what_cannot_be_trained_is_refused():
    network, bp = digits_network(), parse_rule("bp")
    assert (
        refusal(network, parse_rule("dfa", TABLE), None)
        == f"rule must be one that can be trained ({', '.join(RULES.names())}), got dfa"
    )
    assert (
        refusal(network, bp, None, batch=1438, samples=1)
        == "batch must be between 1 and the 1437 training images, got 1438"
    )
    assert (
        refusal(network, bp, None, samples=33)
        == "samples must be between 1 and the batch of 32, got 33"
    )
    assert refusal(network, bp, None, steps=-1) == "steps must be >= 0, got -1"
    assert refusal(network, bp, None, learning_rate=0.0) == "learning rate must be > 0, got 0.0"
    assert (
        refusal(network, bp, None, optimizer="rmsprop")
        == "optimizer must be one of sgd, momentum, adam, adamw, lion, got rmsprop"
    )
    diverged = refusal(network, bp, None, learning_rate=1e30)
    assert re.fullmatch(
        r"training diverged: loss 2\.\d+ -> (inf|nan); lower --learning-rate \(1e\+30\)", diverged
    )


def test_recurrent_networks_are_refused_without_a_text():
    recurrent = Network(
        "speech",
        (1, 1, 4),
        (Lstm("cell", ("input",), ((1, 1, 4),), (1, 1, 8)),),
        time_steps=5,
        vocabulary=8,
    )
    assert (
        refusal(recurrent, parse_rule("bp"), None)
        == "speech reads text: --data must be a folder with WikiText-2's wiki.*.tokens, got none"
    )


def test_optimizers_follow_their_equations():
    gradients = [numbers((3,), phase) for phase in range(4)]
    start = numbers((3,), 9.0)
    plain, heavy, adaptive = start.copy(), start.copy(), start.copy()
    sgd, momentum, adam = Sgd(0.1), Momentum(0.1, momentum=0.9), Adam(0.1)
    velocity, first, second = np.zeros(3), np.zeros(3), np.zeros(3)
    expected_plain, expected_heavy, expected_adaptive = start.copy(), start.copy(), start.copy()
    for step, gradient in enumerate(gradients, start=1):
        for rule, parameter in ((sgd, plain), (momentum, heavy), (adam, adaptive)):
            rule.step({("l", "weight"): parameter}, {("l", "weight"): gradient})
        expected_plain -= 0.1 * gradient
        velocity = 0.9 * velocity + gradient
        expected_heavy -= 0.1 * velocity
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        expected_adaptive -= (
            0.1 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        )
    assert plain == pytest.approx(expected_plain, rel=1e-12)
    assert heavy == pytest.approx(expected_heavy, rel=1e-12)
    assert adaptive == pytest.approx(expected_adaptive, rel=1e-12)
    assert {type(optimizer(name, 0.1)) for name in OPTIMIZERS} >= {Sgd, Momentum, Adam}


def test_loss_of_large_logits_is_finite():
    loss, error = softmax_loss(np.array([[1e4, 0.0], [0.0, 1e4]]), np.array([0, 0]))
    assert loss == pytest.approx(5e3)
    assert error.tolist() == [[0, 0], [-0.5, 0.5]]
