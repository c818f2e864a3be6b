"""Compile the kernels that most tests use, so that parallel workers do not each compile them:
``python -m tests.kernels [PROCESSES]``. It runs cases of the golden set without comparing their
results.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import accelsim.kernels.jit  # noqa: F401  # it chooses the cache
from tests.golden.runs.cases import CASES
from tests.golden.runs.running import THREADS, run_case

STAGES = (
    ("machine-near-memory", "train-convolution-revised"),
    (
        "dram-ddr4-2400",
        "machine-dt-cnn-like",
        "machine-eie-convolution",
        "machine-tensordash",
        "machine-eyeriss-like",
        "machine-systolic-32x32",
        "skip-both",
        "mesh",
        "format-csc",
    ),
)
"""Cases by name. The cases of a stage share few kernels that an earlier stage has not compiled, so
parallel processes compile different ones.
"""


def stamp() -> Path | None:
    """A file that exists once the kernels of this tree are compiled; None if there is no cache."""
    folder = os.environ.get("NUMBA_CACHE_DIR")
    root = str(Path(__file__).parents[1]).strip("/").replace("/", "-")
    return Path(folder) / f"compiled-{root}" if folder else None


def compile_kernels(processes: int) -> None:
    """Run the stages one after the other, the cases of a stage in parallel."""
    cases = {case.name: case for case in CASES}
    for name in THREADS:
        os.environ.setdefault(name, "1")
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for stage in STAGES:
            list(pool.map(run_case, [cases[name] for name in stage]))


def main() -> None:
    """Compile the kernels unless they are compiled already."""
    mark = stamp()
    if mark is not None and mark.exists():
        return
    start = time.monotonic()
    compile_kernels(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
    if mark is not None:
        mark.touch()
    print(f"kernels compiled in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
