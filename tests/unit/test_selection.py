"""What `make test` leaves out is counted and said, and how many random examples it takes."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from tests import examples, selection


class Printed:
    """A reporter that keeps the lines that it is told to print."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write_line(self, line: str) -> None:
        self.lines.append(line)


def item(*marks: str) -> Any:
    return SimpleNamespace(get_closest_marker=lambda name: name if name in marks else None)


@pytest.fixture(autouse=True)
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    counted: Counter[str] = Counter()
    monkeypatch.setattr(selection, "left_out", counted)
    return counted


def summary(monkeypatch: pytest.MonkeyPatch, profile: str) -> list[str]:
    monkeypatch.setattr(selection, "PROFILE", profile)
    printed: Any = Printed()
    selection.pytest_terminal_summary(printed)
    return printed.lines


def test_a_test_is_counted_once_and_its_command_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    selection.pytest_deselected([item("check"), item("rtl", "nightly"), item(), item("check")])
    said = "left out: 2 marked check (`make check`), 1 marked nightly (`make nightly`)"
    assert summary(monkeypatch, "full") == [said]
    assert summary(monkeypatch, "quick") == [
        said,
        "random examples: 1 in 5 (all of them with `make check`)",
    ]


def test_nothing_is_said_of_a_run_that_leaves_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert summary(monkeypatch, "quick") == []


def test_parallel_workers_hand_over_what_each_of_them_left_out(counts: Counter[str]) -> None:
    counts["check"] = 7
    session: Any = SimpleNamespace(config=SimpleNamespace(workeroutput={}))
    selection.pytest_sessionfinish(session)
    counts.clear()
    for _ in range(2):
        selection.pytest_testnodedown(session.config)
    assert counts == {"check": 7}


@pytest.mark.parametrize(
    ("profile", "expected"),
    [("quick", (100, 1, 20)), ("full", (500, 3, 100)), ("nightly", (500, 3, 1000))],
)
def test_examples_of_a_profile(
    profile: str, expected: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examples, "PROFILE", profile)
    assert (
        examples.examples(500),
        examples.examples(3),
        examples.examples(100, nightly=1000),
    ) == expected


def test_every_number_of_examples_is_of_the_profile(root: Any) -> None:
    bare = [
        path.name
        for path in (root / "tests").rglob("test_*.py")
        if "max_examples=" in (text := path.read_text(encoding="utf-8"))
        and any(f"max_examples={digit}" in text for digit in "123456789")
        and path.name != "test_selection.py"
    ]
    assert bare == []
