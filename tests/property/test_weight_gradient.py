"""WG lanes against the cycle-by-cycle walk: repeated samples, windows that extend into the next
sample, and every skip mode.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.kernels.bits import bitmaps, effectual
from accelsim.kernels.bits.intrinsics import container
from accelsim.kernels.bits.taps import MapTaps
from accelsim.kernels.lanes import outer_products, walk, weight_gradient
from tests.examples import examples
from tests.mask_strategies import forward, masks, windows
from tests.naive import bitmaps as naive_bits
from tests.naive import effectual as naive_effectual
from tests.naive import zero_skip as naive

SKIPS = st.sampled_from(weight_gradient.SKIPS)


@st.composite
def gradients(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int, int]:
    """x (S, H, W, C), e (S', P, Q, K), taps, batch, window."""
    height, width = draw(st.integers(1, 7)), draw(st.integers(1, 5))
    rows, cols = draw(forward(height)), draw(forward(width, largest=2))
    samples = draw(st.integers(1, 3))
    x = draw(masks(samples, height, width, draw(st.integers(1, 4))))
    e = draw(
        masks(draw(st.sampled_from([1, samples])), len(rows), len(cols), draw(st.integers(1, 3)))
    )
    return x, e, rows, cols, draw(st.integers(1, 12)), draw(windows)


@given(gradients(), SKIPS, st.booleans())
@settings(max_examples=examples(500))
def test_convolutions_equal_the_twin(
    case: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int, int], skip: str, parallel: bool
) -> None:
    x, e, rows, cols, batch, window = case
    weight_gradient.PARALLEL_POSITIONS = 0 if parallel else 1 << 31
    cycles, ones = weight_gradient.wgrad_cycles(
        bitmaps.packed(x), bitmaps.packed(e), batch, MapTaps(rows, cols), window, skip
    )
    expected, expected_ones = naive.wgrad_cycles(x, e, batch, rows, cols, window, skip)
    lanes = expected.shape[1]
    assert cycles.dtype == np.int32
    assert (
        cycles.shape
        == {
            "both": expected.shape,
            "moving": (1, lanes),
            "stationary": (len(expected), 1),
            "none": (1, 1),
        }[skip]
    )
    assert np.array_equal(np.broadcast_to(cycles, expected.shape), expected)
    assert ones == expected_ones


@given(
    st.integers(1, 3),
    st.sampled_from([1, 63, 65, 130, 700]),
    st.sampled_from([1, 64, 70]),
    windows,
    st.data(),
)
@settings(max_examples=examples(20))
def test_wide_layers_equal_the_walk_of_their_lanes(
    samples: int, channels: int, outputs: int, window: int, data: st.DataObject
) -> None:
    """More channels than a word or a group of lanes holds; a few lanes are checked."""
    x, e = data.draw(masks(samples, 5, 4, channels)), data.draw(masks(samples, 5, 4, outputs))
    rows, cols = (
        data.draw(forward(5).filter(lambda taps: len(taps) <= 5)),
        data.draw(forward(4).filter(lambda taps: len(taps) <= 4)),
    )
    e = e[:, : len(rows), : len(cols)]
    cycles, _ = weight_gradient.wgrad_cycles(
        bitmaps.packed(x),
        bitmaps.packed(e),
        2 * samples,
        MapTaps(rows, cols),
        window,
        "both",
    )
    shaped = cycles.reshape(outputs, rows.shape[1], cols.shape[1], channels)
    for k in {0, outputs // 2, outputs - 1}:
        for c in {0, channels // 2, channels - 1}:
            expected, _ = naive.wgrad_cycles(
                x[..., c : c + 1], e[..., k : k + 1], 2 * samples, rows, cols, window, "both"
            )
            assert shaped[k, :, :, c].reshape(-1).tolist() == expected[0].tolist()


@given(gradients())
def test_groups_are_slices(
    case: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int, int],
) -> None:
    """Lanes of a grouped convolution are those of its groups' channels."""
    x, e, rows, cols, batch, window = case
    wide = np.concatenate([np.roll(x, 1, axis=1), x], axis=3)
    words, errors, channels = bitmaps.packed(wide), bitmaps.packed(e), x.shape[3]
    own = bitmaps.PackedMask(bitmaps.slice_channels(words.words, channels, 2 * channels), channels)
    taps = MapTaps(rows, cols)
    found = weight_gradient.wgrad_cycles(own, errors, batch, taps, window, "both")[0]
    every = weight_gradient.wgrad_cycles(words, errors, batch, taps, window, "both")[0]
    assert np.array_equal(
        found.reshape(e.shape[3], -1, channels),
        every.reshape(e.shape[3], -1, 2 * channels)[..., channels:],
    )


@given(gradients(), st.sampled_from(weight_gradient.SKIPS), st.integers(2, 4))
def test_all_groups_in_one_call_equal_the_twin(
    case: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int, int], skip: str, groups: int
) -> None:
    """Each group reads other maps: rolled ones."""
    x, e, rows, cols, batch, window = case
    maps, errors = ([np.roll(each, group, axis=2) for group in range(groups)] for each in (x, e))
    cycles, total = weight_gradient.grouped_wgrad_cycles(
        bitmaps.packed(np.stack(maps)),
        bitmaps.packed(np.concatenate(errors, axis=3)),
        batch,
        MapTaps(rows, cols),
        window,
        skip,
    )
    expected = [
        naive.wgrad_cycles(*pair, batch, rows, cols, window, skip)
        for pair in zip(maps, errors, strict=True)
    ]
    shape = (e.shape[3], rows.shape[1] * cols.shape[1] * x.shape[3])
    wide = [np.broadcast_to(np.array(part), shape) for part, _ in expected]
    assert np.array_equal(cycles, np.concatenate(wide))
    assert total == sum(part for _, part in expected)


@given(gradients())
def test_effectual_pairs_equal_the_twin(
    case: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int, int],
) -> None:
    x, e, rows, cols, batch, _ = case
    found = effectual.effectual_wgrad(bitmaps.from_mask(x), bitmaps.from_mask(e), rows, cols)
    assert (
        effectual.over_batch(found, batch)
        == naive.wgrad_cycles(x, e, batch, rows, cols, 1, "both")[1]
    )
    covered = effectual.set_positions(bitmaps.from_mask(x), rows, cols)
    assert covered.tolist() == naive_effectual.dense(x, 1, rows, cols, None)


@given(
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from([1, 5, 16, 63, 64, 65, 100]),
    st.integers(1, 4),
    st.integers(1, 9),
    st.data(),
)
@settings(max_examples=examples(500))
def test_outer_products_equal_the_twin(
    samples: int, errors: int, channels: int, outputs: int, segments: int, data: st.DataObject
) -> None:
    x, e = data.draw(masks(samples, channels)), data.draw(masks(errors, outputs))
    batch, window, skip = data.draw(st.integers(1, 8)), data.draw(windows), data.draw(SKIPS)
    cycles, ones = outer_products.outer_cycles(
        bitmaps.from_mask(x), bitmaps.from_mask(e), batch, channels, outputs, segments, window, skip
    )
    expected, expected_ones = naive.outer_cycles(x, e, batch, segments, window, skip)
    assert cycles.dtype == np.int32
    assert cycles.shape == (outputs if skip in ("both", "stationary") else 1, segments)
    assert np.array_equal(np.broadcast_to(cycles, expected.shape), expected)
    assert ones == expected_ones


@given(gradients())
def test_chunks_equal_the_twin(
    case: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int, int],
) -> None:
    x, _, rows, cols, batch, window = case
    length = batch * len(rows) * len(cols)
    kind, channels = container(window), x.shape[3]
    chunks = np.zeros((-(-length // window), channels), kind.dtype)
    r, s = rows.shape[1] - 1, cols.shape[1] - 1
    tap = r * cols.shape[1] + s
    walk.fill_chunks(
        bitmaps.from_mask(x), MapTaps(rows, cols), tap, 0, channels, window, length, chunks, 0
    )
    for c in range(channels):
        taps = [(n, row, col) for n in range(batch) for row in rows[:, r] for col in cols[:, s]]
        stream = [
            int(x[n % len(x), row, col, c]) if row >= 0 and col >= 0 else 0 for n, row, col in taps
        ]
        assert chunks[:, c].tolist() == [
            naive_bits.chunk(stream, t * window, window) for t in range(len(chunks))
        ]


@pytest.mark.parametrize("lanes", [64, 100, 512])
@pytest.mark.parametrize(
    ("kernel", "channels"), [(9, 3), (9, 64), (9, 512), (9, 700), (1, 4096), (49, 3), (1, 1)]
)
def test_groups_of_lanes_cover_every_lane_once(kernel: int, channels: int, lanes: int) -> None:
    covered = [
        tap * channels + c
        for first_tap, end_tap, first, end in weight_gradient.lane_groups(kernel, channels, lanes)
        for tap in range(first_tap, end_tap)
        for c in range(first * 64, min(end * 64, channels))
    ]
    assert covered == list(range(kernel * channels))


THREADS = """
import hashlib, numba, numpy as np
from accelsim.kernels.bits import bitmaps, taps
from accelsim.kernels.lanes import weight_gradient
rng = np.random.default_rng(5)
weight_gradient.PARALLEL_POSITIONS = 0
x, e = (bitmaps.packed(rng.random((2, 9, 9, c)) < 0.4) for c in (300, 40))
table = taps.MapTaps(*[taps.forward_taps(9, 9, 3, 1, 1, 1, False)] * 2)
cycles, ones = weight_gradient.wgrad_cycles(x, e, 5, table, 16, "both")
print(numba.get_num_threads(), ones, hashlib.sha256(cycles.tobytes()).hexdigest())
"""


def test_any_number_of_threads_gives_the_same_bytes(root: Path) -> None:
    found = []
    for threads in (1, 2, 3):
        environment = {**os.environ, "NUMBA_NUM_THREADS": str(threads)}
        printed = subprocess.run(
            [sys.executable, "-c", THREADS],
            cwd=root,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        assert int(printed[0]) == threads
        found.append(printed[1:])
    assert found[0] == found[1] == found[2]


def test_an_unknown_skip_is_refused() -> None:
    message = "^skip must be one of none, moving, stationary, both, got all$"
    one, tap = np.zeros((1, 1, 1, 1), np.uint64), np.zeros((1, 1), np.int32)
    mask = bitmaps.PackedMask(one, 1)
    with pytest.raises(ValueError, match=message):
        weight_gradient.wgrad_cycles(mask, mask, 1, MapTaps(tap, tap), 16, "all")
    with pytest.raises(ValueError, match=message):
        outer_products.outer_cycles(one[0, 0], one[0, 0], 1, 1, 1, 1, 16, "all")
