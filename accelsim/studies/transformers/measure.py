"""Cycles and energy of a transformer's training step under each rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from accelsim.experiment.compare import compare
from accelsim.step.ops import Pass
from accelsim.studies.papers.progress import Progress
from accelsim.studies.papers.side_by_side import side_by_side
from accelsim.studies.transformers.counts import Counts, counts

WORKLOAD = "transformer-launay"
MACHINES = ("near-memory", "von-neumann")
BATCHES = (1, 64)
BP = "bp"
RULES = {
    BP: "BP",
    "dfa:granularity=block": "DFA, one tap per block",
    "ssdfa:granularity=block": "SSDFA, one tap per block",
    "dfa:granularity=sublayer": "DFA, taps per sublayer",
}
"""Titles by rule; the baseline first."""


@dataclass(frozen=True)
class Setup:
    """What the rules of one comparison share."""

    machine: str
    batch: int

    def __str__(self) -> str:
        return f"{self.machine}, batch {self.batch}"


@dataclass(frozen=True)
class Point:
    """A run of one rule. ``ep_cycles``: of the ops of EP together. Ratios are to BP;
    ``energy_ratio_p5`` and ``energy_ratio_p95`` bound the interval of that of the energy.
    """

    machine: str
    batch: int
    rule: str
    counts: Counts
    cycles: float
    ep_cycles: float
    energy_pj: float
    cycles_ratio: float
    ep_cycles_ratio: float
    energy_ratio: float
    energy_ratio_p5: float
    energy_ratio_p95: float


SETUPS = tuple(Setup(*each) for each in product(MACHINES, BATCHES))


def points(progress: Progress, setups: Sequence[Setup] = SETUPS) -> list[Point]:
    """All points, in the order of the setups."""
    found = side_by_side(measure, setups, progress, str)
    return [point for each in found for point in each]


def measure(setup: Setup) -> list[Point]:
    """The points of one setup: BP first, then each rule."""
    compared = compare(WORKLOAD, setup.machine, tuple(RULES), batch=setup.batch)
    base = compared.results[0]
    found = []
    for rule, result in zip(RULES, compared.results, strict=True):
        low, high = compared.ratio_intervals.get(result.rule, {}).get("energy_pj", (1.0, 1.0))
        found.append(
            Point(
                setup.machine,
                setup.batch,
                rule,
                counts(WORKLOAD, rule, setup.batch),
                result.cycles,
                result.passes[Pass.EP].cycles,
                result.energy_pj,
                result.cycles / base.cycles,
                result.passes[Pass.EP].cycles / base.passes[Pass.EP].cycles,
                result.energy_pj / base.energy_pj,
                low,
                high,
            )
        )
    return found
