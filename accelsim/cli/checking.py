"""What a file is (machine, workload, technology table, DRAM standard, ...) and everything that is
wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from accelsim.config.describe import join, keys
from accelsim.config.loader import faults_of
from accelsim.config.source import Document, read_document
from accelsim.config.suggest import closest
from accelsim.cost.technology import TechnologyFile, load_technology
from accelsim.dram.standard import DramSpec
from accelsim.errors import Fault, InputError
from accelsim.machine.architecture import Architecture
from accelsim.machine.loading import load_architecture
from accelsim.workload.file import Workload

_SCHEMA = re.compile(r"accelsim\.([a-z]+)/[0-9]+\Z")


@dataclass(frozen=True)
class FileType:
    """A kind of input file: its top-level keys (YAML) or suffixes (anything else), and what finds
    its faults.
    """

    name: str
    check: Callable[[Path], Sequence[Fault]]
    keys: frozenset[str] = frozenset()
    suffixes: tuple[str, ...] = ()


def model_type(
    name: str, model: type[BaseModel], check: Callable[[Path], Sequence[Fault]] | None = None
) -> FileType:
    """The file type of a YAML model; ``check`` where more than the model is to be right."""

    def by_model(path: Path) -> Sequence[Fault]:
        return faults_of(read_document(path), model)

    return FileType(name, check or by_model, frozenset(keys(model)))


def faults_by(load: Callable[[Path], object]) -> Callable[[Path], Sequence[Fault]]:
    """What makes a check of a function that reads a file and raises InputError with all its
    faults.
    """

    def check(path: Path) -> Sequence[Fault]:
        try:
            load(path)
        except InputError as error:
            return error.faults
        return ()

    return check


FILE_TYPES: tuple[FileType, ...] = (
    model_type("arch", Architecture, faults_by(load_architecture)),
    model_type("workload", Workload),
    model_type("technology", TechnologyFile, faults_by(load_technology)),
    model_type("dram", DramSpec),
)
"""The file types that spec knows by itself. Others (workloads with their shapes, traces, sweeps)
come from the layers that read them.
"""


def check_file(path: str | Path, further: Iterable[FileType] = ()) -> list[Fault]:
    """Every fault of a file, [] when it is right. ``further`` types come before those of this
    module, and replace them by name.
    """
    path = Path(path)
    known = {kind.name: kind for kind in (*FILE_TYPES, *further)}
    by_suffix = next(
        (kind for kind in known.values() if path.name.lower().endswith(kind.suffixes or ("\n",))),
        None,
    )
    try:
        if by_suffix is not None:
            return list(by_suffix.check(path))
        document = read_document(path)
        kind = file_type(document, tuple(known.values()))
        if kind is not None:
            return list(kind.check(path))
        return [
            *document.faults,
            document.place(()).fault(
                f"the file must be one of {join(sorted(known))}, got none of their keys"
            ),
        ]
    except InputError as error:
        return list(error.faults)


def file_type(document: Document, kinds: Sequence[FileType]) -> FileType | None:
    """The kind of a YAML file: what its ``schema`` says, else the kind whose keys it has most of,
    misspelt ones included.

    A key counts the more the fewer kinds have it; None when no key is of any kind.
    """
    kinds = [kind for kind in kinds if kind.keys]
    named = set(_schemas(document.data))
    stated = [kind for kind in kinds if kind.name in named]
    if len(stated) == 1:
        return stated[0]
    if not isinstance(document.data, dict):
        return None
    scores = {kind.name: sum(_weight(key, kind, kinds) for key in document.data) for kind in kinds}
    best = max(kinds, key=lambda kind: scores[kind.name], default=None)
    return best if best is not None and scores[best.name] > 0 else None


def _schemas(data: Any) -> Iterator[str]:
    """Kinds that a top-level value names (``accelsim.arch/1``), whatever its key: that key too may
    be misspelt.
    """
    for value in data.values() if isinstance(data, dict) else ():
        match = _SCHEMA.match(value) if isinstance(value, str) else None
        if match:
            yield match[1]


def _weight(key: str, kind: FileType, kinds: Sequence[FileType]) -> float:
    every = set().union(*(other.keys for other in kinds))
    meant = key if key in every else closest(key, every)
    if meant is None or meant not in kind.keys:
        return 0.0
    return (1.0 if meant == key else 0.5) / sum(meant in other.keys for other in kinds) ** 2
