"""A larger machine is not slower at its best mapping, which may leave parts of it unused."""

from __future__ import annotations

import random

import pytest

from tests.validation.growth import Point, edp_at_prices_of, points

WITHIN = 1.01
SAMPLED = 40
POINTS = list(points())
SAMPLE = random.Random(0).sample(POINTS, SAMPLED)
PRICED = [point for point in POINTS if not point.part.startswith("pe_array")]
"""Points whose energy-delay product is compared. Lanes that a mapping leaves idle take clocks, so
that of a larger array may rise.
"""
PRICED_SAMPLE = random.Random(0).sample(PRICED, SAMPLED)


def not_slower(point: Point) -> None:
    small, large = point.results("cycles")
    assert large.cycles <= WITHIN * small.cycles


def not_dearer(point: Point) -> None:
    small, large = edp_at_prices_of(*point.results("edp"))
    assert large <= WITHIN * small


@pytest.mark.check
@pytest.mark.parametrize("point", SAMPLE, ids=str)
def test_cycles_do_not_rise_at_sampled_points(point: Point) -> None:
    not_slower(point)


@pytest.mark.check
@pytest.mark.parametrize("point", PRICED_SAMPLE, ids=str)
def test_the_energy_delay_product_does_not_rise_at_sampled_points(point: Point) -> None:
    not_dearer(point)


@pytest.mark.nightly
@pytest.mark.parametrize("point", POINTS, ids=str)
def test_cycles_do_not_rise(point: Point) -> None:
    not_slower(point)


@pytest.mark.nightly
@pytest.mark.parametrize("point", PRICED, ids=str)
def test_the_energy_delay_product_does_not_rise(point: Point) -> None:
    not_dearer(point)
