"""Table of the training settings of each network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accelsim.report.table import Cell, Column, Table
from accelsim.studies.accuracy import plan
from accelsim.studies.accuracy.outcomes import Outcomes


def settings_table(outcomes: Outcomes) -> Table:
    """One line per network. The number of steps comes from the runs, not from the plan."""
    columns: tuple[Column[Any], ...] = (
        Column("part", "part", "text"),
        Column("network", "network", "text"),
        Column("data", "data", "text"),
        Column("epochs", "epochs"),
        Column("tuning_epochs", "epochs of tuning", "text"),
        Column("batch", "batch"),
        Column("steps_per_epoch", "steps per epoch"),
        Column("optimizer", "optimizer", "text"),
        Column("schedule", "schedule", "text"),
        Column("weight_decay", "weight decay", "number"),
        Column("augmented", "crops and flips", "text"),
    )
    rows: dict[tuple[str, str], tuple[Cell, ...]] = {}
    for outcome in outcomes.all:
        setting, key = outcome.cell.setting, (outcome.cell.setting.part, outcome.network)
        # Hybrid and bp-only runs count only the steps taken, so the number of steps comes from a
        # rule that takes all of them.
        full = outcomes.find(outcome.network, "bp", setting.part) or outcome
        steps = next(
            (run.document.epochs[-1].steps for run in full.runs if run.document.epochs), None
        )
        tuning = _tuning_epochs(
            [each.cell for each in outcomes.all if (each.cell.setting.part, each.network) == key]
        )
        how: tuple[Cell, ...] = (
            setting.epochs,
            tuning,
            setting.batch,
            steps,
            setting.optimizer,
            setting.schedule,
        )
        rows.setdefault(
            key,
            (*key, setting.data, *how, setting.weight_decay, "yes" if setting.augmented else "no"),
        )
    return Table("settings", "how each network is trained", columns, tuple(rows.values()))


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
