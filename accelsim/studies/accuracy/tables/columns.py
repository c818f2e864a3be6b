"""Columns shared by the study's tables: how each is computed from an outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accelsim.report.table import Cell, Column, Kind
from accelsim.studies.accuracy import intervals
from accelsim.studies.accuracy.outcomes import Outcome, Outcomes, deviation, less, mean

WITHOUT_UNKNOWN, WITH_UNKNOWN = "test_", "test_with_unknown_"
UPDATE_ANGLE = (
    "update angle: degrees, after the last epoch, over all weights that the rule trains (for "
    "frozen only the output layer's, whose updates equal backpropagation's; for hdfa in its "
    "feedback steps)"
)


@dataclass(frozen=True)
class Scored:
    """The object of a row: one cell of the study with its runs, and all outcomes to compare it
    with.
    """

    outcome: Outcome
    outcomes: Outcomes

    @property
    def chosen(self) -> str:
        """The way in which learning rate and option were chosen."""
        if self.outcome.cell.tuned_as:
            return f"tuning of {self.outcome.cell.tuned_as}"
        tuning = len(self.outcome.tuning)
        return f"{tuning} tuning runs" if tuning else "plan"

    @property
    def accuracies(self) -> list[float]:
        """Test accuracy of each seed in percent."""
        return self.outcome.percent("test_accuracy")

    @property
    def bp(self) -> Outcome | None:
        """The outcome of backpropagation on the same network."""
        outcome = self.outcome
        return self.outcomes.find(outcome.network, "bp", outcome.cell.setting.part)

    @property
    def gap(self) -> float | None:
        """Mean test accuracy minus that of backpropagation, in points."""
        return less(mean(self.accuracies), test_accuracy(self.bp))

    @property
    def gap_interval(self) -> float | None:
        """Half of the 95 % interval of `gap`."""
        others = (
            [] if self.bp is None or self.bp is self.outcome else self.bp.percent("test_accuracy")
        )
        return intervals.of_difference(self.accuracies, others)


def scored(outcomes: Outcomes, *parts: str) -> list[Scored]:
    """The objects of rows, one for each outcome of these parts of the study."""
    return [Scored(each, outcomes) for each in outcomes.part(*parts)]


def of_outcome(
    key: str, heading: str, kind: Kind, value: Callable[[Outcome], Cell]
) -> Column[Scored]:
    """A column whose cell depends on the outcome alone."""
    return Column(key, heading, kind, lambda row: value(row.outcome))


NETWORK = of_outcome("network", "network", "text", lambda each: each.network)
RULE = of_outcome("rule", "rule", "text", lambda each: each.rule)
LEARNING_RATE = of_outcome(
    "learning_rate",
    "learning rate",
    "number",
    lambda each: each.choice.rate if each.choice else None,
)
SEEDS = of_outcome("seeds", "seeds", "text", lambda each: each.seeds)
RUN_COLUMNS: tuple[Column[Scored], ...] = (
    NETWORK,
    RULE,
    LEARNING_RATE,
    of_outcome(
        "option", "scale or factor", "text", lambda each: each.choice.option if each.choice else ""
    ),
    Column("chosen", "chosen by", "text"),
    SEEDS,
)
ACCURACY_COLUMNS: tuple[Column[Scored], ...] = (
    Column(
        "test_accuracy_mean_percent",
        "test accuracy, mean",
        "percent",
        lambda row: mean(row.accuracies),
    ),
    Column(
        "test_accuracy_deviation_points",
        "deviation",
        "percent",
        lambda row: deviation(row.accuracies),
    ),
    Column(
        "test_accuracy_interval_points",
        "95 %, +-",
        "percent",
        lambda row: intervals.of_mean(row.accuracies),
    ),
    Column("gap_to_bp_points", "less bp", "percent", lambda row: row.gap),
    Column("gap_to_bp_interval_points", "95 %, +-", "percent", lambda row: row.gap_interval),
)


def test_accuracy(outcome: Outcome | None) -> float | None:
    """Mean over seeds in percent."""
    return None if outcome is None else mean(outcome.percent("test_accuracy"))
