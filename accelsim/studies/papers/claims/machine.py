"""The papers' claims measured on machines: pairs of rules, by batch, from EP only to the whole
step.

Both organizations store feedback (values and, if it is sparse, their positions) and multicast the
output error e. Variants: feedback regenerated where it is used; e sent to each PE separately; and
for some pairs one matrix for all time steps, or values without positions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from accelsim.cost.uncertainty import Interval
from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims.costs import (
    COUNTED,
    MACHINES,
    REGENERATED,
    SCOPES,
    UNICAST,
    Costs,
    Measured,
    Step,
    measure,
    network,
    nothing,
)
from accelsim.studies.papers.claims.counted.readings import saving
from accelsim.studies.papers.claims.counted.statements import BATCHES, CLAIMS, TARGET
from accelsim.studies.papers.claims.energies import gain_interval
from accelsim.studies.papers.claims.savings import NOISE, saved
from accelsim.studies.papers.outcome import Quantity, cell
from accelsim.studies.papers.progress import Progress
from accelsim.studies.papers.side_by_side import side_by_side

BURST = "less than one DRAM burst counts as nothing"
MOVED = ("words moved", "DRAM bytes", "energy")
WORKED = ("MACs executed", "cycles")
ENDS = ("low", "high")
"""Keys of the 5th and 95th percentile of an energy's gain, in the context of its cell."""
SHARED = "one matrix for all time steps"
VALUES = "values alone"
"""Kinds of feedback that differ from the papers' rules: one matrix shared by all time steps; sparse
values stored without their positions.
"""


@dataclass(frozen=True)
class Pair:
    """Two rules on one workload, and the claims that compare them, each with the costs it concerns.

    ``feedback``: SHARED, VALUES, or empty for feedback as the papers count it and a machine must
    store it. ``on``: machines, including derived ones.
    """

    workload: str
    old: str
    new: str
    claims: Mapping[str, tuple[str, ...]]
    batches: tuple[int, ...] = BATCHES
    trace: str = "shipped"
    feedback: str = ""
    on: tuple[str, ...] = (*MACHINES, REGENERATED, *UNICAST)

    @property
    def label(self) -> str:
        """The workload, followed by the kind of feedback if it is not empty."""
        return f"{self.workload} {self.feedback}" if self.feedback else self.workload

    def step(self, rule: str, on: str, batch: int) -> Step:
        """The step to simulate. A rule without feedback runs on the plain machine in place of the
        one that regenerates feedback.
        """
        ran = UNICAST.get(on, on)
        ran = MACHINES[0] if ran == REGENERATED and rule == "bp" else ran
        change = "values_alone" if self.feedback == VALUES and rule == self.new else ""
        return Step(self.workload, rule, ran, batch, self.trace, change)


OBJECTIVES = ("edp", "canonical")
"""Objectives of the mappings that every step is measured with: each rule's best, and the canonical
ones.
"""
SEQUENCE_BATCHES = (1, 4, 20, 64)
REVISED = "revised:groups=8,binary=true"
HYBRID = "hdfa:p=0.1,sparsity=0.98"
CONVOLVED = (*MACHINES, REGENERATED)
"""Machines for rules whose feedback consists of convolutions. Unicast does not apply, because e is
not sent to single neurons.
"""

# Long runs are left out: sequences and ResNet-50 at the largest batch.
PAIRS = (
    Pair(
        "resnet50-cifar10",
        "bp",
        REVISED,
        {"memory-99.0%": MOVED, "operations-60.1%": WORKED},
        BATCHES[:-1],
        on=CONVOLVED,
    ),
    Pair(
        "vgg16-cifar10",
        "bp",
        REVISED,
        {"memory-99.0%": MOVED, "operations-60.1%": WORKED},
        on=CONVOLVED,
    ),
    Pair(
        "rnn-wikitext2",
        "dfa:per_step=true",
        "revised:per_step=true",
        {"triangle-44.6%": (*MOVED, *WORKED)},
        SEQUENCE_BATCHES,
    ),
    Pair(
        "rnn-wikitext2",
        "dfa",
        "revised",
        {"triangle-44.6%": (*MOVED, *WORKED)},
        SEQUENCE_BATCHES,
        feedback=SHARED,
        on=MACHINES,
    ),
    Pair(
        "rnn-wikitext2",
        "bp",
        f"{HYBRID},per_step=true",
        {"sparse-87.9%": (*MOVED, *WORKED)},
        SEQUENCE_BATCHES,
    ),
    Pair(
        "rnn-wikitext2",
        "bp",
        HYBRID,
        {"sparse-87.9%": (*MOVED, *WORKED)},
        SEQUENCE_BATCHES,
        feedback=SHARED,
        on=MACHINES,
    ),
    Pair(
        "rnn-wikitext2",
        "bp",
        f"{HYBRID},per_step=true",
        {"sparse-87.9%": MOVED},
        SEQUENCE_BATCHES[:-1],
        feedback=VALUES,
        on=MACHINES,
    ),
    Pair("vgg16-cifar10", "dfa", "bdfa", {"binary-96.9%": MOVED}),
    Pair(
        "rnn-wikitext2",
        "dfa:per_step=true",
        "bdfa:per_step=true",
        {"binary-96.9%": MOVED},
        SEQUENCE_BATCHES,
    ),
    Pair(
        "rnn-wikitext2",
        "dfa",
        "bdfa",
        {"binary-96.9%": MOVED},
        SEQUENCE_BATCHES,
        feedback=SHARED,
        on=MACHINES,
    ),
    Pair(
        "alexnet", "bp", "ssdfa", {"movement-6400x": MOVED, "macs-2x": WORKED}, trace="random:0.5"
    ),
    Pair(
        "alexnet",
        "bp",
        "ssdfa",
        {"movement-6400x": MOVED},
        trace="random:0.5",
        feedback=VALUES,
        on=MACHINES,
    ),
    Pair("alexnet", "dfa", "ssdfa", {"movement-1000x": MOVED}, trace="random:0.5"),
    Pair(
        "alexnet",
        "dfa",
        "ssdfa",
        {"movement-1000x": MOVED},
        trace="random:0.5",
        feedback=VALUES,
        on=MACHINES,
    ),
)


def items(progress: Progress) -> list[Item]:
    """Cells of every claim's costs, on every machine, at every batch."""
    runs = [(pair, on, batch) for pair in PAIRS for on in pair.on for batch in pair.batches]
    steps = list(
        dict.fromkeys(
            replace(pair.step(rule, on, batch), objective=objective)
            for pair, on, batch in runs
            for rule in (pair.old, pair.new)
            for objective in OBJECTIVES
        )
    )
    # Longest first. Steps of one workload are adjacent, because they share lane timings.
    steps.sort(key=lambda step: (-step.batch, step.workload, step.rule))
    measured = side_by_side(
        measure,
        steps,
        progress,
        lambda step: f"{step.workload} {step.rule.partition(':')[0]}, batch {step.batch}",
    )
    known: dict[Step, Measured] = dict(zip(steps, measured, strict=True))
    cells: list[Item] = []
    for pair, on, batch in runs:
        by_mapping = [
            [
                known[replace(pair.step(rule, on, batch), objective=objective)]
                for rule in (pair.old, pair.new)
            ]
            for objective in OBJECTIVES
        ]
        for claim, costs in pair.claims.items():
            asked = [cost for cost in costs if cost in COUNTED or on not in UNICAST]
            for cost in asked:
                for scope in SCOPES:
                    best, canonical = (
                        _measured_pair(pair, claim, on, batch, cost, scope, of) for of in by_mapping
                    )
                    cells.append(beside(best, canonical))
    return cells


def _measured_pair(
    pair: Pair, claim: str, on: str, batch: int, cost: str, scope: str, of: Sequence[Measured]
) -> Item:
    """The cell of the two rules' steps in ``of``."""
    old, new = of
    interval = None
    if cost == "energy":
        interval = gain_interval(old.energies, new.energies, scope, CLAIMS[claim].unit)
    item = measured_item(pair, claim, on, batch, cost, scope, old.on(on), new.on(on))
    return item if interval is None else _with_interval(item, interval)


def _with_interval(item: Item, interval: Interval) -> Item:
    ends = {key: f"{end:.6g}" for key, end in zip(ENDS, interval, strict=True)}
    return replace(item, context={**item.context, **ends})


def beside(best: Item, canonical: Item) -> Item:
    """A cell at each rule's best mapping, with the value at the canonical one, and whether the
    verdict turns between them.
    """
    verdicts = [_sign(saved(each)) for each in (best, canonical)]
    context = {
        **best.context,
        "canonical mapping": canonical.rounded or "no ratio",
        "canonical before": canonical.context["before"],
        "canonical after": canonical.context["after"],
        "verdict turns": "yes" if verdicts[0] != verdicts[1] else "no",
        **{f"canonical {end}": canonical.context[end] for end in ENDS if end in canonical.context},
    }
    return replace(best, context=context)


def _sign(percent: float) -> int:
    """Whether a cost falls (1), rises (-1), or changes by no more than noise (0)."""
    return (percent > NOISE) - (percent < -NOISE)


def measured_item(
    pair: Pair, claim: str, on: str, batch: int, cost: str, scope: str, old: Costs, new: Costs
) -> Item:
    """Cell of one cost in one scope: old rule against new rule, as the claim states it."""
    before, after = old[cost, scope], new[cost, scope]
    said = CLAIMS[claim]
    less_than_a_burst = any(nothing(cost, each) for each in (before, after))
    was, now = (Fraction(0) if nothing(cost, each) else Fraction(each) for each in (before, after))
    value = _compared(was, now, said.unit)
    id_ = f"{TARGET}/{claim}/{pair.label}/{on.replace(', ', ' ')}/batch={batch}/{cost}/{scope}"
    context: dict[str, str | int] = {
        "machine": on,
        "workload": network(pair.workload).name,
        "batch": batch,
        "cost": cost,
        "scope": scope,
        "rules": f"{pair.old} -> {pair.new}",
        "trace": pair.trace,
        "optimizer": "momentum",
        "before": f"{before:.6g}",
        "after": f"{after:.6g}",
    }
    if pair.feedback:
        context["feedback"] = pair.feedback
    if value is None:
        note = f"{BURST}: no ratio"
        return Item(
            TARGET,
            id_,
            said.unit,
            None,
            None,
            None,
            "not-printed",
            "machine",
            note,
            context=context,
        )
    note = (
        "cycles are the least that the root link needs"
        if on in UNICAST and cost == "cycles"
        else BURST
        if less_than_a_burst
        else ""
    )
    return cell(Quantity(TARGET, id_, said.unit, "machine", context), None, value, 2, note=note)


def _compared(before: Fraction, after: Fraction, unit: str) -> Fraction | None:
    """Percentage saved (unit %), or old divided by new; None if the divisor is zero."""
    if unit == "%":
        return saving(after, before) if before else None
    return before / after if after else None
