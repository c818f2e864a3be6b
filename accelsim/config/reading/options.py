"""Options that Python and the command line share: fields of a dataclass, each written once with
name, type, default, help text and rule. Nothing heavy is imported here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, Self

from accelsim.errors import Fault, InputError

Reader = Callable[[str, Any], Any]
"""(name, value or text) -> the value as runs take it. InputError, which calls it ``name``, when the
value breaks the option's rule.
"""

_KEY = "option"


@dataclass(frozen=True)
class Option:
    """An option as the command line shows it, and its rule.

    ``repeats``: the command line takes it several times. ``shows_default``: the help text gives the
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
    """Metadata of a field that the command line has as an option too."""
    return {_KEY: Option(metavar, text, read, repeats, shows_default)}


def options(declaring: type[Any]) -> dict[str, Option]:
    """The options among a dataclass's fields, by name, in order."""
    return {each.name: each.metadata[_KEY] for each in fields(declaring) if _KEY in each.metadata}


def default(declaring: type[Any], name: str) -> Any:
    """The default of a dataclass's field."""
    (value,) = (each.default for each in fields(declaring) if each.name == name)
    assert value is not MISSING
    return value


@dataclass(frozen=True, kw_only=True, repr=False)
class Options:
    """Base of dataclasses with options. A new object has values as runs take them; InputError with
    every fault.
    """

    def __post_init__(self) -> None:
        faults: list[Fault] = []
        for name, each in options(type(self)).items():
            try:
                object.__setattr__(self, name, each.read(name, getattr(self, name)))
            except InputError as error:
                faults += error.faults
        if faults:
            raise InputError(*faults)

    def replace(self, **changes: Any) -> Self:
        """The same with other values for some fields. InputError as for a new one."""
        return replace(self, **changes)
