"""A reproduction on a terminal of 80 columns or more: a table for each of the papers', what there is to say of its cells numbered below it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from accelsim.report.reproduction import Item, ReproductionDocument
from accelsim.report.reproduction_tables import NUMBERS, context, grouped, row, summary

INDENT = 2
LONGEST = 26
"""Longest name of a cell on one line."""
STYLES = {"exact": "green", "within-rounding": "green", "mismatch": "red", "not-printed": ""}


def print_reproduction(document: ReproductionDocument, console: Console) -> None:
    """Every target: title, what it compares, its tables, and how much came out."""
    for place, target in enumerate(document.targets):
        items, figures = document.of(target)
        if place:
            _lines(console, [""])
        _lines(console, [target.title], style="bold")
        _lines(console, _wrapped(target.about, console.width))
        for name, cells in grouped(items).items():
            _lines(console, ["", *_wrapped(_heading(name, cells), console.width)], style="bold")
            _print_table(cells, console)
        if items:
            _lines(console, _wrapped(f"{target.name}: {summary(items)}", console.width))
        for figure in figures:
            _lines(console, _wrapped(f"figure {figure.id}, drawn with --out: {figure.title}", console.width))


def _heading(name: str, items: Sequence[Item]) -> str:
    """The table's name, with what is the same in all its rows, for which they then need no column."""
    same = [getattr(items[0], key) for key in ("unit", "accounting") if _same(items, key)]
    shared = context(items[0]) if _shares_context(items) else ""
    return ", ".join(part for part in (name, *same, shared) if part)


def _print_table(items: Sequence[Item], console: Console) -> None:
    rows = [row(item) for item in items]
    left_out = {"note", "context", "accounting"} | ({"unit"} if _same(items, "unit") else set())
    if all(said["rounded"] == said["computed"] for said in rows):
        left_out.add("rounded")
    notes = _notes(items)
    numbers = {note: index for index, note in enumerate(dict.fromkeys(note for note in notes if note), start=1)}
    shown = [column for column in rows[0] if column not in left_out]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in shown:
        numeric = column in NUMBERS
        least = max(len(word) for said in rows for word in (said[column].split() or [""]))
        if column == "item":
            least = min(LONGEST, max(len(said[column]) for said in rows))
        table.add_column(column, justify="right" if numeric else "left", no_wrap=numeric, overflow="fold", min_width=max(least, len(column)))
    table.add_column("note" if numbers else "", justify="right", no_wrap=True)
    for item, said, note in zip(items, rows, notes, strict=True):
        style = "bold red" if item.surprising else STYLES[item.match]
        cells = [Text(said[column], style=style if column == "match" else "") for column in shown]
        table.add_row(*cells, Text(str(numbers[note]) if note else ""))
    with console.capture() as capture:
        console.print(table, crop=False)
    console.file.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))
    for note, number in numbers.items():
        mark = f"{number}  "
        lines = textwrap.wrap(note, max(20, console.width - len(mark) - INDENT), break_on_hyphens=False)
        _lines(console, [" " * INDENT + (mark if place == 0 else " " * len(mark)) + line for place, line in enumerate(lines)])


def _notes(items: Sequence[Item]) -> list[str]:
    """Of each cell its note, and its accounting and context unless the heading says them."""
    shared, counted = _shares_context(items), _same(items, "accounting")
    return [
        "; ".join(part for part in (item.note, "" if counted else f"counted: {item.accounting}", "" if shared else context(item)) if part)
        for item in items
    ]


def _same(items: Sequence[Item], key: str) -> bool:
    return len({getattr(item, key) for item in items}) == 1


def _shares_context(items: Sequence[Item]) -> bool:
    return all(item.context == items[0].context for item in items)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False)


def _lines(console: Console, lines: Iterable[str], style: str = "") -> None:
    with console.capture() as capture:
        for line in lines:
            console.print(Text(line, style=style), soft_wrap=True)
    console.file.write(capture.get())
