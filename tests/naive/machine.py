"""Plain-Python twin of whole ops on the array of lanes, written only from docs/mapping.md and
docs/pe-lanes.md. It lists every pair of every stream of every output.

It reads layers, boolean masks and a few numbers of the machine, and uses nothing of the lowering,
the mapper or the kernels. A pair is (a, b, mac): the non-zero bits of the operands, and whether the
position belongs to the op's loop nest (some zeros in the window do not).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from accelsim.workload.network import Layer, Network
from accelsim.zeros.feedback import feedback_random, sparse_feedback
from tests.naive import coupled
from tests.naive.counts import LEARNING, same_positions
from tests.naive.outer_products import outer_segment, outer_segments
from tests.naive.zero_skip import walk

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
Pair = tuple[int, int, bool]
Stream = list[Pair]
Masks = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Lanes:
    """Parameters of a machine that determine the array's cycles."""

    near_memory: bool
    rows: int
    cols: int
    lanes: int
    window: int
    skip: Mapping[str, str]
    skip_outputs: bool
    structural_zeros: str
    gating: bool
    working_bits: int
    word_bits: int
    kind: str = "lanes"
    fifo_depth: int = 8
    index_bits: int = 4
    accumulators: int = 1
    psum_bits: int = 32

    @property
    def together(self) -> int:
        """Outputs that a PE reduces at a time: one per lane, or one for all its coupled lanes."""
        return 1 if self.kind == "coupled" else self.lanes


@dataclass(frozen=True)
class Counts:
    """MACs of an op, lane cycles by cause, and ``cycles`` of the array."""

    dense: int
    effectual: int
    executed: int
    gated: int
    cycles: int
    busy: int
    window_empty: int
    imbalance: int
    idle: int


@dataclass
class Work:
    """An op: the stream of each output (channel, position), the needed outputs, and the size of its
    loop nest.
    """

    pass_: str
    channels: int
    positions: int
    stream: Callable[[int, int], Stream]
    dense: int
    needed: Callable[[int, int], bool] | None = None
    outer: int = 0
    """Words of the moving vector that an outer product distributes over its lanes; 0
    for other ops.
    """
    column_words: int = 0
    """Moving words per position: the channels that one output channel reads."""
    groups: int = 1
    apart: bool = False
    """Whether groups are products of their own, so that zeros between them are in no stream."""
    named: Callable[[int, int], Sequence[int]] | None = None
    """For sparse feedback: indices of the moving words that an output reads, out of ``moving``."""
    moving: Callable[[int], Sequence[int]] = lambda _: ()


def run(work: Work, machine: Lanes) -> Counts:
    """Distribute the outputs over the lanes tile by tile, and walk every lane. Coupled lanes share
    an output, and its cycles count for all of them.
    """
    if machine.kind == "broadcast":
        from tests.naive.broadcast import Array

        return Array(work, machine).run()
    pes = machine.rows * machine.cols
    if machine.near_memory:
        channels_per_tile = min(pes, work.channels)
        positions_per_tile = machine.together * max(1, pes // work.channels)
    else:
        channels_per_tile, positions_per_tile = machine.rows, machine.cols * machine.together
    positions = work.positions
    dealt_outer = work.outer and machine.kind != "coupled"
    if dealt_outer:
        lanes = positions_per_tile
        positions = outer_segments(work, lanes, machine, 1, machine.lanes, machine.window)
    mode = machine.skip[work.pass_]
    needed = work.needed if machine.skip_outputs else None
    fill = (
        max(1, min(machine.working_bits // 2 // (work.column_words * machine.word_bits), positions))
        if work.column_words
        else positions
    )
    fill = max(1, fill // positions_per_tile) * positions_per_tile
    costs: dict[tuple[int, int], tuple[int, int, int]] = {}

    def lane(k: int, m: int) -> tuple[int, int, int]:
        if (k, m) not in costs:
            stream = outer_segment(work, k, m, positions) if dealt_outer else work.stream(k, m)
            costs[k, m] = lane_cost(stream, mode, machine)
        return costs[k, m]

    cycles = busy = effectual = lane_cycles = used = 0
    for first in range(0, work.channels, channels_per_tile):
        members = range(first, min(first + channels_per_tile, work.channels))
        for start in range(0, positions, fill):
            inside = range(start, min(start + fill, positions))
            dealt = {k: [m for m in inside if needed is None or needed(k, m)] for k in members}
            while any(dealt.values()):
                tile = [lane(k, m) for k in members for m in dealt[k][:positions_per_tile]]
                dealt = {k: left[positions_per_tile:] for k, left in dealt.items()}
                slowest = max(cost for cost, _, _ in tile)
                cycles += slowest
                used += slowest * len(tile)
                lane_cycles += sum(cost for cost, _, _ in tile)
                busy += sum(executed for _, executed, _ in tile)
                effectual += sum(both for _, _, both in tile)
    shared = machine.lanes // machine.together
    used, lane_cycles = used * shared, lane_cycles * shared
    every = sum(
        a and b
        for k in range(work.channels)
        for m in range(work.positions)
        for a, b, _ in work.stream(k, m)
    )
    return Counts(
        dense=work.dense,
        effectual=every,
        executed=busy,
        gated=busy - effectual if machine.gating else 0,
        cycles=cycles,
        busy=busy,
        window_empty=lane_cycles - busy,
        imbalance=used - lane_cycles,
        idle=cycles * pes * machine.lanes - used,
    )


def lane_cost(stream: Stream, mode: str, machine: Lanes) -> tuple[int, int, int]:
    """(cycles, executed MACs, effectual MACs) of one lane. If zeros are skipped, structural zeros
    are skipped too.
    """
    bits = [{"both": a & b, "moving": a, "stationary": b, "none": 1}[mode] for a, b, _ in stream]
    executed = sum(1 for bit, (_, _, mac) in zip(bits, stream, strict=True) if bit and mac)
    cycles = coupled.walk(bits) if machine.kind == "coupled" else walk(bits, machine.window)
    return cycles, executed, sum(a & b for a, b, _ in stream)


class Twin:
    """Ops of one network, batch and set of masks, by name. Masks are booleans in their logical
    shapes; missing tensors are dense.
    """

    rank = 0  # of the rule's sparse feedback; 0: unlimited

    def __init__(
        self,
        network: Network,
        masks: Masks,
        batch: int,
        machine: Lanes,
        rule: str,
        nonzeros: int,
        seed: int,
    ) -> None:
        self.network, self.masks, self.batch, self.machine = network, masks, batch, machine
        self.rule, self.nonzeros, self.seed = rule, nonzeros, seed

    def ops(self) -> dict[str, Work]:
        """Every contraction of the step."""
        from tests.naive.transformer import transformer_works

        found: dict[str, Work] = {}
        steps = self.network.time_steps
        for layer in self.network.layers:
            if layer.kind in ("attention", "linear"):
                found |= transformer_works(self, layer)
            if layer.kind in ("embedding", "linear") or not layer.weighted:
                continue
            if layer.kind in GATES:
                for t in range(steps):
                    found[f"{layer.name}.FF.t{t:02d}"] = self.product(layer, "FF", t)
            else:
                found[f"{layer.name}.FF"] = (
                    self.convolution(layer)
                    if layer.kind == "conv"
                    else self.product(layer, "FF", None)
                )
            found[f"{layer.name}.WG"] = (
                self.gradient(layer) if layer.kind == "conv" else self.outer(layer)
            )
            if layer.kind in GATES and self.chained:
                for t in range(steps):
                    found[f"{layer.name}.EP.t{t:02d}"] = self.product(layer, "EP", t)
            elif self.wanted(layer.inputs[0]):
                found |= self.propagation(layer)
        if self.rule == "frozen":
            found = {
                name: work
                for name, work in found.items()
                if work.pass_ == "FF" or name == f"{self.network.classifier.name}.WG"
            }
        return found

    def propagated(self, name: str) -> bool:
        """True if the map takes an error from readers without weights."""
        if not self.wanted(name):
            return False
        return self.chained or not any(each.weighted for each in self.network.consumers[name])

    @property
    def chained(self) -> bool:
        """True if errors pass from layer to layer; in feedback alignment through dense weights."""
        return self.rule in ("bp", "bp-only", "fa")

    def propagation(self, layer: Layer) -> dict[str, Work]:
        """EP into the input map of a layer. Recurrent layers are included if the rule uses
        feedback.
        """
        name = f"{layer.name}.EP"
        if self.chained:
            return {
                name: self.transposed(layer)
                if layer.kind == "conv"
                else self.product(layer, "EP", None)
            }
        steps = self.network.time_steps
        return {
            name + ("" if t is None else f".t{t:02d}"): self.feedback(layer, t)
            for t in (range(steps) if steps > 1 else [None])
        }

    def wanted(self, name: str) -> bool:
        """True if a layer at or before the map learns."""
        if name == "input":
            return False
        layer = self.network.layer(name)
        return layer.kind in LEARNING or any(map(self.wanted, layer.inputs))

    # Masks

    def vectors(self, layer: Layer, role: str, size: int, t: int | None) -> list[list[int]]:
        """Non-zero bits per sample, step by step. Elements beyond the mask (a hidden state) are
        dense.
        """
        mask = self.masks.get(f"{layer.name}.{role}")
        steps = self.network.time_steps
        times = range(steps) if t is None else [t]
        found = []
        for time in times:
            for n in range(self.batch):
                if mask is None:
                    row = [1] * size
                else:
                    own = (
                        mask[time, n % mask.shape[1]]
                        if self.network.unrolled
                        else mask[n % mask.shape[0]]
                    )
                    row = [int(bit) for bit in own.reshape(-1)]
                found.append(row + [1] * (size - len(row)))
        return found

    def pixel(
        self, layer: Layer, role: str, shape: tuple[int, int, int], n: int, h: int, w: int, c: int
    ) -> int:
        """Bit of a map; 0 outside it."""
        if not (0 <= h < shape[0] and 0 <= w < shape[1]):
            return 0
        mask = self.masks.get(f"{layer.name}.{role}")
        return 1 if mask is None else int(mask[n % len(mask)].reshape(shape)[h, w, c])

    def weight(self, layer: Layer, *index: int) -> int:
        mask = self.masks.get(f"{layer.name}.weight")
        return 1 if mask is None else int(mask[index])

    def weight_backward(self, layer: Layer, *index: int) -> int:
        return 1 if self.rule == "fa" else self.weight(layer, *index)

    def needed_pixels(self, layer: Layer) -> Callable[[int, int], bool] | None:
        """Predicate of (channel, position): whether EP's output is needed. None if all are."""
        mask = self.masks.get(f"{layer.name}.mask")
        if mask is None or not self.rectified(layer.inputs[0]):
            return None
        h, w, c = layer.in_shape
        return lambda k, m: bool(mask[m // (h * w) % len(mask)].reshape(h * w, c)[m % (h * w), k])

    def rectified(self, name: str) -> bool:
        if name == "input":
            return False
        layer = self.network.layer(name)
        return layer.kind in ("relu", "relu6") or (
            layer.kind == "max_pool" and self.rectified(layer.inputs[0])
        )

    # Convolutions

    def taps(self, layer: Layer) -> list[tuple[int, int, bool]]:
        """Kernel positions in stream order: (row offset, column offset, is a dilation zero)."""
        (dr, ds), (r, s) = layer.dilation, layer.kernel
        kept = self.machine.structural_zeros == "window"
        grid = [(i, j) for i in range((r - 1) * dr + 1) for j in range((s - 1) * ds + 1)]
        return [
            (i, j, i % dr != 0 or j % ds != 0)
            for i, j in grid
            if kept or (i % dr == 0 and j % ds == 0)
        ]

    def reduced(self, k: int, channels: int, outputs: int, groups: int) -> list[tuple[int, bool]]:
        """Channels that output k reduces: (channel, whether it belongs to another group)."""
        own = k // (outputs // groups)
        size = channels // groups
        every = [(c, c // size != own) for c in range(channels)]
        return (
            every
            if self.machine.structural_zeros == "window"
            else [(c, other) for c, other in every if not other]
        )

    def convolution(self, layer: Layer) -> Work:
        """FF. Output (k, p, q) reads the input at p * stride - padding + r * dilation."""
        (_, _, c), (p, q, k), groups = layer.in_shape, layer.out_shape, layer.groups

        def stream(channel: int, m: int) -> Stream:
            n, y, x = m // (p * q), m // q % p, m % q
            found = []
            for i, j, hole in self.taps(layer):
                for cin, other in self.reduced(channel, c, k, groups):
                    if hole or other:
                        found.append((0, 0, False))
                        continue
                    row, col = (
                        y * layer.stride[0] - layer.padding[0] + i,
                        x * layer.stride[1] - layer.padding[2] + j,
                    )
                    a = self.pixel(layer, "input", layer.in_shape, n, row, col, cin)
                    b = self.weight(
                        layer,
                        channel,
                        i // layer.dilation[0],
                        j // layer.dilation[1],
                        cin % (c // groups),
                    )
                    found.append((a, b, True))
            return found

        dense = self.batch * p * q * k * prod(layer.kernel) * (c // groups)
        return Work(
            "FF", k, self.batch * p * q, stream, dense, column_words=c // groups, groups=groups
        )

    def transposed(self, layer: Layer) -> Work:
        """EP. Input pixel (h, w) collects the errors whose windows contain it: output row (h +
        padding - r * dilation) / stride.
        """
        (h, w, c), (_, _, k), groups = layer.in_shape, layer.out_shape, layer.groups
        kept = self.machine.structural_zeros == "window"

        def stream(channel: int, m: int) -> Stream:
            n, y, x = m // (h * w), m // w % h, m % w
            found = []
            for i, j, hole in self.taps(layer):
                up, left = y + layer.padding[0] - i, x + layer.padding[2] - j
                between = up % layer.stride[0] != 0 or left % layer.stride[1] != 0
                if between and not kept:
                    continue
                for kout, other in self.reduced(channel, k, c, groups):
                    if hole or other:
                        found.append((0, 0, False))
                        continue
                    a = (
                        0
                        if between
                        else self.pixel(
                            layer,
                            "error",
                            layer.out_shape,
                            n,
                            up // layer.stride[0],
                            left // layer.stride[1],
                            kout,
                        )
                    )
                    b = self.weight_backward(
                        layer,
                        kout,
                        i // layer.dilation[0],
                        j // layer.dilation[1],
                        channel % (c // groups),
                    )
                    found.append((a, b, True))
            return found

        dense = self.batch * h * w * c * prod(layer.kernel) * (k // groups)
        return Work(
            "EP",
            c,
            self.batch * h * w,
            stream,
            dense,
            self.needed_pixels(layer),
            column_words=k // groups,
            groups=groups,
        )

    def gradient(self, layer: Layer) -> Work:
        """WG. The gradient of weight (k, r, s, c) sums activation times error over samples, rows
        and columns of the error map.
        """
        (_, _, c), (p, q, k), groups, (r, s) = (
            layer.in_shape,
            layer.out_shape,
            layer.groups,
            layer.kernel,
        )
        kept = self.machine.structural_zeros == "window"
        (up, across), own = layer.stride, c // groups

        def stream(channel: int, lane: int) -> Stream:
            i, j, cin = (
                lane // (s * own),
                lane // own % s,
                channel // (k // groups) * own + lane % own,
            )
            found = []
            for n in range(self.batch):
                for y in range((p - 1) * up + 1):
                    for x in range((q - 1) * across + 1):
                        if y % up or x % across:
                            found += [(0, 0, False)] if kept else []
                            continue
                        row, col = (
                            y - layer.padding[0] + i * layer.dilation[0],
                            x - layer.padding[2] + j * layer.dilation[1],
                        )
                        at = (n, y // up, x // across, channel)
                        a = self.pixel(layer, "input", layer.in_shape, n, row, col, cin)
                        b = self.pixel(layer, "error", layer.out_shape, *at)
                        found.append((a, b, True))
            return found

        dense = self.batch * p * q * k * r * s * own
        return Work("WG", k, r * s * own, stream, dense, column_words=own, groups=groups)

    # Vectors

    def extents(self, layer: Layer) -> tuple[int, int]:
        """(outputs, inputs) of the product. A recurrent layer maps [x, h] to the gates' sums."""
        hidden = layer.out_shape[2]
        return (
            (GATES[layer.kind] * hidden, layer.in_shape[2] + hidden)
            if layer.kind in GATES
            else (hidden, prod(layer.in_shape))
        )

    def gate_errors(self, layer: Layer, t: int | None) -> list[list[int]]:
        """Bits of the gates' errors: dense for LSTM and GRU; for a plain cell, those of the error
        at h.
        """
        outputs = self.extents(layer)[0]
        if layer.kind in ("lstm", "gru"):
            return [[1] * outputs] * (self.batch * (self.network.time_steps if t is None else 1))
        return self.vectors(layer, "error", outputs, t)

    def product(self, layer: Layer, pass_: str, t: int | None) -> Work:
        """FF or EP of a fully connected layer, or of one time step of a recurrent layer."""
        outputs, inputs = self.extents(layer)
        forward = pass_ == "FF"
        moving = self.vectors(layer, "input", inputs, t) if forward else self.gate_errors(layer, t)

        def stream(channel: int, m: int) -> Stream:
            index = [
                (channel, c) if forward else (c, channel)
                for c in range(inputs if forward else outputs)
            ]
            weight = self.weight if forward else self.weight_backward
            return [(a, weight(layer, *at), True) for a, at in zip(moving[m], index, strict=True)]

        needed = None
        mask = self.masks.get(f"{layer.name}.mask")
        if (
            not forward
            and mask is not None
            and layer.kind == "fc"
            and self.rectified(layer.inputs[0])
        ):
            vectors = self.vectors(layer, "mask", inputs, t)
            needed = lambda k, m: bool(vectors[m][k])  # noqa: E731 - one of two forms of the same predicate
        channels = outputs if forward else inputs
        return Work(
            pass_,
            channels,
            len(moving),
            stream,
            len(moving) * outputs * inputs,
            needed,
            column_words=inputs if forward else outputs,
        )

    def outer(self, layer: Layer) -> Work:
        """WG of a product: every pair of an input and an error, over samples and time steps."""
        outputs, inputs = self.extents(layer)
        x, e = self.vectors(layer, "input", inputs, None), self.gate_errors(layer, None)

        def stream(channel: int, m: int) -> Stream:
            return [(x[n][m], e[n][channel], True) for n in range(len(x))]

        return Work(
            "WG",
            outputs,
            inputs,
            stream,
            len(x) * outputs * inputs,
            outer=inputs,
            column_words=inputs,
        )

    def feedback_rows(self, layer: Layer, t: int | None) -> list[list[int]]:
        """Output errors that each row of B stores."""
        random = feedback_random(self.seed, layer.name)
        shapes = layer.in_shape, self.network.output.out_shape
        first = 2 if same_positions(layer, self.network) else 0
        neurons, classes = (prod(shape[first:]) for shape in shapes)
        for _ in range(1 + (t or 0 if "per_step=true" in self.rule else 0)):
            drawn = sparse_feedback(neurons, classes, self.nonzeros, self.rank, random)
        assert drawn.classes_read is not None
        return [[int(index) for index in row] for row in drawn.classes_read]

    def feedback(self, layer: Layer, t: int | None) -> Work:
        """EP of direct feedback: a neuron sums the output errors that its row of B stores. B serves
        each position by itself if the output has the same positions.
        """
        h, w, c = layer.in_shape
        output, needed = self.network.classifier, self.needed_pixels(layer)
        classes = prod(output.out_shape)
        errors = self.vectors(output, "error", classes, t)
        if same_positions(layer, self.network):
            classes = output.out_shape[2]
            errors = [row[i : i + classes] for row in errors for i in range(0, len(row), classes)]
            h = w = 1
        dense_rows: Sequence[Sequence[int]] = [range(classes)] * (h * w * c)
        rows = self.feedback_rows(layer, t) if self.nonzeros else dense_rows

        def stream(channel: int, m: int) -> Stream:
            row = rows[m % (h * w) * c + channel]
            return [(errors[m // (h * w)][index], 1, True) for index in row]

        if self.network.unrolled:
            needed = None
            if f"{layer.name}.mask" in self.masks and self.rectified(layer.inputs[0]):
                vectors = self.vectors(layer, "mask", c, t)
                needed = lambda k, m: bool(vectors[m][k])  # noqa: E731 - one of two forms of the same predicate
        dense = len(errors) * h * w * c * (self.nonzeros or classes)
        work = Work("EP", c, len(errors) * h * w, stream, dense, needed, column_words=classes)
        if self.nonzeros:
            work.named, work.moving = (
                lambda channel, m: rows[m % (h * w) * c + channel],
                lambda m: errors[m // (h * w)],
            )
        return work
