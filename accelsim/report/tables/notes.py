"""Remarks on runs that readers need to interpret the numbers, and their table."""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.report.runs import Runs
from accelsim.report.style import si
from accelsim.report.table import Column, Table
from accelsim.report.tables.inputs import input_columns
from accelsim.results.result import Result

ALL_RUNS = "all runs"
SHOWN_TENSORS = 6
"""Maximum number of dense tensors that a remark lists."""


@dataclass(frozen=True)
class Note:
    """A row's object: a remark on one run, or on all runs."""

    run: str
    note: str
    result: Result | None = None


COLUMNS: tuple[Column[Note], ...] = (
    Column("run", "run", "text"),
    *input_columns(lambda each: each.result),
    Column("note", "note", "text"),
)


def notes_table(runs: Runs) -> Table:
    """A table with a row per remark. A remark that applies to all of several runs has a single
    row.
    """
    return Table.of("notes", "Notes", COLUMNS, notes(runs))


def notes(runs: Runs) -> list[Note]:
    """All remarks; those shared by all of several runs come first."""
    said = [remarks(result) for result in runs.results]
    several = len(said) > 1
    shared = [note for note in said[0] if several and all(note in each for each in said)]
    return [
        *(Note(ALL_RUNS, note) for note in shared),
        *(
            Note(label, note, result)
            for label, result, each in zip(runs.labels, runs.results, said, strict=True)
            for note in each
            if note not in shared
        ),
    ]


def remarks(result: Result) -> list[str]:
    """The run's notes, and remarks on operands taken as dense and on weights that do not fit."""
    said = list(result.notes)
    dense = result.dense_tensors
    if dense:
        names = ", ".join(dense[:SHOWN_TENSORS]) + (", ..." if len(dense) > SHOWN_TENSORS else "")
        subject = (
            f"{len(dense)} tensors that the trace lacks are"
            if len(dense) > 1
            else "1 tensor that the trace lacks is"
        )
        said.append(f"{subject} dense: {names}")
    if result.spilled_words:
        predicate = (
            "words do not fit in the scratchpads and spill"
            if result.spilled_words != 1
            else "word does not fit in the scratchpads and spills"
        )
        said.append(f"{si(result.spilled_words)} {predicate}")
    return said
