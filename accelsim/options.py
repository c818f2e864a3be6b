"""Values of command-line options: from text to what `experiment` takes. Every refusal is an InputError that names the option."""

from __future__ import annotations

from collections.abc import Sequence

from accelsim.errors import InputError

PASSES = ("FF", "EP", "WG", "WU")


def whole(option: str, text: str, least: int) -> int:
    """A whole number of at least ``least``."""
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise InputError(f"{option} must be a whole number >= {least}, got {text}")
    return number


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


def one_or_all(values: Sequence[str]) -> str | tuple[str, ...]:
    """A repeatable option: its only value, or all of them."""
    return values[0] if len(values) == 1 else tuple(values)
