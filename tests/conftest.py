"""Fixtures for all tests (data sets, the command line), and the number of random examples per
property.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, is_hypothesis_test, settings

from accelsim.cli import app as cli
from accelsim.cli import progress
from tests.examples import FULL, NIGHTLY, PROFILE, SHARE

pytest_plugins = ("tests.selection",)

CommandLine = Callable[..., str]
Ended = Callable[..., tuple[object, str, str]]


def _heed_signals() -> None:
    """Restore default signal handlers, so that programs started from tests receive signals. In a
    background job or under nohup they would inherit them as ignored.
    """
    if threading.current_thread() is threading.main_thread():
        for sent, handler in (
            (signal.SIGINT, signal.default_int_handler),
            (signal.SIGHUP, signal.SIG_DFL),
            (signal.SIGTERM, signal.SIG_DFL),
        ):
            if signal.getsignal(sent) == signal.SIG_IGN:
                signal.signal(sent, handler)


_heed_signals()

# Examples are the same in every run except the nightly one, so that failures can be reproduced.
# There is no deadline, because the first call of a kernel compiles it.
PROFILES = (
    ("quick", FULL // SHARE),
    ("mutants", FULL // SHARE),
    ("full", FULL),
    ("nightly", NIGHTLY),
)
for profile, count in PROFILES:
    settings.register_profile(
        profile,
        deadline=None,
        derandomize=profile != "nightly",
        max_examples=count,
        phases=[phase for phase in Phase if profile != "mutants" or phase is not Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(PROFILE)

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
DATA = "ACCELSIM_DATA"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests of random examples ``hypothesis``, before tests are selected by marker. Skip tests
    marked ``torch`` if PyTorch is not installed, with that reason.
    """
    for item in items:
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("hypothesis")
    if importlib.util.find_spec("torch") is None:
        for item in items:
            if item.get_closest_marker("torch"):
                item.add_marker(
                    pytest.mark.skip(reason="PyTorch is not installed (make test-torch)")
                )


@pytest.fixture(scope="session")
def root() -> Path:
    """Root folder of the source tree."""
    return ROOT


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of real data sets (cifar10/, wikitext2/), from the environment variable ACCELSIM_DATA.
    Skips the test if it is not set.
    """
    folder = os.environ.get(DATA)
    if not folder:
        pytest.skip(
            f"needs real data sets: set {DATA} to the folder that holds cifar10/ and wikitext2/"
        )
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"{DATA} must be a folder, got {folder}")
    return path


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ended:
    """Function that runs a command line to its end: (exit code, stdout, stderr)."""
    monkeypatch.setattr(progress, "SECONDS", float("inf"))  # a slow computer says more on stderr

    def call(*arguments: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["accelsim", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        printed = capsys.readouterr()
        return stop.value.code, printed.out, printed.err.removeprefix(f"{progress.COMPILING}\n")

    return call


@pytest.fixture
def run(ended: Ended) -> CommandLine:
    """Function that runs a command line, which must succeed, and returns its stdout."""

    def call(*arguments: str) -> str:
        code, printed, faults = ended(*arguments)
        assert code in {0, None}, faults
        return printed

    return call
