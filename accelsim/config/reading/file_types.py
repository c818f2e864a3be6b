"""Types of files, recognized by their keys or suffixes, and the faults of a file of any type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from accelsim.config.describe import join, keys
from accelsim.config.loader import faults_of
from accelsim.config.source import Document, read_document
from accelsim.config.suggest import closest
from accelsim.errors import Fault, InputError

_SCHEMA = re.compile(r"accelsim\.([a-z]+)/[0-9]+\Z")


@dataclass(frozen=True)
class FileType:
    """A type of file: its top-level keys (YAML) or suffixes (other formats), and the function that
    returns its faults.
    """

    name: str
    check: Callable[[Path], Sequence[Fault]]
    keys: frozenset[str] = frozenset()
    suffixes: tuple[str, ...] = ()


def model_type(
    name: str, model: type[BaseModel], check: Callable[[Path], Sequence[Fault]] | None = None
) -> FileType:
    """File type of a YAML model. ``check`` replaces the check against the model."""

    def by_model(path: Path) -> Sequence[Fault]:
        return faults_of(read_document(path), model)

    return FileType(name, check or by_model, frozenset(keys(model)))


def faults_of_reading(read: Callable[[], object]) -> tuple[Fault, ...]:
    """Faults of the InputError that ``read`` raises; () if it raises none."""
    try:
        read()
    except InputError as error:
        return error.faults
    return ()


def check_file(path: str | Path, types: Sequence[FileType]) -> list[Fault]:
    """Every fault of a file of one of ``types``; [] if there are none."""
    path = Path(path)
    by_suffix = next(
        (each for each in types if path.name.lower().endswith(each.suffixes or ("\n",))), None
    )
    try:
        if by_suffix is not None:
            return list(by_suffix.check(path))
        document = read_document(path)
        by_keys = file_type(document, types)
        if by_keys is not None:
            return list(by_keys.check(path))
        names = join(sorted({each.name for each in types}))
        unknown = f"the file must be one of {names}, got none of their keys"
        return [*document.faults, document.place(()).fault(unknown)]
    except InputError as error:
        return list(error.faults)


def file_type(document: Document, types: Sequence[FileType]) -> FileType | None:
    """Type of a YAML file: the one that its ``schema`` states, else the one with which it shares
    most keys, including misspelt keys.

    A key has more weight if fewer types have it. None if no key belongs to any type.
    """
    types = [each for each in types if each.keys]
    stated_names = set(_stated_types(document.data))
    stated = [each for each in types if each.name in stated_names]
    if len(stated) == 1:
        return stated[0]
    if not isinstance(document.data, dict):
        return None
    scores = {each.name: sum(_weight(key, each, types) for key in document.data) for each in types}
    best = max(types, key=lambda each: scores[each.name], default=None)
    return best if best is not None and scores[best.name] > 0 else None


def _stated_types(data: Any) -> Iterator[str]:
    """Types that top-level values state (``accelsim.arch/1``). The key is not checked, because it
    may be misspelt.
    """
    for value in data.values() if isinstance(data, dict) else ():
        match = _SCHEMA.match(value) if isinstance(value, str) else None
        if match:
            yield match[1]


def _weight(key: str, candidate: FileType, types: Sequence[FileType]) -> float:
    """Weight of a key as evidence for the type ``candidate``; half if it is misspelt."""
    all_keys = set().union(*(each.keys for each in types))
    meant = key if key in all_keys else closest(key, all_keys)
    if meant is None or meant not in candidate.keys:
        return 0.0
    return (1.0 if meant == key else 0.5) / sum(meant in each.keys for each in types) ** 2
