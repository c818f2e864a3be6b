"""Distance of the mapper's choices from the best of random legal mappings, all simulated.

The random mappings come from a separate generator. It draws arbitrary extents, whereas the mapper
enumerates powers of two.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.machine.loading import load_machine
from accelsim.machine.placement import KINDS
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import allocate
from accelsim.mapping.tiling.arrays import Demand
from accelsim.mapping.tiling.tiler import Tiler
from accelsim.pe.mapping import Tiling
from accelsim.results.op import OpResult
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction, Op
from accelsim.studies.validation.check import Check
from accelsim.workload.loading import load_network

OBJECTIVES = ("cycles", "energy", "edp")
ATTEMPTS = 2000
"""Random tilings per op, legal or not."""
SIMULATED = 8
"""Number of legal tilings that are simulated: the best by words moved, weighted by link rates."""
WITHIN = 0.10
WORKLOADS = (("cifar10-conv", 4), ("cifar10-fc", 8))
ARCHS = ("von-neumann", "near-memory")
PLACES = {
    "placement.order": list(KINDS),
    "placement.stash": "buffer",
    "dram.arbitration": "oldest_first",
}
"""Choices beside mappings, alike in all runs."""


@dataclass(frozen=True)
class Distance:
    """For one op: objective of the mapper's choice (``chosen``), and the lowest among ``simulated``
    of the ``legal`` random mappings (``best``).
    """

    op: str
    chosen: float
    best: float
    legal: int
    simulated: int

    @property
    def excess(self) -> float:
        """chosen / best - 1; negative if the mapper's choice is better."""
        return self.chosen / self.best - 1


def random_tilings(tiler: Tiler, random: np.random.Generator) -> Iterator[Tiling]:
    """Legal random tilings, with extents uniform in their logarithm."""

    def extent(most: int) -> int:
        return min(most, round(math.exp(random.uniform(0, math.log(most + 1)))) or 1)

    pes = tiler.canonical.pes
    for _ in range(ATTEMPTS):
        split = (
            extent(pes)
            if len(tiler.tiled.channel_splits) > 1
            else tiler.canonical.channels_per_tile
        )
        if split not in tiler.tiled.channel_splits:
            continue
        columns = tiler.tiled.position_tiles(split)
        per_group = extent(columns)
        groups = -(-columns // per_group)
        wide = min(columns, per_group * extent(groups))
        orders = [str(random.choice(["channels", "positions"])) for _ in range(2)]
        chunk = extent(tiler.reduction) if random.random() < 0.5 else tiler.reduction
        tiling = Tiling(
            split,
            orders[0],
            per_group,
            chunk,
            orders[1],
            extent(tiler.tiled.channel_tiles(split)),
            wide,
        )
        if not tiler.faults(tiling):
            yield tiling


def distances(
    workload: str, arch: str, objective: str, batch: int, seed: int = 0
) -> list[Distance]:
    """Every op of a BP step whose loops can be tiled, with the zeros of the shipped trace."""
    architecture = load_machine(arch, {**PLACES, "mapping.objective": objective})
    step = lower(load_network(workload), "bp", batch)
    mapper = Mapper(architecture, allocate(step, architecture, 1))
    chosen = _ops(workload, architecture, batch)
    results = []
    for index, op in enumerate(step.ops):
        tiler = Tiler(mapper, op) if isinstance(op, Contraction) else None
        if tiler is None or not tiler.tileable:
            continue
        legal = list(dict.fromkeys(random_tilings(tiler, np.random.default_rng([seed, index]))))
        best = sorted(legal, key=lambda tiling: _words(tiler.demand(tiling), architecture))[
            :SIMULATED
        ]
        costs = [
            _cost(_ops(workload, _pinned(arch, op, tiling), batch)[op.name], objective)
            for tiling in best
        ]
        if costs:
            results.append(
                Distance(
                    op.name, _cost(chosen[op.name], objective), min(costs), len(legal), len(costs)
                )
            )
    return results


def _words(demand: Demand, architecture: Machine) -> float:
    """Rank of a random mapping, independent of the mapper's estimates: words over the NoC, in the
    scratchpads and from DRAM, divided by the rates.
    """
    noc, dram = architecture.noc.width_bits, 64
    pads = (
        architecture.pe_array.rows * architecture.pe_array.cols * architecture.scratchpad.width_bits
    )
    return (
        (demand.moving + demand.stationary) / noc
        + 2 * demand.carried / pads
        + (demand.dram_moving + demand.dram_stationary) / dram
    )


def _pinned(arch: str, op: Op, tiling: Tiling) -> Machine:
    pin: dict[str, Any] = {"op": op.name, **asdict(tiling)}
    pinned = {"mapping.objective": "canonical", "mapping.pins": [pin]}
    return load_machine(arch, {**PLACES, **pinned})


def _ops(workload: str, architecture: Machine, batch: int) -> dict[str, OpResult]:
    result = simulate(workload, architecture, rule="bp", batch=batch)
    return {op.name: op for op in result.ops}


def _cost(op: OpResult, objective: str) -> float:
    return {"cycles": float(op.cycles), "energy": op.energy_pj, "edp": op.cycles * op.energy_pj}[
        objective
    ]


def checks() -> list[Check]:
    """The worst op for each network, machine and objective."""
    results = []
    for workload, batch in WORKLOADS:
        for arch in ARCHS:
            for objective in OBJECTIVES:
                ops = distances(workload, arch, objective, batch)
                if ops:
                    worst = max(ops, key=lambda each: each.excess)
                    legal, simulated = (
                        sum(each.legal for each in ops),
                        sum(each.simulated for each in ops),
                    )
                    better = sum(each.excess <= 0 for each in ops)
                    results.append(
                        Check(
                            subject=f"{workload}, batch {batch}, on {arch}: {worst.op}",
                            quantity=f"{objective} of the mapper's choice",
                            expected=worst.best,
                            measured=worst.chosen,
                            unit={"cycles": "cycles", "energy": "pJ", "edp": "pJ cycles"}[
                                objective
                            ],
                            limit=f"at most {WITHIN:.0%} above the best of {legal} random legal "
                            f"mappings, {simulated} of them simulated",
                            holds=worst.excess <= WITHIN,
                            source="random legal mappings, any extents, simulated",
                            note=f"the worst of {len(ops)} ops; for {better} of them the mapper's "
                            f"choice is the best seen",
                        )
                    )
    return results
