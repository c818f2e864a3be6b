"""Derivation of a machine from another one in Python.

Merge, rules and faults are the same as for a file with ``base``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from accelsim.config.describe import spell
from accelsim.config.source import Document
from accelsim.errors import InputError
from accelsim.machine.architecture import Machine
from accelsim.machine.file_form import as_written, plain
from accelsim.machine.loading import BASE, merged, resolved

_OWN = ("name", "description")
_SPELT = (str, int, float, bool, type(None))


def replaced(machine: Machine, changes: Mapping[str, object]) -> Machine:
    """The machine with changed values for some keys. InputError with every fault, as for a file."""
    if BASE in changes:
        raise InputError(f"{BASE} must be left out: replace() starts from {machine.name}")
    given = {key: plain(value) for key, value in changes.items()}
    content = {key: value for key, value in given.items() if key not in _OWN}
    spelt = "+".join([machine.name, *_changes(content)])
    names = {"name": spelt, "description": f"{machine.name} with other values"}
    if not content:
        names = {"name": machine.name, "description": machine.description}
    return resolved(merged(Document("", as_written(machine)), Document("", {**names, **given})))


def _changes(data: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Yield ``pe_array.lanes=8`` for each value, or only the key for a list."""
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from _changes(value, f"{above}{key}.")
        else:
            yield f"{above}{key}" + (f"={spell(value)}" if isinstance(value, _SPELT) else "")
