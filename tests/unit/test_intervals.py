"""Confidence intervals of the accuracy study, against printed tables and closed forms."""

from __future__ import annotations

import math
from statistics import stdev

import pytest

from accelsim.studies.accuracy import intervals

T_TABLE = {2: 12.706, 3: 4.303, 5: 2.776}
"""Student's t at 97.5 %, n - 1 degrees of freedom, by n, as statistical tables print it."""


@pytest.mark.parametrize("count", T_TABLE)
def test_a_mean_by_the_printed_table_of_t(count: int) -> None:
    values = [50 + 1.5 * index**2 for index in range(count)]
    expected = T_TABLE[count] * stdev(values) / math.sqrt(count)
    assert intervals.of_mean(values) == pytest.approx(expected, rel=5e-4)


def test_one_seed_has_no_interval() -> None:
    assert intervals.of_mean([1.0]) is None
    assert intervals.of_difference([1.0], [2.0, 3.0]) is None


def test_a_difference_of_equal_variances_has_both_samples_degrees_of_freedom() -> None:
    values, others = [1.0, 2.0, 3.0], [11.0, 12.0, 13.0]
    expected = 2.776 * math.sqrt(2 * stdev(values) ** 2 / 3)  # n + m - 2 = 4 degrees of freedom
    assert intervals.of_difference(values, others) == pytest.approx(expected, rel=5e-4)


def test_scores_without_spread_have_an_interval_of_nothing() -> None:
    assert intervals.of_mean([4.0, 4.0]) == 0.0
    assert intervals.of_difference([4.0, 4.0], [5.0, 5.0]) == 0.0
    one_sided = 12.706 * stdev([5.0, 6.0]) / math.sqrt(2)  # 1 degree of freedom
    assert intervals.of_difference([4.0, 4.0], [5.0, 6.0]) == pytest.approx(one_sided, rel=5e-4)


def test_a_margin_is_drawn_again_over_the_seeds() -> None:
    def margin(means):
        return means[0] - means[1]

    low, high = intervals.of_margin([[3.0, 4.0, 5.0], [1.0, 1.0, 1.0]], margin)
    assert low is not None
    assert high is not None
    assert 2.0 <= low < 3.0 < high <= 4.0
    assert (low, high) == intervals.of_margin([[3.0, 4.0, 5.0], [1.0, 1.0, 1.0]], margin)
    assert intervals.of_margin([[3.0, 4.0], [1.0, 1.0, 1.0]], margin) == (None, None)
