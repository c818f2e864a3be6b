"""Traces of a machine's DRAM bursts, as CSV files that `accelsim dram` can replay.

A line per burst, in the order of the offers: `COLUMNS`. docs/dram.md describes them.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EISDIR
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from accelsim.errors import InputError

COLUMNS = ("cycle", "address", "kind", "channel", "tensor", "op", "cause", "done")
_CHUNK = 1 << 16
"""Bursts that are formatted at a time."""


@dataclass(frozen=True)
class Bursts:
    """Bursts of a run in the order of the offers. Clocks are tCK.

    ``offered``, ``done``: int64 (N), clocks of the offer and of the last data. ``addresses``: int64
    (N), in bytes. ``writes``: bool (N). ``channels``: int64 (N). ``sources``: int64 (N), indices
    into ``names``. ``names``: (tensor, op, cause) of each transfer.
    """

    offered: NDArray[np.int64]
    addresses: NDArray[np.int64]
    writes: NDArray[np.bool_]
    channels: NDArray[np.int64]
    sources: NDArray[np.int64]
    done: NDArray[np.int64]
    names: Sequence[tuple[str, str, str]]


def write_bursts(bursts: Bursts, out: TextIO) -> None:
    """Write the header line, then a line per burst."""
    out.write(",".join(COLUMNS) + "\n")
    names = [_fields(each) for each in bursts.names]
    for first in range(0, len(bursts.offered), _CHUNK):
        part = slice(first, first + _CHUNK)
        columns = zip(
            bursts.offered[part].tolist(),
            bursts.addresses[part].tolist(),
            bursts.writes[part].tolist(),
            bursts.channels[part].tolist(),
            bursts.sources[part].tolist(),
            bursts.done[part].tolist(),
            strict=True,
        )
        out.writelines(
            f"{cycle},{address},{'W' if write else 'R'},{channel},{names[source]},{done}\n"
            for cycle, address, write, channel, source, done in columns
        )


def _fields(texts: Iterable[str]) -> str:
    """Fields of a CSV line, without its end. A line break inside a field becomes a blank."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(" ".join(text.splitlines()) for text in texts)
    return line.getvalue()


@dataclass(frozen=True)
class TraceFile:
    """The trace file of one run: ``target``, and ``written``, which becomes it in the end."""

    target: Path
    written: Path

    @classmethod
    def at(cls, target: Path) -> TraceFile:
        """A file at a path. It is written beside ``target``, unless that is a pipe or a device."""
        special = target.exists() and not target.is_file() and not target.is_dir()
        return cls(
            target, target if special else target.with_name(f".{target.name}.{os.getpid()}.partial")
        )

    def refuse_folder(self) -> None:
        """InputError if a folder has the path."""
        if self.target.is_dir():
            raise InputError(f"{self.target}: {os.strerror(EISDIR)}")

    def write(self, bursts: Bursts) -> None:
        """Write the bursts of the run. InputError if that fails."""
        with _told(self.target):
            self.target.parent.mkdir(parents=True, exist_ok=True)
            with self.written.open("w", encoding="utf-8", newline="") as out:
                write_bursts(bursts, out)

    def finish(self) -> None:
        """Give the file its name. InputError if that fails."""
        if self.written != self.target:
            with _told(self.target):
                self.written.replace(self.target)

    def discard(self) -> None:
        """Delete the file unless it is finished."""
        if self.written != self.target:
            self.written.unlink(missing_ok=True)


@contextmanager
def trace_files(path: Path, runs: Sequence[str]) -> Iterator[dict[str, TraceFile]]:
    """The trace files of runs, by name.

    A single run writes to ``path`` itself, each of several runs to `path_of_run`. After a normal
    exit all files are there; after an exception none is. InputError, before any run, if a folder
    has the path of a file, or two runs have the same path.
    """
    files = {
        name: TraceFile.at(path if len(runs) == 1 else path_of_run(path, name)) for name in runs
    }
    if len(files) < len(runs):
        twice = next(name for name in runs if runs.count(name) > 1)
        raise InputError(f"{path_of_run(path, twice)} must be the trace of one run, got several")
    try:
        for file in files.values():
            file.refuse_folder()
        yield files
        for file in files.values():
            file.finish()
    finally:
        for file in files.values():
            file.discard()


def path_of_run(path: Path, run: str) -> Path:
    """``bursts.csv`` and ``dfa`` -> ``bursts-dfa.csv``."""
    return path.with_name(f"{path.stem}-{run}{path.suffix}")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn an error of the operating system into one line about ``path``."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
