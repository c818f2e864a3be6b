"""Tables of scores, one per part of the study, beside the papers' printed numbers.

Accuracies are percentages, differences points. Test scores are those of the last epoch, never of
the best one.
"""

from __future__ import annotations

from accelsim.report.table import Column, Table
from accelsim.studies.accuracy import intervals, published
from accelsim.studies.accuracy.outcomes import Outcome, Outcomes, deviation, mean
from accelsim.studies.accuracy.plan import HEAD_SUFFIX
from accelsim.studies.accuracy.tables.columns import (
    ACCURACY_COLUMNS,
    LEARNING_RATE,
    RULE,
    RUN_COLUMNS,
    SEEDS,
    UPDATE_ANGLE,
    WITH_UNKNOWN,
    WITHOUT_UNKNOWN,
    Scored,
    of_outcome,
    scored,
)


def fully_connected_table(outcomes: Outcomes) -> Table:
    """Part (a): every rule on the fully connected networks."""
    columns = (*RUN_COLUMNS, *ACCURACY_COLUMNS)
    rows = scored(outcomes, "fc")
    return Table.of("fully_connected", "fully connected networks", columns, rows)


def sweep_table(outcomes: Outcomes) -> Table:
    """Part (a): rank and density of the feedback (Crafton et al. 2019, figures 5 and 6)."""
    columns: tuple[Column[Scored], ...] = (
        RULE,
        of_outcome(
            "rank", "rank (- unlimited)", "count", lambda each: rank_and_entries(each.rule)[0]
        ),
        of_outcome(
            "entries", "entries per neuron", "count", lambda each: rank_and_entries(each.rule)[1]
        ),
        of_outcome("sparsity_percent", "sparsity in %", "number", _sparsity),
        LEARNING_RATE,
        SEEDS,
        *ACCURACY_COLUMNS[:3],
        of_outcome(
            "feedback_angle_mean_degrees",
            "angle of output layer, mean",
            "percent",
            lambda each: mean(each.angles("feedback")),
        ),
        of_outcome(
            "feedback_angle_deviation_degrees",
            "deviation",
            "percent",
            lambda each: deviation(each.angles("feedback")),
        ),
    )
    title = "rank and sparsity of direct feedback on fashion-fc"
    return Table.of("sweeps", title, columns, scored(outcomes, "sweep"))


def _sparsity(outcome: Outcome) -> float | None:
    _, entries = rank_and_entries(outcome.rule)
    return None if entries is None else 100 * (1 - entries / CLASSES)


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


def _printed_columns(accuracy: str) -> tuple[Column[Scored], ...]:
    """The paper's numbers; ``accuracy`` heads the first."""
    return (
        of_outcome("printed_test_accuracy_percent", accuracy, "percent", _printed_accuracy),
        of_outcome("printed_gap_to_bp_points", "printed, less bp", "percent", _printed_gap),
        of_outcome("printed_row", "", "text", _printed_row),
    )


def _printed_accuracy(outcome: Outcome) -> float | None:
    printed = published.printed(outcome.cell.setting.network, outcome.rule)
    return None if printed is None else printed.test


def _printed_gap(outcome: Outcome) -> float | None:
    network = outcome.cell.setting.network
    if published.printed(network, outcome.rule) is None:
        return None
    return published.printed_gap(network, outcome.rule)


def _printed_row(outcome: Outcome) -> str | None:
    printed = published.printed(outcome.cell.setting.network, outcome.rule)
    return None if printed is None else printed.row


def convolutional_table(outcomes: Outcomes) -> Table:
    """Part (b), beside Table 1 of Han et al. 2020."""
    columns: tuple[Column[Scored], ...] = (
        *RUN_COLUMNS,
        *ACCURACY_COLUMNS,
        of_outcome(
            "training_accuracy_mean_percent",
            "training accuracy, mean",
            "percent",
            lambda each: mean(each.percent("training_accuracy")),
        ),
        of_outcome(
            "update_angle_mean_degrees",
            "update angle to bp",
            "percent",
            lambda each: mean(each.angles("update", "all")),
        ),
        *_printed_columns("printed test accuracy"),
    )
    notes = (f"printed: {published.HAN_TABLE_1}, full width, whole training set", UPDATE_ANGLE)
    title = "convolutional networks on CIFAR-10"
    return Table.of("convolutional", title, columns, scored(outcomes, "cnn"), notes)


def text_table(outcomes: Outcomes) -> Table:
    """Part (c), beside Table 3 of Han et al. 2020."""
    columns: tuple[Column[Scored], ...] = (
        *RUN_COLUMNS,
        of_outcome(
            "perplexity_mean", "perplexity, mean", "number", lambda each: mean(_perplexities(each))
        ),
        of_outcome(
            "perplexity_deviation",
            "deviation",
            "number",
            lambda each: deviation(_perplexities(each)),
        ),
        of_outcome(
            "perplexity_interval",
            "95 %, +-",
            "number",
            lambda each: intervals.of_mean(_perplexities(each)),
        ),
        of_outcome(
            "perplexity_with_unknown_mean",
            "perplexity with the unknown word",
            "number",
            lambda each: mean(each.scores(f"{WITH_UNKNOWN}perplexity")),
        ),
        Column(
            "test_accuracy_mean_percent", "accuracy", "percent", lambda row: mean(row.accuracies)
        ),
        of_outcome(
            "test_accuracy_with_unknown_mean_percent",
            "accuracy with the unknown word",
            "percent",
            lambda each: mean(each.percent(f"{WITH_UNKNOWN}accuracy")),
        ),
        Column("gap_to_bp_points", "less bp", "percent", lambda row: row.gap),
        *_printed_columns("printed accuracy"),
    )
    notes = (f"printed: {published.HAN_TABLE_3}",)
    title = "language models on WikiText-2"
    return Table.of("text", title, columns, scored(outcomes, "rnn"), notes)


def _perplexities(outcome: Outcome) -> list[float]:
    return outcome.scores(f"{WITHOUT_UNKNOWN}perplexity")


def transfer_table(outcomes: Outcomes) -> Table:
    """Part (d): whole networks, then heads on the frozen features of the network that
    backpropagation trained.
    """
    columns: tuple[Column[Scored], ...] = (
        of_outcome(
            "trained",
            "trained",
            "text",
            lambda each: "head on BP features" if _is_head(each) else "whole network",
        ),
        *RUN_COLUMNS,
        *ACCURACY_COLUMNS,
        of_outcome(
            "printed_largest_loss_points",
            "printed, largest loss",
            "percent",
            lambda each: (
                published.CRAFTON_LARGEST_TRANSFER_LOSS
                if _is_head(each) and each.rule in ("dfa", "ssdfa")
                else None
            ),
        ),
    )
    notes = (
        (
            "printed: Crafton et al. 2019, the text beside Table 5, the largest over five "
            "benchmarks; "
            "the table's own values are not recovered"
        ),
    )
    title = "transferred convolutions"
    return Table.of("transfer", title, columns, scored(outcomes, "transfer"), notes)


def _is_head(outcome: Outcome) -> bool:
    return outcome.cell.setting.network.endswith(HEAD_SUFFIX)
