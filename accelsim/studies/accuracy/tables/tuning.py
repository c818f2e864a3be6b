"""Tables of the tuning runs' held-out scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from accelsim.report.table import Cell, Column, Kind, Table
from accelsim.studies.accuracy.outcomes import Outcome, Outcomes

DIVERGED = -1e8
"""Held-out scores below this mark runs that diverged."""


def tuning_table(outcomes: Outcomes, parts: Sequence[str], name: str) -> Table:
    """Held-out scores of tuning runs, one line per learning rate and one column per option. They
    show the effect of the feedback's scale.
    """
    tuned = [each for each in outcomes.part(*parts) if each.tuning]
    options = list(dict.fromkeys(option for each in tuned for option in each.cell.options))
    text = any(each.cell.setting.is_text for each in tuned)
    kind = "held_out_perplexity" if text else "held_out_accuracy_percent"
    cell_kind: Kind = "number" if text else "percent"
    columns: tuple[Column[_Rate], ...] = (
        Column("network", "network", "text", lambda row: row.outcome.network),
        Column("rule", "rule", "text", lambda row: row.outcome.rule),
        Column("learning_rate", "learning rate", "number", lambda row: row.rate),
        *(
            Column(
                f"{kind}_{option.replace('=', '_') or 'no_option'}",
                option or "no option",
                cell_kind,
                partial(_score, option=option, text=text),
            )
            for option in options
        ),
        Column(
            "spread_over_options",
            "spread",
            cell_kind,
            lambda row: _spread([_score(row, option, text) for option in options]),
        ),
        Column("chosen", "chosen", "text", lambda row: row.chosen),
    )
    measure = "perplexity" if text else "accuracy in %"
    rows = (_Rate(each, rate) for each in tuned for rate in each.cell.learning_rates)
    return Table.of(name, f"tuning: held-out {measure} by option", columns, rows)


@dataclass(frozen=True)
class _Rate:
    """A row's object: the tuning runs of an outcome with one learning rate."""

    outcome: Outcome
    rate: float

    @property
    def chosen(self) -> str:
        """The chosen option, or ``yes``, if this learning rate was chosen."""
        choice = self.outcome.choice
        return choice.option or "yes" if choice and choice.rate == self.rate else ""

    @cached_property
    def scores(self) -> dict[str, float | None]:
        """Held-out score of each tuning run, by the last part of its name."""
        return {job.id.rpartition("/")[2]: score for job, score in self.outcome.tuning}


def _score(row: _Rate, option: str, text: bool) -> Cell:
    mark = f"lr={row.rate:g}{'-' + option if option else ''}-seed=0"
    return _held_out(row.scores.get(mark), text)


def _spread(cells: Sequence[Cell]) -> float | None:
    """Best minus worst score. None for fewer than two numbers, or if a run diverged."""
    known = [cell for cell in cells if isinstance(cell, float)]
    return None if len(known) < 2 or "diverged" in cells else round(max(known) - min(known), 2)


def _held_out(score: float | None, text: bool) -> Cell:
    if score is None:
        return None
    if score < DIVERGED:
        return "diverged"
    return round(math.exp(min(-score, 700.0)), 2) if text else round(100 * score, 2)


TUNING = {
    "tuning_fc": ("fc",),
    "tuning_cnn": ("cnn",),
    "tuning_text": ("rnn",),
    "tuning_transfer": ("transfer",),
    "tuning_transformer": ("transformer",),
}
"""Parts of the study by the name of their table of tuning scores."""
