"""What the new rule of a measured cell saves."""

from __future__ import annotations

import math

from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims.costs import nothing

NOISE = 1.0
"""Percentage of a cost up to which a saving is treated as insignificant."""


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
