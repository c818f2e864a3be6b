"""Threads that load plug-ins at the same time each get their own file's declarations."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from accelsim.config.plugins.files import collecting, collector, load_file
from accelsim.rules.registry import parse_rule

SLOW = """\
import time
from accelsim import plugin
from accelsim.rules.declaration import Rule

time.sleep(0.1)
plugin.rule(Rule("slow", "bp", "DESCRIPTION", ops=max))
time.sleep(0.1)
print("ran")
"""


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def test_each_thread_gets_the_rule_of_its_own_file(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    names = ("one", "two")
    for name in names:
        (tmp_path / f"{name}.py").write_text(SLOW.replace("DESCRIPTION", name))
    rules = [f"{tmp_path / name}.py:slow" for name in names]
    for _ in range(2):  # read, and then from memory
        assert [spec.rule.description for spec in pool.map(parse_rule, rules)] == list(names)


def test_threads_that_load_one_file_run_it_once(
    tmp_path: Path, pool: ThreadPoolExecutor, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "one.py"
    path.write_text(SLOW)
    first, second = pool.map(load_file, (path, path))
    assert first is second
    assert capfd.readouterr().out == "ran\n"


def test_a_thread_collects_its_own_declarations_alone(pool: ThreadPoolExecutor) -> None:
    entered, seen = threading.Event(), threading.Event()

    def collect() -> bool:
        declarations: list[object] = []
        with collecting(declarations):  # type: ignore[arg-type]  # its items do not matter
            entered.set()
            assert seen.wait(10)
            return collector() is declarations

    inside = pool.submit(collect)
    assert entered.wait(10)
    try:
        assert collector() is None
    finally:
        seen.set()
    assert inside.result(10)
