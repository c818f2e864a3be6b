"""The worst ops by each measure, and words received by whole runs, as rows of the report."""

from __future__ import annotations

from accelsim.studies.validation.check import Check
from accelsim.studies.validation.worst_ops.runs import STUDY, Study, surveys
from accelsim.studies.validation.worst_ops.survey import MEASURES, BadOp, Measure
from accelsim.studies.validation.worst_ops.words import FILE, RunWords, words_checks, words_table

WORST = 20
ACCOUNTED = 0.5
"""Part of a measure that its reason must account for."""


def checks(study: Study = STUDY) -> list[Check]:
    """The worst ops by each measure, the worst first, with their reasons; the number of runs that
    were refused; then the words that whole runs received.
    """
    source = (
        f"networks {', '.join(study.networks)}; rules {', '.join(study.rules)}; machines "
        f"{', '.join(study.machines)}; batch 1, random zeros of density 0.5; the worst op of each "
        f"network, machine, pass and kind"
    )
    made = surveys(study)
    table = []
    for index, measure in enumerate(MEASURES):
        found = [op for each in made if each.worst for op in each.worst[index]]
        table += [_row(measure, op, source) for op in _worst(found)]
    counted = Check(
        subject="runs that a rule or machine refuses",
        quantity=f"of {len(made)}",
        expected=None,
        measured=sum(not each.worst for each in made),
        unit="runs",
        limit="counted",
        holds=None,
        source=source,
    )
    return [*table, counted, *words_checks(_words(study))]


def files(study: Study = STUDY) -> dict[str, str]:
    """The table of all ops that receive many words per word used, by file name."""
    return {FILE: words_table(_words(study))}


def _words(study: Study) -> list[RunWords]:
    return [each.words for each in surveys(study) if each.words is not None]


def _worst(found: list[BadOp]) -> list[BadOp]:
    """The worst op of each class, the worst first."""
    worst: dict[tuple[str, str, str, str], BadOp] = {}
    for op in found:
        if op.like not in worst or op.value > worst[op.like].value:
            worst[op.like] = op
    return sorted(worst.values(), key=lambda op: op.value, reverse=True)[:WORST]


def _row(measure: Measure, op: BadOp, source: str) -> Check:
    text, part = op.reason
    return Check(
        subject=op.name,
        quantity=measure.name,
        expected=None,
        measured=op.value,
        unit=measure.unit,
        limit=f"a reason for {ACCOUNTED:.0%} of it",
        holds=part >= ACCOUNTED,
        source=source,
        note=f"{text} ({part:.0%}); {op.share:.2%} of the step's cycles",
    )
