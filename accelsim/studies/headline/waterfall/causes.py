"""The causes of change, and the states of the code between which they lie."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

BP = "bp"


@dataclass(frozen=True)
class Headline:
    """A ratio to follow: the cost of ``rule`` over that of BP. ``costs``: keys of `Cost`."""

    title: str
    workload: str
    machine: str
    rule: str
    batch: int
    costs: tuple[str, ...] = ("cycles", "energy_pj")


HEADLINES = (
    Headline("VGG16, near-memory", "vgg16-cifar10", "near-memory", "dfa", 32),
    Headline("VGG16, von-neumann", "vgg16-cifar10", "von-neumann", "dfa", 32),
    Headline("ResNet-18, near-memory", "resnet18-cifar10", "near-memory", "dfa", 32),
    Headline("ResNet-18, von-neumann", "resnet18-cifar10", "von-neumann", "dfa", 32),
    Headline(
        "ResNet-50, near-memory",
        "resnet50-cifar10",
        "near-memory",
        "revised:groups=8",
        1,
        ("energy_pj",),
    ),
)


@dataclass(frozen=True)
class Step:
    """A training step that is measured in every state."""

    workload: str
    machine: str
    rule: str
    batch: int


STEPS = tuple(
    dict.fromkeys(
        Step(each.workload, each.machine, rule, each.batch)
        for each in HEADLINES
        for rule in (BP, each.rule)
    )
)


@dataclass(frozen=True)
class Cost:
    """Cycles and energy in pJ of a step."""

    cycles: int
    energy_pj: float


Costs = Mapping[str, Mapping[Step, Cost]]
"""Costs of every step, by state."""

OTHER = "other words"
CAUSES = {
    "groups": "every group of a convolution is sent to its own PEs, and words to the PEs that read "
    "them",
    "sums": "partial sums of the weight gradients of fully connected and recurrent layers take "
    "room, reads and writes; the networks here have few such weights",
    "DRAM": "the validated memory controller serves the machine's bursts",
    OTHER: "the other changes of counts and prices up to today, among them whole accesses to "
    "scratchpads, energies of links by their length, the order in which channel tiles take turns, "
    "and the energies of PEs and DRAM",
    "fusion": "`fusion: none` to `epilogue`",
    "placement": "places of tensors are searched under `--objective edp`, and DRAM serves the "
    "oldest transfer first; ops keep the canonical mapping for these places",
    "mapping": "mappings of ops are chosen under `--objective edp`, in these places",
}
"""What each cause is, in the order of the figure."""

TODAY = {
    "canonical": OTHER,
    "fused": "fusion",
    "placed": "placement",
    "mapped": "mapping",
}
"""States of today's code, and the cause before each: no fusion, canonical places and mappings; then
one cause after the other, up to the machine as shipped.
"""


def past() -> list[dict[str, str]]:
    """The measured past states, oldest first, a row per state and step. ``cause``: what changed
    between the state before and this one; empty for the first.
    """
    text = (files(__package__) / "past.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def past_causes(rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The cause before each past state."""
    return {row["commit"]: row["cause"] for row in rows}


def past_costs(rows: Sequence[Mapping[str, str]]) -> dict[str, dict[Step, Cost]]:
    """The costs of all past states."""
    costs: dict[str, dict[Step, Cost]] = {}
    for row in rows:
        step = Step(row["workload"], row["machine"], row["rule"], int(row["batch"]))
        cost = Cost(int(row["cycles"]), float(row["energy_pj"]))
        costs.setdefault(row["commit"], {})[step] = cost
    return costs


@dataclass(frozen=True)
class Waterfall:
    """One ratio from the first state to the last. ``changes``: the sum of all changes, by cause."""

    headline: Headline
    cost: str
    first: float
    changes: Mapping[str, float]
    last: float


def waterfalls(costs: Costs, causes: Mapping[str, str]) -> list[Waterfall]:
    """All ratios, those of cycles first. ``causes``: the cause before each state, in the order of
    time.
    """
    return [
        _waterfall(headline, cost, costs, causes)
        for cost in ("cycles", "energy_pj")
        for headline in HEADLINES
        if cost in headline.costs
    ]


def _waterfall(headline: Headline, cost: str, costs: Costs, causes: Mapping[str, str]) -> Waterfall:
    ratios = {state: _ratio(headline, cost, costs[state]) for state in causes}
    changes = dict.fromkeys(CAUSES, 0.0)
    for before, after in pairwise(causes):
        changes[causes[after]] += ratios[after] - ratios[before]
    found = list(ratios.values())
    return Waterfall(headline, cost, found[0], changes, found[-1])


def _ratio(headline: Headline, cost: str, costs: Mapping[Step, Cost]) -> float:
    rule, bp = (
        float(getattr(costs[Step(headline.workload, headline.machine, each, headline.batch)], cost))
        for each in (headline.rule, BP)
    )
    return rule / bp
