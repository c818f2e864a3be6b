"""Tables of the tuning runs' held-out scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from accelsim.report.table import Cell, Column, Table
from accelsim.studies.accuracy.outcomes import Outcomes
from accelsim.studies.accuracy.tables.columns import RUN_COLUMNS

DIVERGED = -1e8
"""Held-out scores below this mark runs that diverged."""


def tuning_table(outcomes: Outcomes, parts: Sequence[str], name: str) -> Table:
    """Held-out scores of tuning runs, one line per learning rate and one column per option. They
    show the effect of the feedback's scale.
    """
    tuned = [each for each in outcomes.part(*parts) if each.tuning]
    options = list(dict.fromkeys(option for each in tuned for option in each.cell.options))
    text = any(each.cell.setting.vocabulary for each in tuned)
    kind = "held_out_perplexity" if text else "held_out_accuracy_percent"
    columns: tuple[Column[Any], ...] = (
        *RUN_COLUMNS[:3],
        *(
            Column(
                f"{kind}_{option.replace('=', '_') or 'no_option'}",
                option or "no option",
                "number" if text else "percent",
            )
            for option in options
        ),
        Column("spread_over_options", "spread", "number" if text else "percent"),
        Column("chosen", "chosen", "text"),
    )
    rows: list[tuple[Cell, ...]] = []
    for each in tuned:
        for rate in each.cell.learning_rates:
            scored = {job.id.rpartition("/")[2]: score for job, score in each.tuning}
            marks = [f"lr={rate:g}{'-' + option if option else ''}-seed=0" for option in options]
            chosen = each.choice.option or "yes" if each.choice and each.choice.rate == rate else ""
            cells = [_held_out(scored.get(mark), text) for mark in marks]
            rows.append((each.network, each.rule, rate, *cells, _spread(cells), chosen))
    measure = "perplexity" if text else "accuracy in %"
    return Table(name, f"tuning: held-out {measure} by option", columns, tuple(rows))


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
}
"""Parts of the study by the name of their table of tuning scores."""
