"""Values of command-line options: from text to what `experiment` takes. Every refusal is an InputError that names the option."""

from __future__ import annotations

import math
from collections.abc import Sequence

from accelsim.errors import InputError

PASSES = ("FF", "EP", "WG", "WU")


SCHEDULES = ("serial", "unlocked")
OPTIMIZERS = ("sgd", "momentum", "adam")
LARGEST_BATCH = 1 << 20
_TRACE_WORDS = ("shipped", "dense")


def whole(option: str, text: str, least: int, most: int | None = None) -> int:
    """A whole number of at least ``least``, and at most ``most``."""
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least or (most is not None and number > most):
        rule = f">= {least}" if most is None else f"between {least} and {most}"
        raise InputError(f"{option} must be a whole number {rule}, got {text}")
    return number


def positive(option: str, text: str) -> float:
    """A finite number above zero."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number < math.inf:
        raise InputError(f"{option} must be a number > 0, got {text}")
    return number


def one_of(option: str, text: str, words: Sequence[str]) -> str:
    """One of a few words."""
    if text not in words:
        raise InputError(f"{option} must be one of {', '.join(words)}, got {text}")
    return text


def comma_list(option: str, text: str) -> tuple[str, ...]:
    """``a,b`` -> (a, b); blanks around items are dropped, empty items refused."""
    items = tuple(item.strip() for item in text.split(","))
    if not all(items):
        raise InputError(f"{option} must be a comma-separated list without empty items, got {text!r}")
    return items


def rule_list(option: str, text: str) -> tuple[str, ...]:
    """Rules between commas; the options of one rule bind with ``;``: ``bp,revised:groups=8;binary=true``."""
    return tuple(item.replace(";", ",") for item in comma_list(option, text))


def pass_list(option: str, text: str) -> tuple[str, ...]:
    """Passes in any order and case -> in the order of a training step, each once."""
    names = [name.upper() for name in comma_list(option, text)]
    if not set(names) <= set(PASSES):
        raise InputError(f"{option} must be a comma-separated list of ff, ep, wg, wu, got {text}")
    return tuple(name for name in PASSES if name in names)


def traces(option: str, values: Sequence[str]) -> str | tuple[str, ...]:
    """The option's only value, or several files."""
    if len(values) == 1:
        return values[0]
    if any(value in _TRACE_WORDS or value.startswith("random:") for value in values):
        words = "shipped, dense and random:DENSITY cannot be combined with others"
        raise InputError(f"{option} must be files when there are several: {words}, got {', '.join(values)}")
    return tuple(values)
