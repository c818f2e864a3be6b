"""Energies of chips: what is kept, and what is not, with its size."""

from __future__ import annotations

import pytest

from accelsim.studies.validation.check import Check
from accelsim.studies.validation.chips import power, sparsity


@pytest.fixture(scope="module")
def found() -> list[Check]:
    return power.checks()


@pytest.mark.check
def test_prices_on_eyeriss_s_own_counters(found: list[Check]) -> None:
    """Mean within 5 %, worst within 10 %, over 18 layers."""
    errors = [
        abs(each.deviation or 0) for each in found if "counters" in each.quantity and each.expected
    ]
    assert len(errors) == 18
    assert sum(errors) / len(errors) <= 0.05
    assert max(errors) <= 0.10


@pytest.mark.check
def test_alexnet_on_eyeriss_end_to_end(found: list[Check]) -> None:
    """The total within 8 %, and four of five layers within 10 %; CONV5 takes 16 % more, and
    nobody knows why.
    """
    layers = [
        each
        for each in found
        if each.subject.startswith("AlexNet") and "simulated" in each.quantity
    ]
    assert len(layers) == 5
    total = sum(each.measured for each in layers) / sum(each.expected or 0 for each in layers)
    assert abs(total - 1) <= 0.08
    assert sum(abs(each.deviation or 0) <= 0.10 for each in layers) >= 4


@pytest.mark.check
def test_eie_is_within_a_factor_of_its_power(found: list[Check]) -> None:
    """The limit of 15 % is missed; the report says so."""
    (total,) = (each for each in found if each.subject == "EIE, nine layers" and each.expected)
    assert total.holds is False
    assert 0.15 < (total.deviation or 0) < 0.40


@pytest.mark.check
def test_ratio_of_lnpu() -> None:
    ratio, both, dense = sparsity.checks()
    assert ratio.holds
    assert both.measured > ratio.measured
    assert dense.measured > 0
