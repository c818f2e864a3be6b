"""Plug-ins: declare a learning rule, a layer kind, a PE kind or an importer outside the package.

A plug-in's file calls `rule`, `layer`, `pe_kind` or `importer`. In a notebook these calls register
their declarations at once. `load` reads a file in Python as ``--plugin FILE`` does on the command
line. May import config/ and errors, and the types of other rooms.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

from accelsim.config.plugins.files import Declaration, collector, load_file
from accelsim.config.plugins.source import of_caller
from accelsim.config.reading.values import instance
from accelsim.config.registries import IMPORTERS, LAYERS, PE_KINDS, REGISTRIES, RULES
from accelsim.config.registry import Registry

if TYPE_CHECKING:
    from accelsim.machine.pe_base import PEArray
    from accelsim.rules.declaration import Rule
    from accelsim.workload.network import Network
    from accelsim.workload.section import LayerSection

    AnySection = TypeVar("AnySection", bound=type[LayerSection])
    AnyArray = TypeVar("AnyArray", bound=type[PEArray])
    Importer = TypeVar("Importer", bound=Callable[[Path], Network])


def rule(declaration: Rule) -> Rule:
    """Declare a learning rule, and return it. TypeError unless it is a `Rule`."""
    _declare(RULES, declaration)
    return declaration


def layer(section: AnySection) -> AnySection:
    """Class decorator for a section: declares each layer kind that its ``kind`` lists. TypeError
    unless the class is a `LayerSection`.
    """
    _declare(LAYERS, section)
    return section


def pe_kind(section: AnyArray) -> AnyArray:
    """Class decorator for a section: declares each kind of PE array that its ``kind`` lists.
    TypeError unless the class is a `PEArray`.
    """
    _declare(PE_KINDS, section)
    return section


def importer(suffix: str) -> Callable[[Importer], Importer]:
    """Decorator that declares a function (path) -> `Network` as the reader of files with that
    suffix, such as ``.csv``. TypeError if it is not a function, or if the suffix is missing.
    """
    if not isinstance(suffix, str) or not suffix.startswith(".") or suffix != suffix.lower():
        raise TypeError(f"an importer must have a suffix in lower case as .csv, got {suffix!r}")

    def declared(load_network: Importer) -> Importer:
        _declare(IMPORTERS, load_network, suffix)
        return load_network

    return declared


def _declare(registry: Registry, value: Any, *given: str) -> None:
    """Hand a declaration to the loader of the file that is being read, or register it at once. A
    declaration in an installed package whose entry point gives the name is left to that.

    InputError for a name that is taken, ValueError for one that the file declares twice.
    """
    names = registry.declared_names(value) or given
    declarations, caller = collector(), _caller()
    module = str(caller.f_globals.get("__name__", ""))
    for name in names:
        if registry.is_entry(name, module):
            continue
        if declarations is None:
            registry.declare(name, value, of_caller(caller))
        elif any((each.kind, each.name) == (registry.key, name) for each in declarations):
            raise ValueError(f"{registry.kind} {name} must be declared once, got it again")
        else:
            declarations.append(Declaration(registry.key, name, value))


def _caller() -> FrameType:
    """The frame of the code that calls a function of this module."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    assert frame is not None
    return frame


def load(file: str | Path) -> None:
    """Register everything that a plug-in's file declares, until the process ends. InputError for a
    broken file, and for names that are taken; none of its names is then registered.
    """
    loaded_file = load_file(instance("file", file, (str, Path), "a file"))
    for each in loaded_file.declarations:
        REGISTRIES[each.kind].refuse_taken(each.name, loaded_file.plugin)
    for each in loaded_file.declarations:
        REGISTRIES[each.kind].declare(each.name, each.value, loaded_file.plugin)


@contextmanager
def loaded(files: Iterable[str | Path]) -> Iterator[None]:
    """`load` the files for the length of a ``with`` block."""
    before = [(registry, registry.state()) for registry in REGISTRIES.values()]
    try:
        for file in files:
            load(file)
        yield
    finally:
        for registry, state in before:
            registry.restore(state)
