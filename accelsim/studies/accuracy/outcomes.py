"""Results of the study's finished runs by cell. Missing runs are reported as missing, never filled
in.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from accelsim.errors import InputError
from accelsim.results.document import read_json
from accelsim.results.training import TrainingDocument
from accelsim.studies.accuracy.execute import Places, choice, held_out_score, trained_as_planned
from accelsim.studies.accuracy.plan import Cell, Choice, Job
from accelsim.studies.accuracy.transformer.costs import EVEN, FILE, Cost, read_costs


@dataclass(frozen=True)
class Run:
    """A finished run. ``filters``: weights of its first layer, (K, R, S, C), if they were kept. A
    run that diverged has no scores.
    """

    job: Job
    document: TrainingDocument
    diverged: bool
    filters: list[Any] | None

    def score(self, key: str) -> float | None:
        """Score ``key`` of the last epoch. None if there is none or the run diverged."""
        value = (
            None
            if self.diverged or not self.document.epochs
            else self.document.epochs[-1].model_dump().get(key)
        )
        return None if value is None else float(value)

    def degrees(self, kind: str, layer: str | None = None) -> float | None:
        """Angle at the end of the run, for a layer or for the first layer with this kind of angle
        (for feedback: the output layer).
        """
        angles = [
            row.degrees
            for row in self.document.angles
            if row.kind == kind and layer in (None, row.layer)
        ]
        return angles[0] if angles and not self.diverged else None


@dataclass(frozen=True)
class Outcome:
    """A cell and its finished runs. ``choice``: None until tuning is complete. ``tuning``: tuning
    runs in the plan's order with their scores.
    """

    cell: Cell
    choice: Choice | None
    tuning: tuple[tuple[Job, float | None], ...]
    runs: tuple[Run, ...]

    @property
    def rule(self) -> str:
        """Rule as in the plan, without the tuned options."""
        return self.cell.rule

    @property
    def network(self) -> str:
        """Network with its width: ``vgg16-cifar10@0.125``."""
        return self.cell.name.rpartition("/")[0]

    @property
    def seeds(self) -> str:
        """Finished seeds, ``2 of 2``, and the number that diverged."""
        diverged = sum(run.diverged for run in self.runs)
        return f"{len(self.runs)} of {self.cell.seeds}" + (
            f", {diverged} diverged" if diverged else ""
        )

    @property
    def missing(self) -> str:
        """Missing runs in words; empty if there are none."""
        tuned = sum(score is not None for _, score in self.tuning)
        parts = [f"tuning {tuned} of {len(self.tuning)}"] if tuned < len(self.tuning) else []
        return ", ".join(
            [
                *parts,
                *(
                    [f"final {len(self.runs)} of {self.cell.seeds}"]
                    if len(self.runs) < self.cell.seeds
                    else []
                ),
            ]
        )

    def scores(self, key: str) -> list[float]:
        """Score ``key`` of each seed that has it."""
        return [value for run in self.runs if (value := run.score(key)) is not None]

    def percent(self, key: str) -> list[float]:
        """Score ``key`` in percent of each seed that has it."""
        return [100 * value for value in self.scores(key)]

    def angles(self, kind: str, layer: str | None = None) -> list[float]:
        """Angle in degrees of each seed that has it."""
        return [value for run in self.runs if (value := run.degrees(kind, layer)) is not None]


@dataclass(frozen=True)
class Outcomes:
    """All cells of the plan, in order.

    ``strays``: scores, by name, of finished runs that are not in the plan, or were trained
    otherwise than planned. ``costs``: of a step under each rule of the transformer part.
    """

    all: tuple[Outcome, ...]
    strays: Mapping[str, str]
    costs: tuple[Cost, ...] = ()

    def cost(self, rule: str, machine: str, even: bool = False) -> Cost | None:
        """The cost of a step of the transformer part, or None. ``even``: with equally many zeros
        under each rule, instead of those of the shipped traces.
        """
        return next(
            (
                each
                for each in self.costs
                if (each.rule, each.machine, each.trace == EVEN) == (rule, machine, even)
            ),
            None,
        )

    def part(self, *parts: str) -> list[Outcome]:
        """Cells of the given parts of the study."""
        return [outcome for outcome in self.all if outcome.cell.setting.part in parts]

    def find(self, network: str, rule: str, part: str | None = None) -> Outcome | None:
        """Cell of a rule on a network, or None."""
        return next(
            (
                each
                for each in self.all
                if (each.network, each.rule) == (network, rule)
                and part in (None, each.cell.setting.part)
            ),
            None,
        )

    @property
    def finished(self) -> int:
        """Number of finished runs, tuning and final."""
        return sum(
            len(each.runs) + sum(score is not None for _, score in each.tuning) for each in self.all
        )

    @property
    def planned(self) -> int:
        """Number of runs in the plan."""
        return sum(each.cell.seeds + len(each.tuning) for each in self.all)


def read_outcomes(results: Path, cells: Sequence[Cell]) -> Outcomes:
    """All runs in the results folder. Raises InputError if the folder does not exist, or a file in
    it is not a run's result.
    """
    if not results.is_dir():
        raise InputError(f"{results}: results directory does not exist")
    places = Places(Path(), results, Path())
    found = {
        path.relative_to(results).with_suffix("").as_posix(): _read(path)
        for path in sorted(results.rglob("*.json"))
    }
    outcomes: list[Outcome] = []
    for cell in cells:
        chosen = choice(places, cell, cells)
        jobs = (
            []
            if chosen is None
            else [cell.final(chosen.rate, chosen.option, seed) for seed in range(cell.seeds)]
        )
        there = {
            job.id
            for job in (*jobs, *cell.tuning())
            if job.id in found and trained_as_planned(found[job.id], job)
        }
        tuning = [
            (job, held_out_score(found[job.id]) if job.id in there else None)
            for job in cell.tuning()
        ]
        outcomes.append(
            Outcome(
                cell,
                chosen,
                tuple(tuning),
                tuple(_run(job, found[job.id]) for job in jobs if job.id in there),
            )
        )
    scored = {job.id for each in outcomes for job, score in each.tuning if score is not None}
    planned = scored | {run.job.id for each in outcomes for run in each.runs}
    return Outcomes(
        tuple(outcomes),
        {name: _scores(found[name]) for name in sorted(set(found) - planned)},
        read_costs(results / FILE),
    )


def _scores(value: dict[str, Any]) -> str:
    """Final scores of a run in words."""
    last = value["epochs"][-1] if value["epochs"] and "diverged" not in value else {}
    known = {key: last.get(f"test_{key}") for key in ("accuracy", "perplexity")}
    said = [
        f"test {key} {100 * number:.2f} %" if key == "accuracy" else f"{key} {number:.1f}"
        for key, number in known.items()
        if number is not None
    ]
    return ", ".join(said) or "diverged"


def _read(path: Path) -> dict[str, Any]:
    value = read_json(path)
    TrainingDocument.parse(value, str(path))
    assert isinstance(value, dict)
    return value


def _run(job: Job, value: dict[str, Any]) -> Run:
    return Run(
        job, TrainingDocument.parse(value, job.id), "diverged" in value, value.get("filters")
    )


def mean(values: Iterable[float]) -> float | None:
    """Mean, or None if there are no values or one is not finite. Rounded to four decimals: more are
    not significant, and fewer would affect differences.
    """
    known = list(values)
    return round(fmean(known), 4) if known and all(map(math.isfinite, known)) else None


def deviation(values: Iterable[float]) -> float | None:
    """Standard deviation of a sample (n - 1). None for fewer than two values."""
    known = list(values)
    return round(stdev(known), 4) if len(known) > 1 else None


def less(value: float | None, other: float | None) -> float | None:
    """Difference, or None if a value is missing."""
    return None if value is None or other is None else round(value - other, 4)
