"""Values of command-line options: from their texts to what the rest of the package takes. Every
refusal is an InputError that names the option.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from accelsim.config.models import limits
from accelsim.config.names import OptimizerName, RateSchedule
from accelsim.config.reading.values import comma_list, one_of, whole
from accelsim.errors import Fault, InputError
from accelsim.numerics.names import StorageFormat

if TYPE_CHECKING:
    from accelsim.rules.spelling import AnyRule

__all__ = ["comma_list", "one_of", "whole"]

OPTIMIZERS = tuple(map(str, OptimizerName))
RATE_SCHEDULES = tuple(map(str, RateSchedule))
FORMATS = tuple(map(str, StorageFormat))
LARGEST_BATCH = limits.LARGEST_BATCH
STORED = ("weight", "activation", "error")

Value = TypeVar("Value")


class Faults:
    """Faults of several options, so that a user hears of all of them at once."""

    def __init__(self) -> None:
        self._noted: list[Fault] = []

    def take(self, read: Callable[[], Value], instead: Value) -> Value:
        """The value of ``read()``, or ``instead`` after noting its faults where it refuses."""
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
        """InputError with every fault noted, if there are any."""
        if self._noted:
            raise InputError(*self._noted)


def positive(option: str, text: str, most: float = math.inf) -> float:
    """A finite number above zero, and at most ``most``."""
    number = _number(text)
    if not 0.0 < number <= most or number == math.inf:
        raise InputError(
            f"{option} must be a number > 0{'' if most == math.inf else f', at most {most:g}'}, "
            f"got {text}"
        )
    return number


def not_negative(option: str, text: str) -> float:
    """A finite number of at least zero."""
    number = _number(text)
    if not 0.0 <= number < math.inf:
        raise InputError(f"{option} must be a number >= 0, got {text}")
    return number


def fraction(option: str, text: str) -> float:
    """A number from 0, below 1."""
    number = _number(text)
    if not 0.0 <= number < 1.0:
        raise InputError(f"{option} must be a number from 0, below 1, got {text}")
    return number


def _number(text: str) -> float:
    """Not-a-number, which no comparison lets pass, for what is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def named_folder(option: str, text: str | None) -> Path | None:
    """A path that is not empty, None for none: an empty one would be the working folder."""
    if text == "":
        raise InputError(f"{option} must be a folder, got an empty name")
    return None if text is None else Path(text)


def rule_list(option: str, text: str) -> tuple[AnyRule, ...]:
    """Learning rules between commas, as `accelsim.rules.spelling.parse_rules`; empty items are
    refused.
    """
    from accelsim.rules.spelling import parse_rules

    comma_list(option, text)
    return parse_rules(text)


def table_list(option: str, text: str, as_json: bool) -> tuple[str, ...]:
    """Names of tables to print below a summary; () for nothing. Refused with ``--json``, which
    prints none.
    """
    if not text:
        return ()
    if as_json:
        raise InputError(f"{option} must be left out with --json, got {text}")
    from accelsim.report.tables.registry import chosen

    return chosen(comma_list(option, text), option)


def storage_formats(option: str, text: str) -> dict[str, str]:
    """``weight=bf16,error=e5m2`` -> the format of each tensor named; {} for nothing."""
    formats: dict[str, str] = {}
    rule = (
        f"{option} must be a comma-separated list of "
        f"{', '.join(f'{tensor}=FORMAT' for tensor in STORED)} with formats {', '.join(FORMATS)}"
    )
    for item in comma_list(option, text) if text else ():
        tensor, _, name = (part.strip() for part in item.partition("="))
        if tensor not in STORED or name not in FORMATS:
            raise InputError(f"{rule}, got {item}")
        if tensor in formats:
            raise InputError(f"{option} must name each tensor once, got {tensor} twice")
        formats[tensor] = name
    return formats
