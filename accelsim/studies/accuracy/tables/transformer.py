"""Table of part (e), a transformer: perplexity beside energy and time of a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from accelsim.report.table import Column, Table, Uncertain
from accelsim.studies.accuracy.outcomes import Outcome, Outcomes, mean
from accelsim.studies.accuracy.tables.columns import (
    LEARNING_RATE,
    RULE,
    SEEDS,
    Scored,
    of_outcome,
    scored,
)
from accelsim.studies.accuracy.transformer.costs import BATCH, MACHINES

PERPLEXITY, LOSS = "test_perplexity", "test_loss"


def transformer_table(outcomes: Outcomes) -> Table:
    """Every rule: scores per byte over the seeds, then the costs of a step on each machine."""
    columns: tuple[Column[Scored], ...] = (
        RULE,
        LEARNING_RATE,
        Column("chosen", "chosen by", "text"),
        SEEDS,
        of_outcome(
            "perplexity_mean", "perplexity per byte (least to greatest)", "percent", _spread
        ),
        of_outcome("perplexity_least", "", "percent", lambda each: _least(each, 1)),
        of_outcome("perplexity_greatest", "", "percent", lambda each: _least(each, -1)),
        of_outcome(
            "loss_mean_nats_per_byte",
            "nats per byte",
            "percent",
            lambda each: mean(each.scores(LOSS)),
        ),
        Column(
            "test_accuracy_mean_percent",
            "accuracy in %",
            "percent",
            lambda row: mean(row.accuracies),
        ),
        Column("gap_to_bp_points", "less bp", "percent", lambda row: row.gap),
        *(column for machine in MACHINES for column in _costs(machine)),
    )
    note = (
        f"costs: simulated steps of batch {BATCH} with the same optimizer, on the shipped traces; "
        "in brackets the 5th and 95th percentile over the bounds of the prices"
    )
    title = "a small GPT on the bytes of WikiText-2, and the costs of a step"
    return Table.of("transformer", title, columns, scored(outcomes, "transformer"), (note,))


def _spread(outcome: Outcome) -> float | None:
    """Mean perplexity, with the least and the greatest one."""
    values = outcome.scores(PERPLEXITY)
    return Uncertain.of(mean(values), (min(values), max(values)) if len(values) > 1 else None)


def _least(outcome: Outcome, sign: int) -> float | None:
    """Least perplexity; with a sign of -1 the greatest."""
    values = outcome.scores(PERPLEXITY)
    return round(sign * min(sign * value for value in values), 4) if values else None


def _costs(machine: str) -> Iterator[Column[Scored]]:
    """Energy with its interval, ratio to backpropagation, and time, on one machine. The ends of the
    intervals have columns of their own in the CSV file.
    """
    key = machine.replace("-", "_")

    def number(
        attribute: str, factor: float, even: bool = False
    ) -> Callable[[Scored], float | None]:
        def value(row: Scored) -> float | None:
            found = row.outcomes.cost(row.outcome.rule, machine, even)
            return None if found is None else round(factor * getattr(found, attribute), 4)

        return value

    def interval(attribute: str, factor: float) -> Callable[[Scored], float | None]:
        def value(row: Scored) -> float | None:
            nominal, low, high = (
                number(attribute + end, factor)(row) for end in ("", "_p5", "_p95")
            )
            return None if low is None or high is None else Uncertain.of(nominal, (low, high))

        return value

    for name, attribute, factor, heading in (
        ("energy_mj", "energy_pj", 1e-9, f"{machine}: mJ"),
        ("energy_ratio", "energy_ratio", 1.0, "over bp"),
    ):
        yield Column(f"{key}_{name}", heading, "percent", interval(attribute, factor))
        for end in ("_p5", "_p95"):
            yield Column(f"{key}_{name}{end}", "", "percent", number(attribute + end, factor))
    even = number("energy_ratio", 1.0, True)
    yield Column(f"{key}_energy_ratio_equal_zeros", "over bp, equal zeros", "percent", even)
    yield Column(f"{key}_milliseconds", "ms", "percent", number("seconds", 1e3))
