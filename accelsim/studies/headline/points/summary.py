"""What the points say together: verdicts by rule, and the share of energy with a source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from accelsim.studies.headline.points.measure import Point
from accelsim.studies.headline.points.plan import BP, COLUMNS

TARGET = 0.95
"""Share of the energy that is to rest on sourced primitives."""


@dataclass(frozen=True)
class Verdict:
    """Points of one rule. ``faster``: those of fewer cycles than BP. ``less``, ``open`` and
    ``more``: those whose interval of the ratio of energies lies below 1, holds 1, or lies above.
    """

    column: str
    points: int
    faster: int
    less: int
    open: int
    more: int


def verdicts(found: Sequence[Point]) -> list[Verdict]:
    """A verdict per rule, BP left out."""
    return [_verdict(name, [each for each in found if each.column == name]) for name in COLUMNS]


def _verdict(column: str, found: Sequence[Point]) -> Verdict:
    less = sum(each.energy_ratio_p95 < 1 for each in found)
    more = sum(each.energy_ratio_p5 > 1 for each in found)
    return Verdict(
        column,
        len(found),
        sum(each.cycles_ratio < 1 for each in found),
        less,
        len(found) - less - more,
        more,
    )


@dataclass(frozen=True)
class Sourced:
    """Share of energy that rests on sourced primitives: of the energy of all runs together, as a
    mean over the runs, and of the run with the least share.
    """

    runs: int
    whole: float
    mean: float
    least: float
    worst: Point


def sourced(found: Sequence[Point]) -> Sourced:
    """The shares over all runs, those under BP included."""

    def share(point: Point) -> float:
        return 1 - point.unsourced_pj / point.energy_pj

    worst = min(found, key=share)
    return Sourced(
        len(found),
        1 - sum(each.unsourced_pj for each in found) / sum(each.energy_pj for each in found),
        fmean(map(share, found)),
        share(worst),
        worst,
    )


def of_rules(found: Sequence[Point]) -> list[Point]:
    """The points of the rules, without those of BP."""
    return [each for each in found if each.column != BP]
