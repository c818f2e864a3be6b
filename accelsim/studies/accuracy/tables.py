"""The study's tables as plain data. Accuracies are percentages, differences points; test scores are
the last epoch's, never the best one's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from accelsim.report.tables import Cell, Column, Table
from accelsim.studies.accuracy import plan, published
from accelsim.studies.accuracy.outcomes import Outcome, Outcomes, deviation, less, mean
from accelsim.studies.accuracy.plan import HEAD_SUFFIX

WITHOUT_UNKNOWN, WITH_UNKNOWN = "test_", "test_with_unknown_"
UPDATE_ANGLE = (
    "update angle: degrees, after the last epoch, over all weights that the rule trains (of frozen "
    "the output layer's alone, whose updates are "
    "backpropagation's own; of hdfa its feedback steps')"
)
DIVERGED = -1e8
"""Held-out scores below this are those of runs that diverged."""

_WHICH = (
    Column("network", "network", "text"),
    Column("rule", "rule", "text"),
    Column("learning_rate", "learning rate", "number"),
    Column("option", "scale or factor", "text"),
    Column("chosen", "chosen by", "text"),
    Column("seeds", "seeds", "text"),
)
_ACCURACY = (
    Column("test_accuracy_mean_percent", "test accuracy, mean", "percent"),
    Column("test_accuracy_deviation_points", "deviation", "percent"),
    Column("gap_to_bp_points", "less bp", "percent"),
)


def _which(outcome: Outcome) -> tuple[Cell, ...]:
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
    """Mean over the seeds, in percent."""
    return None if outcome is None else mean(outcome.percent("test_accuracy"))


def _accuracy(outcome: Outcome, outcomes: Outcomes) -> tuple[Cell, ...]:
    ours = test_accuracy(outcome)
    bp = test_accuracy(outcomes.find(outcome.network, "bp", outcome.cell.setting.part))
    return ours, deviation(outcome.percent("test_accuracy")), less(ours, bp)


def settings_table(outcomes: Outcomes) -> Table:
    """How each network is trained. The number of steps is what the runs say, not the plan."""
    columns = (
        Column("part", "part", "text"),
        Column("network", "network", "text"),
        Column("data", "data", "text"),
        Column("epochs", "epochs"),
        Column("tuning_epochs", "epochs of tuning", "text"),
        Column("batch", "batch"),
        Column("steps_per_epoch", "steps an epoch"),
        Column("optimizer", "optimizer", "text"),
        Column("schedule", "schedule", "text"),
        Column("weight_decay", "weight decay", "number"),
        Column("augmented", "crops and flips", "text"),
    )
    rows: dict[tuple[str, str], tuple[Cell, ...]] = {}
    for outcome in outcomes.all:
        setting, key = outcome.cell.setting, (outcome.cell.setting.part, outcome.network)
        # a hybrid or bp-only run counts the steps that are taken, so the steps are looked up with a
        # rule that takes all
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
    """``2; dfa 4``: epochs of the tuning runs of one network, with the rules that have others than
    the first; empty without any.
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


def fully_connected_table(outcomes: Outcomes) -> Table:
    """Part (a): every rule on the fully connected networks."""
    rows = tuple((*_which(each), *_accuracy(each, outcomes)) for each in outcomes.part("fc"))
    return Table("fully_connected", "fully connected networks", (*_WHICH, *_ACCURACY), rows)


def sweep_table(outcomes: Outcomes) -> Table:
    """Part (a): rank and density of the feedback (Crafton et al. 2019, figures 5 and 6)."""
    columns = (
        Column("rule", "rule", "text"),
        Column("rank", "rank (- unlimited)"),
        Column("entries", "entries a neuron"),
        Column("sparsity_percent", "sparsity in %", "number"),
        Column("learning_rate", "learning rate", "number"),
        Column("seeds", "seeds", "text"),
        *_ACCURACY[:2],
        Column("feedback_angle_mean_degrees", "angle of output layer, mean", "percent"),
        Column("feedback_angle_deviation_degrees", "deviation", "percent"),
    )
    rows = []
    for each in outcomes.part("sweep"):
        rank, entries = rank_and_entries(each.rule)
        accuracies, angles = each.percent("test_accuracy"), each.angles("feedback")
        sparsity = None if entries is None else 100 * (1 - entries / CLASSES)
        rate = each.choice.rate if each.choice else None
        scores = (mean(accuracies), deviation(accuracies), mean(angles), deviation(angles))
        rows.append((each.rule, rank, entries, sparsity, rate, each.seeds, *scores))
    return Table(
        "sweeps", "rank and sparsity of direct feedback on fashion-fc", columns, tuple(rows)
    )


CLASSES = 10
"""Of every image data set of the study."""


def rank_and_entries(rule: str) -> tuple[int | None, int | None]:
    """Rank (None: unlimited) and feedback weights a neuron of a rule of the sweep; ``k=0`` is
    dense. None, None of other rules.
    """
    name, _, options = rule.partition(":")
    if name != "sdfa":
        return None, None
    found = dict(option.split("=") for option in options.split(","))
    return int(found.get("rank", 0)) or None, int(found.get("k", 1)) or CLASSES


def convolutional_table(outcomes: Outcomes) -> Table:
    """Part (b), beside Table 1 of Han et al. 2020."""
    columns = (
        *_WHICH,
        *_ACCURACY,
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
            *_accuracy(each, outcomes),
            mean(each.percent("training_accuracy")),
            mean(each.angles("update", "all")),
        )
        rows.append((*_which(each), *ours, *theirs))
    notes = (f"printed: {published.HAN_TABLE_1}, full width, whole training set", UPDATE_ANGLE)
    return Table("convolutional", "convolutional networks on CIFAR-10", columns, tuple(rows), notes)


def text_table(outcomes: Outcomes) -> Table:
    """Part (c), beside Table 3 of Han et al. 2020."""
    columns = (
        *_WHICH,
        Column("perplexity_mean", "perplexity, mean", "number"),
        Column("perplexity_deviation", "deviation", "number"),
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
        accuracy, _, gap = _accuracy(each, outcomes)
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
            unknown,
            accuracy,
            mean(each.percent(f"{WITH_UNKNOWN}accuracy")),
            gap,
        )
        rows.append((*_which(each), *scores, *theirs))
    notes = (f"printed: {published.HAN_TABLE_3}",)
    return Table("text", "language models on WikiText-2", columns, tuple(rows), notes)


def transfer_table(outcomes: Outcomes) -> Table:
    """Part (d): whole networks, then heads on the frozen features of the one that backpropagation
    trained.
    """
    columns = (
        Column("trained", "trained", "text"),
        *_WHICH,
        *_ACCURACY,
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
                *_which(each),
                *_accuracy(each, outcomes),
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


def angles_table(outcomes: Outcomes) -> Table:
    """Update angles to backpropagation after the last epoch, a line a layer."""
    columns = (
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
    """Every epoch of every final run: what the learning curves are drawn from."""
    columns = (
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


def tuning_table(outcomes: Outcomes, parts: Sequence[str], name: str) -> Table:
    """Held-out scores of tuning runs, a line a learning rate and a column an option: how far the
    feedback's scale alone moves a rule.
    """
    tuned = [each for each in outcomes.part(*parts) if each.tuning]
    options = list(dict.fromkeys(option for each in tuned for option in each.cell.options))
    text = any(each.cell.setting.vocabulary for each in tuned)
    kind = "held_out_perplexity" if text else "held_out_accuracy_percent"
    columns = (
        *_WHICH[:3],
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
    """Best less worst; None of fewer than two numbers, or where a run diverged."""
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
"""Name of each table of tuning scores, and the parts it is of."""


def all_tables(outcomes: Outcomes) -> dict[str, Table]:
    """Every table but that of orderings, by name."""
    made = [
        settings_table(outcomes),
        fully_connected_table(outcomes),
        sweep_table(outcomes),
        convolutional_table(outcomes),
        text_table(outcomes),
        transfer_table(outcomes),
        angles_table(outcomes),
        curves_table(outcomes),
        *(tuning_table(outcomes, parts, name) for name, parts in TUNING.items()),
    ]
    return {table.name: table for table in made}
