"""Independent measurements, as many at once as the computer has cores; the results do not depend on how many those are."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

from accelsim.reproduce.progress import Progress

Task = TypeVar("Task")
Result = TypeVar("Result")

MOST_WORKERS = 4
"""A worker holds the masks of a trace and its kernels."""
THREADS = "NUMBA_NUM_THREADS"


def side_by_side(make: Callable[[Task], Result], tasks: Sequence[Task], progress: Progress, what: Callable[[Task], str]) -> list[Result]:
    """``make`` of every task, in the tasks' order. Both are pickled: ``make`` is a function of a module.

    Long tasks should come first. An interruption, or a fault of one task, ends all, and so does a signal that ends this process.
    """
    workers = min(MOST_WORKERS, len(os.sched_getaffinity(0)), len(tasks))
    if workers < 2:
        return [_told(make, task, index, len(tasks), progress, what) for index, task in enumerate(tasks)]
    before = os.environ.get(THREADS)
    os.environ[THREADS] = "1"  # each worker is one thread
    context = multiprocessing.get_context("spawn")  # a fork would share locks of threads that it does not have
    found: dict[int, Result] = {}
    try:
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with, initargs=(os.getpid(),)) as pool:
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
        if before is None:
            del os.environ[THREADS]
        else:
            os.environ[THREADS] = before
    return [found[index] for index in range(len(tasks))]


def _told(make: Callable[[Task], Result], task: Task, index: int, of: int, progress: Progress, what: Callable[[Task], str]) -> Result:
    progress(index, of, what(task))
    return make(task)


def _end_with(parent: int) -> None:
    """End this worker soon after the process that started it is gone, however that went: nobody would take its result."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the workers too; the one who started them ends them, without a traceback each

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
