"""Tables on a terminal: rich, at most 120 columns wide, numbers right-aligned with SI prefixes."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from accelsim.report.price_tables import area_table
from accelsim.report.runs import Runs
from accelsim.report.style import folded, joules, si, times
from accelsim.report.table import Cell, Column, Table
from accelsim.report.tables import (
    TOTAL,
    array_cycles_table,
    energy_table,
    passes_table,
    totals_table,
)
from accelsim.results.result import Result

WIDTH = 120
LABEL = 26
"""Longest label of a run on one line."""
LEAST_LABEL = 12
"""Width of the column of labels, however short they are."""


def stdout() -> Console:
    """A console on standard output, as wide as the terminal up to `WIDTH`; where there is no
    terminal, as wide as COLUMNS says, else `WIDTH`.
    """
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() and int(columns) else WIDTH
    if sys.stdout.isatty():
        width = min(Console(file=sys.stdout).width, WIDTH)
    return Console(file=sys.stdout, highlight=False, soft_wrap=False, width=width)


def print_results(runs: Runs, console: Console) -> None:
    """The tables that answer the question: totals, passes, energy by component, area, array cycles
    by cause.
    """
    first = runs.results[0]
    same = [
        key
        for key in ("workload", "arch", "batch", "schedule")
        if len({getattr(result, key) for result in runs.results}) == 1
    ]
    _print(console, Text(", ".join(f"{key} {getattr(first, key)}" for key in same)), soft_wrap=True)
    for table in (
        totals_table(runs),
        passes_table(runs),
        energy_table(runs),
        area_table(runs),
        array_cycles_table(runs),
    ):
        if table.rows:
            print_table(table, console)
    said = [remarks(result) for result in runs.results]
    shared = (
        [note for note in said[0] if all(note in notes for notes in said)] if len(said) > 1 else []
    )
    for note in shared:
        _print(console, Text(f"all runs: {note}"), soft_wrap=True)
    for label, notes in zip(runs.labels, said, strict=True):
        for note in notes:
            if note not in shared:
                _print(console, Text(f"{label}: {note}"), soft_wrap=True)


def remarks(result: Result) -> list[str]:
    """Notes for the reader beside the numbers: the run's own notes, operands taken as dense,
    weights that do not fit.
    """
    found = list(result.notes)
    if result.dense_tensors:
        shown = ", ".join(result.dense_tensors[:6]) + (
            ", ..." if len(result.dense_tensors) > 6 else ""
        )
        several = len(result.dense_tensors) > 1
        said = (
            f"{len(result.dense_tensors)} tensors that the trace lacks are"
            if several
            else "1 tensor that the trace lacks is"
        )
        found.append(f"{said} dense: {shown}")
    if result.spilled_words:
        several = result.spilled_words != 1
        said = (
            "words do not fit in the scratchpads and spill"
            if several
            else "word does not fit in the scratchpads and spills"
        )
        found.append(f"{si(result.spilled_words)} {said}")
    return found


def print_table(table: Table, console: Console) -> None:
    """One table, its notes below. Where a run has a line a pass, its total comes first, under the
    run's name, and the passes stand below it.

    Columns that do not fit beside each other follow in further parts, each with the runs' names: no
    number is cut.
    """
    by_pass = any(column.key == "pass" for column in table.columns)
    shown = [
        index
        for index, column in enumerate(table.columns)
        if column.heading and column.key != "pass"
    ]
    rows = _totals_first(table.rows) if by_pass else list(table.rows)
    totals = [by_pass and row[1] == TOTAL for row in rows]
    cells = [[show(row[index], table.columns[index]) for index in shown] for row in rows]
    for row, line, total in zip(rows, cells, totals, strict=True):
        line[0] = f"  {row[1]}" if by_pass and not total else folded(line[0], LABEL)
    columns = [table.columns[index] for index in shown]
    widths = [
        max(
            LEAST_LABEL if place == 0 else 0,
            _width(column.heading),
            *(_width(line[place]) for line in cells),
        )
        for place, column in enumerate(columns)
    ]
    for part, places in enumerate(_parts(columns, widths, console.width)):
        title = table.title if part == 0 else f"{table.title}, continued"
        _print(console, Text(title, style="bold"), soft_wrap=True)
        rich = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for place in places:
            numbers = columns[place].kind != "text"
            least = widths[place] if numbers else min(widths[place], LABEL)
            rich.add_column(
                columns[place].heading,
                justify="right" if numbers else "left",
                no_wrap=numbers,
                overflow="fold",
                vertical="bottom",
                min_width=least,
            )
        for line, total in zip(cells, totals, strict=True):
            rich.add_row(*(Text(line[place], style="bold" if total else "") for place in places))
        _print(console, rich)
    for note in table.notes:
        for words in textwrap.wrap(note, console.width, break_on_hyphens=False):
            _print(console, Text(words), soft_wrap=True)


def _width(text: str) -> int:
    return max(len(line) for line in text.split("\n"))


def _parts(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[list[int]]:
    """Places of the columns of each part, the first column in all of them. A ratio stays with the
    number before it.
    """
    groups: list[list[int]] = []
    for place in range(1, len(columns)):
        if columns[place].kind == "ratio" and groups:
            groups[-1].append(place)
        else:
            groups.append([place])
    edges, gap = 2, 2
    parts = [[0]]
    taken = edges + min(widths[0], LABEL)
    for group in groups:
        needs = sum(
            gap + (widths[place] if columns[place].kind != "text" else min(widths[place], LABEL))
            for place in group
        )
        if len(parts[-1]) > 1 and taken + needs > width:
            parts.append([0])
            taken = edges + min(widths[0], LABEL)
        parts[-1] += group
        taken += needs
    return parts


def _print(console: Console, what: RichTable | Text, soft_wrap: bool = False) -> None:
    """Print without the blanks that fill lines up."""
    with console.capture() as capture:
        console.print(what, soft_wrap=soft_wrap, crop=False)
    for line in capture.get().splitlines():
        console.file.write(f"{line.rstrip()}\n")


def _totals_first(rows: Sequence[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
    runs: dict[Cell, list[tuple[Cell, ...]]] = {}
    for row in rows:
        runs.setdefault(row[0], []).append(row)
    return [
        row for lines in runs.values() for row in sorted(lines, key=lambda row: row[1] != TOTAL)
    ]


def show(cell: Cell, column: Column) -> str:
    """A cell as it is printed."""
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return cell
    match column.kind:
        case "ratio":
            return times(cell)
        case "percent":
            return f"{cell:.1f}%" if cell else "0"
        case "share":
            return f"{cell:.1%}"
        case "number":
            return f"{cell:.4g}"
        case "energy":
            return joules(cell)
        case "bytes":
            return si(cell, "B")
        case "seconds":
            return si(cell, "s")
        case _:
            return si(cell)
