"""Worker processes: their number, one thread each, and termination with the process that started
them.
"""

from __future__ import annotations

import os
import signal
import threading
import time

ONE_THREAD = dict.fromkeys(
    ("NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
"""Environment of a worker with one thread. numba and BLAS read it when they are loaded, so workers
must be spawned, not forked.
"""


def cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not available on every platform
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def end_with(parent: int) -> None:
    """End this worker soon after its parent process has ended, for whatever reason.

    Initializer of a process pool. The worker ignores Ctrl-C; the parent handles it.
    """
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the workers too; the parent ends them, so that none prints a traceback

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
