"""95 % confidence intervals of means, of differences of means, and of the margins of orderings,
from the scores of the seeds.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
LEAST_SEEDS = 3
"""Minimum number of seeds per rule for a bootstrap interval. Two seeds have only
three resamples.
"""

Samples = NDArray[np.float64]
Statistic = Callable[[Sequence[Samples]], Samples]
"""Statistic (resamples,) from the resampled means of the rules, each (resamples,)."""


def of_mean(values: Sequence[float]) -> float | None:
    """Half the width of the mean's interval, by Student's t. None for fewer than two values."""
    if len(values) < 2:
        return None
    from scipy import stats

    points = stats.t.ppf((1 + LEVEL) / 2, len(values) - 1) * stats.sem(values)
    return round(float(points), 4)


def of_difference(values: Sequence[float], others: Sequence[float]) -> float | None:
    """Half the width of the interval of ``mean(values) - mean(others)``, by Welch's t, which allows
    different variances. None for fewer than two values on a side.
    """
    if min(len(values), len(others)) < 2:
        return None
    if len({*values}) == len({*others}) == 1:
        return 0.0
    from scipy import stats

    with warnings.catch_warnings():
        # One side may have equal scores in all seeds, with a correct variance of 0.
        warnings.filterwarnings("ignore", "Precision loss", RuntimeWarning)
        low, high = stats.ttest_ind(values, others, equal_var=False).confidence_interval(LEVEL)
    return round(float(high - low) / 2, 4)


def of_margin(
    samples: Sequence[Sequence[float]], margin: Statistic
) -> tuple[float | None, float | None]:
    """Interval of a margin between the rules' means by the percentile bootstrap. The seeds of each
    rule are resampled independently of other rules. (None, None) if a rule has fewer than
    `LEAST_SEEDS` seeds.
    """
    if min(map(len, samples)) < LEAST_SEEDS:
        return None, None
    from scipy import stats

    def statistic(*drawn: Samples, axis: int) -> Any:
        return margin([rule.mean(axis=axis) for rule in drawn])

    interval = stats.bootstrap(
        tuple(samples), statistic, confidence_level=LEVEL, method="percentile", rng=0
    ).confidence_interval
    return round(float(interval.low), 4), round(float(interval.high), 4)
