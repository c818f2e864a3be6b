"""Built-in files by name: ``vgg16-cifar10`` -> ``workloads/vgg16-cifar10.yaml``, both in a wheel
and in a source checkout.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from accelsim.config.source import Place
from accelsim.config.suggest import did_you_mean
from accelsim.errors import InputError

FileKind = Literal["arch", "workload", "technology", "dram", "trace"]
FILE_SUFFIXES = (".yaml", ".yml", ".onnx", ".csv", ".npz")
"""Suffixes of file names. A text with no such suffix and no path separator is a built-in name."""

_FOLDERS: dict[FileKind, tuple[str, str]] = {
    "arch": ("arch_configs", ".yaml"),
    "workload": ("workloads", ".yaml"),
    "technology": ("arch_configs/technology", ".yaml"),
    "dram": ("arch_configs/dram", ".yaml"),
    "trace": ("workloads/traces", ".npz"),
}
_WORDS: dict[FileKind, str] = {"arch": "machine"}
"""Words of messages for kinds of files."""
_LISTED = {"arch": "accelsim list archs", "workload": "accelsim list workloads"}


@cache
def _root() -> Path:
    """Folder that contains the folders of built-in files."""
    package = Path(str(files("accelsim")))
    installed = package / "_data"
    return installed if installed.is_dir() else package.parent


def folder(kind: FileKind) -> Path:
    """Folder of the built-in files of a kind."""
    return _root() / _FOLDERS[kind][0]


def names(kind: FileKind) -> tuple[str, ...]:
    """Names of the built-in files of a kind, sorted."""
    suffix = _FOLDERS[kind][1]
    return tuple(
        sorted(
            path.name.removesuffix(suffix)
            for path in folder(kind).glob(f"*{suffix}")
            if path.is_file()
        )
    )


def built_in(kind: FileKind) -> str:
    """Text for a description: ``a built-in one of FOLDER (`a`, `b`) or a file``."""
    return (
        f"a built-in one of {_FOLDERS[kind][0]} "
        f"({', '.join(f'`{name}`' for name in names(kind))}) or a file"
    )


def is_file_name(text: str) -> bool:
    """True if ``text`` is a file name (it has a suffix or a path separator) and not a built-in
    name.
    """
    return text.lower().endswith(FILE_SUFFIXES) or "/" in text or "\\" in text


def find(
    kind: FileKind,
    name_or_path: str | Path,
    *,
    beside: Path | None = None,
    place: Place | None = None,
) -> Path:
    """File of a built-in name or a path.

    ``beside``: folder to which relative paths refer (that of the file that contains the path).
    ``place``: where the name is written, for the fault. Raises InputError if there is no such
    built-in or no such file.
    """
    text = str(name_or_path)
    where = place or Place("", 0, 0)
    if isinstance(name_or_path, Path) or is_file_name(text):
        path = beside / text if beside is not None else Path(text)
        if not path.is_file():
            raise InputError(
                where.fault(
                    f"{text}: "
                    f"{'must be a file, got a directory' if path.is_dir() else 'no such file'}"
                )
            )
        return path
    known = names(kind)
    if text not in known:
        here = beside or Path()
        own = next(
            (f"{text}{end}" for end in FILE_SUFFIXES if (here / f"{text}{end}").is_file()), ""
        )
        meant = f"; did you mean {own}?" if text and own else did_you_mean(text, known)
        listed = _LISTED.get(kind, f"known: {', '.join(known)}" if known else "")
        raise InputError(
            where.fault(
                f"unknown {_WORDS.get(kind, kind)} "
                f"{text or 'of no name'}{meant}"
                f"{f' ({listed})' if listed else ''}"
            )
        )
    return folder(kind) / f"{text}{_FOLDERS[kind][1]}"
