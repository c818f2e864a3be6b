"""The worst ops by each measure, as rows of the validation report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accelsim.studies.validation.check import Check
from accelsim.studies.validation.worst_ops.measures import Measures
from accelsim.studies.validation.worst_ops.reasons import Reason, of_cycles, of_energy, of_words
from accelsim.studies.validation.worst_ops.runs import MACHINES, NETWORKS, RULES, measured_runs

WORST = 20
ACCOUNTED = 0.5
"""Part of a measure that its reason must account for."""
SOURCE = (
    f"networks {', '.join(NETWORKS)}; rules {', '.join(RULES)}; machines {', '.join(MACHINES)}; "
    f"batch 1, random zeros of density 0.5; the worst op of each network, machine, pass and kind"
)


@dataclass(frozen=True)
class Measure:
    """A measure: its name and unit, its value for an op, and the reason for a bad one."""

    name: str
    unit: str
    value: Callable[[Measures], float]
    reason: Callable[[Measures], Reason]


MEASURES = (
    Measure("words received per word used", "x", lambda op: op.received_per_used, of_words),
    Measure("lane cycles per executed MAC", "cycles", lambda op: op.cycles_per_mac, of_cycles),
    Measure("energy per effectual MAC", "pJ", lambda op: op.pj_per_mac, of_energy),
)


def checks() -> list[Check]:
    """The worst ops by each measure, the worst first, with their reasons; then the number of runs
    that were refused.
    """
    worst: dict[str, list[Measures]] = {measure.name: [] for measure in MEASURES}
    refused = 0
    for rows, fault in measured_runs():
        refused += bool(fault)
        for measure in MEASURES:
            worst[measure.name] = _worse(measure, [*worst[measure.name], *rows])
    table = [_row(measure, op) for measure in MEASURES for op in worst[measure.name][:WORST]]
    counted = Check(
        subject="runs that a rule or machine refuses",
        quantity=f"of {len(NETWORKS) * len(RULES) * len(MACHINES)}",
        expected=None,
        measured=refused,
        unit="runs",
        limit="counted",
        holds=None,
        source=SOURCE,
    )
    return [*table, counted]


def _worse(measure: Measure, rows: list[Measures]) -> list[Measures]:
    """The worst op of each network, machine, pass and kind; ops that differ in layer, time step or
    learning rule alone have one reason.
    """
    seen: dict[tuple[str, str, str, str], Measures] = {}
    for row in rows:
        key = (row.network, row.machine, str(row.op.pass_), row.op.kind)
        if measure.value(row) > (measure.value(seen[key]) if key in seen else 0.0):
            seen[key] = row
    return sorted(seen.values(), key=measure.value, reverse=True)


def _row(measure: Measure, op: Measures) -> Check:
    text, part = measure.reason(op)
    return Check(
        subject=op.name,
        quantity=measure.name,
        expected=None,
        measured=measure.value(op),
        unit=measure.unit,
        limit=f"a reason for {ACCOUNTED:.0%} of it",
        holds=part >= ACCOUNTED,
        source=SOURCE,
        note=f"{text} ({part:.0%}); {op.share:.2%} of the step's cycles",
    )
