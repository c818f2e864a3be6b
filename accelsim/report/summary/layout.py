"""Layout of the summary's table as lines, as narrow as its numbers allow."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from accelsim.report.style import folded
from accelsim.report.table import Table

INDENT = "  "
LEAST_LABEL = 8
"""Minimum width in characters to which a longer label of a run may be folded."""


def laid_out(table: Table, groups: Sequence[str], width: int) -> list[str] | None:
    """The lines of a table of texts, with labels at the left and right-aligned numbers. None if it
    does not fit.

    ``groups``: name of each row's group. Rows of a named group are indented below a line with the
    name.
    """
    shown = [place for place, column in enumerate(table.columns) if column.heading][1:]
    heads = [table.columns[place].heading.split("\n") for place in shown]
    widths = [
        max(map(len, (*head, *(str(row[place]) for row in table.rows))))
        for place, head in zip(shown, heads, strict=True)
    ]
    gaps = [" " if "ratio" in table.columns[place].key else INDENT for place in shown]
    room = width - 1 - sum(widths) - sum(map(len, gaps))
    longest = max((len(str(row[0])) for row in table.rows), default=0)
    if room < min(LEAST_LABEL, longest + (len(INDENT) if any(groups) else 0)):
        return None
    indent = INDENT if any(groups) else ""
    labels = [
        [indent + line for line in _folded(str(row[0]), room - len(indent))] for row in table.rows
    ]
    label = max(len(line) for lines in labels for line in lines)

    def line(name: str, cells: Sequence[str]) -> str:
        numbers = (
            f"{gap}{cell:>{size}}" for gap, cell, size in zip(gaps, cells, widths, strict=True)
        )
        return f" {name:<{label}}{''.join(numbers)}".rstrip()

    height = max(map(len, heads))
    lines = [
        line(
            "run" if place == height - 1 else "",
            [_head(head, place, height) for head in heads],
        )
        for place in range(height)
    ]
    lines.append(" " + "\u2500" * (label + sum(widths) + sum(map(len, gaps))))
    above = ""
    for row, group, names in zip(table.rows, groups, labels, strict=True):
        if group != above:
            lines += [f" {part}" for part in textwrap.wrap(group, width - 1)]
            above = group
        lines += [line(name, [""] * len(shown)) for name in names[:-1]]
        lines.append(line(names[-1], [str(row[place]) for place in shown]))
    return lines


def _head(head: Sequence[str], place: int, height: int) -> str:
    """One line of a heading that is aligned at the bottom."""
    index = place - (height - len(head))
    return head[index] if index >= 0 else ""


def _folded(label: str, width: int) -> list[str]:
    return [
        part for line in folded(label, width).splitlines() for part in textwrap.wrap(line, width)
    ]
