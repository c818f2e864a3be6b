"""95 % confidence intervals of means, of differences of means and of the orderings' margins, from
the seeds' scores.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
LEAST_SEEDS = 3
"""Fewest seeds of every rule for a bootstrap interval: two seeds have three resamples."""

Samples = NDArray[np.float64]
Statistic = Callable[[Sequence[Samples]], Samples]
"""From the resampled means of the rules, each (resamples,), to the statistic, (resamples,)."""


def of_mean(values: Sequence[float]) -> float | None:
    """Half the width of the mean's interval by Student's t; None for fewer than two values."""
    if len(values) < 2:
        return None
    from scipy import stats

    points = stats.t.ppf((1 + LEVEL) / 2, len(values) - 1) * stats.sem(values)
    return round(float(points), 4)


def of_difference(values: Sequence[float], others: Sequence[float]) -> float | None:
    """Half the width of the interval of ``mean(values) - mean(others)`` by Welch's t, which lets
    the two variances differ; None for fewer than two values on a side.
    """
    if min(len(values), len(others)) < 2:
        return None
    if len({*values}) == len({*others}) == 1:
        return 0.0
    from scipy import stats

    with warnings.catch_warnings():
        # One side may have seeds of equal scores, whose variance is rightly 0.
        warnings.filterwarnings("ignore", "Precision loss", RuntimeWarning)
        low, high = stats.ttest_ind(values, others, equal_var=False).confidence_interval(LEVEL)
    return round(float(high - low) / 2, 4)


def of_margin(
    samples: Sequence[Sequence[float]], margin: Statistic
) -> tuple[float | None, float | None]:
    """Interval of a margin between the rules' means by the percentile bootstrap: the seeds of each
    rule are drawn again, independently of the other rules'. (None, None) where a rule has fewer
    than `LEAST_SEEDS`.
    """
    if min(map(len, samples)) < LEAST_SEEDS:
        return None, None
    from scipy import stats

    def statistic(*drawn: Samples, axis: int) -> Any:
        return margin([rule.mean(axis=axis) for rule in drawn])

    found = stats.bootstrap(
        tuple(samples), statistic, confidence_level=LEVEL, method="percentile", rng=0
    ).confidence_interval
    return round(float(found.low), 4), round(float(found.high), 4)
