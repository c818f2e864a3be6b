"""Speed of each kernel: `python tests/bench/kernels.py [repeats]` prints positions a second and
milliseconds, best of the repeats.

A position is one place of one lane's stream. Masks are random and half dense; run with
NUMBA_NUM_THREADS=1 for a core's rate.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from accelsim.kernels.bits import bitmaps, effectual, taps
from accelsim.kernels.bits.bitmaps import PackedMask
from accelsim.kernels.bits.taps import MapTaps
from accelsim.kernels.lanes import outer_products, pair_streams, tiles, weight_gradient, zero_skip
from accelsim.kernels.lanes.tiles import TileShape

VGG16 = [
    (3, 64, 32),
    (64, 64, 32),
    (64, 128, 16),
    (128, 128, 16),
    (128, 256, 8),
    (256, 256, 8),
    (256, 256, 8),
    (256, 512, 4),
    (512, 512, 4),
    (512, 512, 4),
    (512, 512, 2),
    (512, 512, 2),
    (512, 512, 2),
]  # C, K, map side
RESNET18 = [
    (3, 64, 32),
    *[(64, 64, 32)] * 4,
    (64, 128, 16),
    *[(128, 128, 16)] * 3,
    (128, 256, 8),
    *[(256, 256, 8)] * 3,
    (256, 512, 4),
    *[(512, 512, 4)] * 3,
]


def best(function: Callable[[], Any], repeats: int) -> float:
    """Seconds of the fastest of ``repeats`` calls, after one that compiles."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def show(name: str, positions: int, seconds: float) -> None:
    """One line of the table."""
    print(
        f"{name:44s} {positions / 1e6:10.1f} M {seconds * 1e3:9.3f} ms "
        f"{positions / seconds / 1e9:8.1f} G/s",
        flush=True,
    )


def operands(c: int, k: int, side: int, samples: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """Half-dense input, error and needed masks of a 3x3 convolution with padding 1, and its
    taps.
    """
    x, e = (
        bitmaps.from_mask(rng.random((samples, side, side, channels)) < 0.5) for channels in (c, k)
    )
    forward = taps.forward_taps(side, side, 3, 1, 1, 1, False)
    backward = taps.transposed_taps(side, side, 3, 1, 1, 1, False)
    return x, e, forward, backward


def network(
    layers: list[tuple[int, int, int]], samples: int, batch: int, repeats: int, name: str
) -> None:
    """FF, EP and WG lanes with their tile sums, and the effectual counts, of a network's
    convolutions on 16x16 PEs of 16 lanes.
    """
    rng = np.random.default_rng(0)
    layer_operands = [(c, k, side, *operands(c, k, side, samples, rng)) for c, k, side in layers]
    totals = dict.fromkeys(("FF", "EP", "WG", "WG tiles", "effectual"), 0.0)
    for c, k, side, x, e, forward, backward in layer_operands:
        outputs = side * side
        masks = PackedMask(x, c), PackedMask(e, k)
        needed = x.reshape(samples * outputs, -1)

        def run_ff() -> None:
            cycles, _, _ = zero_skip.stream_cycles(x, c, forward, forward, 16)
            tiles.tile_sums(
                cycles.reshape(1, -1), k, batch * outputs, None, TileShape(16, 256, 256), 16
            )

        def run_ep() -> None:
            cycles, _, _ = zero_skip.stream_cycles(e, k, backward, backward, 16)
            tiles.tile_sums(
                cycles.reshape(1, -1),
                c,
                batch * outputs,
                needed,
                TileShape(16, 256, outputs + -outputs % 256),
                16,
            )

        totals["FF"] += best(run_ff, repeats)
        totals["EP"] += best(run_ep, repeats)
        totals["WG"] += best(
            lambda: weight_gradient.wgrad_cycles(
                *masks, batch, MapTaps(forward, forward), 16, "both"
            ),
            repeats,
        )
        cycles, _ = weight_gradient.wgrad_cycles(
            *masks, batch, MapTaps(forward, forward), 16, "both"
        )
        totals["WG tiles"] += best(
            lambda: tiles.tile_sums(cycles, k, 9 * c, None, TileShape(16, 256, 256), 16), repeats
        )
        totals["effectual"] += best(
            lambda: effectual.effectual_wgrad(x, e, forward, forward), repeats
        )
    positions = batch * sum(9 * c * k * side * side for c, k, side in layers)
    for part, seconds in totals.items():
        show(f"{name} {part}", positions, seconds)
    show(f"{name} all", positions, sum(totals.values()))


def main(repeats: int) -> None:
    """The whole table."""
    rng = np.random.default_rng(0)
    for side in (2, 4, 8, 16, 32):
        x, e, forward, _ = operands(256, 256, side, 1, rng)
        masks = PackedMask(x, 256), PackedMask(e, 256)
        positions = 9 * 256 * 256 * side * side
        for window in (16,) if side < 8 else (1, 2, 4, 8, 10, 16, 32, 64):
            seconds = best(
                lambda: weight_gradient.wgrad_cycles(
                    *masks, 1, MapTaps(forward, forward), window, "both"
                ),
                repeats,
            )
            show(f"wgrad 3x3x256x256 on {side}x{side}, window {window}", positions, seconds)
    x, e, forward, _ = operands(256, 256, 16, 1, rng)
    weights = bitmaps.from_mask(rng.random((256, 9, 256)) < 0.5)
    positions = 9 * 256 * 256 * 256
    for window in (4, 16, 64):
        show(
            f"stream 3x3x256x256 on 16x16, window {window}",
            positions // 256,
            best(lambda: zero_skip.stream_cycles(x, 256, forward, forward, window), repeats),
        )
        seconds = best(
            lambda: pair_streams.pair_stream_cycles(x[0], 256, weights, forward, forward, window),
            repeats,
        )
        show(f"pair stream 3x3x256x256 on 16x16, window {window}", positions, seconds)
    x, e = (
        bitmaps.from_mask(rng.random((1, 4096)) < 0.5),
        bitmaps.from_mask(rng.random((1, 4096)) < 0.5),
    )
    seconds = best(
        lambda: outer_products.outer_cycles(x, e, 1, 4096, 4096, 256, 16, "both"), repeats
    )
    show("outer 4096x4096, 256 segments", 4096 * 4096, seconds)
    network(VGG16, 1, 1, repeats, "VGG16 batch 1")
    network(RESNET18, 1, 1, repeats, "ResNet18 batch 1")
    network(VGG16, 4, 128, 2, "VGG16 batch 128 of 4 samples")
    network(VGG16, 32, 32, 1, "VGG16 batch 32 of 32 samples")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
