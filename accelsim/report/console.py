"""Tables on a terminal: rich, at most 120 columns wide, numbers right-aligned with SI prefixes."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.align import VerticalAlignMethod
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from accelsim.report.style import folded, joules_between, plain, si, times
from accelsim.report.table import Cell, Column, Table
from accelsim.report.tables.steps import TOTAL

WIDTH = 120
LABEL = 26
"""Maximum number of characters of a run's label on one line."""
LEAST_LABEL = 12
"""Minimum width of the column of labels."""


def stdout() -> Console:
    """A console on standard output. On a terminal it is as wide as the terminal, up to `WIDTH`.
    Elsewhere its width is the environment variable COLUMNS or, without it, `WIDTH`.
    """
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() and int(columns) else WIDTH
    if sys.stdout.isatty():
        width = min(Console(file=sys.stdout).width, WIDTH)
    return Console(file=sys.stdout, highlight=False, soft_wrap=False, width=width)


def print_tables(tables: Sequence[Table], console: Console) -> None:
    """Print tables with a blank line between them."""
    for place, table in enumerate(tables):
        if place:
            console.file.write("\n")
        print_table(table, console)


def print_table(table: Table, console: Console) -> None:
    """Print a table's title, rows and notes. If a run has a row per pass, its total comes first,
    labelled with the run's name, and the passes are indented below it.

    Columns that exceed the width follow in further parts, each with the runs' names, so that no
    number is cut.
    """
    by_pass = len(table.columns) > 1 and table.columns[1].key == "pass"
    shown = [
        index
        for index, column in enumerate(table.columns)
        if column.heading and not (by_pass and index == 1)
    ]
    rows = _totals_first(table.rows) if by_pass else list(table.rows)
    totals = [by_pass and row[1] == TOTAL for row in rows]
    cells = [[show(row[index], table.columns[index]) for index in shown] for row in rows]
    for row, line, total in zip(rows, cells, totals, strict=True):
        line[0] = f"  {row[1]}" if by_pass and not total else _label(line[0])
    columns = [table.columns[index] for index in shown]
    widths = [
        max(
            LEAST_LABEL if place == 0 else 0,
            _width(column.heading),
            *(_width(line[place]) for line in cells),
        )
        for place, column in enumerate(columns)
    ]
    parts = _parts(columns, widths, console.width)
    vertical: VerticalAlignMethod = "top" if columns[-1].kind == "text" else "bottom"
    for part, places in enumerate(parts):
        if part:
            console.file.write("\n")
        title = table.title if part == 0 else f"{table.title}, continued"
        print_lines([Text(title, style="bold")], console)
        rich = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for place in places:
            numbers = columns[place].kind != "text"
            least = widths[place] if numbers else min(widths[place], LABEL)
            rich.add_column(
                columns[place].heading,
                justify="right" if numbers else "left",
                no_wrap=numbers,
                overflow="fold",
                vertical=vertical,
                min_width=least,
            )
        for line, total in zip(cells, totals, strict=True):
            rich.add_row(*(Text(line[place], style="bold" if total else "") for place in places))
        _print_rich(rich, console)
    for note in table.notes:
        print_lines(["", *textwrap.wrap(note, console.width, break_on_hyphens=False)], console)


def _label(text: str) -> str:
    """A label in lines of at most `LABEL` characters; a long name is broken at its hyphens."""
    return "\n".join(
        part for line in folded(text, LABEL).splitlines() for part in textwrap.wrap(line, LABEL)
    )


def print_lines(lines: Iterable[str | Text], console: Console) -> None:
    """Print lines unchanged, without folding or cutting any."""
    with console.capture() as capture:
        for line in lines:
            console.print(Text(line) if isinstance(line, str) else line, soft_wrap=True)
    console.file.write(capture.get())


def _print_rich(table: RichTable, console: Console) -> None:
    """Print a table without trailing blanks and without empty lines at the end."""
    with console.capture() as capture:
        console.print(table, crop=False)
    lines = [line.rstrip() for line in capture.get().splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    console.file.write("".join(f"{line}\n" for line in lines))


def _width(text: str) -> int:
    return max(len(line) for line in text.split("\n"))


def _parts(columns: Sequence[Column[Any]], widths: Sequence[int], width: int) -> list[list[int]]:
    """Column indices of each part. Every part repeats the text columns at the left; a ratio stays
    with the number before it.
    """
    numbers = [place for place, column in enumerate(columns) if column.kind != "text"]
    labels = list(range(max(1, numbers[0]) if numbers else 1))
    edges, gap = 2, 2

    def taken_by(places: Sequence[int]) -> int:
        return edges - gap + sum(gap + min(widths[place], LABEL) for place in places)

    if taken_by(labels) > width // 2:
        labels = [0]
    groups: list[list[int]] = []
    for place in range(len(labels), len(columns)):
        if columns[place].kind == "ratio" and groups:
            groups[-1].append(place)
        else:
            groups.append([place])
    first = taken_by(labels)
    parts, taken = [list(labels)], first
    for group in groups:
        needs = sum(
            gap + (widths[place] if columns[place].kind != "text" else min(widths[place], LABEL))
            for place in group
        )
        if len(parts[-1]) > len(labels) and taken + needs > width:
            parts.append(list(labels))
            taken = first
        parts[-1] += group
        taken += needs
    return parts


def _totals_first(rows: Sequence[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
    runs: dict[Cell, list[tuple[Cell, ...]]] = {}
    for row in rows:
        runs.setdefault(row[0], []).append(row)
    return [
        row for lines in runs.values() for row in sorted(lines, key=lambda row: row[1] != TOTAL)
    ]


def show(cell: Cell, column: Column[Any]) -> str:
    """The printed text of a cell."""
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return cell
    match column.kind:
        case "ratio":
            return times(cell, getattr(cell, "interval", None))
        case "percent":
            return f"{cell:.1f} %" if cell else "0"
        case "share":
            return f"{100 * cell:.1f} %"
        case "number":
            return f"{cell:,.0f}" if cell == int(cell) else plain(cell, 4)
        case "energy":
            return joules_between(cell, getattr(cell, "interval", None))
        case "bytes":
            return si(cell, "B")
        case "seconds":
            return si(cell, "s")
        case _:
            return si(cell)
