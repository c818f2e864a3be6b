"""What tests of plug-ins share: files with plug-ins, and command lines that may fail."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from accelsim.cli import app as cli
from accelsim.cli import progress

Outcome = Callable[..., tuple[object, str, str]]

RULE = """\
from accelsim import plugin
from accelsim.rules.chained.ops import Backprop
from accelsim.rules.declaration import Rule


def ops(network, spec):
    return BODY


plugin.rule(Rule("mine", "bp", "A rule of one's own.", ops=ops))
"""


@pytest.fixture
def outcome(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Outcome:
    """Runs a command line in a folder of its own; exit code, stdout and stderr."""
    monkeypatch.setattr(progress, "SECONDS", float("inf"))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["accelsim", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        printed = capsys.readouterr()
        return stop.value.code or 0, printed.out, printed.err

    return call


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    """Writes ``mine.py`` into the folder in which command lines run; `RULE` whose ops are ``body``
    unless a whole text is given.
    """

    def write(body: str, text: str = RULE) -> Path:
        path = tmp_path / "mine.py"
        path.write_text(text.replace("BODY", body), encoding="utf-8")
        return path

    return write
