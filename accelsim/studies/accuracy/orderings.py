"""Orderings expected from the papers or from a trial before this study, and whether our results
confirm them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from accelsim.report.table import Column, Table
from accelsim.studies.accuracy import intervals
from accelsim.studies.accuracy.outcomes import Outcome, Outcomes, less, mean

FC_NETWORKS = ("digits-fc", "fashion-fc", "fashion-fc3")
VGG, RESNET = "vgg16-cifar10@0.125", "resnet18-cifar10@0.125"
REVISED, POWERS, COUNTED_DFA = "revised:groups=4", "revised:init=bw", "dfa:per_step=true"
CELLS = ("rnn-wikitext2", "lstm-wikitext2", "gru-wikitext2")
HEAD = "cifar10-conv-head@0.25"
GPT = "gpt-tiny"
GPT_RULES = (
    "dfa:granularity=block",
    "dfa:granularity=sublayer",
    "ssdfa:granularity=block",
    "hdfa:p=0.1,granularity=block",
)
SPREAD, ABOVE = "within", "above"

TRIAL = "trial"
"""Runs in another framework before this study. The required points come from them."""
TABLE_1, TABLE_5, CONTROL = "Han 2020, table 1", "Crafton 2019, table 5", "control"


@dataclass(frozen=True)
class Expectation:
    """An expected ordering.

    ``above``: the worst of ``better`` exceeds the best of ``worse`` by at least ``points``, or by
    any amount if 0. ``within``: ``better`` differ by at most ``points``. Values are accuracies in
    percent or, for text, perplexities, where lower is better. ``source``: origin of the
    expectation.
    """

    network: str
    kind: str
    points: float
    better: tuple[str, ...]
    worse: tuple[str, ...] = ()
    perplexity: bool = False
    source: str = TRIAL

    @property
    def said(self) -> str:
        """The expectation in words."""
        left = ", ".join(self.better)
        if self.kind == SPREAD:
            return f"{left} within {self.points:g} points"
        right = ", ".join(self.worse)
        if self.perplexity:
            return f"{left} < {right}"
        return f"{left} > {right}" + (f" by {self.points:g} points or more" if self.points else "")


def _chain(
    network: str, rules: tuple[str, ...], points: float, perplexity: bool = False
) -> list[Expectation]:
    return [
        Expectation(network, ABOVE, points, (better,), (worse,), perplexity)
        for better, worse in pairwise(rules)
    ]


EXPECTED: tuple[Expectation, ...] = (
    *_chain(VGG, ("bp", "hdfa:p=0.5,groups=4", "hdfa:p=0.3,groups=4", REVISED, "frozen"), 3),
    Expectation(VGG, ABOVE, 10, ("dfa",), ("frozen",)),
    Expectation(VGG, ABOVE, 10, (REVISED,), ("frozen",)),
    *_chain(RESNET, ("bp", "hdfa:p=0.3,groups=4", REVISED), 0),
    Expectation(RESNET, ABOVE, 0, (REVISED,), ("dfa",), source=TABLE_1),
    Expectation(VGG, ABOVE, 0, ("conv-dfa",), ("dfa",), source=TABLE_1),
    *(
        Expectation(VGG, ABOVE, 0, (f"hdfa:p={p},groups=4",), (f"bp-only:p={p}",), source=CONTROL)
        for p in (0.3, 0.1)
    ),
    *(
        each
        for cell in CELLS
        for each in _chain(cell, ("bp", POWERS, "triangular", "dfa"), 0, perplexity=True)
    ),
    # Conventional DFA as the paper counts it has one matrix per time step.
    *(
        Expectation(cell, ABOVE, 0, ("triangular",), (COUNTED_DFA,), perplexity=True)
        for cell in CELLS
    ),
    *(Expectation(network, SPREAD, 2, ("bp", "dfa", "ssdfa")) for network in FC_NETWORKS),
    *(
        Expectation(network, ABOVE, 3, ("bp", "dfa", "ssdfa"), ("frozen",))
        for network in FC_NETWORKS
    ),
    *(
        Expectation(cell, ABOVE, 0, (rule,), ("frozen",), True, CONTROL)
        for cell in CELLS
        for rule in ("dfa", "triangular", POWERS, COUNTED_DFA)
    ),
    *(Expectation(HEAD, SPREAD, 2.7, ("bp", rule), source=TABLE_5) for rule in ("dfa", "ssdfa")),
    *(
        Expectation(HEAD, ABOVE, 0, (rule,), ("frozen",), source=CONTROL)
        for rule in ("dfa", "ssdfa")
    ),
    *(Expectation(GPT, ABOVE, 0, (rule,), ("frozen",), True, CONTROL) for rule in GPT_RULES),
)

HOLDS, FAILS, NOT_RUN, DIVERGED = "holds", "does not hold", "not run", "diverged"


def orderings_table(outcomes: Outcomes) -> Table:
    """Every expectation with our means, their margin and its bootstrap interval, the margin of the
    nearest seeds, and the verdict on the means.
    """
    columns: tuple[Column[_Judged], ...] = (
        Column("network", "network", "text", lambda row: row.expected.network),
        Column("expected", "expected", "text", lambda row: row.expected.said),
        Column("source", "source", "text", lambda row: row.expected.source),
        Column("ours", "ours", "text"),
        Column("margin", "margin", "percent"),
        Column("margin_low", "95 %: from", "percent"),
        Column("margin_high", "to", "percent"),
        Column("needed", "needed", "text"),
        Column("margin_of_nearest_seeds", "margin of nearest seeds", "percent"),
        Column("seeds", "seeds (least)", "text"),
        Column("verdict", "verdict", "text"),
    )
    rows = (_Judged.of(each, outcomes) for each in EXPECTED)
    return Table.of("orderings", "expected orderings", columns, rows)


@dataclass(frozen=True)
class _Judged:
    """The object of a row: an expectation and its result from the runs."""

    expected: Expectation
    ours: str
    margin: float | None
    margin_low: float | None
    margin_high: float | None
    needed: str
    margin_of_nearest_seeds: float | None
    seeds: str
    verdict: str

    @classmethod
    def of(cls, expected: Expectation, outcomes: Outcomes) -> _Judged:
        """Judge an expectation by the outcomes."""
        better = [
            _values(outcomes.find(expected.network, rule), expected.perplexity)
            for rule in expected.better
        ]
        worse = [
            _values(outcomes.find(expected.network, rule), expected.perplexity)
            for rule in expected.worse
        ]
        margin = _margin(
            expected, [mean(values) for values in better], [mean(values) for values in worse]
        )
        nearest = _nearest(expected, better, worse)
        low, high = _interval(expected, better, worse)
        needed = (
            f"<= {expected.points:g}"
            if expected.kind == SPREAD
            else f">= {expected.points:g}"
            if expected.points
            else "> 0"
        )
        ours = ", ".join(_printed(values) for values in better) + (
            " / " + ", ".join(_printed(values) for values in worse) if worse else ""
        )
        seeds = min(len(values) for values in (*better, *worse))
        found = [
            outcomes.find(expected.network, rule) for rule in (*expected.better, *expected.worse)
        ]
        diverged = any(run.diverged for outcome in found if outcome for run in outcome.runs)
        verdict = (
            DIVERGED if diverged else _verdict(expected, margin)
        )  # the mean over the remaining seeds would favour the rule
        return cls(
            expected=expected,
            ours=ours,
            margin=margin,
            margin_low=low,
            margin_high=high,
            needed=needed,
            margin_of_nearest_seeds=nearest,
            seeds=str(seeds),
            verdict=verdict,
        )


def _verdict(expected: Expectation, margin: float | None) -> str:
    if margin is None:
        return NOT_RUN
    if expected.kind == SPREAD:
        return HOLDS if margin <= expected.points else FAILS
    return HOLDS if (margin >= expected.points if expected.points else margin > 0) else FAILS


def _values(outcome: Outcome | None, perplexity: bool) -> list[float]:
    """One value per seed. Perplexities are negated, so that higher is always better."""
    if outcome is None:
        return []
    return (
        [-value for value in outcome.scores("test_perplexity")]
        if perplexity
        else outcome.percent("test_accuracy")
    )


def _printed(values: list[float]) -> str:
    value = mean(values)
    return "-" if value is None else f"{abs(value):.2f}"


def _margin(
    expected: Expectation, better: list[float | None], worse: list[float | None]
) -> float | None:
    known, others = (
        [value for value in better if value is not None],
        [value for value in worse if value is not None],
    )
    if len(known) < len(better) or len(others) < len(worse):
        return None
    return (
        less(max(known), min(known)) if expected.kind == SPREAD else less(min(known), max(others))
    )


def _interval(
    expected: Expectation, better: list[list[float]], worse: list[list[float]]
) -> tuple[float | None, float | None]:
    """Bootstrap interval of the margin; (None, None) if a rule has too few seeds."""

    def margin(means: Sequence[intervals.Samples]) -> intervals.Samples:
        ours, others = np.stack(means[: len(better)]), np.array(means[len(better) :])
        if expected.kind == SPREAD:
            return np.asarray(ours.max(axis=0) - ours.min(axis=0))
        return np.asarray(ours.min(axis=0) - others.max(axis=0))

    return intervals.of_margin([*better, *worse], margin)


def _nearest(
    expected: Expectation, better: list[list[float]], worse: list[list[float]]
) -> float | None:
    """Margin with the least favourable seed of each rule."""
    if not all(better) or not all(worse):
        return None
    if expected.kind == SPREAD:
        return less(max(map(max, better)), min(map(min, better)))
    return less(min(map(min, better)), max(map(max, worse)))
