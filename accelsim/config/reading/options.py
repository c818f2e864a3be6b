"""Options that Python and the command line share. They are fields of a dataclass; each states its
name, type, default, help text and rule once.

The module imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, Self

from accelsim.errors import Fault, InputError

Reader = Callable[[str, Any], Any]
"""A function (name, value or text) -> the value that runs use. It raises InputError, in which the
option is called ``name``, when the value breaks the option's rule.
"""

_KEY, _ARGUMENT = "option", "argument"


@dataclass(frozen=True)
class Option:
    """An option as the command line shows it, and its rule.

    ``repeats``: the option may be given several times. ``shows_default``: the help text gives the
    default.
    """

    metavar: str
    help: str
    read: Reader
    repeats: bool = False
    shows_default: bool = True


def option(
    metavar: str,
    text: str,
    read: Reader,
    *,
    repeats: bool = False,
    shows_default: bool = True,
) -> dict[str, Option]:
    """Metadata that makes a field an option of the command line."""
    return {_KEY: Option(metavar, text, read, repeats, shows_default)}


def argument(read: Reader) -> dict[str, Reader]:
    """Metadata of a field that only Python takes, not the command line."""
    return {_ARGUMENT: read}


def _readers(declaring: type[Any]) -> dict[str, Reader]:
    """The readers of the options and arguments of a dataclass, by name."""
    only_python = {
        each.name: each.metadata[_ARGUMENT]
        for each in fields(declaring)
        if _ARGUMENT in each.metadata
    }
    return {**{name: each.read for name, each in options(declaring).items()}, **only_python}


def options(declaring: type[Any]) -> dict[str, Option]:
    """The options among a dataclass's fields, by name and in the order of the fields."""
    return {each.name: each.metadata[_KEY] for each in fields(declaring) if _KEY in each.metadata}


def default(declaring: type[Any], name: str) -> Any:
    """The default of a field of the dataclass."""
    (value,) = (each.default for each in fields(declaring) if each.name == name)
    assert value is not MISSING
    return value


@dataclass(frozen=True, kw_only=True, repr=False)
class Options:
    """Base of dataclasses with options. A new object holds the values that runs use. InputError
    with every fault.
    """

    def __post_init__(self) -> None:
        faults: list[Fault] = []
        for name, read in _readers(type(self)).items():
            try:
                object.__setattr__(self, name, read(name, getattr(self, name)))
            except InputError as error:
                faults += error.faults
        if faults:
            raise InputError(*faults)

    def __dir__(self) -> list[str]:
        return [*(each.name for each in fields(self)), "replace"]

    def replace(self, **changes: Any) -> Self:
        """A copy with other values for some fields. InputError as for a new object."""
        return replace(self, **changes)
