"""Measured numbers of the claims by where they were measured: a workload with its kind of feedback,
two rules, a machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims.costs import MACHINES, nothing

NOISE = 1.0
"""Percent of a cost: a saving up to it is said to be no more than that."""

KEPT = "a step takes less"
ELSEWHERE = "a step takes less though EP does not"
FAINT = f"a step takes less by no more than {NOISE:.0f} %"
OUTWEIGHED = "EP takes less, the rest of the step outweighs it"
NO_LESS = "EP itself takes no less"
BOTH = "EP itself takes no less, and the rest of the step adds more than EP does"
"""The fate of a saving at one batch."""


@dataclass(frozen=True)
class Place:
    """``label``: the workload, with the kind of feedback where it is another than the papers'.
    ``rules``: old -> new.
    """

    label: str
    rules: str
    machine: str


@dataclass
class Savings:
    """One cost in one scope by batch: percent saved, as the claim states it (None: no ratio), and
    what the new rule adds in the cost's own unit.
    """

    saved: dict[int, float] = field(default_factory=dict)
    stated: dict[int, float | None] = field(default_factory=dict)
    added: dict[int, float] = field(default_factory=dict)
    unit: str = "%"


Measured = dict[tuple[str, str], Savings]
"""By cost and scope."""


def places(claim: str, items: Iterable[Item]) -> dict[Place, Measured]:
    """Of a claim, made-up machines left out."""
    by_place: dict[Place, Measured] = {}
    for item in items:
        context = item.context
        if (
            item.id.split("/")[1] != claim
            or "scope" not in context
            or context["machine"] not in MACHINES
        ):
            continue
        place = Place(item.id.split("/")[2], str(context["rules"]), str(context["machine"]))
        entry = by_place.setdefault(place, {}).setdefault(
            (str(context["cost"]), str(context["scope"])), Savings(unit=item.unit)
        )
        entry.saved[int(context["batch"])] = saved(item)
        entry.added[int(context["batch"])] = float(context["after"]) - float(context["before"])
        entry.stated[int(context["batch"])] = (
            None if item.computed is None else float(item.computed)
        )
    return by_place


def saved(item: Item) -> float:
    """Percent that the new rule takes less; where there is no ratio all of it, or nothing if the
    old rule takes none either.
    """
    cost, before, after = (
        str(item.context["cost"]),
        float(item.context["before"]),
        float(item.context["after"]),
    )
    if nothing(cost, before):
        return 0.0 if nothing(cost, after) else -math.inf
    if item.computed is None:
        return 100.0
    return float(item.computed) if item.unit == "%" else 100 * (1 - 1 / float(item.computed))


def with_costs_of(
    others: Mapping[Place, Measured], own: Mapping[Place, Measured]
) -> dict[Place, Measured]:
    """The places, with the costs that other claims measured on the same runs."""
    return {place: {**others.get(place, {}), **measured} for place, measured in own.items()}


def outcome(ep: float, step: float, ep_added: float, step_added: float) -> str:
    """The fate in a step of a saving of EP (percent); what takes more there is read from what each
    of the two adds.
    """
    if step > NOISE:
        return KEPT if ep > 0 else ELSEWHERE
    if step > 0:
        return FAINT
    if ep > 0:
        return OUTWEIGHED
    return NO_LESS if step_added - ep_added <= ep_added else BOTH


def outcomes(measured: Measured, cost: str) -> dict[str, list[int]]:
    """The batches of each outcome of a cost."""
    found: dict[str, list[int]] = {}
    ep, step = measured[cost, "EP"], measured[cost, "step"]
    for batch in step.saved:
        found.setdefault(
            outcome(ep.saved[batch], step.saved[batch], ep.added[batch], step.added[batch]), []
        ).append(batch)
    return found


def listed(values: Sequence[object]) -> str:
    """``1, 4 and 16``."""
    said = [str(value) for value in values]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def number(value: float) -> str:
    """One decimal, or one digit that is not zero: a number is never said to be another's zero."""
    return f"{value:.1f}" if value == 0 or abs(value) >= 0.05 else f"{value:.1g}"


def span(values: Sequence[float], say: Callable[[float], str] = number) -> str:
    """``-3.2 to 8.1``, one number where both ends read alike."""
    ends = say(min(values)), say(max(values))
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
