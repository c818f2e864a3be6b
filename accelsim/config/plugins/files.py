"""Plug-ins from files: a file's code is run once, and its declarations are kept."""

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
    """A name of one ``kind`` (``rule``, ``layer``, ``pe_kind``, ``importer``) and its value."""

    kind: str
    name: str
    value: Any


@dataclass
class PluginFile:
    """A loaded file."""

    path: Path
    plugin: Plugin
    declarations: list[Declaration] = field(default_factory=list)

    def get(self, kind: str, name: str) -> Declaration | None:
        """The declaration of that kind and name, None where the file has none."""
        wanted = (kind, name)
        return next((each for each in self.declarations if (each.kind, each.name) == wanted), None)

    @property
    def listed(self) -> str:
        """``rule drtp, layer blend``."""
        names = [f"{each.kind.replace('_', ' ')} {each.name}" for each in self.declarations]
        return ", ".join(names) or "nothing"


_LOADED: dict[Path, PluginFile] = {}
_COLLECTORS: list[list[Declaration]] = []
"""Lists that declarations go to while the code of plug-ins runs, the innermost last."""


def collector() -> list[Declaration] | None:
    """Where declarations go while a plug-in's code runs; None outside of that."""
    return _COLLECTORS[-1] if _COLLECTORS else None


@contextmanager
def collecting(declarations: list[Declaration]) -> Iterator[None]:
    """Declarations go to that list, and are registered nowhere, while the block runs."""
    _COLLECTORS.append(declarations)
    try:
        yield
    finally:
        _COLLECTORS.pop()


def load_file(path: str | Path) -> PluginFile:
    """Run a plug-in's file, or take what it declared when it ran last with the same content.

    InputError: no such file, not a .py, or an error of its code, with its line.
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
    known = _LOADED.get(place)
    if known is None or known.plugin != plugin:
        known = PluginFile(place, plugin)
        watch(place, str(path))
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
