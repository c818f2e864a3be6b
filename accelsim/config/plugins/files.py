"""Plug-ins from files: the code of a file runs once, and its declarations are kept."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from accelsim.config.plugins.faults import fault_at_load, watch
from accelsim.config.plugins.source import Plugin, of_file
from accelsim.errors import Fault, InputError

SUFFIX = ".py"


@dataclass(frozen=True)
class Declaration:
    """A name of one ``kind`` (``rule``, ``layer``, ``pe_kind`` or ``importer``) and the declared
    value.
    """

    kind: str
    name: str
    value: Any


@dataclass
class PluginFile:
    """A plug-in's file whose code has run, with its declarations."""

    path: Path
    plugin: Plugin
    declarations: list[Declaration] = field(default_factory=list)

    def get(self, kind: str, name: str) -> Declaration | None:
        """The declaration of that kind and name, or None."""
        wanted = (kind, name)
        return next((each for each in self.declarations if (each.kind, each.name) == wanted), None)

    @property
    def listed(self) -> str:
        """The declarations as text, such as ``rule drtp, layer blend``; ``nothing`` for a file
        without any.
        """
        names = [f"{each.kind.replace('_', ' ')} {each.name}" for each in self.declarations]
        return ", ".join(names) or "nothing"


_LOADED: dict[Path, PluginFile] = {}
_LOADING = threading.RLock()
"""Held while a file is loaded, so that threads that load one file run its code once."""
_COLLECTOR: ContextVar[list[Declaration] | None] = ContextVar("_COLLECTOR", default=None)
"""Receives the declarations of the plug-in's code that runs in this thread."""


def collector() -> list[Declaration] | None:
    """The list that receives declarations while a plug-in's code runs in this thread; None at other
    times.
    """
    return _COLLECTOR.get()


@contextmanager
def collecting(declarations: list[Declaration]) -> Iterator[None]:
    """While the block runs, declarations of this thread are appended to that list instead of being
    registered.
    """
    before = _COLLECTOR.set(declarations)
    try:
        yield
    finally:
        _COLLECTOR.reset(before)


def load_file(path: str | Path) -> PluginFile:
    """Run a plug-in's file. The declarations of its last run are returned when the content is
    unchanged.

    InputError when the file does not exist or is not a .py, and for an error of its code, with its
    line.
    """
    given = Path(path)
    if given.suffix != SUFFIX:
        raise InputError(Fault(str(path), 0, 0, f"a plug-in must be a {SUFFIX} file"))
    if not given.is_file():
        wrong = "a plug-in must be a file, got a folder" if given.is_dir() else "no such file"
        raise InputError(Fault(str(path), 0, 0, wrong))
    place = given.absolute()
    with _LOADING:
        content = place.read_bytes()
        plugin = of_file(place, content)
        watch(place, str(path))
        known = _LOADED.get(place)
        if known is None or known.plugin != plugin:
            known = PluginFile(place, plugin)
            _run(place, str(path), content, known.declarations)
            _LOADED[place] = known
        return known


def _run(path: Path, shown: str, content: bytes, declarations: list[Declaration]) -> None:
    """Run the file. ``shown``: its name in faults."""
    name = f"_accelsim_plugin_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # pydantic and dataclasses look up annotations there
    try:
        with collecting(declarations):
            exec(compile(content, str(path), "exec"), module.__dict__)
    except (InputError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a SystemExit and others that a plug-in raises or defines
        raise InputError(fault_at_load(error, shown)) from error
