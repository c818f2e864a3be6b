"""A reproduction on a terminal of 80 columns or more: the tables of each group, followed by
numbered notes on single cells.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from accelsim.report.reproduction.groups import Group, Pivot, alike, context, groups
from accelsim.report.reproduction.tables import NUMBERS, row, summary
from accelsim.results.reproduction import Item, ReproductionDocument

INDENT = 2
NOTE = len("note")
MOST_LINES = 5
"""Maximum number of lines of a heading in a compact table."""
LONGEST = 26
"""Maximum length of a cell's name that is kept on one line if there is room."""
BREAKS = re.compile(r"(?<=\s)|(?<=\w[-/])")
"""Places at which a text may be broken into lines."""
STYLES = {"exact": "green", "within-rounding": "green", "mismatch": "red", "not-printed": ""}


def print_reproduction(document: ReproductionDocument, console: Console) -> None:
    """Print each target: its title, its description, its tables, and the number of cells that
    match.
    """
    for place, target in enumerate(document.targets):
        items, figures = document.of(target)
        if place:
            _lines(console, [""])
        _lines(console, [target.title], style="bold")
        _lines(console, _wrapped(target.about, console.width))
        for group in groups(items):
            _print_group(group, console)
        if items:
            _lines(console, ["", *_wrapped(f"{target.name}: {summary(items)}", console.width)])
        for figure in figures:
            _lines(
                console,
                _wrapped(f"figure {figure.id}, drawn with --out: {figure.title}", console.width),
            )


def _print_group(group: Group, console: Console) -> None:
    """Print a group's heading, rows and compact tables."""
    heading = _heading(group.name, group.rows) if group.rows else group.name
    _lines(console, ["", *_wrapped(heading, console.width)], style="bold")
    if group.rows:
        _print_rows(group.rows, console)
    for place, pivot in enumerate(group.pivots):
        _lines(
            console, [*([""] if group.rows or place else []), *_wrapped(pivot.title, console.width)]
        )
        for shown, widths in _blocks(pivot, console.width):
            _print_pivot(pivot, shown, widths, console)
        if pivot.notes:
            _lines(
                console,
                [
                    "",
                    *(
                        " " * INDENT + line
                        for note in pivot.notes
                        for line in _wrapped(note, console.width - INDENT)
                    ),
                ],
            )


def _print_pivot(
    pivot: Pivot, shown: Sequence[int], widths: Sequence[int], console: Console
) -> None:
    """Print the columns ``shown`` of a compact table. A name that repeats the one above it is left
    out. ``widths``: widths of the names and of these columns.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    for place, head in enumerate([*pivot.heads, *(pivot.columns[place] for place in shown)]):
        right = place >= len(pivot.heads) or pivot.numeric(place)
        table.add_column(
            "\n".join(folded(head, widths[place])),
            justify="right" if right else "left",
            width=widths[place],
        )
    above: tuple[str, ...] = ()
    for names, cells in pivot.lines:
        same = len(alike(names, above))
        said = ["\n".join(folded(name, widths[place])) for place, name in enumerate(names)]
        table.add_row(
            *("" if place < same else name for place, name in enumerate(said)),
            *(cells[place] for place in shown),
        )
        above = names
    _print_table(table, console)


def _blocks(pivot: Pivot, width: int) -> list[tuple[range, list[int]]]:
    """Split the columns into as few and as equal parts as fit beside the names of lines. Returns
    each part with the widths of its columns.
    """
    count = len(pivot.columns)
    for parts in range(1, count + 1):
        step = -(-count // parts)
        blocks = [range(start, min(start + step, count)) for start in range(0, count, step)]
        widths = [_widths(pivot, block, width) for block in blocks]
        if all(_fits(found, width) for found in widths):
            break
    return list(zip(blocks, widths, strict=True))


def _widths(pivot: Pivot, shown: Sequence[int], width: int) -> list[int]:
    """Widths of names and columns that fit: names on one line if possible, and headings on as few
    lines as possible. If nothing fits, the minimum widths.
    """
    names = [
        [head, *(names[place] for names, _ in pivot.lines)]
        for place, head in enumerate(pivot.heads)
    ]
    columns = [
        [pivot.columns[place], *(cells[place] for _, cells in pivot.lines)] for place in shown
    ]
    for fold in (False, True):
        for lines in range(1, MOST_LINES + 1):
            widths = [_word(texts) if fold else max(map(len, texts)) for texts in names]
            widths += [_narrow(texts[0], _word(texts), lines) for texts in columns]
            if _fits(widths, width):
                return widths
    return widths if len(shown) > 1 else [_piece(texts) for texts in (*names, *columns)]


def _fits(widths: Sequence[int], width: int) -> bool:
    """True if the columns fit, with a blank between them and at both ends."""
    return sum(widths) + len(widths) + 1 <= width


def _narrow(head: str, least: int, lines: int) -> int:
    """Minimum width, at least ``least``, at which a heading takes at most ``lines`` lines."""
    return next(
        width
        for width in range(least, least + len(head) + 1)
        if len(_wrapped(head, width)) <= lines
    )


def _word(texts: Iterable[str]) -> int:
    """Characters of the longest word, at least one."""
    return max((len(word) for text in texts for word in text.split()), default=1)


def _piece(texts: Iterable[str]) -> int:
    """Characters of the longest part that `folded` does not have to break."""
    return max(len(piece.rstrip()) for text in texts for piece in BREAKS.split(text))


def _heading(name: str, items: Sequence[Item]) -> str:
    """The group's name, followed by unit, accounting and context if all rows share them; the table
    then needs no columns for these.
    """
    same = [getattr(items[0], key) for key in ("unit", "accounting") if _same(items, key)]
    shared = context(items[0].context) if _shares_context(items) else ""
    return ", ".join(part for part in (name, *same, shared) if part)


def _print_rows(items: Sequence[Item], console: Console) -> None:
    rows = [row(item) for item in items]
    left_out = {"note", "context", "accounting"} | ({"unit"} if _same(items, "unit") else set())
    if all(said["rounded"] == said["computed"] for said in rows):
        left_out.add("rounded")
    notes = _notes(items)
    numbers = {
        note: index
        for index, note in enumerate(dict.fromkeys(note for note in notes if note), start=1)
    }
    shown = [column for column in rows[0] if column not in left_out]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    widths = _row_widths(
        {column: [column, *(said[column] for said in rows)] for column in shown},
        NOTE if numbers else 0,
        console.width,
    )
    for column, width in widths.items():
        table.add_column(
            column,
            justify="right" if column in NUMBERS else "left",
            min_width=width,
            max_width=width,
        )
    table.add_column(
        "note" if numbers else "", justify="right", no_wrap=True, min_width=NOTE if numbers else 0
    )
    for item, said, note in zip(items, rows, notes, strict=True):
        style = "bold red" if item.surprising else STYLES[item.match]
        cells = [
            Text(
                "\n".join(folded(said[column], widths[column])),
                style=style if column == "match" else "",
            )
            for column in shown
        ]
        table.add_row(*cells, Text(str(numbers[note]) if note else ""))
    _print_table(table, console)
    if numbers:
        _lines(console, [""])
    for note, number in numbers.items():
        mark = f"{number}  "
        lines = textwrap.wrap(
            note, max(20, console.width - len(mark) - INDENT), break_on_hyphens=False
        )
        _lines(
            console,
            [
                " " * INDENT + (mark if place == 0 else " " * len(mark)) + line
                for place, line in enumerate(lines)
            ],
        )


def _row_widths(columns: Mapping[str, Sequence[str]], note: int, width: int) -> dict[str, int]:
    """Widths of the columns beside a column of notes that is ``note`` wide. Each is as wide as its
    content; if the table is too wide, words are folded.

    Matches are folded first, at blanks, then names of cells, also at `-` and `/`.
    """
    widths = {column: max(map(len, texts)) for column, texts in columns.items()}
    over = sum(widths.values()) + 2 * len(widths) + note + 1 - width
    for column, least in (
        ("match", _word(columns["match"])),
        ("item", min(LONGEST, widths["item"])),
        ("item", _piece(columns["item"])),
        ("match", _piece(columns["match"])),
    ):
        less = max(0, min(over, widths[column] - least))
        widths[column] -= less
        over -= less
    return widths


def folded(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` characters, broken at blanks and after `-` and `/`. A word is
    broken only if it is longer than a line.
    """
    lines = [""]
    for piece in BREAKS.split(text):
        rest = piece
        if lines[-1] and len(lines[-1]) + len(rest.rstrip()) > width:
            lines.append("")
        while len(rest.rstrip()) > width:
            lines[-1:] = [rest[:width], ""]
            rest = rest[width:]
        lines[-1] += rest
    return [line.rstrip() for line in lines]


def _print_table(table: Table, console: Console) -> None:
    with console.capture() as capture:
        console.print(table, crop=False)
    console.file.write(
        "".join(f"{line.rstrip()}\n" for line in capture.get().rstrip().splitlines())
    )


def _notes(items: Sequence[Item]) -> list[str]:
    """The note of each cell, with its accounting and context unless the heading states them."""
    shared, counted = _shares_context(items), _same(items, "accounting")
    return [
        "; ".join(
            part
            for part in (
                item.note,
                "" if counted else f"counted: {item.accounting}",
                "" if shared else context(item.context),
            )
            if part
        )
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
