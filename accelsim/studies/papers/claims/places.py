"""Measured numbers of the claims, grouped by place: a workload with its kind of feedback, two
rules, a machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims.costs import MACHINES, nothing

NOISE = 1.0
"""Percentage of a cost up to which a saving is treated as insignificant."""

KEPT = "a step takes less"
ELSEWHERE = "a step takes less though EP does not"
FAINT = f"a step takes less by no more than {NOISE:.0f} %"
OUTWEIGHED = "EP takes less, the rest of the step outweighs it"
NO_LESS = "EP itself takes no less"
BOTH = "EP itself takes no less, and the rest of the step adds more than EP does"
"""Possible outcomes of a saving at one batch."""


@dataclass(frozen=True)
class Place:
    """``label``: the workload, followed by the kind of feedback if it is not that of the papers.
    ``rules``: "old -> new".
    """

    label: str
    rules: str
    machine: str


@dataclass
class Savings:
    """One cost in one scope, by batch: ``saved`` percent, ``stated`` as the claim states it (None:
    no ratio), and ``added``, the additional cost of the new rule in the cost's own unit.
    """

    saved: dict[int, float] = field(default_factory=dict)
    stated: dict[int, float | None] = field(default_factory=dict)
    added: dict[int, float] = field(default_factory=dict)
    unit: str = "%"


Measured = dict[tuple[str, str], Savings]
"""Savings by cost and scope."""


def places(claim: str, items: Iterable[Item]) -> dict[Place, Measured]:
    """Measurements of a claim by place, without derived machines."""
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
    """Percentage by which the new rule costs less. Without a ratio: 100, or 0 if the old rule costs
    nothing either.
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
    others: Mapping[Place, Measured], of_claim: Mapping[Place, Measured]
) -> dict[Place, Measured]:
    """The places of ``of_claim``, extended with costs that other claims measured on
    the same runs.
    """
    return {place: {**others.get(place, {}), **measured} for place, measured in of_claim.items()}


def outcome(ep: float, step: float, ep_added: float, step_added: float) -> str:
    """Outcome for a whole step of a saving in EP (both in percent). If the step costs more, the
    absolute additions decide between EP and the rest of the step.
    """
    if step > NOISE:
        return KEPT if ep > 0 else ELSEWHERE
    if step > 0:
        return FAINT
    if ep > 0:
        return OUTWEIGHED
    return NO_LESS if step_added - ep_added <= ep_added else BOTH


def outcomes(measured: Measured, cost: str) -> dict[str, list[int]]:
    """Batches of each outcome, for one cost."""
    batches: dict[str, list[int]] = {}
    ep, step = measured[cost, "EP"], measured[cost, "step"]
    for batch in step.saved:
        batches.setdefault(
            outcome(ep.saved[batch], step.saved[batch], ep.added[batch], step.added[batch]), []
        ).append(batch)
    return batches


def listed(values: Sequence[object]) -> str:
    """A list in words: ``1, 4 and 16``."""
    said = [str(value) for value in values]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def number(value: float) -> str:
    """A number with one decimal, or with one significant digit if it is small, so that only zero is
    written as zero.
    """
    return f"{value:.1f}" if value == 0 or abs(value) >= 0.05 else f"{value:.1g}"


def span(values: Sequence[float], say: Callable[[float], str] = number) -> str:
    """Range in words: ``-3.2 to 8.1``, or one number if both ends read the same."""
    ends = say(min(values)), say(max(values))
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
