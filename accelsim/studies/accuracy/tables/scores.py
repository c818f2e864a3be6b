"""Tables of scores, one per part of the study, beside the papers' printed numbers.

Accuracies are percentages, differences points. Test scores are those of the last epoch, never of
the best one.
"""

from __future__ import annotations

from typing import Any

from accelsim.report.table import Column, Table
from accelsim.studies.accuracy import intervals, published
from accelsim.studies.accuracy.outcomes import Outcomes, deviation, mean
from accelsim.studies.accuracy.plan import HEAD_SUFFIX
from accelsim.studies.accuracy.tables.columns import (
    ACCURACY_COLUMNS,
    RUN_COLUMNS,
    UPDATE_ANGLE,
    WITH_UNKNOWN,
    WITHOUT_UNKNOWN,
    accuracy_cells,
    run_cells,
)


def fully_connected_table(outcomes: Outcomes) -> Table:
    """Part (a): every rule on the fully connected networks."""
    rows = tuple(
        (*run_cells(each), *accuracy_cells(each, outcomes)) for each in outcomes.part("fc")
    )
    return Table(
        "fully_connected", "fully connected networks", (*RUN_COLUMNS, *ACCURACY_COLUMNS), rows
    )


def sweep_table(outcomes: Outcomes) -> Table:
    """Part (a): rank and density of the feedback (Crafton et al. 2019, figures 5 and 6)."""
    columns: tuple[Column[Any], ...] = (
        Column("rule", "rule", "text"),
        Column("rank", "rank (- unlimited)"),
        Column("entries", "entries per neuron"),
        Column("sparsity_percent", "sparsity in %", "number"),
        Column("learning_rate", "learning rate", "number"),
        Column("seeds", "seeds", "text"),
        *ACCURACY_COLUMNS[:3],
        Column("feedback_angle_mean_degrees", "angle of output layer, mean", "percent"),
        Column("feedback_angle_deviation_degrees", "deviation", "percent"),
    )
    rows = []
    for each in outcomes.part("sweep"):
        rank, entries = rank_and_entries(each.rule)
        accuracies, angles = each.percent("test_accuracy"), each.angles("feedback")
        sparsity = None if entries is None else 100 * (1 - entries / CLASSES)
        rate = each.choice.rate if each.choice else None
        scores = (
            mean(accuracies),
            deviation(accuracies),
            intervals.of_mean(accuracies),
            mean(angles),
            deviation(angles),
        )
        rows.append((each.rule, rank, entries, sparsity, rate, each.seeds, *scores))
    return Table(
        "sweeps", "rank and sparsity of direct feedback on fashion-fc", columns, tuple(rows)
    )


CLASSES = 10
"""Number of classes in every image data set of the study."""


def rank_and_entries(rule: str) -> tuple[int | None, int | None]:
    """(rank, feedback weights per neuron) of a rule in the sweep. Rank None means unlimited;
    ``k=0`` is dense. (None, None) for other rules.
    """
    name, _, options = rule.partition(":")
    if name != "sdfa":
        return None, None
    values = dict(option.split("=") for option in options.split(","))
    return int(values.get("rank", 0)) or None, int(values.get("k", 1)) or CLASSES


def convolutional_table(outcomes: Outcomes) -> Table:
    """Part (b), beside Table 1 of Han et al. 2020."""
    columns: tuple[Column[Any], ...] = (
        *RUN_COLUMNS,
        *ACCURACY_COLUMNS,
        Column("training_accuracy_mean_percent", "training accuracy, mean", "percent"),
        Column("update_angle_mean_degrees", "update angle to bp", "percent"),
        Column("printed_test_accuracy_percent", "printed test accuracy", "percent"),
        Column("printed_gap_to_bp_points", "printed, less bp", "percent"),
        Column("printed_row", "", "text"),
    )
    rows = []
    for each in outcomes.part("cnn"):
        printed = published.printed(each.cell.setting.network, each.rule)
        gap = published.printed_gap(each.cell.setting.network, each.rule)
        theirs = (None, None, None) if printed is None else (printed.test, gap, printed.row)
        ours = (
            *accuracy_cells(each, outcomes),
            mean(each.percent("training_accuracy")),
            mean(each.angles("update", "all")),
        )
        rows.append((*run_cells(each), *ours, *theirs))
    notes = (f"printed: {published.HAN_TABLE_1}, full width, whole training set", UPDATE_ANGLE)
    return Table("convolutional", "convolutional networks on CIFAR-10", columns, tuple(rows), notes)


def text_table(outcomes: Outcomes) -> Table:
    """Part (c), beside Table 3 of Han et al. 2020."""
    columns: tuple[Column[Any], ...] = (
        *RUN_COLUMNS,
        Column("perplexity_mean", "perplexity, mean", "number"),
        Column("perplexity_deviation", "deviation", "number"),
        Column("perplexity_interval", "95 %, +-", "number"),
        Column("perplexity_with_unknown_mean", "perplexity with the unknown word", "number"),
        Column("test_accuracy_mean_percent", "accuracy", "percent"),
        Column(
            "test_accuracy_with_unknown_mean_percent", "accuracy with the unknown word", "percent"
        ),
        Column("gap_to_bp_points", "less bp", "percent"),
        Column("printed_test_accuracy_percent", "printed accuracy", "percent"),
        Column("printed_gap_to_bp_points", "printed, less bp", "percent"),
        Column("printed_row", "", "text"),
    )
    rows = []
    for each in outcomes.part("rnn"):
        perplexities = each.scores(f"{WITHOUT_UNKNOWN}perplexity")
        unknown = mean(each.scores(f"{WITH_UNKNOWN}perplexity"))
        accuracy, _, _, gap, _ = accuracy_cells(each, outcomes)
        printed, network = (
            published.printed(each.cell.setting.network, each.rule),
            each.cell.setting.network,
        )
        theirs = (
            (None, None, None)
            if printed is None
            else (printed.test, published.printed_gap(network, each.rule), printed.row)
        )
        scores = (
            mean(perplexities),
            deviation(perplexities),
            intervals.of_mean(perplexities),
            unknown,
            accuracy,
            mean(each.percent(f"{WITH_UNKNOWN}accuracy")),
            gap,
        )
        rows.append((*run_cells(each), *scores, *theirs))
    notes = (f"printed: {published.HAN_TABLE_3}",)
    return Table("text", "language models on WikiText-2", columns, tuple(rows), notes)


def transfer_table(outcomes: Outcomes) -> Table:
    """Part (d): whole networks, then heads on the frozen features of the network that
    backpropagation trained.
    """
    columns: tuple[Column[Any], ...] = (
        Column("trained", "trained", "text"),
        *RUN_COLUMNS,
        *ACCURACY_COLUMNS,
        Column("printed_largest_loss_points", "printed, largest loss", "percent"),
    )
    rows = []
    for each in outcomes.part("transfer"):
        head = each.cell.setting.network.endswith(HEAD_SUFFIX)
        loss = (
            published.CRAFTON_LARGEST_TRANSFER_LOSS
            if head and each.rule in ("dfa", "ssdfa")
            else None
        )
        rows.append(
            (
                "head on BP features" if head else "whole network",
                *run_cells(each),
                *accuracy_cells(each, outcomes),
                loss,
            )
        )
    notes = (
        (
            "printed: Crafton et al. 2019, the text beside Table 5, the largest over five "
            "benchmarks; "
            "the table's own values are not recovered"
        ),
    )
    return Table("transfer", "transferred convolutions", columns, tuple(rows), notes)
