"""DenseNet-121 against Huang et al. 2017 (arXiv 1608.06993), table 1, and a small U-Net against its
own figure: products and parameters worked out from the tables, not from the files.
"""

from __future__ import annotations

from collections import Counter

from accelsim.rules.registry import lower
from accelsim.step.ops import Pass
from accelsim.workload.loading import load_network
from accelsim.workload.network import Network

BLOCKS = ((6, 56), (12, 28), (24, 14), (16, 7))
"""(layers, side of the map) of each dense block, from 64 channels, which grow by 32 per layer."""
LEVELS = ((16, 96), (32, 48), (64, 24), (128, 12))
"""(channels, side of the map) of each level of the U-Net."""


def products(network: Network) -> int:
    return sum(op.dense_macs for op in lower(network, "bp", 1).ops if op.pass_ is Pass.FF)


def parameters(network: Network) -> int:
    return sum(tensor.elements for layer in network.layers for tensor in layer.weights(1))


def test_densenet121() -> None:
    """7,978,856 parameters and 2.83 G products, as other programs count them."""
    macs, weights, normalized, channels = 112**2 * 7 * 7 * 3 * 64, 7 * 7 * 3 * 64, 64, 64
    for number, (layers, side) in enumerate(BLOCKS):
        for _ in range(layers):
            own = channels * 128 + 3 * 3 * 128 * 32
            macs, weights = macs + side**2 * own, weights + own
            normalized, channels = normalized + channels + 128, channels + 32
        normalized += channels
        if number < 3:
            macs, weights = macs + side**2 * channels * channels // 2, weights + channels**2 // 2
            channels //= 2
    assert channels == 1024
    macs, weights = macs + 1024 * 1000, weights + 1024 * 1000 + 1000
    network = load_network("densenet121-imagenet")
    assert products(network) == macs == 2_834_161_664
    assert parameters(network) == weights + 2 * normalized == 7_978_856
    kinds = Counter(layer.kind for layer in network.layers)
    assert (kinds["conv"], kinds["fc"], kinds["concat"]) == (1 + 2 * 58 + 3, 1, 58)
    assert network.layer("all4_16").out_shape == (7, 7, 1024)


def test_unet_small() -> None:
    macs = weights = normalized = 0
    before = 3
    for channels, side in LEVELS:
        own = 9 * (before * channels + channels * channels)
        macs, weights, normalized = macs + side**2 * own, weights + own, normalized + 2 * channels
        before = channels
    for channels, side in reversed(LEVELS[:-1]):
        up = 2 * 2 * before * channels
        own = 9 * (2 * channels * channels + channels * channels)
        # A transposed convolution counts its stride zeros, as error propagation does.
        macs += side**2 * (up + own)
        weights, normalized = weights + up + channels + own, normalized + 2 * channels
        before = channels
    macs, weights = macs + 96**2 * 16 * 2, weights + 16 * 2 + 2
    network = load_network("unet-small")
    assert products(network) == macs
    assert parameters(network) == weights + 2 * normalized
    assert network.output.out_shape == (96, 96, 2)
