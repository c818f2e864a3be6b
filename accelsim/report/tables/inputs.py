"""Columns that tell a row's run, whatever other runs stand beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from accelsim.report.table import Cell, Column
from accelsim.results.result import Result

Row = TypeVar("Row")
INPUTS = ("workload", "arch", "rule")


def input_columns(result: Callable[[Row], Result | None]) -> tuple[Column[Row], ...]:
    """Workload, machine and rule of a row's run; empty cells if the row is of no single run."""
    return tuple(Column(key, "", "text", partial(_of, result=result, key=key)) for key in INPUTS)


def _of(row: Row, result: Callable[[Row], Result | None], key: str) -> Cell:
    cell: Cell = getattr(result(row), key, None)
    return cell
