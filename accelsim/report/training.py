"""Tables of a training document: curves, angles and densities over epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from accelsim.report.console import print_lines, print_table
from accelsim.report.table import Column, Table
from accelsim.results.document import Part
from accelsim.results.training import EpochRow, TrainingDocument


def curves_table(run: TrainingDocument) -> Table:
    """A row per epoch, with a column for every score that any epoch has. Only the usual scores are
    printed; CSV has all.
    """
    rows = [row.model_dump(exclude_unset=True) for row in run.epochs]
    keys = list(dict.fromkeys(key for row in rows for key in row))
    note = "training scores are means over the epoch's steps, before their updates"
    if any(key.endswith("perplexity") for key in keys):
        note += ", and count the unknown word, which the others leave out"
    columns = [_column(key) for key in keys]
    return Table.of("curves", "Scores after every epoch", columns, rows, (note,))


def _column(key: str) -> Column[Mapping[str, Any]]:
    if key in ("epoch", "steps"):
        return Column(key, key)
    part, _, measure = key.rpartition("_")
    return Column(
        key,
        f"{part.replace('_', '-')}\n{measure}" if key in EpochRow.model_fields else "",
        "share" if measure == "accuracy" else "number",
    )


def angles_table(run: TrainingDocument) -> Table:
    """A row per epoch, kind and layer."""
    columns: tuple[Column[Part], ...] = (
        Column("epoch", "epoch"),
        Column("kind", "kind", "text"),
        Column("layer", "layer", "text"),
        Column("degrees", "degrees", "number"),
    )
    return Table.of("angles", "Angles", columns, run.angles)


def densities_table(run: TrainingDocument) -> Table:
    """A row per epoch, layer and role."""
    columns: tuple[Column[Part], ...] = (
        Column("epoch", "epoch"),
        Column("layer", "layer", "text"),
        Column("role", "role", "text"),
        Column("density", "density", "share"),
    )
    return Table.of("densities", "Densities", columns, run.densities)


def tables(run: TrainingDocument) -> list[Table]:
    """Every table that has rows; curves always."""
    return [
        curves_table(run),
        *(table for table in (angles_table(run), densities_table(run)) if table.rows),
    ]


def print_training(run: TrainingDocument, console: Console) -> None:
    """Print the network and its training, the curves, then the angles between the last updates and
    backpropagation's.
    """
    cause = run.cause
    said = (
        f"workload {cause.workload}, rule {cause.rule}, data {cause.data}, batch {cause.batch}, "
        f"learning rate {cause.learning_rate:g}"
    )
    print_lines(
        [f"{said}, {cause.optimizer}, {cause.schedule} schedule, seed {cause.seed}", ""], console
    )
    print_table(curves_table(run), console)
    last = [row for row in run.angles if row.kind == "update" and row.layer == "all"][-1:]
    if last and last[0].degrees is not None:
        console.file.write(
            f"\nangle between the weight gradients and backpropagation's after epoch "
            f"{last[0].epoch}: {last[0].degrees:.1f} degrees\n"
        )


def scores(row: Mapping[str, Any]) -> str:
    """Scores of one epoch on one line: ``loss 0.512, accuracy 81.2 %, test accuracy 80.1 %``."""
    found = EpochRow.model_validate(row)
    words = [f"loss {_loss(found.training_loss)}", f"accuracy {_share(found.training_accuracy)}"]
    for part, name in (("held_out", "held-out"), ("test", "test")):
        perplexity, accuracy = (
            getattr(found, f"{part}_perplexity"),
            getattr(found, f"{part}_accuracy"),
        )
        if perplexity is not None:
            words.append(f"{name} perplexity {perplexity:.1f}")
        elif accuracy is not None:
            words.append(f"{name} accuracy {_share(accuracy)}")
    return ", ".join(words)


def _loss(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}" if value < 1e4 else f"{value:.3g}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"
