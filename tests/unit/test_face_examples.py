"""Examples in the docstrings of the Python interface run, and every name has one."""

from __future__ import annotations

import doctest
import inspect
from types import ModuleType
from typing import Any

import pytest

import accelsim

NAMES = [
    name
    for name in accelsim.__all__
    if name != "__version__" and not isinstance(getattr(accelsim, name), ModuleType)
]


def examples(value: Any, name: str) -> list[doctest.DocTest]:
    """The docstrings with examples of a function, or of a class and its methods."""
    shown = value
    if not (inspect.isroutine(value) or inspect.isclass(value)):
        shown = next(each for each in type(value).__mro__ if each.__doc__)
    found = doctest.DocTestFinder().find(shown, name, module=inspect.getmodule(shown))
    return [each for each in found if each.examples]


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_name_run(name: str) -> None:
    found = examples(getattr(accelsim, name), name)
    assert found, f"{name} has no example"
    runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    printed: list[str] = []
    for each in found:
        runner.run(each, out=printed.append)
    assert runner.failures == 0, "".join(printed)
