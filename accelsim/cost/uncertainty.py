"""Monte Carlo of the prices: the interval of an energy, from exact counts.

Energy is linear in the primitives, so a run needs no simulation of its own:

    energy[sample] = sum over parts of (count of the action) x pj x factor[primitive, sample]

The factor of a part is log-uniform between its bounds. A primitive's draw is a uniform number that
depends on its name and the seed alone: every run, machine and comparison that has the primitive has
the same draw, so that ratios of energies keep their correlation.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]
Interval = tuple[float, float]
"""The 5th and 95th percentile."""
PERCENTILES = (0.05, 0.95)
DIGITS = 6
"""Significant digits of an interval; further ones would differ between processors."""
_RESULT_COMPONENT = {"prng": "control"}


class Part(Protocol):
    """A part of a price, see `accelsim.cost.price.PricePart`."""

    @property
    def primitive(self) -> str: ...
    @property
    def pj(self) -> float: ...
    @property
    def factors(self) -> tuple[float, float]: ...
    @property
    def verified(self) -> bool: ...


class Priced(Protocol):
    """A price, see `accelsim.cost.price.Price`."""

    @property
    def component(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def pj(self) -> float: ...
    @property
    def verified(self) -> bool: ...
    @property
    def parts(self) -> Sequence[Any]: ...


def result_component(component: str) -> str:
    """The component of a result to which the energy of a price's component belongs."""
    return _RESULT_COMPONENT.get(component, component)


@lru_cache(maxsize=256)
def draw(primitive: str, samples: int, seed: int) -> Samples:
    """Uniform numbers from 0, below 1, of a primitive."""
    name = int.from_bytes(hashlib.sha256(primitive.encode()).digest()[:16], "big")
    uniform = np.random.Generator(np.random.PCG64([seed, name])).random(samples)
    uniform.setflags(write=False)
    return uniform


@lru_cache(maxsize=256)
def _factor(primitive: str, low: float, high: float, samples: int, seed: int) -> Samples:
    """Log-uniform factors of a part, from the draw of its primitive."""
    span = math.log(high) - math.log(low)
    factor: Samples = np.exp(math.log(low) + span * draw(primitive, samples, seed))
    factor.setflags(write=False)
    return factor


def energy_samples(
    counts: Mapping[str, int | float], prices: Iterable[Priced], samples: int, seed: int
) -> dict[str, Samples]:
    """pJ of every sample by component of a result. ``counts``: of each ``component.action``.

    Sums run in a fixed order and without a library of linear algebra, so that they have the same
    bits for any number of threads.
    """
    energy: dict[str, Samples] = {}
    parts: dict[tuple[str, str, float, float], float] = {}
    for price in prices:
        times = counts.get(f"{price.component}.{price.action}", 0)
        component = result_component(price.component)
        total = energy.setdefault(component, np.zeros(samples))
        if not price.parts:  # a price of unknown parts is not drawn
            total += times * price.pj
        for part in price.parts:
            key = (component, part.primitive, *part.factors)
            parts[key] = parts.get(key, 0.0) + times * part.pj
    for (component, primitive, low, high), pj in parts.items():
        energy[component] += pj * _factor(primitive, low, high, samples, seed)
    return energy


def total(energy: Mapping[str, Samples]) -> Samples:
    """Sum over components."""
    return sum(energy.values(), start=np.zeros(1))


def interval(values: Samples) -> Interval:
    """The 5th and 95th percentile, to `DIGITS` significant digits."""
    low, high = (float(f"{each:.{DIGITS}g}") for each in np.quantile(values, PERCENTILES))
    return low, high


def unsourced(
    counts: Mapping[str, int | float], prices: Iterable[Priced]
) -> dict[str, tuple[float, float]]:
    """By component of a result: (pJ of unsourced primitives, pJ of all), at nominal prices. Parts
    of a difference count by their size.
    """
    shares: dict[str, tuple[float, float]] = {}
    for price in prices:
        times = counts.get(f"{price.component}.{price.action}", 0)
        component = result_component(price.component)
        weak, whole = shares.get(component, (0.0, 0.0))
        size = sum(abs(part.pj) for part in price.parts)
        unverified = sum(abs(part.pj) for part in price.parts if not part.verified)
        share = unverified / size if size else float(not price.verified)
        shares[component] = (weak + times * price.pj * share, whole + times * price.pj)
    return shares
