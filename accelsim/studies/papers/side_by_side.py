"""Independent measurements in parallel processes, as many as the computer has cores. Results do not
depend on that number.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

from accelsim.studies.papers.progress import Progress
from accelsim.studies.workers import ONE_THREAD, cores, end_with

Task = TypeVar("Task")
Result = TypeVar("Result")

MOST_WORKERS = 4
"""Maximum number of workers, because each holds the masks of a trace and its kernels in memory."""


def side_by_side(
    make: Callable[[Task], Result],
    tasks: Sequence[Task],
    progress: Progress,
    what: Callable[[Task], str],
) -> list[Result]:
    """Results of ``make`` for every task, in the order of the tasks. ``make`` and tasks are
    pickled, so ``make`` must be a module-level function.

    Long tasks should come first. An interruption or an error in one task ends all workers; so does
    the end of this process.
    """
    workers = min(MOST_WORKERS, cores(), len(tasks))
    if workers < 2:
        return [
            _told(make, task, index, len(tasks), progress, what) for index, task in enumerate(tasks)
        ]
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    context = multiprocessing.get_context(
        "spawn"
    )  # a forked process would inherit locks held by threads that do not exist in it
    results: dict[int, Result] = {}
    try:
        with ProcessPoolExecutor(
            workers, mp_context=context, initializer=end_with, initargs=(os.getpid(),)
        ) as pool:
            try:
                futures = {pool.submit(make, task): index for index, task in enumerate(tasks)}
                for future in as_completed(futures):
                    index = futures[future]
                    results[index] = future.result()
                    progress(len(results), len(tasks), what(tasks[index]))
            except BaseException:
                for process in multiprocessing.active_children():
                    process.terminate()
                raise
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return [results[index] for index in range(len(tasks))]


def _told(
    make: Callable[[Task], Result],
    task: Task,
    index: int,
    of: int,
    progress: Progress,
    what: Callable[[Task], str],
) -> Result:
    """Report progress, then compute one result."""
    progress(index, of, what(task))
    return make(task)
