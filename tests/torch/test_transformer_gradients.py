"""Gradients of transformers against automatic differentiation in float64: backpropagation, and
direct feedback into blocks and sublayers, where the graph is cut at each tap.
"""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed (make test-torch)")

import torch
from torch.nn import functional

from accelsim.layers.model import Model
from accelsim.numerics.loss import softmax_loss
from accelsim.rules.direct.tapped_numbers import TappedFeedback
from accelsim.rules.registry import rule_numerics
from accelsim.workload.loading import load_network
from accelsim.workload.network import INPUT, Layer, Network
from tests.random_networks import network_of
from tests.unit.test_taps import TOKENS, WORDS, transformer

pytestmark = pytest.mark.torch

Maps = dict[str, "torch.Tensor"]


def one(layer: Layer, maps: Maps, own: dict[str, torch.Tensor]) -> torch.Tensor:
    """Output (N, T, C) of a layer."""
    read = [maps[name] for name in layer.inputs]
    if layer.kind == "embedding":
        return own["weight"][read[0]]
    if layer.kind == "positions":
        return read[0] + next(iter(own.values())).reshape(1, -1, layer.out_shape[2])
    if layer.kind == "linear":
        return read[0] @ own["weight"].T
    if layer.kind == "layer_norm":
        return functional.layer_norm(
            read[0], (layer.out_shape[2],), own["scale"], own["shift"], layer.epsilon
        )
    if layer.kind == "add":
        return sum(read[1:], read[0])
    if layer.kind == "relu":
        return torch.relu(read[0])
    assert layer.kind == "attention"
    heads = [
        each.unflatten(2, (count, -1)).transpose(1, 2)
        for each, count in zip(read, (layer.heads, layer.kv_heads, layer.kv_heads), strict=True)
    ]
    heads[1:] = [each.repeat_interleave(layer.sharing, dim=1) for each in heads[1:]]
    mixed = functional.scaled_dot_product_attention(*heads, is_causal=layer.causal)
    return mixed.transpose(1, 2).flatten(2)


def expected(
    model: Model, words: np.ndarray, labels: np.ndarray, rule: TappedFeedback | None
) -> dict[tuple[str, str], np.ndarray]:
    """Gradients by automatic differentiation. At a tap the graph is cut, and the product of its map
    with the error of the feedback is added to the loss.
    """
    own = {
        key: torch.tensor(value, requires_grad=True) for key, value in model.parameters().items()
    }
    maps: Maps = {INPUT: torch.tensor(words, dtype=torch.int64)}
    cut: Maps = {}
    for layer in model.network.layers:
        made = one(layer, maps, {name: own[at, name] for at, name in own if at == layer.name})
        if rule is not None and layer.name in rule.taps:
            cut[layer.name] = made
            made = made.detach().requires_grad_()
        maps[layer.name] = made
    logits = maps[model.network.output.name]
    loss = functional.cross_entropy(logits.flatten(0, 1), torch.tensor(labels))
    total = loss
    if rule is not None:
        taps = rule.of_network
        end = maps[taps.source.inputs[0]] if taps.hidden else logits
        (sent,) = torch.autograd.grad(loss, end, retain_graph=True)
        for name, made in cut.items():
            matrix = torch.tensor(rule.feedback[taps.source.name if taps.shared else name].dense())
            fed = sent @ matrix.T.to(sent.dtype)
            total = total + (made * fed[..., : made.shape[2]].detach()).sum()
    total.backward()
    return {key: value.grad.numpy() for key, value in own.items() if value.grad is not None}


def compare(network: Network, spelling: str, samples: int, tokens: int, words: int) -> None:
    random = np.random.default_rng(7)
    model = Model(network, 5, np.float64)
    inputs = random.integers(0, words, (samples, tokens))
    labels = random.integers(0, words, samples * tokens)
    _, error = softmax_loss(model.forward(inputs), labels)
    rule = rule_numerics(spelling, model, 2)
    rule.propagate(error, labels)
    found = model.gradients()
    tapped = rule if isinstance(rule, TappedFeedback) else None
    wanted = expected(model, inputs, labels, tapped)
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():
        assert np.abs(found[key] - value).max() <= 1e-9 * max(1.0, np.abs(value).max()), key


RULES = ["bp"] + [
    f"{rule}granularity={granularity},tap={tap},feedback={feedback}"
    for rule in ("dfa:", "ssdfa:", "sdfa:k=2,", "bdfa:")
    for granularity in ("block", "sublayer")
    for tap in ("hidden", "logits")
    for feedback in ("own", "shared")
]


@pytest.mark.parametrize("post_norm", [True, False])
@pytest.mark.parametrize("rule", RULES)
def test_blocks(rule: str, post_norm: bool) -> None:
    compare(transformer(3, post_norm), rule, 2, TOKENS, WORDS)


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
@pytest.mark.parametrize("causal", [True, False])
def test_attention_with_shared_keys(kv_heads: int, causal: bool) -> None:
    network = network_of(
        {
            "name": "block",
            "input": {"tokens": TOKENS, "vocabulary": WORDS},
            "layers": [
                {"name": "table", "kind": "embedding", "dim": 12},
                {"name": "q", "kind": "linear", "out_features": 12},
                {"name": "k", "kind": "linear", "out_features": 3 * kv_heads, "inputs": ["table"]},
                {"name": "v", "kind": "linear", "out_features": 5 * kv_heads, "inputs": ["table"]},
                {
                    "name": "mix",
                    "kind": "attention",
                    "inputs": ["q", "k", "v"],
                    "heads": 4,
                    "kv_heads": kv_heads,
                    "causal": causal,
                },
                {"name": "head", "kind": "linear", "out_features": WORDS},
            ],
        }
    )
    compare(network, "bp", 3, TOKENS, WORDS)


@pytest.mark.parametrize(
    "rule", ["bp", "dfa:granularity=block", "dfa:granularity=sublayer", "ssdfa:granularity=block"]
)
def test_the_whole_step_of_gpt_tiny(rule: str) -> None:
    compare(load_network("gpt-tiny"), rule, 2, 128, 256)
