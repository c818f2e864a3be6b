"""A machine as the plain data of its file, with units in file spelling (``64KiB``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from accelsim.config.catalog import is_file_name
from accelsim.config.describe import Hint, Rule, keys
from accelsim.config.reading.values import unboxed
from accelsim.machine.architecture import Machine

_FILES = (("technology",), ("dram", "standard"))
"""Keys that may name a file."""


def file_form(machine: Machine) -> dict[str, Any]:
    """All keys of the machine with their values, defaults included.

    A file with this data gives the same machine. Paths of files are reduced to file names, so that
    the data do not depend on the computer.
    """
    data = as_written(machine, every=True)
    for *above, key in _FILES:
        section = data[above[0]] if above else data
        if is_file_name(section[key]):
            section[key] = Path(section[key]).name
    return data


def as_written(section: BaseModel, every: bool = False) -> dict[str, Any]:
    """Keys of a section with their values: those that were given, or ``every`` key with a value."""
    data: dict[str, Any] = {}
    for (key, field), name in zip(
        keys(type(section)).items(), type(section).model_fields, strict=True
    ):
        value = getattr(section, name)
        if name in section.model_fields_set or (every and value is not None):
            units = None if value is None else _units(Hint.of_field(field))
            data[key] = plain(value, every) if units is None else units.spell(value)
    return data


def _units(hint: Hint) -> Rule | None:
    """The rule of a value with a unit, which may also be that of a union's member."""
    members = [Hint.of(each) for each in get_args(hint.annotation)]
    rules = (rule for each in (hint, *members) for rule in each.metadata if isinstance(rule, Rule))
    return next((rule for rule in rules if rule.scales), None)


def plain(value: Any, every: bool = False) -> Any:
    """A value of a section, or a Python value, in file form."""
    if isinstance(value, BaseModel):
        return as_written(value, every)
    if isinstance(value, Mapping):
        return {key: plain(each, every) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each, every) for each in value]
    return unboxed(value)
