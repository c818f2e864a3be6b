"""Invented measurements for tests of the claims audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims.costs import MACHINES, SCOPES, Costs
from accelsim.studies.papers.claims.machine import PAIRS, Pair, measured_item

Ratios = dict[str, tuple[float, float]]
"""By cost: (EP, step) of the new rule relative to the old rule."""


def pair(workload: str, claim: str, feedback: str = "") -> Pair:
    """The audit's pair with this workload, claim and kind of feedback."""
    return next(
        each
        for each in PAIRS
        if (each.workload, each.feedback) == (workload, feedback) and claim in each.claims
    )


def measured(
    of: Pair,
    claim: str,
    by_batch: Mapping[int, Ratios],
    machines: Sequence[str] = MACHINES,
    unit: float = 1e6,
) -> list[Item]:
    """Invented items of a claim, by batch. The old rule's step costs twice ``unit`` in every cost,
    its EP costs ``unit``.
    """
    return [
        measured_item(of, claim, on, batch, cost, scope, *_costs(cost, ratios[cost], unit))
        for on in machines
        for batch, ratios in by_batch.items()
        for cost in ratios
        for scope in SCOPES
    ]


def _costs(cost: str, ratios: tuple[float, float], unit: float) -> tuple[Costs, Costs]:
    """(old costs, new costs) by cost and scope."""
    ep, step = ratios
    old = {(cost, scope): unit if scope.startswith("EP") else 2 * unit for scope in SCOPES}
    new = {
        (cost, scope): ep * unit if scope.startswith("EP") else step * 2 * unit for scope in SCOPES
    }
    return old, new
