"""Columns shared by the study's tables, and their cells."""

from __future__ import annotations

from typing import Any

from accelsim.report.table import Cell, Column
from accelsim.studies.accuracy import intervals
from accelsim.studies.accuracy.outcomes import Outcome, Outcomes, deviation, less, mean

WITHOUT_UNKNOWN, WITH_UNKNOWN = "test_", "test_with_unknown_"
UPDATE_ANGLE = (
    "update angle: degrees, after the last epoch, over all weights that the rule trains (for "
    "frozen only the output layer's, whose updates equal backpropagation's; for hdfa in its "
    "feedback steps)"
)

RUN_COLUMNS: tuple[Column[Any], ...] = (
    Column("network", "network", "text"),
    Column("rule", "rule", "text"),
    Column("learning_rate", "learning rate", "number"),
    Column("option", "scale or factor", "text"),
    Column("chosen", "chosen by", "text"),
    Column("seeds", "seeds", "text"),
)
ACCURACY_COLUMNS: tuple[Column[Any], ...] = (
    Column("test_accuracy_mean_percent", "test accuracy, mean", "percent"),
    Column("test_accuracy_deviation_points", "deviation", "percent"),
    Column("test_accuracy_interval_points", "95 %, +-", "percent"),
    Column("gap_to_bp_points", "less bp", "percent"),
    Column("gap_to_bp_interval_points", "95 %, +-", "percent"),
)


def run_cells(outcome: Outcome) -> tuple[Cell, ...]:
    """Cells of RUN_COLUMNS."""
    chosen, cell = outcome.choice, outcome.cell
    how = (
        f"tuning of {cell.tuned_as}"
        if cell.tuned_as
        else f"{len(outcome.tuning)} tuning runs"
        if outcome.tuning
        else "plan"
    )
    mark = (None, "") if chosen is None else (chosen.rate, chosen.option)
    return (outcome.network, outcome.rule, *mark, how, outcome.seeds)


def test_accuracy(outcome: Outcome | None) -> float | None:
    """Mean over seeds in percent."""
    return None if outcome is None else mean(outcome.percent("test_accuracy"))


def accuracy_cells(outcome: Outcome, outcomes: Outcomes) -> tuple[Cell, ...]:
    """Cells of ACCURACY_COLUMNS; None where there are no runs."""
    ours = outcome.percent("test_accuracy")
    bp = outcomes.find(outcome.network, "bp", outcome.cell.setting.part)
    others = [] if bp is None or bp is outcome else bp.percent("test_accuracy")
    return (
        mean(ours),
        deviation(ours),
        intervals.of_mean(ours),
        less(mean(ours), test_accuracy(bp)),
        intervals.of_difference(ours, others),
    )
