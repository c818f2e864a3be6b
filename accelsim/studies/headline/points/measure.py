"""Costs of the headline's runs, and their ratios to BP."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from accelsim.experiment.compare import compare
from accelsim.results.comparison import Comparison
from accelsim.studies.headline.points.plan import BP, SETUPS, Setup
from accelsim.studies.papers.claims.costs import network
from accelsim.studies.papers.progress import Progress
from accelsim.studies.papers.side_by_side import side_by_side


@dataclass(frozen=True)
class Point:
    """A run of one rule. ``column``: its column of the table, `bp` for the baseline. Ratios are to
    the baseline; ``energy_ratio_p5`` and ``energy_ratio_p95`` bound the interval of that of the
    energy. ``unsourced_pj``: energy without a verified source. ``trace``: the source of zeros.
    """

    workload: str
    machine: str
    batch: int
    optimizer: str
    column: str
    rule: str
    trace: str
    cycles: float
    energy_pj: float
    unsourced_pj: float
    cycles_ratio: float
    energy_ratio: float
    energy_ratio_p5: float
    energy_ratio_p95: float
    config_hash: str


def points(
    progress: Progress, setups: Sequence[Setup] = SETUPS, kept: Path | None = None
) -> list[Point]:
    """All points, in the order of the setups. ``kept``: a folder for the points of every finished
    setup, which another call with this folder does not measure again.
    """
    found = side_by_side(partial(measure, kept=kept), setups, progress, str)
    return [point for each in found for point in each]


def measure(setup: Setup, kept: Path | None = None) -> list[Point]:
    """The points of one setup: BP first, then each rule."""
    path = None if kept is None else kept / f"{setup}.json".replace(", ", "-").replace(" ", "-")
    if path is not None and path.exists():
        return [Point(**each) for each in json.loads(path.read_text(encoding="utf-8"))]
    subject = setup.of
    compared = compare(
        network(subject.workload),
        setup.machine,
        (BP, *subject.rules.values()),
        batch=setup.batch,
        optimizer=setup.optimizer,
        trace=subject.trace,
    )
    found = of_comparison(compared, (BP, *subject.rules))
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".partial")
        part.write_text(json.dumps([asdict(each) for each in found], indent=1), encoding="utf-8")
        part.replace(path)
    return found


def of_comparison(compared: Comparison, columns: Sequence[str]) -> list[Point]:
    """The points of a comparison whose results have these columns, the baseline first."""
    base = compared.results[0]
    found = []
    for column, result in zip(columns, compared.results, strict=True):
        low, high = compared.ratio_intervals.get(result.rule, {}).get("energy_pj", (1.0, 1.0))
        trace = (result.trace,) if isinstance(result.trace, str) else (result.trace or ())
        found.append(
            Point(
                workload=result.workload,
                machine=result.arch,
                batch=result.batch,
                optimizer=str(result.optimizer),
                column=column,
                rule=result.rule,
                trace=" + ".join(trace),
                cycles=result.cycles,
                energy_pj=result.energy_pj,
                unsourced_pj=result.energy_pj * result.unsourced()[""],
                cycles_ratio=result.cycles / base.cycles,
                energy_ratio=result.energy_pj / base.energy_pj,
                energy_ratio_p5=low,
                energy_ratio_p95=high,
                config_hash=result.config_hash,
            )
        )
    return found
