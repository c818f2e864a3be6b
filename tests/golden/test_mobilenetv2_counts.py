"""MobileNetV2 against Sandler et al. 2018 (arXiv 1801.04381), tables 2 and 4: the layers' products
and weights, typed in from the paper line by line.
"""

from __future__ import annotations

from collections import Counter
from math import prod

import pytest

from accelsim.rules.registry import lower
from accelsim.step.ops import Pass
from accelsim.workload.loading import load_network
from accelsim.workload.network import Layer, Network

# Table 2, one line per sequence of bottlenecks (t, c, n, s). Per line: products per sample, weights
# of convolutions, channels that are normalized. Written out as (expansion, channel by channel,
# projection) of each block, so that each sum can be worked out with a pencil.
LINES = {
    # 3x3 / 2 on 224 x 224 x 3.
    "conv1": (112**2 * 27 * 32, 27 * 32, 32),
    # t 1, c 16, n 1, s 1: no expansion.
    "1": (112**2 * (9 * 32 + 32 * 16), 9 * 32 + 32 * 16, 32 + 16),
    # t 6, c 24, n 2, s 2: 96 and 144 channels inside.
    "2": (
        112**2 * 16 * 96 + 56**2 * (9 * 96 + 96 * 24) + 56**2 * (24 * 144 + 9 * 144 + 144 * 24),
        (16 * 96 + 9 * 96 + 96 * 24) + (24 * 144 + 9 * 144 + 144 * 24),
        2 * 96 + 24 + 2 * 144 + 24,
    ),
    # t 6, c 32, n 3, s 2: 144, then twice 192 inside.
    "3": (
        56**2 * 24 * 144 + 28**2 * (9 * 144 + 144 * 32) + 2 * 28**2 * (2 * 32 * 192 + 9 * 192),
        (24 * 144 + 9 * 144 + 144 * 32) + 2 * (2 * 32 * 192 + 9 * 192),
        2 * 144 + 32 + 2 * (2 * 192 + 32),
    ),
    # t 6, c 64, n 4, s 2: 192, then three times 384 inside.
    "4": (
        28**2 * 32 * 192 + 14**2 * (9 * 192 + 192 * 64) + 3 * 14**2 * (2 * 64 * 384 + 9 * 384),
        (32 * 192 + 9 * 192 + 192 * 64) + 3 * (2 * 64 * 384 + 9 * 384),
        2 * 192 + 64 + 3 * (2 * 384 + 64),
    ),
    # t 6, c 96, n 3, s 1: 384, then twice 576 inside.
    "5": (
        14**2 * (64 * 384 + 9 * 384 + 384 * 96) + 2 * 14**2 * (2 * 96 * 576 + 9 * 576),
        (64 * 384 + 9 * 384 + 384 * 96) + 2 * (2 * 96 * 576 + 9 * 576),
        2 * 384 + 96 + 2 * (2 * 576 + 96),
    ),
    # t 6, c 160, n 3, s 2: 576, then twice 960 inside.
    "6": (
        14**2 * 96 * 576 + 7**2 * (9 * 576 + 576 * 160) + 2 * 7**2 * (2 * 160 * 960 + 9 * 960),
        (96 * 576 + 9 * 576 + 576 * 160) + 2 * (2 * 160 * 960 + 9 * 960),
        2 * 576 + 160 + 2 * (2 * 960 + 160),
    ),
    # t 6, c 320, n 1, s 1: 960 inside.
    "7": (
        7**2 * (160 * 960 + 9 * 960 + 960 * 320),
        160 * 960 + 9 * 960 + 960 * 320,
        2 * 960 + 320,
    ),
    "conv9": (7**2 * 320 * 1280, 320 * 1280, 1280),
    "fc": (1280 * 1000, 1280 * 1000, 0),
}


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network("mobilenetv2")


def line_of(layer: str) -> str:
    """Line of the table: ``expand3_2`` and ``bn3_2a`` belong to 3, ``bn1`` to conv1."""
    number = layer.lstrip("abcdefghijklmnopqrstuvwxyz")
    if layer == "fc":
        return "fc"
    return number.partition("_")[0] if "_" in number else f"conv{number}"


def test_lines_of_table_2(network: Network) -> None:
    products, weights, normalized = Counter(), Counter(), Counter()
    for op in lower(network, "bp", 1).ops:
        if op.pass_ is Pass.FF:
            products[line_of(op.layer)] += op.dense_macs
    for layer in network.layers:
        if layer.weighted:
            weights[line_of(layer.name)] += prod(layer.weight_shape)
        if layer.kind == "batch_norm":
            normalized[line_of(layer.name)] += layer.out_shape[2]
    found = {line: (products[line], weights[line], normalized[line]) for line in weights}
    assert found == LINES


def test_totals_of_table_4(network: Network) -> None:
    """The paper prints 300M multiply-adds and 3.4M parameters. The products of one image are 300.8
    million. The weights of convolutions and of the classifier are 3.47 million, which the paper
    truncates; with scales and shifts of batch norm 3.50 million. The classifier has no biases here
    (1000 more).
    """
    products, weights, normalized = (sum(column) for column in zip(*LINES.values(), strict=True))
    step = lower(network, "bp", 1)
    assert sum(op.dense_macs for op in step.ops if op.pass_ is Pass.FF) == products == 300_774_272
    tensors = {each.name: each for layer in network.layers for each in layer.weights(1)}
    assert weights == 3_469_760
    assert sum(each.elements for each in tensors.values()) == weights + 2 * normalized == 3_503_872


def test_blocks(network: Network) -> None:
    """17 inverted residuals. Where the stride is 1 and the channels stay, the input is added: all
    but the first of each line, 1 + 2 + 3 + 2 + 2 blocks. Projections are linear.
    """
    kinds = Counter(layer.kind for layer in network.layers)
    assert kinds == {
        "conv": 1 + 2 + 16 * 3 + 1,
        "batch_norm": 52,
        "relu6": 1 + 1 + 16 * 2 + 1,
        "add": 10,
        "global_avg_pool": 1,
        "fc": 1,
    }
    by_channel = [layer for layer in network.weighted if layer.name.startswith("depth")]
    assert len(by_channel) == 17
    for layer in by_channel:
        assert layer.divisor == layer.in_shape[2] == layer.out_shape[2]
    for layer in network.weighted:
        if layer.kind == "conv":
            (behind,) = network.consumers[layer.name]
            assert behind.kind == "batch_norm"
            linear = layer.name.startswith("project")
            readers: tuple[Layer, ...] = network.consumers[behind.name]
            assert (not any(reader.kind == "relu6" for reader in readers)) == linear
    assert network.rectified("relu7_1b")
    assert not network.rectified("add3_2")
    assert not network.rectified("bn3_1c")
