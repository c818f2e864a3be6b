"""Declarations in a notebook, or in a module that a program imports, are registered at once."""

from __future__ import annotations

import hashlib
import linecache
from collections.abc import Iterator

import pytest

import accelsim
from accelsim import InputError, simulate
from accelsim.config.registries import REGISTRIES, RULES
from tests.unit.plugins.conftest import RULE

CELL = RULE.replace("BODY", "Backprop()")


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    states = [(each, each.state()) for each in REGISTRIES.values()]
    yield
    for registry, state in states:
        registry.restore(state)


def run_cell(text: str, number: int) -> None:
    """As a notebook's kernel runs a cell: its text is in `linecache`, and in no file."""
    name = f"<cell {number}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec"), {"__name__": "__main__"})  # the test's own cell


def test_a_cell_registers_and_may_be_changed_and_run_again() -> None:
    run_cell(CELL, 1)
    result = simulate("digits-fc", rule="mine", trace="dense")
    assert result.rule == "mine@notebook"
    (used,) = result.plugins
    assert (used.file, used.sha256) == ("notebook", hashlib.sha256(CELL.encode()).hexdigest())
    run_cell(f"# changed\n{CELL}", 2)
    changed = simulate("digits-fc", rule="mine", trace="dense")
    assert changed.config_hash != result.config_hash


def test_code_whose_text_is_nowhere_is_refused() -> None:
    words = r"^a plug-in must be declared in a file or a notebook, because results state"
    with pytest.raises(InputError, match=words):
        exec(compile(CELL, "<string>", "exec"), {})  # the test's own cell
    assert "mine" not in RULES


def test_the_package_offers_the_declarations() -> None:
    assert accelsim.plugin.rule.__doc__
    assert "plugin" in accelsim.__all__
