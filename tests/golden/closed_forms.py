"""The papers' tables from lists of layers typed in here: plain Python without an op, a rule or a
workload file.

Han et al. 2020 (arXiv 2006.12830): tables 2 and 4, eq. 13. Crafton et al. 2019: table 1, figure 8.
Nothing of `accelsim` is imported.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

CLASSES = 10
FLOAT_BITS = 32
CNNS = ("VGG16", "R-18", "R-50", "R-50-real")
CELLS = {"RNN": 1, "LSTM": 4, "GRU": 3}
"""Matrices of a cell, each 200 x (200 + 200)."""


class Cost(NamedTuple):
    """EP of one step: bits of weights read, operations (2 a MAC), bits that say where non-zeros
    stand.
    """

    bits: Fraction
    ops: Fraction
    index_bits: Fraction = Fraction(0)


class Conv(NamedTuple):
    """A convolution with an error to hand back: ``side`` of the map that it reads, ``end`` channels
    at the end of its module.
    """

    name: str
    kernel: int
    channels_in: int
    channels_out: int
    side: int
    end: int
    shortcut: bool = False

    @property
    def weights(self) -> int:
        return self.kernel**2 * self.channels_in * self.channels_out

    @property
    def neurons(self) -> int:
        """Of the map that it reads."""
        return self.side**2 * self.channels_in


class Cnn(NamedTuple):
    """``convs``: all but the first, which reads the image; ``fc``: inputs of the layer that makes
    the classes.
    """

    convs: tuple[Conv, ...]
    fc: int


def vgg16(side: int = 32) -> Cnn:
    """13 convolutions of 3 x 3 in five stages, each followed by a pool; the first two stages are
    one module.
    """
    return Cnn(
        (
            Conv("conv1_2", 3, 64, 64, side, 128),
            Conv("conv2_1", 3, 64, 128, side // 2, 128),
            Conv("conv2_2", 3, 128, 128, side // 2, 128),
            Conv("conv3_1", 3, 128, 256, side // 4, 256),
            Conv("conv3_2", 3, 256, 256, side // 4, 256),
            Conv("conv3_3", 3, 256, 256, side // 4, 256),
            Conv("conv4_1", 3, 256, 512, side // 8, 512),
            Conv("conv4_2", 3, 512, 512, side // 8, 512),
            Conv("conv4_3", 3, 512, 512, side // 8, 512),
            Conv("conv5_1", 3, 512, 512, side // 16, 512),
            Conv("conv5_2", 3, 512, 512, side // 16, 512),
            Conv("conv5_3", 3, 512, 512, side // 16, 512),
        ),
        512,
    )


def resnet18() -> Cnn:
    """Stages of two blocks of two 3 x 3; the first of stages 2 to 4 is strided and has a 1 x 1
    shortcut. FC reads 2 x 2 x 512.
    """
    convs = [Conv(f"conv2_{place}", 3, 64, 64, 32, 64) for place in ("1a", "1b", "2a", "2b")]
    for stage, channels, side in ((3, 128, 16), (4, 256, 8), (5, 512, 4)):
        convs.append(Conv(f"conv{stage}_1a", 3, channels // 2, channels, 2 * side, channels))
        convs.append(
            Conv(f"short{stage}_1", 1, channels // 2, channels, 2 * side, channels, shortcut=True)
        )
        convs += [
            Conv(f"conv{stage}_{place}", 3, channels, channels, side, channels)
            for place in ("1b", "2a", "2b")
        ]
    return Cnn(tuple(convs), 2048)


RESNET50_BLOCKS = ((64, 3, 32), (128, 4, 16), (256, 6, 8), (512, 3, 4))
"""(C, blocks, side) of each stage."""


def resnet50_of_the_table() -> Cnn:
    """Every block 1 x 1, 3 x 3, 1 x 1 of C to C at the stage's own side; three shortcuts as in
    ResNet-18. Maps that do not chain.
    """
    convs: list[Conv] = []
    for stage, (channels, blocks, side) in enumerate(RESNET50_BLOCKS):
        for block in range(blocks):
            if stage and not block:
                convs.append(
                    Conv("short", 1, channels // 2, channels, 2 * side, channels, shortcut=True)
                )
            convs += [
                Conv(part, kernel, channels, channels, side, channels)
                for part, kernel in (("a", 1), ("b", 3), ("c", 1))
            ]
    return Cnn(tuple(convs), 2048)


def resnet50() -> Cnn:
    """The network that exists: bottlenecks of expansion 4, the stride in the 3 x 3, a shortcut
    convolution in every stage, one global pool.
    """
    convs: list[Conv] = []
    before = 64
    for stage, (channels, blocks, side) in enumerate(RESNET50_BLOCKS):
        wide = 4 * channels
        for block in range(blocks):
            read = 2 * side if stage and not block else side
            convs.append(Conv("a", 1, before, channels, read, wide))
            convs.append(Conv("b", 3, channels, channels, read, wide))
            convs.append(Conv("c", 1, channels, wide, side, wide))
            if not block:
                convs.append(Conv("short", 1, before, wide, read, wide, shortcut=True))
            before = wide
    return Cnn(tuple(convs), 2048)


def cnn(column: str) -> Cnn:
    """The network of a column of table 2."""
    return {"VGG16": vgg16, "R-18": resnet18, "R-50": resnet50_of_the_table, "R-50-real": resnet50}[
        column
    ]()


def backprop(network: Cnn) -> Cost:
    """Every weight but the first layer's; a convolution at all positions of the map that it reads,
    strided or not.
    """
    weights = sum(conv.weights for conv in network.convs) + network.fc * CLASSES
    macs = sum(conv.weights * conv.side**2 for conv in network.convs) + network.fc * CLASSES
    return Cost(Fraction(FLOAT_BITS * weights), Fraction(2 * macs))


def direct_feedback(network: Cnn) -> Cost:
    """A word a class and neuron of the map that each layer reads, used once."""
    words = CLASSES * (sum(conv.neurons for conv in network.convs) + network.fc)
    return Cost(Fraction(FLOAT_BITS * words), Fraction(2 * words))


def link_words(conv: Conv, groups: int) -> int:
    """D1 (3 x 3, end to end) and D2 (1 x 1, end to the map read), both in groups; a shortcut's one
    1 x 1 without.
    """
    if conv.shortcut:
        return conv.channels_in * conv.end
    return (9 * conv.end * conv.end + conv.end * conv.channels_in) // groups


def revised(network: Cnn, groups: int) -> Cost:
    """Links of one bit a weight at the map that each convolution reads; the fully connected link is
    left out.
    """
    words = sum(link_words(conv, groups) for conv in network.convs)
    macs = sum(link_words(conv, groups) * conv.side**2 for conv in network.convs)
    return Cost(Fraction(words), Fraction(2 * macs))


def revised_of_the_table(groups: int) -> Cost:
    """R-50's Revised rows: D1 alone, but D1 and D2 into a block's input; the first such of a later
    stage reads C/2 channels at twice the side.
    """
    words = macs = 0
    for stage, (channels, blocks, side) in enumerate(RESNET50_BLOCKS):
        d1 = 9 * channels**2 // groups
        words += 2 * blocks * d1
        macs += 2 * blocks * d1 * side**2
        for block in range(blocks):
            first = bool(stage) and not block
            read, at = (channels // 2, 2 * side) if first else (channels, side)
            both = d1 + channels * read // groups + (channels * read if first else 0)
            words += both
            macs += both * at**2
    return Cost(Fraction(words), Fraction(2 * macs))


def mean(p: str, often: Cost, else_: Cost) -> Cost:
    """p of the one and 1 - p of the other."""
    share = Fraction(p)
    first, second, third = (
        share * one + (1 - share) * other for one, other in zip(often, else_, strict=True)
    )
    return Cost(first, second, third)


def table_2(column: str) -> dict[str, Cost]:
    """The rows of table 2, unrounded."""
    network = cnn(column)
    found = {"BP": backprop(network), "DFA": direct_feedback(network)}
    for groups in (4, 8):
        found[f"Revised-G{groups}"] = (
            revised_of_the_table(groups) if column == "R-50" else revised(network, groups)
        )
    for p in ("0.1", "0.3"):
        for groups in (4, 8):
            found[f"HDFA-{p}-G{groups}"] = mean(p, found["BP"], found[f"Revised-G{groups}"])
    return found


VOCABULARY, STATE, STEPS, BATCH = 33_278, 200, 35, 20
BLOCKS = STEPS * (STEPS + 1) // 2
SPARSITIES = (0, 80, 95, 98)


def kept(length: int, sparsity: int) -> int:
    """Entries that a row keeps, the nearest whole number."""
    return int(Fraction(length * (100 - sparsity), 100) + Fraction(1, 2))


def of_sequence(words: Fraction | int, bits: int, index_bits: Fraction | int = 0) -> Cost:
    """Each word is used once an example."""
    return Cost(Fraction(words * bits), Fraction(2 * BATCH * words), Fraction(index_bits))


def table_4(column: str, whole_entries: bool = True) -> dict[str, Cost]:
    """The rows of table 4, unrounded, and ``sparse-<s>%``, the feedback step of a hybrid row.

    ``whole_entries``: a sparse row keeps a whole number of entries; else (1 - s) of all, as the
    paper counts.
    """
    once = VOCABULARY * STATE + CELLS[column] * STATE * 2 * STATE
    found = {
        "BP": Cost(Fraction(FLOAT_BITS * once), Fraction(2 * BATCH * STEPS * once)),
        "DFA": of_sequence(VOCABULARY * 2 * STATE * STEPS, FLOAT_BITS),
        "Revised": of_sequence(VOCABULARY * STATE * STEPS + BLOCKS * STATE * STATE, FLOAT_BITS),
    }
    for sparsity in SPARSITIES:
        output, triangle = (
            kept(VOCABULARY, sparsity) * STATE * STEPS,
            kept(STATE, sparsity) * STATE * BLOCKS,
        )
        # An index of 16 bits tells 33,278 columns apart, one of 8 bits 200.
        positions = 16 * output + 8 * triangle if sparsity else 0
        every = Fraction((100 - sparsity) * 258_146_000, 100)
        found[f"sparse-{sparsity}%"] = of_sequence(
            output + triangle if whole_entries else every, 1, positions
        )
        for p in ("0.1", "0.2"):
            found[f"HDFA-{p}-{sparsity}%"] = mean(p, found["BP"], found[f"sparse-{sparsity}%"])
    return found


def equation_13(side: int, classes: int, groups: int) -> dict[str, Fraction]:
    """w h class / (k^2 och) times the groups, of each convolution of VGG16; ``total`` of all
    words.
    """
    convs = vgg16(side).convs
    found = {
        conv.name: Fraction(conv.side**2 * classes * groups, conv.kernel**2 * conv.channels_out)
        for conv in convs
    }
    total = Fraction(
        groups * classes * sum(conv.neurons for conv in convs), sum(conv.weights for conv in convs)
    )
    return {**found, "total": total}


def feedback_ratio(groups: int) -> dict[str, Fraction]:
    """Words of DFA over those of D1 and D2, VGG16 on CIFAR-10."""
    convs = vgg16().convs
    found = {
        conv.name: Fraction(CLASSES * conv.neurons, link_words(conv, groups)) for conv in convs
    }
    total = Fraction(
        CLASSES * sum(conv.neurons for conv in convs),
        sum(link_words(conv, groups) for conv in convs),
    )
    return {**found, "total": total}


STACKS = {"ImageNet": (9216, 4096, 4096, 1000), "CIFAR-100": (4096, 2048, 2048, 100)}
"""Neurons of the fully connected layers of AlexNet and of the CIFAR-100 network, the features
first.
"""


class Stack(NamedTuple):
    """|W|, hidden neurons, |A| and |E| of Crafton et al. 2019."""

    w: int
    hidden: int
    a: int
    e: int


def stack(place: str) -> Stack:
    """|A| counts the output neurons too; feedback reaches the hidden ones alone."""
    shape = STACKS[place]
    return Stack(
        sum(before * after for before, after in pairwise(shape)),
        sum(shape[1:-1]),
        sum(shape[1:]),
        shape[-1],
    )


def figure_8(place: str) -> dict[str, tuple[int, int]]:
    """(MACs, words) by row."""
    w, hidden, a, e = stack(place)
    found = {"BP": (2 * w, w + a + e)}
    found |= {f"SDFA-k{k}": (w + k * hidden, k * a) for k in (1, 5, 10, 25, 50, 100) if k <= e}
    return {**found, "DFA": (w + e * hidden, e * a)}


def table_1() -> dict[str, dict[str, int]]:
    """Reads, writes, MACs and data movement by rule, AlexNet."""
    w, hidden, a, e = stack("ImageNet")
    found = {"BP": {"reads": w + a + e, "writes": w, "MACs": 2 * w, "data movement": w + a + e}}
    for row, k in (("DFA", e), ("SDFA-k10", 10), ("SSDFA", 1)):
        found[row] = {
            "reads": k * hidden + w + a + e,
            "writes": w,
            "MACs": w + k * hidden,
            "data movement": k * a,
        }
    return found
