"""Measurements side by side: as many as tasks, in their order, and none goes on when nobody would
take its result.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from accelsim.studies.papers.side_by_side import side_by_side

WAITING = """
import os
import time

from accelsim.studies.papers.side_by_side import side_by_side


def wait(task):
    os.write(1, b"started\\n")
    time.sleep(600)


if __name__ == "__main__":
    os.sched_getaffinity = lambda _: {0, 1}
    side_by_side(wait, [1, 2], lambda *_: None, str)
"""


@pytest.mark.parametrize("cores", [1, 2])
def test_results_are_in_the_order_of_the_tasks(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    told: list[str] = []
    assert side_by_side(
        abs, [-3, 2, -1], lambda _, of, what: told.append(f"{what} of {of}"), str
    ) == [3, 2, 1]
    assert sorted(told) == ["-1 of 3", "-3 of 3", "2 of 3"]


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_workers_do_not_outlive_the_one_who_started_them(
    sent: signal.Signals, tmp_path: Path
) -> None:
    script = tmp_path / "waiting.py"
    script.write_text(WAITING)
    with subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as parent:
        assert parent.stdout is not None
        assert [parent.stdout.readline() for _ in range(2)] == [b"started\n"] * 2
        parent.send_signal(sent)
        try:
            assert (
                parent.communicate(timeout=30)[0] == b""
            )  # the workers hold its end of the pipe as long as they are there
        except subprocess.TimeoutExpired:
            os.killpg(parent.pid, signal.SIGKILL)
            raise
        assert parent.returncode == -sent
