"""Plug-ins of installed distributions: entry points, listed from metadata without an import."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelsim.config.plugins.faults import fault_of, watch
from accelsim.config.plugins.files import collecting
from accelsim.config.plugins.source import Plugin, of_file
from accelsim.errors import InputError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUPS = ("accelsim.rules", "accelsim.layers", "accelsim.pe_kinds", "accelsim.importers")


@dataclass(frozen=True)
class Installed:
    """An entry point of a distribution. ``place``: ``package.module:attribute``."""

    place: str
    distribution: str
    """Name and version."""

    @property
    def package(self) -> str:
        """The top-level package of the place."""
        return self.place.partition(":")[0].partition(".")[0].strip()

    @property
    def label(self) -> str:
        """The distribution's name, without its version."""
        return self.distribution.partition(" ")[0]


def installed(group: str) -> Mapping[str, tuple[Installed, ...]]:
    """The names of a group, each with its entry points. Several entry points of one name are a
    fault, which `Registry` raises when the name is used.
    """
    return _all(tuple(sys.path))[group]


@lru_cache(maxsize=4)
def _all(_path: tuple[str, ...]) -> dict[str, dict[str, tuple[Installed, ...]]]:
    """Entry points of all groups of accelsim. The cache is keyed by ``sys.path``, so a changed path
    is read again.
    """
    from importlib.metadata import entry_points  # it takes as long as all of `accelsim --help`

    groups: dict[str, dict[str, tuple[Installed, ...]]] = {}
    entries = entry_points()
    for group in GROUPS:
        names = groups.setdefault(group, {})
        for entry in entries.select(group=group):
            names[entry.name] = (*names.get(entry.name, ()), _installed(entry))
    return groups


def _installed(entry: EntryPoint) -> Installed:
    owner = entry.dist
    distribution = f"{owner.name} {owner.version}" if owner is not None else "unknown"
    return Installed(entry.value, distribution)


def load_installed(entry: Installed, what: str) -> tuple[Any, Plugin]:
    """Import the attribute that an entry point names, and describe its plug-in.

    ``what``: kind and name of the entry, for faults. InputError for an error of the imported code,
    with file and line, and for a place that does not exist.
    """
    module, _, attribute = (part.strip() for part in entry.place.partition(":"))
    try:
        _watch_package(module)
        with collecting([]):
            imported = import_module(module)
        value = getattr(imported, attribute)
    except (InputError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a SystemExit and others that a plug-in raises or defines
        fault = fault_of(error)
        if fault is None:
            raise InputError(
                f"{what} of {entry.distribution} must be declared at {entry.place}, got: {error}"
            ) from error
        raise InputError(fault) from error
    file = getattr(imported, "__file__", None)
    if file is None or not Path(file).is_file():
        raise InputError(
            f"{what} of {entry.distribution} must be declared in a module with a file, whose "
            f"SHA-256 results state, got {module}"
        )
    return value, of_file(Path(file), distribution=entry.distribution)


def _watch_package(module: str) -> None:
    """Report errors of code in the module's package as errors of a plug-in."""
    spec = find_spec(module.partition(".")[0])
    if spec is None:
        return
    if spec.submodule_search_locations:
        for folder in spec.submodule_search_locations:
            watch(Path(folder))
    elif spec.origin:
        watch(Path(spec.origin))
