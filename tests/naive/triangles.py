"""Plain twin of triangular feedback: words stored, MACs, and every pair of the streams.

Written from Han et al. 2020, section 3.3, as amended, without `accelsim.rules`. Networks end in
fully connected layers after their last cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from accelsim.workload.network import Layer, Network
from accelsim.zeros.feedback import feedback_random, kept_entries
from tests.naive.counts import propagating
from tests.naive.machine import GATES, Stream, Twin, Work


def kept(length: int, density: float) -> int:
    """Number of stored entries per row."""
    return length if density == 1 else max(1, round(density * length))


def last_cell(network: Network) -> Layer:
    return [layer for layer in network.layers if layer.kind in GATES][-1]


def behind(network: Network, layer: Layer) -> bool:
    """True if the layer follows the last cell and so belongs to the output's module."""
    return network.layers.index(layer) > network.layers.index(last_cell(network))


@dataclass(frozen=True)
class Counted:
    """MACs per sample, and words stored."""

    macs: int
    words: int


def counted(network: Network, density: float, per_step: bool) -> Counted:
    """One row of S_fc per neuron and step, and one block per ordered pair of steps."""
    steps, classes, hidden = (
        network.time_steps,
        prod(network.output.out_shape),
        last_cell(network).out_shape[2],
    )
    macs = words = 0
    for layer in propagating(network):
        neurons = prod(layer.in_shape)
        if behind(network, layer):
            macs += steps * neurons * kept(classes, density)
            words += (steps if per_step else 1) * neurons * kept(classes, density)
        else:
            blocks = sum(1 for i in range(steps) for j in range(steps) if i <= j)
            macs += blocks * neurons * kept(hidden, density)
            words += blocks * neurons * kept(hidden, density)
    return Counted(macs, words)


class TriangleTwin(Twin):
    """Twin of a recurrent network's ops with triangular feedback. ``nonzeros`` are
    those of S_fc.
    """

    density = 1.0

    def propagation(self, layer: Layer) -> dict[str, Work]:
        if behind(self.network, layer):
            return super().propagation(layer)
        steps = self.network.time_steps
        return {
            f"{layer.name}.EP" + (f".t{t:02d}" if steps > 1 else ""): self.row(layer, t)
            for t in range(steps)
        }

    def feedback_rows(self, layer: Layer, t: int | None) -> list[list[int]]:
        """Entries of S_fc. Its values come from the same random stream unless they are weights."""
        random = feedback_random(self.seed, layer.name)
        neurons, classes = prod(layer.in_shape), prod(self.network.output.out_shape)
        values = "init=bw" not in self.rule or layer is not self.network.output
        for _ in range(1 + (t or 0 if "per_step=true" in self.rule else 0)):
            drawn = kept_entries(neurons, classes, self.density, random)
            if values:
                random.random((neurons, classes), np.float32)
        return [[int(index) for index in row] for row in drawn]

    def row(self, layer: Layer, t: int) -> Work:
        """EP at step t: a neuron of the layer's input map sums the errors at h of that step and all
        later steps.
        """
        source, steps = last_cell(self.network), self.network.time_steps
        neurons, hidden = prod(layer.in_shape), source.out_shape[2]
        blocks = [self.vectors(source, "error", hidden, later) for later in range(t, steps)]
        entries = [
            [(block, index) for block in range(len(blocks)) for index in range(hidden)]
        ] * neurons
        if self.density < 1:
            entries = [[] for _ in range(neurons)]
            random = feedback_random(self.seed, layer.name)
            if "init=bw" not in self.rule:
                random.random((hidden, hidden), np.float32)  # the partial backward weight
            columns = [kept_entries(neurons, hidden, self.density, random) for _ in range(steps)]
            for block, drawn in enumerate(columns[t:]):
                for neuron in range(neurons):
                    entries[neuron] += [(block, int(index)) for index in drawn[neuron]]

        def weight(channel: int, block: int, index: int) -> int:
            """The block for the error of the same step is power 0 of D, the identity."""
            if self.rule.startswith("revised") and block == 0:
                return int(index == channel)
            return 1

        def stream(channel: int, m: int) -> Stream:
            return [
                (blocks[block][m][index], weight(channel, block, index), True)
                for block, index in entries[channel]
            ]

        needed = None
        if f"{layer.name}.mask" in self.masks and self.rectified(layer.inputs[0]):
            vectors = self.vectors(layer, "mask", neurons, t)
            needed = lambda k, m: bool(vectors[m][k])  # noqa: E731 - one of two forms of the same predicate
        dense = self.batch * sum(map(len, entries))
        work = Work(
            "EP", neurons, self.batch, stream, dense, needed, column_words=len(blocks) * hidden
        )
        if self.density < 1:
            work.named = lambda channel, _: [
                block * hidden + index
                for block, index in entries[channel]
                if weight(channel, block, index)
            ]
            work.moving = lambda m: [bit for block in blocks for bit in block[m]]
        return work
