"""Tables on a terminal: rich, at most 120 columns wide, numbers right-aligned with SI prefixes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from accelsim.report.document import ResultDocument
from accelsim.report.style import folded, joules, si, times
from accelsim.report.tables import TOTAL, Cell, Column, Runs, Table, array_cycles_table, energy_table, passes_table, totals_table

WIDTH = 120
LABEL = 26
"""Longest label of a run on one line."""


def stdout() -> Console:
    """A console on standard output, as wide as the terminal up to `WIDTH`; where there is no terminal, as wide as COLUMNS says, else `WIDTH`."""
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() and int(columns) else WIDTH
    if sys.stdout.isatty():
        width = min(Console(file=sys.stdout).width, WIDTH)
    return Console(file=sys.stdout, highlight=False, soft_wrap=False, width=width)


def print_results(runs: Runs, console: Console) -> None:
    """The tables that answer the question: totals, passes, energy by component, array cycles by cause."""
    first = runs.results[0]
    same = [key for key in ("workload", "arch", "batch", "schedule") if len({getattr(result, key) for result in runs.results}) == 1]
    console.print(Text(", ".join(f"{key} {getattr(first, key)}" for key in same)), soft_wrap=True)
    for table in (totals_table(runs), passes_table(runs), energy_table(runs), array_cycles_table(runs)):
        print_table(table, console)
    said = [remarks(result) for result in runs.results]
    shared = [note for note in said[0] if all(note in notes for notes in said)] if len(said) > 1 else []
    for note in shared:
        console.print(Text(f"all runs: {note}"), soft_wrap=True)
    for label, notes in zip(runs.labels, said, strict=True):
        for note in notes:
            if note not in shared:
                console.print(Text(f"{label}: {note}"), soft_wrap=True)


def remarks(result: ResultDocument) -> list[str]:
    """What a reader must know beside the numbers: the run's own notes, operands taken as dense, weights that do not fit."""
    found = list(result.notes)
    if result.dense_tensors:
        shown = ", ".join(result.dense_tensors[:6]) + (", ..." if len(result.dense_tensors) > 6 else "")
        found.append(f"{len(result.dense_tensors)} tensors that the trace lacks are dense: {shown}")
    if result.spilled_words:
        found.append(f"{si(result.spilled_words)} words do not fit in the scratchpads and spill")
    return found


def print_table(table: Table, console: Console) -> None:
    """One table, its notes below. Where a run has a line a pass, its total comes first, under the run's name, and the passes stand below it."""
    shown = [index for index, column in enumerate(table.columns) if column.heading]
    by_pass = any(column.key == "pass" for column in table.columns)
    rich = RichTable(title=Text(table.title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for index in shown:
        column = table.columns[index]
        if column.key != "pass":
            numbers = column.kind != "text"
            rich.add_column(
                column.heading,
                justify="right" if numbers else "left",
                no_wrap=numbers,
                overflow="fold",
                vertical="bottom",
                min_width=0 if numbers else 12,
            )
    for row in _totals_first(table.rows) if by_pass else table.rows:
        cells = [show(row[index], table.columns[index]) for index in shown]
        cells[0] = folded(cells[0], LABEL)
        if by_pass:
            total = row[1] == TOTAL
            cells = [cells[0] if total else f"  {row[1]}", *cells[2:]]
            rich.add_row(*(Text(cell, style="bold" if total else "") for cell in cells))
        else:
            rich.add_row(*map(Text, cells))
    with console.capture() as capture:
        console.print(rich)
    for line in capture.get().splitlines():
        console.file.write(line.rstrip() + "\n")
    for note in table.notes:
        console.print(Text(note))


def _totals_first(rows: Sequence[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
    runs: dict[Cell, list[tuple[Cell, ...]]] = {}
    for row in rows:
        runs.setdefault(row[0], []).append(row)
    return [row for lines in runs.values() for row in sorted(lines, key=lambda row: row[1] != TOTAL)]


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
        case "energy":
            return joules(cell)
        case "bytes":
            return si(cell, "B")
        case "seconds":
            return si(cell, "s")
        case _:
            return si(cell)
