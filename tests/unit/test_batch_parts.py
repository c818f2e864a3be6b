"""What makes the reference numbers fast must not show in them: parts of a batch on several threads,
and memory that is used again.
"""

from __future__ import annotations

import numba
import numpy as np
import pytest

from accelsim.layers.model import Model
from accelsim.numerics import batch_parts, memory, products
from accelsim.rules.chained.numbers import Backprop
from tests.reference_networks import Builder


@pytest.fixture(autouse=True)
def threads():
    before = numba.get_num_threads()
    yield
    numba.set_num_threads(before)


def test_numbers_do_not_depend_on_the_threads():
    """Bit by bit, on layers large enough to be split: strided, grouped, 1x1."""
    builder = (
        Builder("split", (16, 16, 8))
        .conv(16)
        .add("batch_norm")
        .add("relu")
        .conv(16, groups=2)
        .add("relu")
    )
    network = (
        builder.conv(24, stride=2)
        .add("relu")
        .add("max_pool", kernel=(2, 2), stride=(2, 2))
        .conv(16, side=1)
        .add("fc", 10)
        .network()
    )
    images = np.random.default_rng(0).standard_normal((64, 16, 16, 8)).astype(np.float32)
    labels = np.zeros(64, np.int64)
    found = []
    for count in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(count)
        model = Model(network, 0)
        Backprop(model).propagate(model.forward(images), labels)
        assert any(
            len(batch_parts.split(64, layer._parts(64))) > 1
            for name, layer in model.layers.items()
            if name.startswith("conv")
        )
        found.append(
            {
                "logits": model.maps[network.output.name],
                **{str(key): array for key, array in model.gradients().items()},
            }
        )
    for key, array in found[0].items():
        assert np.array_equal(array, found[1][key]), key


@pytest.mark.parametrize(("length", "parts"), [(1, 1), (1, 8), (7, 3), (128, 8), (5, 0)])
def test_parts_cover_everything_once_and_evenly(length, parts):
    found = batch_parts.split(length, parts)
    assert [i for part in found for i in range(length)[part]] == list(range(length))
    assert len(found) == max(1, min(parts, length))
    sizes = [part.stop - part.start for part in found]
    assert max(sizes) - min(sizes) <= 1


def test_memory_is_used_again_when_nobody_holds_it_and_never_before():
    shape = (300, 321)
    first = memory.empty(shape, np.float32)
    place = first.ctypes.data
    assert place % 64 == 0
    view = first[3:].reshape(-1)
    del first
    second = memory.empty(shape, np.float32)
    assert not np.shares_memory(second, view)
    del view
    third = memory.empty(shape, np.float32)
    assert third.ctypes.data == place
    assert not np.shares_memory(second, third)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape", [(4096, 72, 8), (8, 4096, 72), (4099, 72, 8), (8, 4099, 72), (3, 5, 7)]
)
def test_products_in_blocks_are_products(shape, dtype):
    """Whole numbers, so that every order of the sums is exact; the operands as layers pass them,
    one of them transposed.
    """
    m, k, n = shape
    random = np.random.default_rng(0)
    left, right = (
        random.integers(-3, 4, (m, k)).astype(dtype),
        random.integers(-3, 4, (k, n)).astype(dtype),
    )
    expected = left.astype(np.int64) @ right.astype(np.int64)
    for first in (left, np.ascontiguousarray(left.T).T):
        assert np.array_equal(products.product(first, right), expected)
        out = np.full((m, 2 * n), np.nan, dtype)
        assert np.array_equal(products.product(first, right, out=out[:, :n]), expected)
        assert np.array_equal(out[:, :n], expected)
