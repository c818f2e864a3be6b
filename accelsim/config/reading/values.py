"""Values that a user gives apart from a file: options of a command and keyword arguments of a
function.

Each reader takes the name of the value for its faults (``--batch`` on the command line, ``batch``
in Python) and accepts texts as well as values. The module imports nothing heavy.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

from accelsim.errors import InputError


def whole(name: str, value: object, least: int, most: int | None = None) -> int:
    """A whole number of at least ``least``, and at most ``most``. InputError for anything else."""
    number = least - 1
    try:
        if not isinstance(value, bool):
            number = int(value) if isinstance(value, str) else operator.index(value)  # type: ignore[arg-type]  # refused below
    except (TypeError, ValueError):
        pass
    if number < least or (most is not None and number > most):
        rule = f">= {least}" if most is None else f"between {least} and {most}"
        raise InputError(f"{name} must be a whole number {rule}, got {value}")
    return number


def one_of(name: str, value: object, words: Sequence[str]) -> str:
    """One of a few words. InputError for any other value."""
    if not isinstance(value, str) or value not in words:
        raise InputError(f"{name} must be one of {', '.join(words)}, got {value}")
    return str(value)


def comma_list(name: str, text: str) -> tuple[str, ...]:
    """``a,b`` -> (a, b). Blanks around items are dropped; InputError for an empty item."""
    items = tuple(item.strip() for item in text.split(","))
    if not all(items):
        raise InputError(f"{name} must be a comma-separated list without empty items, got {text!r}")
    return items
