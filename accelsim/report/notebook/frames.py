"""Results as pandas data frames: the tables of reports, with exact numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from accelsim.errors import InputError
from accelsim.report.runs import Runs
from accelsim.report.table import Table
from accelsim.report.tables.ops import layers_table, ops_table
from accelsim.report.tables.steps import TOTAL, passes_table, totals_table
from accelsim.results.comparison import Comparison
from accelsim.results.result import Result
from accelsim.results.shown import Per

if TYPE_CHECKING:
    from pandas import DataFrame

_TABLES = {"run": totals_table, "pass": passes_table, "layer": layers_table, "op": ops_table}
_STEP = ("step_kind", "weight")
"""Columns of the table of ops that only hybrid results have in a data frame."""


def frame(document: Result | Comparison, per: Per | None) -> DataFrame:
    """The data frame of a result or a comparison, without rows of totals, so that columns can be
    summed, and without ratios for a single result. ImportError if pandas is not installed,
    InputError for another ``per``.
    """
    several = isinstance(document, Comparison)
    if per is None:
        per = "run" if several else "op"
    if per not in tuple(_TABLES):  # a tuple, because a list has no hash
        raise InputError(f"per must be one of {', '.join(_TABLES)}, got {str(per) or repr(per)}")
    pandas()
    runs = Runs.of([document])
    table = _TABLES[per](runs)
    left_out = {"run"} if not several and per != "run" else set()
    if not several:
        left_out |= {each.key for each in table.columns if each.kind == "ratio"}
    if not any(result.steps for result in runs.results):
        left_out |= {*_STEP}
    made = of_table(table).drop(columns=[*left_out], errors="ignore")
    return made[made["pass"] != TOTAL].reset_index(drop=True) if per == "pass" else made


def of_table(table: Table) -> DataFrame:
    """The data frame of a report's table."""
    columns = [column.key for column in table.columns]
    return pandas().DataFrame(list(table.rows), columns=columns)


def pandas() -> Any:
    """The module pandas. ImportError, with the remedy, if it is not installed."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("to_dataframe() needs pandas: pip install pandas") from error
    return pd
