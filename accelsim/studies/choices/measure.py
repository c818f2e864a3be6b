"""Cycles and energy of a training step under each variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from accelsim.experiment.simulate import simulate
from accelsim.machine.loading import load_machine
from accelsim.studies.choices.variants import MACHINES, RULES, VARIANTS, WORKLOADS, Variant
from accelsim.studies.papers.progress import Progress
from accelsim.studies.papers.side_by_side import side_by_side
from accelsim.workload.loading import load_network


@dataclass(frozen=True)
class Run:
    """A step to simulate. ``variant``: index into `VARIANTS`, or of the variants given."""

    variant: int
    machine: str
    workload: str
    rule: str


@dataclass(frozen=True)
class Cost:
    """Cycles and energy in pJ of a step."""

    cycles: int
    energy_pj: float


@dataclass(frozen=True)
class Ratio:
    """Cost of DFA over that of BP, of one workload on one machine under one variant."""

    variant: str
    machine: str
    workload: str
    bp: Cost
    dfa: Cost

    @property
    def cycles(self) -> float:
        """Cycles of DFA over those of BP."""
        return self.dfa.cycles / self.bp.cycles

    @property
    def energy(self) -> float:
        """Energy of DFA over that of BP."""
        return self.dfa.energy_pj / self.bp.energy_pj


def measure(run: Run) -> Cost:
    """Simulate a step."""
    return cost(VARIANTS[run.variant], run)


def cost(variant: Variant, run: Run) -> Cost:
    """Simulate a step under a variant."""
    options: dict[str, Any] = dict(variant.options)
    machine = load_machine(run.machine, dict(variant.keys))
    result = simulate(load_network(run.workload), machine, rule=run.rule, **options)
    return Cost(int(result.cycles), result.energy_pj)


def ratios(
    progress: Progress,
    workloads: Sequence[str] = WORKLOADS,
    variants: Sequence[Variant] = VARIANTS,
) -> list[Ratio]:
    """DFA against BP for every variant on the machines that have the choice."""
    runs = [
        Run(index, machine, workload, rule)
        for workload in reversed(workloads)
        for machine in reversed(MACHINES)
        for index, variant in enumerate(VARIANTS)
        for rule in RULES
        if variant in variants and machine in variant.machines
    ]
    costs = side_by_side(measure, runs, progress, lambda run: f"{run.workload}, {run.machine}")
    known = dict(zip(runs, costs, strict=True))
    return [
        Ratio(
            variant.name,
            machine,
            workload,
            *(known[Run(index, machine, workload, rule)] for rule in RULES),
        )
        for index, variant in enumerate(VARIANTS)
        for machine in MACHINES
        for workload in workloads
        if variant in variants and machine in variant.machines
    ]
