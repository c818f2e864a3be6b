"""Independent measurements, as many at once as the computer has cores; the results do not depend on
how many those are.
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
"""A worker holds the masks of a trace and its kernels."""


def side_by_side(
    make: Callable[[Task], Result],
    tasks: Sequence[Task],
    progress: Progress,
    what: Callable[[Task], str],
) -> list[Result]:
    """``make`` of every task, in the tasks' order. Both are pickled: ``make`` is a function of a
    module.

    Long tasks should come first. An interruption, or a fault of one task, ends all, and so does a
    signal that ends this process.
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
    )  # a fork would share locks of threads that it does not have
    found: dict[int, Result] = {}
    try:
        with ProcessPoolExecutor(
            workers, mp_context=context, initializer=end_with, initargs=(os.getpid(),)
        ) as pool:
            try:
                futures = {pool.submit(make, task): index for index, task in enumerate(tasks)}
                for future in as_completed(futures):
                    index = futures[future]
                    found[index] = future.result()
                    progress(len(found), len(tasks), what(tasks[index]))
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
    return [found[index] for index in range(len(tasks))]


def _told(
    make: Callable[[Task], Result],
    task: Task,
    index: int,
    of: int,
    progress: Progress,
    what: Callable[[Task], str],
) -> Result:
    progress(index, of, what(task))
    return make(task)
