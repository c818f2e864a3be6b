"""Energy and time of a training step under each rule of the transformer part, from simulation."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import product
from pathlib import Path

from accelsim.errors import InputError
from accelsim.results.result import Result

FILE = "costs.csv"
"""Name of the record, beside the runs."""

MACHINES = ("near-memory", "von-neumann")
EVEN = "random:0.5"
"""Zeros drawn at random, equally many under each rule."""
BATCH = 16
"""Batch of the simulated step: the one that the workload file states."""

BP = "bp"


@dataclass(frozen=True)
class Cost:
    """A simulated step. ``trace``: the source of zeros. ``energy_pj_p5`` and ``energy_pj_p95``
    bound the interval over the bounds of the prices, ``energy_ratio`` and its bounds that of the
    ratio to backpropagation.
    """

    workload: str
    machine: str
    batch: int
    optimizer: str
    rule: str
    trace: str
    cycles: float
    seconds: float
    energy_pj: float
    energy_pj_p5: float
    energy_pj_p95: float
    energy_ratio: float
    energy_ratio_p5: float
    energy_ratio_p95: float
    config_hash: str


def measure(
    workload: str, rules: Sequence[str], optimizer: str, say: Callable[[str], None]
) -> list[Cost]:
    """The costs of each rule on each machine, with the zeros of the shipped traces and with
    `EVEN` ones. ``rules``: backpropagation first.
    """
    from accelsim.experiment.compare import compare
    from accelsim.workload.loading import load_network

    costs = []
    for machine, trace in product(MACHINES, ("shipped", EVEN)):
        say(f"{workload} on {machine}, {trace}: {len(rules)} rules")
        compared = compare(
            load_network(workload),
            machine,
            tuple(rules),
            batch=BATCH,
            optimizer=optimizer,
            trace=trace,
        )
        base = compared.results[0]
        for rule, result in zip(rules, compared.results, strict=True):
            bounds = compared.ratio_intervals.get(result.rule, {}).get("energy_pj", (1.0, 1.0))
            costs.append(_cost(rule, result, base.energy_pj, bounds))
    return costs


def _cost(rule: str, result: Result, base_pj: float, bounds: tuple[float, float]) -> Cost:
    trace = (result.trace,) if isinstance(result.trace, str) else (result.trace or ())
    low, high = result.energy_interval_pj or (result.energy_pj, result.energy_pj)
    return Cost(
        workload=result.workload,
        machine=result.arch,
        batch=result.batch,
        optimizer=str(result.optimizer),
        rule=rule,
        trace=" + ".join(trace),
        cycles=result.cycles,
        seconds=result.seconds,
        energy_pj=result.energy_pj,
        energy_pj_p5=low,
        energy_pj_p95=high,
        energy_ratio=result.energy_pj / base_pj,
        energy_ratio_p5=bounds[0],
        energy_ratio_p95=bounds[1],
        config_hash=result.config_hash,
    )


def write_costs(costs: Iterable[Cost], path: Path) -> None:
    """Write the record."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [each.name for each in fields(Cost)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(cost) for cost in costs)
    path.write_text(text.getvalue(), encoding="utf-8")


def read_costs(path: Path) -> tuple[Cost, ...]:
    """The record; () if there is none. Raises InputError if it is not one."""
    if not path.exists():
        return ()
    kinds = {"str": str, "int": int, "float": float}
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    try:
        return tuple(
            Cost(**{each.name: kinds[str(each.type)](row[each.name]) for each in fields(Cost)})
            for row in rows
        )
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path}: must be a record of costs") from None
