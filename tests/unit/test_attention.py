"""Attention and linear layers on tokens: ops, zeros and numbers, by hand on small networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.layers.model import Model
from accelsim.numerics.loss import softmax_loss
from accelsim.rules.registry import lower, rule_numerics
from accelsim.step.ops import Contraction, Pass, Role, TrainingStep
from accelsim.workload.loading import load_network
from accelsim.workload.network import Network
from accelsim.zeros.effectual import effectual_macs
from accelsim.zeros.masks import MaskSource
from tests.random_networks import network_of

TOKENS, WIDTH, HEADS = 6, 8, 4


def network(causal: bool = True, kv_heads: int = HEADS, words: int = 11) -> Network:
    """An attention block with a residual, and a class per token."""
    narrow = WIDTH // HEADS * kv_heads
    return network_of(
        {
            "name": "block",
            "input": {"tokens": TOKENS, "vocabulary": words},
            "layers": [
                {"name": "table", "kind": "embedding", "dim": WIDTH},
                {"name": "q", "kind": "linear", "out_features": WIDTH},
                {"name": "k", "kind": "linear", "out_features": narrow, "inputs": ["table"]},
                {"name": "v", "kind": "linear", "out_features": narrow, "inputs": ["table"]},
                {
                    "name": "mix",
                    "kind": "attention",
                    "inputs": ["q", "k", "v"],
                    "heads": HEADS,
                    "kv_heads": kv_heads,
                    "causal": causal,
                },
                {"name": "o", "kind": "linear", "out_features": WIDTH},
                {"name": "sum", "kind": "add", "inputs": ["table", "o"]},
                {"name": "head", "kind": "linear", "out_features": words},
            ],
        }
    )


def step(batch: int = 2, **shape: Any) -> TrainingStep:
    return lower(network(**shape), "bp", batch)


def macs(step: TrainingStep, name: str) -> int:
    return step.op(name).dense_macs


def test_products_of_a_step() -> None:
    """Each product has N * heads * T^2 * d MACs; WG has none, since attention has no weights."""
    found, each = step(3), 3 * HEADS * TOKENS**2 * (WIDTH // HEADS)
    names = ["FF.scores", "FF", "EP.value", "EP.probabilities", "EP.query", "EP.key"]
    assert [macs(found, f"mix.{name}") for name in names] == [each] * 6
    assert all(op.pass_ is not Pass.WG for op in found.ops if op.layer == "mix")
    assert found.op("mix.FF.softmax").vector_ops == 3 * HEADS * TOKENS**2 * 6
    assert found.op("mix.EP.softmax").vector_ops == 3 * HEADS * TOKENS**2 * 5


def test_linear_layers_are_products_of_all_tokens() -> None:
    found, each = step(3), 3 * TOKENS * WIDTH * WIDTH
    assert [macs(found, f"q.{pass_}") for pass_ in ("FF", "EP", "WG")] == [each] * 3
    assert macs(found, "head.FF") == 3 * TOKENS * WIDTH * 11
    assert found.op("q.WG").outputs[0].shape == (WIDTH, WIDTH)
    assert found.op("loss.EP").vector_ops == 6 * 3 * TOKENS * 11


def test_what_attention_reads_and_keeps() -> None:
    """The products read activations of the step; only the probabilities are kept beside them."""
    found = step()
    read = {op.name: [o.tensor.name for o in op.operands] for op in found.ops}
    assert read["mix.FF.scores"] == ["q.out", "k.out", "mix.causal"]
    assert read["mix.FF"] == ["mix.probabilities", "v.out"]
    assert read["mix.EP.value"] == ["mix.probabilities", "mix.error"]
    assert read["mix.EP.query"] == ["mix.scores.error", "k.out"]
    assert read["mix.EP.key"] == ["mix.scores.error", "q.out"]
    assert read["mix.EP.softmax"] == ["mix.probabilities.error", "mix.probabilities"]
    for op in found.ops:
        if op.layer == "mix" and isinstance(op, Contraction):
            assert op.stationary_arrives
            assert op.stationary.tensor.role in {Role.ACTIVATION, Role.ERROR}
            assert not op.stationary.tensor.home_channels


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_products_skip_what_is_later(kv_heads: int) -> None:
    """Half of the matrix and half of the diagonal are left: T (T + 1) / 2 of T^2."""
    found = step(2, kv_heads=kv_heads)
    masks = MaskSource(None, network(kv_heads=kv_heads), 2)
    left = 2 * HEADS * TOKENS * (TOKENS + 1) // 2 * (WIDTH // HEADS)
    for name in ("FF", "EP.value", "EP.query", "EP.key"):
        op = found.op(f"mix.{name}")
        assert isinstance(op, Contraction)
        assert effectual_macs(op, masks) == left, name
    for name in ("FF.scores", "EP.probabilities"):
        op = found.op(f"mix.{name}")
        assert isinstance(op, Contraction)
        needed = masks.needed(op)
        assert needed is not None
        assert np.bitwise_count(needed.words).sum() == 2 * HEADS * TOKENS * (TOKENS + 1) // 2


def test_without_causal_nothing_is_skipped() -> None:
    found, masks = step(causal=False), MaskSource(None, network(causal=False), 2)
    for op in found.ops:
        if isinstance(op, Contraction):
            assert effectual_macs(op, masks) == op.dense_macs
            assert op.needed is None


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_numbers_of_a_block_by_differences(causal: bool, kv_heads: int) -> None:
    random = np.random.default_rng(3)
    model = Model(network(causal, kv_heads), 3, np.float64)
    words, labels = random.integers(0, 11, (2, TOKENS)), random.integers(0, 11, 2 * TOKENS)
    _, error = softmax_loss(model.forward(words), labels)
    assert error.shape == (2 * TOKENS, 11)
    rule_numerics("bp", model, 0).propagate(error, labels)
    gradients, tiny = model.gradients(), 1e-5
    for key, values in model.parameters().items():
        place = tuple(random.integers(0, extent) for extent in values.shape)
        before, losses = values[place], []
        for change in (tiny, -tiny):
            values[place] = before + change
            losses.append(softmax_loss(model.forward(words), labels)[0])
        values[place] = before
        found = (losses[0] - losses[1]) / (2 * tiny)
        assert abs(found - gradients[key][place]) < 1e-8, key


def test_later_tokens_change_nothing_before_them() -> None:
    model = Model(network(), 0, np.float64)
    words = np.arange(TOKENS).reshape(1, -1)
    before = model.forward(words).copy()
    words[0, -1] = 9
    after = model.forward(words)
    assert np.array_equal(before[:-1], after[:-1])
    assert not np.array_equal(before[-1], after[-1])


@pytest.mark.parametrize("machine", ["near-memory", "von-neumann", "systolic-32x32", "eie"])
@pytest.mark.parametrize("kv_heads", [1, 4])
def test_it_runs_on_every_organization(machine: str, kv_heads: int) -> None:
    found = simulate(network(kv_heads=kv_heads), machine, batch=2, trace="random:0.5")
    assert {"mix.FF", "mix.EP.key"} <= {op.name for op in found.ops}


def test_faults(tmp_path: Path) -> None:
    file = tmp_path / "net.yaml"
    file.write_text(
        "name: t\ninput: {tokens: 4, vocabulary: 9}\nlayers:\n"
        "  - {name: e, kind: embedding, dim: 6}\n"
        "  - {name: k, kind: linear, out_features: 4}\n"
        "  - {name: a, kind: attention, inputs: [e, k], heads: 2}\n"
        "  - {name: b, kind: attention, inputs: [e, k, a], heads: 4}\n"
        "  - {name: c, kind: attention, inputs: [e, k, k], heads: 2}\n"
    )
    with pytest.raises(InputError) as caught:
        load_network(file)
    assert [str(fault).split(":", 1)[1] for fault in caught.value.faults] == [
        "6:40: layers[2].inputs must be queries, keys and values, got e, k",
        "8:40: layers[4].inputs must be two or more different layers, got e, k, k",
    ]


def test_tokens_and_sequence_exclude_each_other(tmp_path: Path) -> None:
    file = tmp_path / "net.yaml"
    file.write_text(
        "name: t\ninput: {tokens: 4, sequence: 4, vocabulary: 9}\nlayers:\n"
        "  - {name: e, kind: embedding, dim: 6}\n"
        "  - {name: l, kind: linear, out_features: 9}\n"
    )
    with pytest.raises(InputError) as caught:
        load_network(file)
    assert "input.sequence must be absent where the input is tokens" in str(caught.value)
