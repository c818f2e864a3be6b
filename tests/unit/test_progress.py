"""What long work says on stderr where there is no terminal, and what is said before kernels are
compiled.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from accelsim.cli import progress
from accelsim.kernels import jit as kernels

ROOT = Path(__file__).parents[2]


def test_a_line_every_ten_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 1.0, 9.9, 10.0, 19.9, 20.1])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(kernels, "CACHE_IS_NEW", False)
    with progress.bar() as report:
        for done in range(1, 6):
            report(done, 5, "near-memory bp")
    assert capsys.readouterr() == ("", "near-memory bp: 3 of 5\nnear-memory bp: 5 of 5\n")


CODE = """
import numpy as np
from accelsim.cli import progress
from accelsim.kernels.jit import CACHE_IS_NEW, jit

@jit
def twice(values):
    return values * 2

with progress.bar():
    pass
print(CACHE_IS_NEW)
with progress.bar():
    twice(np.ones(3))
    twice(np.ones(3, np.int64))
"""


@pytest.mark.skipif(bool(os.environ.get("NUMBA_DISABLE_JIT")), reason="nothing is compiled")
def test_the_first_compilation_of_all_is_told_once(tmp_path: Path) -> None:
    package = (
        tmp_path / "kernels"
    )  # where numba keeps what it compiles is named after the folder of the source
    package.mkdir()
    (package / "one.py").write_text(CODE)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
    }

    def run() -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, str(package / "one.py")],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout, done.stderr

    assert run() == ("True\n", "compiling kernels (once)\n")
    assert run() == ("False\n", "")
