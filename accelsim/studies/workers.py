"""Processes side by side: how many, one thread each, and none that outlives the one that wants its
result.
"""

from __future__ import annotations

import os
import signal
import threading
import time

ONE_THREAD = dict.fromkeys(
    ("NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
"""Environment of a worker of one thread; numba and BLAS read it when they are loaded, so that
workers must be spawned.
"""


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not everywhere
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def end_with(parent: int) -> None:
    """End this worker soon after the process that started it is gone, however that went.
    Initializer of a pool; leaves Ctrl-C to the parent.
    """
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # it reaches the workers too; the one who started them ends them, without a traceback each

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
