"""A table as plain data with exact numbers: `console.py` prints it, `write_csv` files it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "count", "bytes", "energy", "seconds", "ratio", "percent", "share", "number"]
Cell = str | int | float | None


@dataclass(frozen=True)
class Column:
    """``key`` heads the CSV column and carries the unit; ``heading`` heads the printed one, which
    is left out when empty.
    """

    key: str
    heading: str
    kind: Kind = "count"


@dataclass(frozen=True)
class Table:
    """``rows`` hold one cell a column; ``None`` where there is no such number (a ratio to zero)."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


def write_csv(table: Table) -> str:
    """The table as CSV text: exact numbers, units in the column names, an empty field where there
    is no number.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.key for column in table.columns)
    writer.writerows(_exact(row) for row in table.rows)
    return text.getvalue()


def _exact(row: Sequence[Cell]) -> list[str]:
    return [
        "" if cell is None else repr(cell) if isinstance(cell, float) else str(cell) for cell in row
    ]
