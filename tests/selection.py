"""Summary of the tests that a run leaves out, printed at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest

from tests.examples import PROFILE, SHARE

COMMANDS = {
    "check": "make check",
    "rtl": "make test-rtl",
    "nightly": "make nightly",
}
"""The command that runs the tests of each marker that `make test` leaves out."""

left_out: Counter[str] = Counter()
"""Number of deselected tests, by marker."""


def pytest_deselected(items: Iterable[pytest.Item]) -> None:
    """Count each test under its last marker of COMMANDS: a nightly RTL test counts as nightly."""
    for item in items:
        marks = [name for name in COMMANDS if item.get_closest_marker(name)]
        if marks:
            left_out[marks[-1]] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Pass the counts of a parallel worker to the process that prints."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = dict(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Take the counts of a worker. Each worker collects all tests, so the largest count is kept."""
    for name, count in getattr(node, "workeroutput", {}).get("left_out", {}).items():
        left_out[name] = max(count, left_out[name])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the number of tests left out, and the commands that run them."""
    said = [
        f"{left_out[name]} marked {name} (`{command}`)"
        for name, command in COMMANDS.items()
        if left_out[name]
    ]
    if said:
        terminalreporter.write_line(f"left out: {', '.join(said)}")
        if PROFILE == "quick":
            terminalreporter.write_line(
                f"random examples: 1 in {SHARE} (all of them with `make check`)"
            )
