"""Recurrent layers and embeddings against PyTorch's, float64: outputs, last states and every
gradient.
"""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed (make test-torch)")

import torch

from accelsim.layers.embedding import Embedding, EmbeddingNumerics
from accelsim.layers.recurrent import KINDS
from accelsim.layers.recurrent_numerics import RecurrentNumerics

pytestmark = pytest.mark.torch

STEPS, BATCH, CHANNELS, HIDDEN, WORDS = 7, 3, 5, 6, 11
MODULES = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
FLOAT64 = np.dtype(np.float64)


def assert_close(found, expected):
    """To 1e-9 of the largest element."""
    expected = expected.detach().numpy()
    assert np.abs(found.reshape(expected.shape) - expected).max() <= 1e-9 * np.abs(expected).max()


def stack(kind, depth, random):
    """Layers one upon the other with random weights, and PyTorch's module with the same."""
    module = MODULES[kind](CHANNELS, HIDDEN, depth, bias=False, dtype=torch.float64)
    layers = []
    for index in range(depth):
        channels = HIDDEN if index else CHANNELS
        layer = KINDS[kind](f"cell{index}", ("input",), ((1, 1, channels),), (1, 1, HIDDEN))
        numerics = RecurrentNumerics(layer, FLOAT64, STEPS)
        weight = random.standard_normal(layer.weight_shape)
        numerics.parameters = {"weight": weight}
        layers.append(numerics)
        with torch.no_grad():
            getattr(module, f"weight_ih_l{index}").copy_(torch.tensor(weight[:, :channels]))
            getattr(module, f"weight_hh_l{index}").copy_(torch.tensor(weight[:, channels:]))
    return layers, module


@pytest.mark.parametrize("from_zero", [True, False])
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("kind", MODULES)
def test_cells_equal_pytorch(kind, depth, from_zero):
    random = np.random.default_rng(1)
    layers, module = stack(kind, depth, random)
    names = ("hidden", "cell") if kind == "lstm" else ("hidden",)
    start = {
        name: torch.tensor(
            random.standard_normal((depth, BATCH, HIDDEN)) * (not from_zero), requires_grad=True
        )
        for name in names
    }
    inputs = random.standard_normal((STEPS * BATCH, 1, 1, CHANNELS))
    error = random.standard_normal((STEPS * BATCH, 1, 1, HIDDEN))

    read = torch.tensor(inputs.reshape(STEPS, BATCH, CHANNELS), requires_grad=True)
    output, last = module(read, tuple(start.values()) if kind == "lstm" else start["hidden"])
    output.backward(torch.tensor(error.reshape(STEPS, BATCH, HIDDEN)))
    final = dict(zip(names, last if kind == "lstm" else (last,), strict=True))

    maps = inputs
    for index, numerics in enumerate(layers):
        numerics.state = (
            None
            if from_zero
            else {name: state[index].detach().numpy() for name, state in start.items()}
        )
        maps = numerics.forward((maps,), training=True)
    assert_close(maps, output)
    for numerics in reversed(layers):
        (error,) = numerics.backward(error, propagate=True)
    assert_close(error, read.grad)
    for index, numerics in enumerate(layers):
        expected = torch.cat(
            [getattr(module, f"weight_{part}_l{index}").grad for part in ("ih", "hh")], dim=1
        )
        assert_close(numerics.gradients["weight"], expected)
        for name in names:
            assert_close(numerics.final_state[name], final[name][index])
            assert_close(numerics.state_error[name], start[name].grad[index])


@pytest.mark.parametrize("kind", MODULES)
def test_learning_equals_pytorch_with_every_time_step_cut_off_from_the_one_before(kind):
    random = np.random.default_rng(2)
    (numerics,), module = stack(kind, 1, random)
    inputs = random.standard_normal((STEPS * BATCH, 1, 1, CHANNELS))
    error = random.standard_normal((STEPS * BATCH, 1, 1, HIDDEN))
    state = None
    for x, e in zip(
        inputs.reshape(STEPS, 1, BATCH, CHANNELS),
        error.reshape(STEPS, 1, BATCH, HIDDEN),
        strict=True,
    ):
        output, state = module(torch.tensor(x), state)
        output.backward(torch.tensor(e))
        state = tuple(part.detach() for part in state) if kind == "lstm" else state.detach()
    numerics.forward((inputs,), training=True)
    numerics.learn(error)
    assert_close(
        numerics.gradients["weight"],
        torch.cat([module.weight_ih_l0.grad, module.weight_hh_l0.grad], dim=1),
    )


def test_embedding_equals_pytorch():
    random = np.random.default_rng(3)
    numerics = EmbeddingNumerics(
        Embedding("words", ("input",), ((1, 1, 1),), (1, 1, CHANNELS), WORDS),
        FLOAT64,
    )
    numerics.parameters = numerics.fresh_parameters(random, makes_logits=False)
    module = torch.nn.Embedding.from_pretrained(
        torch.tensor(numerics.parameters["weight"]), freeze=False
    )
    words = random.integers(0, WORDS, (STEPS * BATCH, 1, 1, 1))
    error = random.standard_normal((STEPS * BATCH, 1, 1, CHANNELS))
    output = module(torch.tensor(words.reshape(-1)))
    output.backward(torch.tensor(error.reshape(-1, CHANNELS)))
    assert_close(numerics.forward((words,), training=True), output)
    numerics.learn(error)
    assert_close(numerics.gradients["weight"], module.weight.grad)
