"""Execution of the study: one run per worker in parallel, each on one thread. Finished runs are
always kept.

A finished run is a small result file in the results folder. An interrupted run resumes from the
checkpoint of its last epoch, which is in a working folder outside the repository.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from accelsim.errors import InputError
from accelsim.studies.accuracy.plan import HEAD_SUFFIX, Cell, Choice, Job
from accelsim.studies.workers import ONE_THREAD, end_with


@dataclass(frozen=True)
class Places:
    """Folders. ``data``: contains one folder per data set. ``results``: finished runs. ``work``:
    checkpoints.
    """

    data: Path
    results: Path
    work: Path

    def result(self, job: Job) -> Path:
        """File of a finished run."""
        return self.results / f"{job.id}.json"

    def checkpoint(self, job: Job) -> Path:
        """Checkpoint of an unfinished run. Other runs may start from its weights."""
        return self.work / f"{job.id}.npz"

    def folder(self, data: str) -> Path | None:
        """Folder of a data set. None for the digits, which need no folder."""
        if data == "digits":
            return None
        packaged = Path("/usr/share/datasets") / data  # folder of Debian's dataset packages
        return (
            packaged if packaged.is_dir() and not (self.data / data).is_dir() else self.data / data
        )


def read_result(places: Places, job: Job) -> dict[str, Any] | None:
    """Document of a finished run, or None. A result that was trained under another plan but has the
    same name does not count.
    """
    path = places.result(job)
    if not path.exists():
        return None
    document: dict[str, Any] = json.loads(path.read_text())
    return document if trained_as_planned(document, job) else None


def trained_as_planned(document: Mapping[str, Any], job: Job) -> bool:
    """True if a result was trained with the job's recipe. Its name states only rule, learning rate
    and seed.
    """
    setting = job.cell.setting
    planned = {
        **asdict(job.recipe),
        "batch": setting.batch,
        "augmented": setting.augmented,
        "held_out": job.held_out,
        **({"steps_per_epoch": setting.steps} if setting.steps else {}),
    }
    cause = document["cause"]
    return all(cause.get(key, value) == value for key, value in planned.items())


def choice(places: Places, cell: Cell, all_cells: Sequence[Cell]) -> Choice | None:
    """Best choice among a cell's tuning runs, by held-out accuracy, or for text by held-out loss.
    None while some runs are missing.
    """
    if cell.tuned_as:
        other = next(
            each
            for each in all_cells
            if each.setting == cell.setting and each.rule == cell.tuned_as
        )
        return choice(places, other, all_cells)
    jobs = cell.tuning()
    if not jobs:
        return Choice(cell.learning_rates[0], cell.options[0])
    scored: list[tuple[float, Job]] = []
    for job in jobs:
        document = read_result(places, job)
        if document is None:
            return None
        scored.append((held_out_score(document), job))
    best = max(scored, key=lambda pair: pair[0])[1]
    return Choice(best.recipe.learning_rate, best.option, tuple(job.id for job in jobs))


def body_job(places: Places, cell: Cell, cells: Sequence[Cell]) -> Job | None:
    """The run whose weights a cell uses: for a head, the convolutions trained by backpropagation.
    None for other cells.
    """
    if not cell.setting.network.endswith(HEAD_SUFFIX):
        return None
    network = cell.setting.network.removesuffix(HEAD_SUFFIX)
    body = next(
        each
        for each in cells
        if each.setting.network == network
        and each.setting.part == cell.setting.part
        and each.rule == "bp"
    )
    chosen = choice(places, body, cells) or Choice(body.learning_rates[0], body.options[0])
    return body.final(chosen.rate, chosen.option, 0)


def held_out_score(document: dict[str, Any]) -> float:
    """Score that tuning maximizes. A run that diverged or has no finite loss scores lower than all
    others.
    """
    if "diverged" in document or document["epochs"][-1]["held_out_loss"] is None:
        return -1e9
    last = document["epochs"][-1]
    return float(
        -last["held_out_loss"] if "held_out_perplexity" in last else last["held_out_accuracy"]
    )


def waiting_jobs(places: Places, cells: Sequence[Cell], busy: set[str]) -> list[Job]:
    """Jobs that can start now, in the plan's order: tuning runs, and the first seeds of tuned cells
    before all second seeds.
    """
    waiting: list[tuple[int, int, Job]] = []
    for index, cell in enumerate(cells):
        jobs = [(-1, job) for job in cell.tuning()]
        chosen = choice(places, cell, cells)
        stands_on = body_job(places, cell, cells)
        if stands_on is not None and read_result(places, stands_on) is None:
            continue
        if chosen is not None:
            jobs += [
                (seed, cell.final(chosen.rate, chosen.option, seed)) for seed in range(cell.seeds)
            ]
        quick = cell.setting.part in ("fc", "sweep")
        waiting += [(0 if seed < 1 or quick else seed, index, job) for seed, job in jobs]
    waiting.sort(key=lambda item: item[:2])
    return [job for _, _, job in waiting if job.id not in busy and read_result(places, job) is None]


def run_study(
    places: Places, cells: Sequence[Cell], workers: int, say: Callable[[str], None]
) -> None:
    """Execute every missing run. An interruption loses at most one epoch of each running job.
    Raises InputError if a data set is missing.
    """
    for name in sorted({cell.setting.data for cell in cells}):
        folder = places.folder(name)
        if folder is not None and not folder.is_dir():
            raise InputError(f"{folder}: data directory does not exist")
    os.environ.update(ONE_THREAD)
    context = multiprocessing.get_context("spawn")  # numba and BLAS must see the variables above
    busy: dict[Future[float], Job] = {}
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=end_with, initargs=(os.getpid(),)
    ) as pool:
        try:
            while True:
                for job in waiting_jobs(places, cells, {each.id for each in busy.values()})[
                    : workers - len(busy)
                ]:
                    busy[pool.submit(work, places, job)] = job
                if not busy:
                    return
                for future in wait(busy, return_when=FIRST_COMPLETED).done:
                    job = busy.pop(future)
                    left = len(waiting_jobs(places, cells, {each.id for each in busy.values()}))
                    say(f"{job.id}: {future.result():.0f} s; {left} can start now")
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def work(places: Places, job: Job) -> float:
    """Execute one run, from its checkpoint if there is one. Returns the seconds it took."""
    from accelsim.studies.accuracy.make import make_run

    start = time.monotonic()
    document = make_run(places, job)
    path = places.result(job)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}")
    beside.write_text(json.dumps(document, separators=(",", ":"), sort_keys=True) + "\n")
    beside.replace(path)
    return time.monotonic() - start
