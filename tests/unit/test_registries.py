"""Registries: names to the places of their declarations, imported on demand."""

from __future__ import annotations

import subprocess
import sys

import pytest

from accelsim.config.plugins.source import Plugin
from accelsim.config.registry import Registry
from accelsim.errors import InputError


def colours() -> Registry:
    return Registry("colour", {"pi": "math:pi", "tau": "math:tau"})


def fault(call: object, *arguments: str) -> str:
    assert callable(call)
    with pytest.raises(InputError) as raised:
        call(*arguments)
    return str(raised.value)


def test_entries_keep_their_order_and_say_where_they_are_declared() -> None:
    registry = colours()
    registry.register("e", "math:e")
    assert registry.names() == ("pi", "tau", "e")
    assert registry.place("e") == "math:e"
    assert registry.origin("e") == "built-in"
    assert "e" in registry
    assert "f" not in registry


def test_a_module_is_imported_when_its_declaration_is_asked_for() -> None:
    program = (
        "import sys\n"
        "from accelsim.config.registry import Registry\n"
        "registry = Registry('kind', {'a': 'colorsys:ONE_THIRD'})\n"
        "registry.names(), registry.place('a')\n"
        "assert 'colorsys' not in sys.modules\n"
        "registry.resolve('a')\n"
        "assert 'colorsys' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_resolve_gives_the_declared_object_each_time() -> None:
    registry = Registry("kind", {"path": "pathlib:Path"})
    assert registry.resolve("path") is registry.resolve("path")
    assert registry.resolve("path").__name__ == "Path"


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    words = "unknown colour tua; did you mean tau? (known: pi, tau)"
    assert fault(colours().resolve, "tua") == words
    assert fault(colours().origin, "tua") == words
    listed = Registry("colour", {}, listing="accelsim list colours")
    assert fault(listed.resolve, "") == "unknown colour of no name (accelsim list colours)"


def test_a_taken_name_an_empty_name_and_a_place_without_attribute_are_refused() -> None:
    register = colours().register
    assert (
        fault(register, "pi", "cmath:pi")
        == "colour pi must be registered once, got cmath:pi beside math:pi"
    )
    assert fault(register, "", "math:e") == "colour of math:e must have a name, got an empty one"
    for place in ("math", "math:", ":e", "math:e()"):
        assert (
            fault(register, "e", place)
            == f"colour e must be declared at package.module:attribute, got {place!r}"
        )


def test_an_entry_whose_declaration_is_missing_is_refused_when_it_is_asked_for() -> None:
    registry = Registry("colour", {"red": "math:red", "blue": "no_such_module:blue"})
    assert (
        fault(registry.resolve, "red")
        == "colour red must be declared at math:red, got: module 'math' has no attribute 'red'"
    )
    assert (
        fault(registry.resolve, "blue")
        == "colour blue must be declared at no_such_module:blue, got: "
        "No module named 'no_such_module'"
    )


def test_a_plugins_declarations_can_be_forgotten() -> None:
    registry = colours()
    before = registry.state()
    registry.declare("e", 3, Plugin("mine.py", "mine.py", "0" * 64))
    assert (registry.names(), registry.resolve("e")) == (("pi", "tau", "e"), 3)
    assert (registry.origin("e"), registry.origin("pi")) == ("mine.py", "built-in")
    registry.restore(before)
    assert registry.names() == ("pi", "tau")


def test_a_value_that_is_no_text_is_no_name() -> None:
    assert [1] not in colours()
