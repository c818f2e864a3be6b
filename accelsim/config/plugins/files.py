"""Plug-ins from files: the code of a file runs once, and its declarations are kept."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from accelsim.config.plugins.faults import fault_of, watch
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
_COLLECTORS: list[list[Declaration]] = []
"""Lists that receive declarations while code of plug-ins runs, the innermost last."""


def collector() -> list[Declaration] | None:
    """The list that receives declarations while a plug-in's code runs; None at other times."""
    return _COLLECTORS[-1] if _COLLECTORS else None


@contextmanager
def collecting(declarations: list[Declaration]) -> Iterator[None]:
    """While the block runs, declarations are appended to that list instead of being registered."""
    _COLLECTORS.append(declarations)
    try:
        yield
    finally:
        _COLLECTORS.pop()


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
    content = place.read_bytes()
    plugin = of_file(place, content)
    watch(place, str(path))
    known = _LOADED.get(place)
    if known is None or known.plugin != plugin:
        known = PluginFile(place, plugin)
        _run(place, content, known.declarations)
        _LOADED[place] = known
    return known


def _run(path: Path, content: bytes, declarations: list[Declaration]) -> None:
    name = f"_accelsim_plugin_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # pydantic and dataclasses look up annotations there
    try:
        with collecting(declarations):
            exec(compile(content, str(path), "exec"), module.__dict__)
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(fault_of(error) or Fault(str(path), 0, 0, repr(error))) from error
