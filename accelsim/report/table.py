"""A table as plain data with exact numbers: `console.py` prints it, `write_csv` writes it to a
file.

A column is declared once, with its name, its heading, its kind and the function that computes its
cell from a row's object, so that columns and cells cannot drift apart.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

Kind = Literal["text", "count", "bytes", "energy", "seconds", "ratio", "percent", "share", "number"]
Cell = str | int | float | None
Row = TypeVar("Row")


class Uncertain(float):
    """A number with its interval, the 5th and 95th percentile over the bounds of the prices.
    Printed tables show both, CSV files the number.
    """

    interval: tuple[float, float]

    @classmethod
    def of(cls, number: float | None, interval: tuple[float, float] | None) -> float | None:
        """The number with its interval, if it has one."""
        if number is None or interval is None:
            return number
        uncertain = cls(number)
        uncertain.interval = interval
        return uncertain


@dataclass(frozen=True)
class Column(Generic[Row]):
    """``key``: heading of the CSV column, with the unit. ``heading``: heading of the printed
    column; a column with an empty one is not printed. ``value``: function that computes the cell
    from a row's object; without it the cell is the object's attribute or item ``key``.
    """

    key: str
    heading: str
    kind: Kind = "count"
    value: Callable[[Row], Cell] | None = None

    def cell(self, row: Row) -> Cell:
        """The cell of this column in the row of an object."""
        if self.value is not None:
            return self.value(row)
        cell: Cell = row.get(self.key) if isinstance(row, Mapping) else getattr(row, self.key)
        return cell


@dataclass(frozen=True)
class Table:
    """``rows`` hold one cell per column; None if there is no such number (a ratio to zero)."""

    name: str
    title: str
    columns: tuple[Column[Any], ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        name: str,
        title: str,
        columns: Sequence[Column[Row]],
        rows: Iterable[Row],
        notes: Sequence[str] = (),
    ) -> Table:
        """A table of one row per object."""
        cells = tuple(tuple(column.cell(row) for column in columns) for row in rows)
        return cls(name, title, tuple(columns), cells, tuple(notes))


def write_csv(table: Table) -> str:
    """The table as CSV text: exact numbers, units in the column names, and an empty field if there
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
