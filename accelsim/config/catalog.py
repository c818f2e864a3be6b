"""Built-in files and their names: ``vgg16-cifar10`` -> ``workloads/vgg16-cifar10.yaml``, in a wheel
and in a source checkout alike.
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
"""Suffixes of file names; a text without one, and without a path separator, is a built-in name."""

_FOLDERS: dict[FileKind, tuple[str, str]] = {
    "arch": ("arch_configs", ".yaml"),
    "workload": ("workloads", ".yaml"),
    "technology": ("arch_configs/technology", ".yaml"),
    "dram": ("arch_configs/dram", ".yaml"),
    "trace": ("workloads/traces", ".npz"),
}
_LISTED = {"arch": "accelsim list archs", "workload": "accelsim list workloads"}


@cache
def _root() -> Path:
    package = Path(str(files("accelsim")))
    installed = package / "_data"
    return installed if installed.is_dir() else package.parent


def folder(kind: FileKind) -> Path:
    """The folder of the built-in files of a kind."""
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
    """The names for a description: ``a built-in one (`a`, `b`) or a file``, the folder with
    them.
    """
    return (
        f"a built-in one of {_FOLDERS[kind][0]} "
        f"({', '.join(f'`{name}`' for name in names(kind))}) or a file"
    )


def is_file_name(text: str) -> bool:
    """True if ``text`` names a file (a suffix, or a path separator) rather than a built-in."""
    return text.lower().endswith(FILE_SUFFIXES) or "/" in text or "\\" in text


def find(
    kind: FileKind,
    name_or_path: str | Path,
    *,
    beside: Path | None = None,
    place: Place | None = None,
) -> Path:
    """The file that a name or a path means.

    ``beside``: folder that relative paths start from (that of the file which names this one).
    ``place``: where the name is written, for the fault. InputError when there is no such built-in,
    or no such file.
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
        listed = _LISTED.get(kind, f"known: {', '.join(known)}" if known else "")
        raise InputError(
            where.fault(
                f"unknown {kind} "
                f"{text or 'of no name'}{did_you_mean(text, known)}"
                f"{f' ({listed})' if listed else ''}"
            )
        )
    return folder(kind) / f"{text}{_FOLDERS[kind][1]}"
