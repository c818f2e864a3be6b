"""All tables of results by name, for `--tables` and for report folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from accelsim.errors import InputError
from accelsim.report.runs import Runs
from accelsim.report.table import Table
from accelsim.report.tables.cycles import array_cycles_table
from accelsim.report.tables.notes import notes_table
from accelsim.report.tables.ops import layers_table, ops_table
from accelsim.report.tables.prices import area_sources_table, area_table, sources_table
from accelsim.report.tables.steps import energy_table, passes_table, totals_table
from accelsim.report.tables.tensors import tensors_table

ALL = "all"
TABLES: dict[str, Callable[[Runs], Table]] = {
    "totals": totals_table,
    "passes": passes_table,
    "energy": energy_table,
    "cycles": array_cycles_table,
    "area": area_table,
    "layers": layers_table,
    "ops": ops_table,
    "tensors": tensors_table,
    "sources": sources_table,
    "area-sources": area_sources_table,
    "notes": notes_table,
}
"""Names of `--tables`, in the order of printing."""
FILES = (
    "totals",
    "passes",
    "energy",
    "array_cycles",
    "area",
    "layers",
    "ops",
    "tensors",
    "energy_sources",
    "area_sources",
    "notes",
)
"""Names of the tables' CSV files, in the same order."""


def chosen(names: Sequence[str], option: str) -> tuple[str, ...]:
    """The tables in a list of names, in the order of printing; ``all`` selects every table.
    InputError for an unknown name.
    """
    unknown = [name for name in names if name != ALL and name not in TABLES]
    if unknown:
        known = ", ".join((*TABLES, ALL))
        raise InputError(f"{option} must be a comma-separated list of {known}, got {unknown[0]}")
    return tuple(name for name in TABLES if ALL in names or name in names)


def tables(runs: Runs, names: Sequence[str] = tuple(TABLES)) -> tuple[Table, ...]:
    """The named tables that have rows."""
    made = (TABLES[name](runs) for name in names)
    return tuple(table for table in made if table.rows)
