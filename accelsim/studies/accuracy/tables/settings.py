"""Table of the training settings of each network."""

from __future__ import annotations

from collections.abc import Sequence

from accelsim.report.table import Column, Table
from accelsim.studies.accuracy import plan
from accelsim.studies.accuracy.outcomes import Outcomes
from accelsim.studies.accuracy.tables.columns import Scored


def settings_table(outcomes: Outcomes) -> Table:
    """One line per network. The number of steps comes from the runs, not from the plan."""
    columns: tuple[Column[Scored], ...] = (
        Column("part", "part", "text", lambda row: row.outcome.cell.setting.part),
        Column("network", "network", "text", lambda row: row.outcome.network),
        Column("data", "data", "text", lambda row: row.outcome.cell.setting.data),
        Column("epochs", "epochs", "count", lambda row: row.outcome.cell.setting.epochs),
        Column("tuning_epochs", "epochs of tuning", "text", _tuning),
        Column("batch", "batch", "count", lambda row: row.outcome.cell.setting.batch),
        Column("steps_per_epoch", "steps per epoch", "count", _steps),
        Column("optimizer", "optimizer", "text", lambda row: row.outcome.cell.setting.optimizer),
        Column("schedule", "schedule", "text", lambda row: row.outcome.cell.setting.schedule),
        Column(
            "weight_decay",
            "weight decay",
            "number",
            lambda row: row.outcome.cell.setting.weight_decay,
        ),
        Column(
            "augmented",
            "crops and flips",
            "text",
            lambda row: "yes" if row.outcome.cell.setting.augmented else "no",
        ),
    )
    rows: dict[tuple[str, str], Scored] = {}
    for outcome in outcomes.all:
        key = (outcome.cell.setting.part, outcome.network)
        rows.setdefault(key, Scored(outcome, outcomes))
    return Table.of("settings", "how each network is trained", columns, rows.values())


def _steps(row: Scored) -> int | None:
    # Hybrid and bp-only runs count only the steps taken, so the number of steps comes from a rule
    # that takes all of them.
    runs = (row.bp or row.outcome).runs
    return next((run.document.epochs[-1].steps for run in runs if run.document.epochs), None)


def _tuning(row: Scored) -> str:
    part, network = row.outcome.cell.setting.part, row.outcome.network
    cells = [each.cell for each in row.outcomes.all if each.network == network]
    return _tuning_epochs([cell for cell in cells if cell.setting.part == part])


def _tuning_epochs(cells: Sequence[plan.Cell]) -> str:
    """Epochs of the tuning runs of one network: ``2; dfa 4`` lists rules that differ from the
    first. Empty if there are none.
    """
    rules: dict[int, list[str]] = {}
    for cell in cells:
        if cell.tuning():
            rules.setdefault(cell.setting.tuning_epochs, []).append(cell.rule)
    said = [
        f"{epochs}" if index == 0 else f"{', '.join(names)} {epochs}"
        for index, (epochs, names) in enumerate(rules.items())
    ]
    return "; ".join(said)
