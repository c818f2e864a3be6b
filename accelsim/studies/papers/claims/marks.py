"""The mark of a sentence, from its numbers alone.

A gain is a percentage saved (unit %), or the old cost over the new one, less 1 (unit x). It is
compared on every machine at every batch of the sentence.

reversed:         at one of the batches, on every machine, the sentence's own cost in its scope, or
                  the energy of a step, rises by more than `NOISE`. An energy rises if its whole
                  interval does.
holds:            the own cost keeps at least `KEPT` of the gain that the paper prints (or that its
                  counting gives, if it prints none), everywhere, and a whole step costs less by
                  more than `NOISE` everywhere, in the own cost and in energy.
only as counted:  anything else.
"""

from __future__ import annotations

from collections.abc import Sequence

from accelsim.results.reproduction import Mark, SentenceCost
from accelsim.studies.papers.claims.savings import NOISE

KEPT = 0.5
"""Minimum share of the printed gain that a measured gain must keep."""
STEP, ENERGY = "step", "energy"


def mark(unit: str, claimed: float, cost: str, scope: str, costs: Sequence[SentenceCost]) -> Mark:
    """The mark. ``claimed``: the printed number, or the counted one. ``cost``, ``scope``: those of
    the sentence.
    """
    own = [each for each in costs if (each.cost, each.scope) == (cost, scope)]
    steps = [each for each in costs if each.scope == STEP]
    step_energies = [each for each in steps if each.cost == ENERGY]
    if _rises(unit, own) or _rises(unit, step_energies):
        return "reversed"
    least = KEPT * gain(unit, claimed)
    kept = all(each.value is not None and gain(unit, each.value) >= least for each in own)
    less = all(_end(each, each.low) is not None and _saved(unit, each.low, each) for each in steps)
    return "holds" if own and steps and kept and less else "only as counted"


def gain(unit: str, value: float) -> float:
    """A percentage as it is, and a ratio less 1."""
    return value if unit == "%" else value - 1


def percent_saved(unit: str, value: float) -> float:
    """A gain in percent of the old cost."""
    return value if unit == "%" else 100 * (1 - 1 / value)


def _end(each: SentenceCost, end: float | None) -> float | None:
    """An end of the interval, or the value if it has none."""
    return each.value if end is None else end


def _saved(unit: str, end: float | None, each: SentenceCost) -> bool:
    value = _end(each, end)
    return value is not None and percent_saved(unit, value) > NOISE


def _rises(unit: str, costs: Sequence[SentenceCost]) -> bool:
    """True if the cost rises on every machine at one of the batches."""
    by_batch: dict[int, list[bool]] = {}
    for each in costs:
        value = _end(each, each.high)
        rises = value is not None and percent_saved(unit, value) < -NOISE
        by_batch.setdefault(each.batch, []).append(rises)
    return any(all(rises) for rises in by_batch.values())
