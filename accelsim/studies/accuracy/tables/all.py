"""All tables of the study as plain data."""

from __future__ import annotations

from accelsim.report.table import Table
from accelsim.studies.accuracy.outcomes import Outcomes
from accelsim.studies.accuracy.tables.courses import angles_table, curves_table
from accelsim.studies.accuracy.tables.scores import (
    convolutional_table,
    fully_connected_table,
    sweep_table,
    text_table,
    transfer_table,
)
from accelsim.studies.accuracy.tables.settings import settings_table
from accelsim.studies.accuracy.tables.transformer import transformer_table
from accelsim.studies.accuracy.tables.tuning import TUNING, tuning_table


def all_tables(outcomes: Outcomes) -> dict[str, Table]:
    """Every table except the orderings, by name."""
    tables = [
        settings_table(outcomes),
        fully_connected_table(outcomes),
        sweep_table(outcomes),
        convolutional_table(outcomes),
        text_table(outcomes),
        transfer_table(outcomes),
        transformer_table(outcomes),
        angles_table(outcomes),
        curves_table(outcomes),
        *(tuning_table(outcomes, parts, name) for name, parts in TUNING.items()),
    ]
    return {table.name: table for table in tables}
