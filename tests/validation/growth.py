"""Machines that grow in one part, and the costs of a step on them at each objective's best mapping.

A point is a network, a rule, a part and two neighbouring sizes of the part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from accelsim.experiment.simulate import simulate
from accelsim.machine.loading import load_machine
from accelsim.results.result import Result

NETWORKS = {
    "vgg16-cifar10": "shipped",
    "resnet18-cifar10": "shipped",
    "lstm-wikitext2": "shipped",
    "mobilenetv2": "random:0.5",
}
RULES = ("bp", "dfa", "revised")
BATCH = 1
PARTS: dict[str, tuple[Any, ...]] = {
    "scratchpad.capacity": tuple(f"{kib}KiB" for kib in range(32, 513, 8)),
    "pe_array.rows": (4, 8, 16, 32, 64),
    "pe_array.lanes": (2, 4, 8, 16, 32),
    "dram.channels": (1, 2, 4, 8),
    "noc.width": (64, 128, 256, 512, 1024, 2048),
    "global_buffer.capacity": tuple(f"{kib}KiB" for kib in (1024, 1536, 2048, 4096, 8192)),
    "vector_unit.width": (4, 8, 16, 32, 64, 128),
}
"""Sizes of each part of the machine near-memory, smallest first."""


@dataclass(frozen=True)
class Point:
    """A part that grows from one size to the next."""

    network: str
    rule: str
    part: str
    small: Any
    large: Any

    def __str__(self) -> str:
        return f"{self.network} {self.rule} {self.part} {self.small} to {self.large}"

    def results(self, objective: str) -> tuple[Result, Result]:
        """Results on the smaller and on the larger machine."""
        small, large = (
            result(self.network, self.rule, self.part, size, objective)
            for size in (self.small, self.large)
        )
        return small, large


def points() -> Iterator[Point]:
    """All points, part by part."""
    for part, sizes in PARTS.items():
        for network in NETWORKS:
            for rule in RULES:
                for small, large in pairwise(sizes):
                    yield Point(network, rule, part, small, large)


@lru_cache(maxsize=8)
def result(network: str, rule: str, part: str, size: Any, objective: str) -> Result:
    """One step on near-memory with one part of another size."""
    return simulate(
        network,
        load_machine("near-memory", {part: size}),
        rule=rule,
        batch=BATCH,
        trace=NETWORKS[network],
        trace_any_rule=True,
        objective=objective,
    )


def edp_at_prices_of(small: Result, large: Result) -> tuple[float, float]:
    """Energy-delay products of both steps at the prices of the smaller machine. An action that it
    does not know has the price of the larger one.
    """
    prices = {
        f"{each.component}.{each.action}": each.pj
        for result in (large, small)
        for each in result.energy_sources
    }
    energies = [
        sum(times * prices[action] for action, times in result.actions.items())
        for result in (small, large)
    ]
    return energies[0] * small.cycles, energies[1] * large.cycles
