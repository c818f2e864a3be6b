"""rotary: its ops by hand, and its numbers beside the formula."""

from __future__ import annotations

from math import cos, sin

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.step.forms import Form
from accelsim.step.ops import VectorWork
from accelsim.workload.network import Network
from accelsim.workload.resize import resized
from tests.layer_kinds import (
    TOLERANCE,
    around,
    assert_derivatives,
    assert_keeps_dtype,
    drawn,
    numbers_of,
    step_of,
    words,
)

PAIRS = ("halves", "interleaved")


def rotary(channels: int = 8, heads: int = 2, **keys: object) -> Network:
    return around("rotary", channels=channels, heads=heads, **keys)


def test_ops_read_a_table_and_keep_nothing() -> None:
    """2 samples of 3 positions of 2 heads of 4 channels: 48 elements; cosines and sines of 2 pairs
    at 3 positions.
    """
    step = step_of(rotary())
    forward, back = step.op("it.FF"), step.op("it.EP")
    assert isinstance(forward, VectorWork)
    assert isinstance(back, VectorWork)
    assert (forward.elements, forward.ops_per_element, forward.form) == (48, 3, Form.OTHER)
    assert (back.elements, back.ops_per_element, back.form) == (48, 3, Form.OTHER)
    assert words(forward) == ({"before.out": 48, "it.table": 12}, {"it.out": 48})
    assert words(back) == ({"it.error": 48, "it.table": 12}, {"before.error": 48})
    (table,) = [each.tensor for each in forward.operands if each.tensor.name == "it.table"]
    assert table.persistent
    assert "it.WU" not in {op.name for op in step.ops}


@pytest.mark.parametrize("pairs", PAIRS)
def test_numbers_equal_their_formula(pairs: str) -> None:
    maps = drawn(2, 3, 1, 8)
    found = numbers_of(rotary(base=100.0, pairs=pairs)).forward((maps,), training=True)
    for n, p, head, i in np.ndindex(2, 3, 2, 2):
        a, b = (i, i + 2) if pairs == "halves" else (2 * i, 2 * i + 1)
        a, b = 4 * head + a, 4 * head + b
        angle = p * 100 ** (-2 * i / 4)
        x1, x2 = maps[n, p, 0, a], maps[n, p, 0, b]
        assert abs(found[n, p, 0, a] - (x1 * cos(angle) - x2 * sin(angle))) < TOLERANCE
        assert abs(found[n, p, 0, b] - (x2 * cos(angle) + x1 * sin(angle))) < TOLERANCE


@pytest.mark.parametrize("pairs", PAIRS)
def test_scores_depend_on_the_distance(pairs: str) -> None:
    """The same vectors, one position later: their product stays."""
    numbers = numbers_of(rotary(heads=1, pairs=pairs))
    query, key = drawn(8), drawn(8, seed=1)
    queries, keys = (
        numbers.forward((np.tile(each, (1, 3, 1, 1)),), training=True)[0, :, 0]
        for each in (query, key)
    )
    assert abs(queries[1] @ keys[0] - queries[2] @ keys[1]) < TOLERANCE
    assert abs(queries[0] @ keys[0] - query @ key) < TOLERANCE


@pytest.mark.parametrize("pairs", PAIRS)
def test_derivatives(pairs: str) -> None:
    assert_derivatives(numbers_of(rotary(pairs=pairs)), drawn(2, 3, 1, 8))


def test_numbers_keep_their_type() -> None:
    assert_keeps_dtype(rotary())


def test_faults() -> None:
    for channels, heads in ((8, 3), (6, 2), (8, 8)):
        rule = f"heads must be a number of heads with an even share of the {channels} channels each"
        with pytest.raises(InputError, match=f"{rule}, got {heads}"):
            rotary(channels, heads)
    with pytest.raises(InputError, match="kind must be used on a map of two or more positions"):
        around("rotary", rows=1, heads=1)
    with pytest.raises(InputError, match="pairs must be halves or interleaved, got quarters"):
        rotary(pairs="quarters")
    with pytest.raises(InputError, match="base must be"):
        rotary(base=1)
    with pytest.raises(InputError, match="width must give it channels that its 4 groups divide"):
        resized(rotary(), 0.25)
