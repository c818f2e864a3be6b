"""Made-up results of the accuracy study's runs, for tests of its tables and of its page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from accelsim.studies.accuracy.execute import Places, choice
from accelsim.studies.accuracy.plan import Cell, Job


def document(
    job: Job,
    score: float = 0.5,
    perplexity: float = 50.0,
    diverged: bool = False,
    degrees: float = 60.0,
) -> dict[str, Any]:
    """A made-up training document of a job, every epoch with the same scores."""
    recipe, setting = job.recipe, job.cell.setting
    row: dict[str, Any] = {"steps": 10, "training_loss": 1.0, "training_accuracy": score}
    for part in ("held_out", "test") if job.held_out else ("test",):
        for mark in ("", "with_unknown_") if setting.vocabulary else ("",):
            row |= {
                f"{part}_{mark}loss": float(np.log(perplexity)),
                f"{part}_{mark}accuracy": score,
            }
            if setting.is_text:
                row[f"{part}_{mark}perplexity"] = perplexity
    cause = {
        "workload": setting.network,
        "rule": job.rule,
        "data": setting.data,
        "epochs": recipe.epochs,
        "batch": setting.batch,
        **({"steps_per_epoch": setting.steps} if setting.steps else {}),
    }
    cause |= {
        "learning_rate": recipe.learning_rate,
        "schedule": recipe.schedule,
        "optimizer": recipe.optimizer,
        "seed": recipe.seed,
    }
    angles = [
        {"epoch": recipe.epochs, "kind": kind, "layer": layer, "degrees": degrees}
        for kind, layers in (("update", ("conv1", "fc", "all")), ("feedback", ("fc",)))
        for layer in layers
    ]
    made: dict[str, Any] = {
        "schema": "accelsim.training/1",
        "version": "0",
        "cause": cause,
        "angles": angles,
        "densities": [],
    }
    made["epochs"] = [{"epoch": epoch, **row} for epoch in range(1, recipe.epochs + 1)]
    return made | ({"diverged": "loss diverged"} if diverged else {})


def keep(places: Places, job: Job, made: dict[str, Any]) -> None:
    path = places.result(job)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(made))


def keep_all(places: Places, plan: Iterable[Cell], score: Callable[[Job], dict[str, Any]]) -> None:
    """Results of every run, each cell choosing its first rate and option."""
    plan = list(plan)
    for cell in plan:
        for job in cell.tuning():
            keep(places, job, score(job))
    for cell in plan:
        chosen = choice(places, cell, plan)
        assert chosen is not None
        for seed in range(cell.seeds):
            job = cell.final(chosen.rate, chosen.option, seed)
            keep(places, job, score(job))
