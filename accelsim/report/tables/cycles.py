"""Table of the cycles of the PE array by cause."""

from __future__ import annotations

from functools import partial

from accelsim.report.runs import Runs
from accelsim.report.style import CAUSE_NAMES
from accelsim.report.table import Column, Table
from accelsim.report.tables.steps import PASS, RUN, RUN_INPUTS, Line, lines
from accelsim.results.op import CAUSES

OVERLAP_NOTE = (
    "schedule unlocked: ops overlap, so that passes do not add up to the step; passes "
    "are without vector ops that did not hold the array"
)


def array_cycles_table(runs: Runs) -> Table:
    """A row per run and pass: cycles of the PE array by cause, as cycles (CSV) and percent
    (printed).

    A run's total is that of the step. It is not the sum of the passes if they overlap.
    """
    columns: tuple[Column[Line], ...] = (
        RUN,
        *RUN_INPUTS,
        PASS,
        Column("array_cycles", "cycles", "count", lambda line: sum(line.causes.values())),
        *(
            Column(f"{cause}_cycles", "", "count", partial(_cause_cycles, cause=cause))
            for cause in CAUSES
        ),
        *(
            Column(
                f"{cause}_percent",
                CAUSE_NAMES[cause].replace(" ", "\n"),
                "percent",
                partial(_cause_percent, cause=cause),
            )
            for cause in CAUSES
        ),
    )
    note = (OVERLAP_NOTE,) if any(result.overlaps for result in runs.results) else ()
    rows = lines(runs, by_pass=True)
    return Table.of("array_cycles", "Cycles of the PE array by cause", columns, rows, note)


def _cause_cycles(line: Line, cause: str) -> int | float:
    return line.causes[cause]


def _cause_percent(line: Line, cause: str) -> float | None:
    total = sum(line.causes.values())
    return 100 * line.causes[cause] / total if total else None
