"""Runs of cases through the program's entry point, side by side, in processes that are kept."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tests.golden.runs.cases import Case

HERE = Path(__file__).resolve().parent
ENVIRONMENT = {"COLUMNS": "120", "NO_COLOR": "1", "OPENBLAS_CORETYPE": "Haswell"}
"""Sums of training depend in their last digits on the kernels that BLAS chooses for a CPU, so all
CPUs take the same ones.
"""
THREADS = ("NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
TRACE_ORIGIN = frozenset({"command"})
"""What a trace says of the command that made it, its folder included."""


@dataclass(frozen=True)
class Output:
    """What a command printed, and its exit status."""

    status: int
    stdout: str
    stderr: str


class RunFailedError(Exception):
    """A run ended with another status than 0."""


def run_command(arguments: Sequence[str]) -> Output:
    """Run the program in this process."""
    from accelsim.cli import main

    stdout, stderr = io.StringIO(), io.StringIO()
    status = 0
    before = sys.argv
    sys.argv = ["accelsim", *arguments]
    try:
        with redirect_stdout(stdout), redirect_stderr(stderr):
            main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    finally:
        sys.argv = before
    return Output(status, stdout.getvalue(), stderr.getvalue())


def run_case(case: Case) -> dict[str, Any]:
    """Run a case and read all that it made. RunFailedError when it fails."""
    with TemporaryDirectory() as out, chdir(HERE):
        arguments = [argument.replace("{out}", out) for argument in case.arguments]
        output = run_command(arguments)
        if output.status != 0:
            raise RunFailedError(f"exit status {output.status}: {output.stderr.strip()}")
        made: dict[str, Any] = {"command": list(case.arguments), "output": _parsed(output.stdout)}
        traces = {str(path.relative_to(out)): _trace(path) for path in _trace_files(Path(out))}
        if traces:
            made["traces"] = traces
        return made


def run_all(cases: Sequence[Case]) -> Iterator[tuple[Case, dict[str, Any] | Exception]]:
    """Run cases, one a core, and give each with what it made or how it failed."""
    os.environ.update(ENVIRONMENT)
    for name in THREADS:
        os.environ.setdefault(name, "1")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(run_case, case): case for case in cases}
        for done, future in enumerate(as_completed(waiting), start=1):
            case = waiting[future]
            print(f"[{done}/{len(cases)}] {case.name}", file=sys.stderr, flush=True)
            failure = future.exception()
            if failure is None:
                yield case, future.result()
            elif isinstance(failure, Exception):
                yield case, failure
            else:
                raise failure


def _parsed(stdout: str) -> Any:
    return json.loads(stdout) if stdout.startswith("{") else stdout.splitlines()


def _trace_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.npz") if path.name != "checkpoint.npz")


def _trace(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as arrays:
        meta = json.loads(bytes(arrays["meta"]))
        masks = {name: _hash(arrays[name]) for name in arrays.files if name != "meta"}
    kept = {key: value for key, value in meta.items() if key not in TRACE_ORIGIN}
    return {"meta": kept, "masks": masks}


def _hash(mask: np.ndarray) -> str:
    shape = "x".join(map(str, mask.shape))
    return f"{mask.dtype} {shape} {hashlib.sha256(mask.tobytes()).hexdigest()}"
