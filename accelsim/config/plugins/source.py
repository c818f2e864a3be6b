"""The source of a plug-in, as results and hashes state it."""

from __future__ import annotations

import hashlib
import linecache
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from accelsim.errors import InputError

NOTEBOOK = "notebook"


@dataclass(frozen=True)
class Plugin:
    """The source of a plug-in's code.

    ``label``: the file's name without folders, the distribution's name, or ``notebook``; texts add
    it to the name of a rule, as in ``drtp@drtp.py``. ``sha256``: hash of the file's bytes, or of
    the notebook cell's text. ``distribution``: name and version, empty for a file. ``path``: of the
    file, empty for a notebook.
    """

    label: str
    file: str
    sha256: str
    distribution: str = ""
    path: str = field(default="", compare=False)

    def is_version_of(self, other: Plugin) -> bool:
        """True if both are one file, whose content the user may edit, or copies of one file, or
        cells of the notebook.
        """
        if (self.label, self.distribution) != (other.label, other.distribution):
            return False
        return self.path == other.path or self.sha256 == other.sha256

    def owners(self, other: Plugin) -> str:
        """Both origins for a fault, as paths where the origins are equal."""
        origins = (self.origin, other.origin)
        paths = (self.path or self.origin, other.path or other.origin)
        return " and ".join(origins if self.origin != other.origin else paths)

    @property
    def origin(self) -> str:
        """The distribution with its version, or else the label; lists of names show it."""
        return self.distribution or self.label


class Used(NamedTuple):
    """A name of a plug-in that a run uses. ``kind``: rule, layer, pe_kind or importer."""

    kind: str
    name: str
    plugin: Plugin

    def fields(self) -> dict[str, str]:
        """The entry in the result's `plugins`, without empty values."""
        given = {"kind": self.kind, "name": self.name, "file": self.plugin.file}
        given |= {"sha256": self.plugin.sha256, "distribution": self.plugin.distribution}
        return {key: value for key, value in given.items() if value}


def of_file(path: Path, content: bytes | None = None, distribution: str = "") -> Plugin:
    """The plug-in of a file. ``content``: the file's bytes, when the caller has read
    them already.
    """
    code = path.read_bytes() if content is None else content
    label = distribution.partition(" ")[0] or path.name
    sha256 = hashlib.sha256(code).hexdigest()
    return Plugin(label, path.name, sha256, distribution, str(path.resolve()))


def of_caller(frame: FrameType) -> Plugin:
    """The plug-in whose code ``frame`` runs: a file or a notebook cell. InputError for code that is
    in neither, because results could not state its SHA-256.
    """
    name = frame.f_code.co_filename
    path = Path(name)
    if path.is_file():
        return of_file(path)
    text = "".join(linecache.getlines(name))
    if not text:
        raise InputError(
            f"a plug-in must be declared in a file or a notebook, because results state its "
            f"SHA-256, got code from {name}"
        )
    return Plugin(NOTEBOOK, NOTEBOOK, hashlib.sha256(text.encode()).hexdigest())
