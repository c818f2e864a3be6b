"""Every op of some runs that receives many words per word used, with the factors of its ratio."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields

from accelsim.studies.validation.check import Check
from accelsim.studies.validation.worst_ops.factors import explanation
from accelsim.studies.validation.worst_ops.measures import Measures

MOST = 1.5
"""Words received per word used above which an op is listed."""
TOLERANCE = 0.02
"""How far the product of an op's factors may be from its ratio."""
FILE = "words_received.csv"


@dataclass(frozen=True)
class OpWords:
    """A listed op. ``predicted``: the ratio that its factors give. ``explained``: whether that is
    within the tolerance of ``ratio``.
    """

    network: str
    rule: str
    machine: str
    op: str
    words_used: int
    words_received: int
    ratio: float
    predicted: float
    explained: str
    reason: str


@dataclass(frozen=True)
class RunWords:
    """Words used and received by all contractions of a run, and its listed ops."""

    name: str
    ops: int
    used: int
    received: int
    listed: tuple[OpWords, ...]


def run_words(name: str, rows: Sequence[Measures]) -> RunWords:
    """Words of a run's ops."""
    return RunWords(
        name,
        len(rows),
        sum(row.words_used for row in rows),
        sum(int(row.op.words_received) for row in rows),
        tuple(op_words(row) for row in rows if row.received_per_used > MOST),
    )


def op_words(row: Measures) -> OpWords:
    """The row of one op."""
    ratio, because = row.received_per_used, explanation(row.plan, row.kind)
    predicted, reason = (because.ratio, because.text) if because else (1.0, "")
    explained = abs(predicted / ratio - 1) <= TOLERANCE
    return OpWords(
        row.network,
        row.rule,
        row.machine,
        row.op.name,
        row.words_used,
        int(row.op.words_received),
        round(ratio, 4),
        round(predicted, 4),
        "yes" if explained else "no",
        reason if explained else f"unexplained: {reason}",
    )


def words_checks(runs: Iterable[RunWords]) -> list[Check]:
    """One row per run. It fails if a listed op is unexplained."""
    rows = []
    for run in runs:
        unexplained = [op.op for op in run.listed if op.explained == "no"]
        note = f"{len(run.listed)} of {run.ops} ops above {MOST}"
        if unexplained:
            note += f"; unexplained: {', '.join(unexplained)}"
        rows.append(
            Check(
                subject=run.name,
                quantity="words received per word used, all ops",
                expected=None,
                measured=run.received / run.used,
                unit="x",
                limit=f"factors within {TOLERANCE:.0%} of the ratio of each op above {MOST}",
                holds=not unexplained,
                source=f"each op above {MOST} with its factors: {FILE}",
                note=note,
            )
        )
    return rows


def words_table(runs: Iterable[RunWords]) -> str:
    """The listed ops of all runs as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(OpWords))
    writer.writerows(astuple(op) for run in runs for op in run.listed)
    return text.getvalue()
