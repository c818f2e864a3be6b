"""A larger machine is not slower at its best mapping, which may leave parts of it unused."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from tests.validation.growth import Point, edp_at_prices_of, points

WITHIN = 1.01
SAMPLED = 40
POINTS = list(points())
PRICED = [point for point in POINTS if not point.part.startswith("pe_array")]
"""Points whose energy-delay product is compared. Lanes that a mapping leaves idle take clocks, so
that of a larger array may rise.
"""


def cases(found: Sequence[Point]) -> list[Any]:
    """All points as cases of `make nightly`, a sample of them also of `make check`."""
    sample = set(random.Random(0).sample(found, SAMPLED))
    marks = {True: pytest.mark.check, False: pytest.mark.nightly}
    return [pytest.param(each, id=str(each), marks=marks[each in sample]) for each in found]


@pytest.mark.parametrize("point", cases(POINTS))
def test_cycles_do_not_rise(point: Point) -> None:
    small, large = point.results("cycles")
    assert large.cycles <= WITHIN * small.cycles


@pytest.mark.parametrize("point", cases(PRICED))
def test_the_energy_delay_product_does_not_rise(point: Point) -> None:
    small, large = edp_at_prices_of(*point.results("edp"))
    assert large <= WITHIN * small
