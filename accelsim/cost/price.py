"""Prices of actions, and the primitives that they are made of.

A primitive is one source of numbers: all SRAMs of a technology, all its wires, the bursts of a DRAM
standard. Its true energy is known within bounds only. One draw per primitive moves every price that
has a part of it, so that prices of one source move together (`uncertainty.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

Factors = tuple[float, float]
"""Bounds of a number, relative to its nominal value: (low, high), low <= 1 <= high."""

UNSOURCED = 3.0
"""Least factor by which a number without a source may be off, either way."""
UNKNOWN: Factors = (1 / UNSOURCED, UNSOURCED)
"""Factors of a number whose file states no bounds."""
PLACES = 9
"""Decimal places of a factor, so that equal bounds of different numbers have equal factors."""
SLACK = 1e-5
"""Relative tolerance of the rules of bounds, for numbers that files round."""


def widened(factors: Factors) -> Factors:
    """Bounds that are at least those of a number without a source."""
    return min(factors[0], UNKNOWN[0]), max(factors[1], UNKNOWN[1])


def relative(value: float, low: float | None, high: float | None) -> Factors:
    """Bounds of a file, relative to the value; `UNKNOWN` for a bound that the file leaves out."""
    if not value:
        return 1.0, 1.0
    return (
        UNKNOWN[0] if low is None else round(low / value, PLACES),
        UNKNOWN[1] if high is None else round(high / value, PLACES),
    )


def bound_faults(
    value: float, low: float | None, high: float | None, verified: bool
) -> list[tuple[str, str, float]]:
    """(key, rule, value) of each bound that breaks a rule: low <= value <= high, and a factor of
    `UNSOURCED` either way for a number without a verified source.
    """
    faults = []
    least, most = value / UNSOURCED, value * UNSOURCED
    if low is not None and low > value * (1 + SLACK):
        faults.append(("low", f"<= the nominal {value:g}", low))
    elif low is not None and not verified and low > least * (1 + SLACK):
        faults.append(("low", f"<= {least:.6g}, a third of a number that is not verified", low))
    if high is not None and high < value * (1 - SLACK):
        faults.append(("high", f">= the nominal {value:g}", high))
    elif high is not None and not verified and high < most * (1 - SLACK):
        faults.append(("high", f">= {most:.6g}, three times a number that is not verified", high))
    return faults


@dataclass(frozen=True)
class PricePart:
    """The part of a price that one primitive gives.

    ``pj``: nominal energy; negative where a price is a difference. ``factors``: bounds of the
    log-uniform draw, relative to ``pj``. ``verified``: whether the number, or its bounds, have a
    source that was read. ``level``: level of the machine that spends it (docs/energy.md#levels);
    "" for that of the price's component.
    """

    primitive: str
    pj: float
    factors: Factors
    verified: bool
    level: str = ""

    def times(self, factor: float) -> PricePart:
        """The part of a price that has ``factor`` times the primitive."""
        return replace(self, pj=self.pj * factor)

    def at(self, level: str) -> PricePart:
        """This part as energy of a level."""
        return replace(self, level=level)

    def unsourced(self, when: bool = True) -> PricePart:
        """This part as an assumption: not verified, with bounds at least as wide as `UNKNOWN`."""
        if not when:
            return self
        return replace(self, factors=widened(self.factors), verified=False)


@dataclass(frozen=True)
class Number:
    """A derived number in pJ, its source and its parts."""

    pj: float
    source: str
    parts: tuple[PricePart, ...]

    @classmethod
    def sum_of(cls, source: str, *parts: PricePart) -> Number:
        """The sum of parts."""
        return cls(sum(part.pj for part in parts), source, parts)

    def price(self, component: str, action: str) -> Price:
        """The number as the price of an action."""
        return Price.of(component, action, self.pj, self.source, self.parts)


@dataclass(frozen=True)
class Price:
    """pJ per occurrence of an action, and the source of the number.

    ``parts`` add up to ``pj``. A price is verified if all its parts are; an unverified share of
    energy is shown wherever the energy is.
    """

    component: str
    action: str
    pj: float
    source: str
    verified: bool
    parts: tuple[PricePart, ...] = ()

    @classmethod
    def of(
        cls, component: str, action: str, pj: float, source: str, parts: Iterable[PricePart]
    ) -> Price:
        """A price with its parts; those of equal primitive and bounds are added."""
        merged: dict[tuple[object, ...], PricePart] = {}
        for part in parts:
            key = (part.primitive, part.factors, part.verified, part.level)
            before = merged[key].pj if key in merged else 0.0
            merged[key] = replace(part, pj=before + part.pj)
        known = tuple(part for part in merged.values() if part.pj)
        return cls(component, action, pj, source, all(part.verified for part in known), known)

    def times(self, factor: float, note: str) -> Price:
        """The price times a factor, of which ``note`` tells; itself if the factor is 1."""
        if factor == 1.0:
            return self
        return replace(
            self,
            pj=self.pj * factor,
            source=self.source + note,
            parts=tuple(part.times(factor) for part in self.parts),
        )

    @property
    def low(self) -> float:
        """Least pJ of any draw."""
        return sum(map(min, self._ends()))

    @property
    def high(self) -> float:
        """Largest pJ of any draw."""
        return sum(map(max, self._ends()))

    def _ends(self) -> Iterable[tuple[float, float]]:
        """pJ at the two ends of each primitive's draw."""
        ends: dict[str, tuple[float, float]] = {}
        for part in self.parts:
            low, high = ends.get(part.primitive, (0.0, 0.0))
            ends[part.primitive] = (
                low + part.pj * part.factors[0],
                high + part.pj * part.factors[1],
            )
        return ends.values()
