"""Tables by layer and by epoch."""

from __future__ import annotations

from typing import Any

from accelsim.report.table import Cell, Column, Table
from accelsim.studies.accuracy.outcomes import Outcomes, mean
from accelsim.studies.accuracy.tables.columns import UPDATE_ANGLE


def angles_table(outcomes: Outcomes) -> Table:
    """Update angles to backpropagation after the last epoch, one line per layer."""
    columns: tuple[Column[Any], ...] = (
        Column("network", "network", "text"),
        Column("rule", "rule", "text"),
        Column("layer", "layer", "text"),
        Column("seeds", "seeds", "text"),
        Column("update_angle_mean_degrees", "angle, mean", "percent"),
    )
    rows = []
    for each in outcomes.part("fc", "cnn", "rnn", "transfer"):
        layers = dict.fromkeys(
            row.layer for run in each.runs for row in run.document.angles if row.kind == "update"
        )
        rows += [
            (each.network, each.rule, layer, each.seeds, mean(each.angles("update", layer)))
            for layer in layers
        ]
    return Table(
        "update_angles",
        "update angles to backpropagation after the last epoch",
        columns,
        tuple(rows),
        (UPDATE_ANGLE,),
    )


def curves_table(outcomes: Outcomes) -> Table:
    """Scores at every epoch of every final run, from which the learning curves are drawn."""
    columns: tuple[Column[Any], ...] = (
        *(Column(key, key, "text") for key in ("part", "network", "rule")),
        Column("seed", "seed"),
        Column("epoch", "epoch"),
        *(
            Column(key, key, "number")
            for key in (
                "training_loss",
                "training_accuracy",
                "test_loss",
                "test_accuracy",
                "test_perplexity",
            )
        ),
    )
    rows: list[tuple[Cell, ...]] = []
    for each in outcomes.all:
        for run in each.runs:
            for row in run.document.epochs:
                scores = (
                    row.training_loss,
                    row.training_accuracy,
                    row.test_loss,
                    row.test_accuracy,
                    row.test_perplexity,
                )
                rows.append(
                    (
                        each.cell.setting.part,
                        each.network,
                        each.rule,
                        run.job.recipe.seed,
                        row.epoch,
                        *scores,
                    )
                )
    return Table("curves", "scores epoch by epoch", columns, tuple(rows))
