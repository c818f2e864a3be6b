"""Tables by layer and by epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from accelsim.report.table import Column, Table
from accelsim.results.training import EpochRow
from accelsim.studies.accuracy.outcomes import Outcome, Outcomes, mean
from accelsim.studies.accuracy.tables.columns import UPDATE_ANGLE


@dataclass(frozen=True)
class _Layer:
    """A row's object: a layer of an outcome."""

    outcome: Outcome
    layer: str


def angles_table(outcomes: Outcomes) -> Table:
    """Update angles to backpropagation after the last epoch, one line per layer."""
    columns: tuple[Column[_Layer], ...] = (
        Column("network", "network", "text", lambda row: row.outcome.network),
        Column("rule", "rule", "text", lambda row: row.outcome.rule),
        Column("layer", "layer", "text"),
        Column("seeds", "seeds", "text", lambda row: row.outcome.seeds),
        Column(
            "update_angle_mean_degrees",
            "angle, mean",
            "percent",
            lambda row: mean(row.outcome.angles("update", row.layer)),
        ),
    )
    title = "update angles to backpropagation after the last epoch"
    return Table.of("update_angles", title, columns, _layers(outcomes), (UPDATE_ANGLE,))


def _layers(outcomes: Outcomes) -> Iterator[_Layer]:
    """Layers with an update angle, in the order of the documents."""
    for each in outcomes.part("fc", "cnn", "rnn", "transfer", "transformer"):
        layers = dict.fromkeys(
            row.layer for run in each.runs for row in run.document.angles if row.kind == "update"
        )
        yield from (_Layer(each, layer) for layer in layers)


@dataclass(frozen=True)
class _Epoch:
    """A row's object: an epoch of a final run."""

    outcome: Outcome
    seed: int
    scores: EpochRow


def curves_table(outcomes: Outcomes) -> Table:
    """Scores at every epoch of every final run, from which the learning curves are drawn."""
    columns: tuple[Column[_Epoch], ...] = (
        Column("part", "part", "text", lambda row: row.outcome.cell.setting.part),
        Column("network", "network", "text", lambda row: row.outcome.network),
        Column("rule", "rule", "text", lambda row: row.outcome.rule),
        Column("seed", "seed"),
        Column("epoch", "epoch", "count", lambda row: row.scores.epoch),
        Column("training_loss", "training_loss", "number", lambda row: row.scores.training_loss),
        Column(
            "training_accuracy",
            "training_accuracy",
            "number",
            lambda row: row.scores.training_accuracy,
        ),
        Column("test_loss", "test_loss", "number", lambda row: row.scores.test_loss),
        Column("test_accuracy", "test_accuracy", "number", lambda row: row.scores.test_accuracy),
        Column(
            "test_perplexity", "test_perplexity", "number", lambda row: row.scores.test_perplexity
        ),
    )
    rows = (
        _Epoch(each, run.job.recipe.seed, scores)
        for each in outcomes.all
        for run in each.runs
        for scores in run.document.epochs
    )
    return Table.of("curves", "scores epoch by epoch", columns, rows)
