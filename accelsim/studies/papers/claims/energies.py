"""Energies of a step for every draw of the prices, by scope, and intervals of gains.

Both rules of a comparison have the same draws, so that their ratio keeps its correlation
(`accelsim.cost.uncertainty`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from accelsim.cost import uncertainty
from accelsim.cost.counters import ActionCounts
from accelsim.cost.uncertainty import Interval, Samples
from accelsim.results.result import Result
from accelsim.sim.observers import Observer
from accelsim.sim.run import Run

WHOLE = "step"
"""Scope that also has the actions of no pass (leakage, idle clocks, DRAM standby)."""


class PassActions(Observer):
    """Counts the actions of each pass. ``kinds``: one mapping per kind of step, in their order."""

    def __init__(self) -> None:
        self.kinds: list[dict[str, ActionCounts]] = []

    def end(self, run: Run) -> None:
        by_pass: dict[str, ActionCounts] = {}
        for record in run.records:
            counts = by_pass.setdefault(record.op.pass_, ActionCounts())
            counts += record.counts
        self.kinds.append(by_pass)


def drawn_energies(
    result: Result, actions: PassActions, scopes: Mapping[str, Sequence[str]]
) -> dict[str, Samples]:
    """pJ of every draw by scope. ``scopes``: the passes of each."""
    weights = [step.weight for step in result.steps] or [1.0]
    prices = result.sources()
    energies: dict[str, Samples] = {}
    for scope, passes in scopes.items():
        counts: Mapping[str, int | float] = (
            result.actions if scope == WHOLE else _weighted(weights, actions, passes)
        )
        drawn = uncertainty.energy_samples(counts, prices, result.samples, result.sample_seed)
        energies[scope] = uncertainty.total(drawn)
    return energies


def _weighted(
    weights: Sequence[float], actions: PassActions, passes: Sequence[str]
) -> dict[str, float]:
    counts: Counter[str] = Counter()
    for weight, by_pass in zip(weights, actions.kinds, strict=True):
        for name in passes:
            for (component, action), times in by_pass.get(name, ActionCounts()):
                counts[f"{component}.{action}"] += weight * times  # type: ignore[assignment]
    return dict(counts)


def gain_interval(
    old: Mapping[str, Samples] | None, new: Mapping[str, Samples] | None, scope: str, unit: str
) -> Interval | None:
    """The 5th and 95th percentile of what the new rule saves (unit %), or of the old energy over
    the new one. None without draws, or if an energy is zero.
    """
    if old is None or new is None or not (old[scope].all() and new[scope].all()):
        return None
    if unit == "%":
        return uncertainty.interval(100 * (1 - new[scope] / old[scope]))
    return uncertainty.interval(old[scope] / new[scope])
