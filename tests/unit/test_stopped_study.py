"""A study that is stopped goes on where it was: the same results as one that was not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TINY_STUDY = """
import sys
from pathlib import Path
from accelsim.studies.accuracy.execute import Places, run_study
from accelsim.studies.accuracy.plan import Cell, Setting

SETTING = Setting("fc", "digits-fc", "digits", 8, 1, 100)

if __name__ == "__main__":
    plan = [Cell(SETTING, "bp", (0.05,)), Cell(SETTING, "dfa", (0.05,), ("scale=3",))]
    run_study(Places(Path(), Path(sys.argv[1], "runs"), Path(sys.argv[1], "work")), plan, 1, print)
"""


def start(folder: Path) -> subprocess.Popen[bytes]:
    """The tiny study in a process of its own, and a group of its own."""
    folder.mkdir(exist_ok=True)
    script = folder / "tiny.py"
    script.write_text(TINY_STUDY)
    return subprocess.Popen(
        [sys.executable, script, folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def finish(folder: Path) -> dict[str, bytes]:
    """Run it to its end; its result files."""
    study = start(folder)
    assert study.communicate()[1] == b""
    assert study.returncode == 0
    return results(folder)


def results(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted((folder / "runs").rglob("*.json"))
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return finish(tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.parametrize(
    "sent", [pytest.param(signal.SIGKILL, marks=pytest.mark.check), signal.SIGINT]
)
def test_a_stopped_study_goes_on_to_the_same_bytes(
    sent: signal.Signals, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    study = start(tmp_path / "stopped")
    until = time.monotonic() + 120
    while not list((tmp_path / "stopped/work").rglob("*.npz")):  # an epoch of the first run is done
        assert time.monotonic() < until, study.communicate()
        time.sleep(0.005)
    if sent == signal.SIGINT:
        os.killpg(study.pid, sent)  # as a terminal's Ctrl-C, to the workers too
    else:
        study.kill()
    _, errors = study.communicate()
    assert study.returncode == -sent
    assert errors.count(b"Traceback") == (
        sent == signal.SIGINT
    )  # the study's own, none of its workers
    assert len(results(tmp_path / "stopped")) < 2
    assert finish(tmp_path / "stopped") == undisturbed
    assert len(undisturbed) == 2
