"""The source of a plug-in: what results and hashes say of it."""

from __future__ import annotations

import hashlib
import linecache
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from accelsim.errors import InputError

NOTEBOOK = "notebook"


@dataclass(frozen=True)
class Plugin:
    """Where a plug-in's code is.

    ``label`` stands behind the name of a rule: ``drtp@drtp.py``. It is the file's name without
    folders, the distribution's name, or ``notebook``. ``sha256``: of the file's bytes, or of the
    notebook cell's text. ``distribution``: name and version, empty for a file.
    """

    label: str
    file: str
    sha256: str
    distribution: str = ""

    @property
    def origin(self) -> str:
        """The origin for a list of names."""
        return self.distribution or self.label


class Used(NamedTuple):
    """A plug-in that a run uses. ``kind``: rule, layer, pe_kind or importer."""

    kind: str
    name: str
    plugin: Plugin

    def fields(self) -> dict[str, str]:
        """The entry of a result's `plugins`."""
        given = {"kind": self.kind, "name": self.name, "file": self.plugin.file}
        given |= {"sha256": self.plugin.sha256, "distribution": self.plugin.distribution}
        return {key: value for key, value in given.items() if value}


def of_file(path: Path, content: bytes | None = None, distribution: str = "") -> Plugin:
    """The plug-in of a file; ``content``: its bytes where they were read already."""
    code = path.read_bytes() if content is None else content
    label = distribution.partition(" ")[0] or path.name
    return Plugin(label, path.name, hashlib.sha256(code).hexdigest(), distribution)


def of_caller(frame: FrameType) -> Plugin:
    """The plug-in that the code of ``frame`` belongs to: its file, or its notebook cell.
    InputError where the code is in neither, so that no result could state its SHA-256.
    """
    name = frame.f_code.co_filename
    path = Path(name)
    if path.is_file():
        return of_file(path)
    text = "".join(linecache.getlines(name))
    if not text:
        raise InputError(
            f"a plug-in must be declared in a file or a notebook, whose SHA-256 results state, got "
            f"code from {name}"
        )
    return Plugin(NOTEBOOK, NOTEBOOK, hashlib.sha256(text.encode()).hexdigest())
