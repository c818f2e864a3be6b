"""Values that a user gives apart from a file: options of a command and keyword arguments of a
function.

Each reader takes the name of the value for its faults (``--batch`` on the command line, ``batch``
in Python) and accepts texts as well as values. The module imports nothing heavy.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from accelsim.errors import Fault, InputError

Value = TypeVar("Value")
Other = TypeVar("Other")
_LONGEST = 60
"""Characters of a value in a fault."""


class Faults:
    """Collected faults of several options, so that a user sees all of them at once."""

    def __init__(self) -> None:
        self._noted: list[Fault] = []

    def take(self, read: Callable[[], Value], instead: Other) -> Value | Other:
        """The value of ``read()``. If it raises InputError, its faults are noted and ``instead`` is
        returned.
        """
        try:
            return read()
        except InputError as error:
            self._noted += error.faults
            return instead

    def check(self, right: bool, fault: str) -> None:
        """Note a fault unless ``right``."""
        if not right:
            self._noted.append(Fault("", 0, 0, fault))

    def refuse(self) -> None:
        """Raise InputError with every noted fault, if there are any."""
        if self._noted:
            raise InputError(*self._noted)


def unboxed(value: Any) -> Any:
    """A number of NumPy as a number of Python; any other value as it is."""
    return value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else value


def shown(value: object) -> str:
    """A value in a fault: a text as it is, anything else on one short line."""
    if isinstance(value, str | Path):
        return str(value)
    try:
        text = " ".join(repr(unboxed(value)).split())
    except ValueError:  # an integer of too many digits
        return "a number of thousands of digits"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def instance(name: str, value: Value, types: type[Any] | tuple[type[Any], ...], rule: str) -> Value:
    """The value if it is of one of the types. InputError with ``rule`` if not."""
    if not isinstance(value, types):
        raise InputError(f"{name} must be {rule}, got {shown(value)}")
    return value


def function(name: str, value: Value) -> Value:
    """A function, or None."""
    if value is not None and not callable(value):
        raise InputError(f"{name} must be a function, got {shown(value)}")
    return value


def whole(name: str, value: object, least: int, most: int | None = None) -> int:
    """A whole number of at least ``least``, and at most ``most``. InputError for anything else."""
    number, value = least - 1, unboxed(value)
    try:
        if not isinstance(value, bool):
            number = int(value) if isinstance(value, str) else operator.index(value)  # type: ignore[arg-type]  # refused below
    except (TypeError, ValueError):
        pass
    if number < least or (most is not None and number > most):
        rule = f">= {least}" if most is None else f"between {least} and {most}"
        raise InputError(f"{name} must be a whole number {rule}, got {shown(value)}")
    return number


def one_of(name: str, value: object, words: Sequence[str]) -> str:
    """One of a few words. InputError for any other value."""
    if not isinstance(value, str) or value not in words:
        raise InputError(f"{name} must be one of {', '.join(words)}, got {shown(value)}")
    return str(value)


def comma_list(name: str, text: str) -> tuple[str, ...]:
    """``a,b`` -> (a, b). Blanks around items are dropped; InputError for an empty item."""
    items = tuple(item.strip() for item in text.split(","))
    if not all(items):
        raise InputError(f"{name} must be a comma-separated list without empty items, got {text!r}")
    return items


def positive(name: str, value: object, most: float = math.inf) -> float:
    """A finite number above zero, and at most ``most``."""
    number = _number(value)
    if not 0.0 < number <= most or number == math.inf:
        limit = "" if most == math.inf else f", at most {most:g}"
        raise InputError(f"{name} must be a number > 0{limit}, got {shown(value)}")
    return number


def not_negative(name: str, value: object) -> float:
    """A finite number of at least zero."""
    number = _number(value)
    if not 0.0 <= number < math.inf:
        raise InputError(f"{name} must be a number >= 0, got {shown(value)}")
    return number


def fraction(name: str, value: object) -> float:
    """A number from 0, below 1."""
    number = _number(value)
    if not 0.0 <= number < 1.0:
        raise InputError(f"{name} must be a number from 0, below 1, got {shown(value)}")
    return number


def _number(value: object) -> float:
    """The value as a float, or NaN, which fails every comparison, if it is not a number."""
    value = unboxed(value)
    try:
        return math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]  # refused below
    except (TypeError, ValueError, OverflowError):
        return math.nan


def flag(name: str, value: object) -> bool:
    """True or False."""
    return bool(instance(name, unboxed(value), bool, "True or False"))


def named_folder(name: str, value: object) -> Path | None:
    """A path, or None if none is given. InputError for an empty path, which would mean the working
    folder.
    """
    if value is None:
        return None
    if instance(name, value, (str, Path), "a folder") == "":
        raise InputError(f"{name} must be a folder, got an empty name")
    return Path(str(value))


def written_file(name: str, value: object) -> Path | None:
    """Path of a file to write, or None if none is given. InputError if it is a folder, or if its
    folder cannot be created or written.
    """
    if value is None:
        return None
    if str(instance(name, value, (str, Path), "a file")) == "":
        raise InputError(f"{name} must be a file, got an empty name")
    path = Path(str(value))
    place = next(each for each in path.absolute().parents if each.exists())
    fault = ""
    if path.is_dir():
        fault = f"{path} is a folder"
    elif not place.is_dir():
        fault = f"{place} is a file"
    elif not os.access(place, os.W_OK | os.X_OK) and not path.exists():
        fault = f"{place} cannot be written"
    if fault:
        raise InputError(f"{name} must be a file that can be written, got {path}: {fault}")
    return path
