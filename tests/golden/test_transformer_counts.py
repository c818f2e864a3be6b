"""The built-in transformers against published sizes, and against operations counted from the layer
equations alone.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from pathlib import Path

import pytest

from accelsim.config import catalog
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction, Pass, Role, TrainingStep
from accelsim.workload.loading import load_network
from accelsim.workload.network import Network


def parameters(network: Network) -> int:
    return sum(prod(weight.shape) for layer in network.layers for weight in layer.weights(1))


def with_biases(name: str, folder: Path) -> Network:
    text = catalog.find("workload", name).read_text(encoding="utf-8")
    file = folder / "net.yaml"
    file.write_text(text.replace("biases: left_out", "biases: counted"))
    return load_network(file)


def giga_macs(step: TrainingStep) -> dict[str, float]:
    return {
        str(pass_): round(sum(op.dense_macs for op in step.ops if op.pass_ is pass_) / 1e9, 1)
        for pass_ in (Pass.FF, Pass.EP, Pass.WG)
    }


def test_parameters_of_gpt2(tmp_path: Path) -> None:
    """GPT-2 small has 124,439,808 parameters; its output layer uses the table of the embedding."""
    network = with_biases("gpt2-small", tmp_path)
    table = 50257 * 768
    assert parameters(network) - table == 124_439_808


def test_parameters_of_vit(tmp_path: Path) -> None:
    """ViT-S/16 has 22,050,664; global average pooling needs no class token and no place for it."""
    assert parameters(with_biases("vit-small", tmp_path)) == 22_050_664 - 2 * 384


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("bp", {"FF": 295.3, "EP": 301.7, "WG": 288.8}),
        ("dfa:granularity=block", {"FF": 295.3, "EP": 271.7, "WG": 288.8}),
        ("dfa:granularity=sublayer", {"FF": 295.3, "EP": 175.0, "WG": 288.8}),
    ],
)
def test_operations_of_launay(rule: str, expected: dict[str, float]) -> None:
    """Batch 64, from the table of docs/learning-rules.md worked out beside the program."""
    assert giga_macs(lower(load_network("transformer-launay"), rule, 64)) == expected


@pytest.mark.parametrize(
    ("rule", "squares"),
    [("bp", 12), ("dfa:granularity=block", 9), ("dfa:granularity=sublayer", 1)],
)
def test_weights_that_a_block_transposes(rule: str, squares: int) -> None:
    step = lower(load_network("transformer-launay"), rule, 1)
    words = sum(
        op.stationary.tensor.elements
        for op in step.ops
        if isinstance(op, Contraction)
        and op.layer.startswith("block3-")
        and op.pass_ is Pass.EP
        and op.stationary.tensor.role is Role.WEIGHT
    )
    assert words == squares * 512 * 512


@pytest.mark.parametrize(
    ("name", "tokens", "width", "hidden", "blocks", "ends"),
    [
        ("gpt2-small", 1024, 768, 3072, 12, 768 * 50257),
        ("gpt-tiny", 128, 128, 512, 4, 128 * 256),
        ("vit-small", 196, 384, 1536, 12, 16 * 16 * 3 * 384),
    ],
)
def test_products_of_a_sample(
    name: str, tokens: int, width: int, hidden: int, blocks: int, ends: int
) -> None:
    """Per block T (4 d^2 + 2 d f) of weights and 2 T^2 d of attention; per token the first or last
    matrix.
    """
    network = load_network(name)
    found = sum(op.dense_macs for op in lower(network, "bp", 1).ops if op.pass_ is Pass.FF)
    block = tokens * (4 * width**2 + 2 * width * hidden) + 2 * tokens**2 * width
    classifier = 384 * 1000 if name == "vit-small" else 0
    assert found == blocks * block + tokens * ends + classifier
    twice = lower(replace(network), "bp", 2)
    assert sum(op.dense_macs for op in twice.ops if op.pass_ is Pass.FF) == 2 * found
