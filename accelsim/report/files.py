"""Report folders: either all documents, tables and plots are written, or none."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from accelsim.errors import InputError
from accelsim.report import training
from accelsim.report.labels import labels
from accelsim.report.runs import Runs
from accelsim.report.table import write_csv
from accelsim.report.tables.registry import FILES, tables
from accelsim.report.tables.variants import NAME, variants_table
from accelsim.results import kinds
from accelsim.results.comparison import Comparison
from accelsim.results.result import Result
from accelsim.results.training import TrainingDocument

_PLOTS = ("energy", "data_movement", "cycles")
REPORT_FILES = (
    *(f"{name}.csv" for name in FILES),
    *(f"{name}{suffix}" for name in _PLOTS for suffix in (".png", ".svg")),
)
"""Tables and plots that a report folder may hold."""
VARIANTS_FILE = f"{NAME}.csv"
"""Table of a comparison with structural variants."""
TRAINING_FILES = tuple(
    f"{name}{suffix}"
    for name in ("curves", "angles", "densities")
    for suffix in (".csv", ".png", ".svg")
)
"""Tables and plots of a training run."""


def dump(document: Mapping[str, Any], ascii_only: bool = False) -> str:
    """A document as JSON text with a final newline. ValueError for a number that JSON lacks
    (infinity, NaN).
    """
    return json.dumps(document, indent=2, allow_nan=False, ensure_ascii=ascii_only) + "\n"


def refuse_unusable(out: Path, names: Iterable[str] = ()) -> None:
    """InputError if the folder ``out`` cannot be created, or a file of ``names`` cannot be written
    there. Called before a long run.
    """
    place = _nearest_existing(out)
    if not place.is_dir():
        raise InputError(f"--out must be a folder, got {out} ({place} is a file)")
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"--out must be a folder that can be written, got {out}")
    if out.exists():
        for name in names:
            _refuse_taken(out / name, out)


@contextmanager
def staged(out: Path, replaces: Callable[[Path], Iterable[Path]] = lambda _: ()) -> Iterator[Path]:
    """A temporary folder beside ``out``. A normal exit moves its files to ``out``, which is created
    if needed; an exception leaves ``out`` as it was.

    If a file cannot be moved, none is, and the InputError names the obstacle. ``replaces``: files
    of an earlier run in ``out``. Those that are not written again are deleted, and so are folders
    that become empty.
    """
    refuse_unusable(out)
    scratch = _nearest_existing(out.absolute().parent) / f".{out.name}.{os.getpid()}.partial"
    try:
        scratch.mkdir()
        yield scratch
        if out.exists():
            stale = set(replaces(out))
            targets = {
                path: out / path.relative_to(scratch)
                for path in sorted(scratch.rglob("*"))
                if path.is_file()
            }
            for target in targets.values():
                _refuse_taken(target, out)
            for path, target in targets.items():
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
                stale.discard(target)
            _delete(stale, out)
        else:
            out.parent.mkdir(parents=True, exist_ok=True)
            scratch.rename(out)
    except OSError as error:
        raise InputError(
            f"--out must be a folder that can be written, got {out}: {error.strerror}"
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _refuse_taken(target: Path, out: Path) -> None:
    """Raise InputError if a file cannot be moved to ``target``, a path in the folder ``out``."""
    place = target.parent
    while not os.path.lexists(place):
        place = place.parent
    if not place.is_dir():
        fault = f"{place} is a file"
    elif not os.access(place, os.W_OK | os.X_OK):
        fault = f"{place} cannot be written"
    elif target.is_dir() and not target.is_symlink():
        fault = f"{target} is a directory"
    else:
        return
    raise InputError(f"--out must be a folder that can be written, got {out}: {fault}")


def _delete(stale: Iterable[Path], out: Path) -> None:
    for path in stale:
        path.unlink(missing_ok=True)
        if path.parent != out and not any(path.parent.iterdir()):
            path.parent.rmdir()


def earlier_run(out: Path) -> list[Path]:
    """Files that an earlier run wrote into ``out``, derived from its documents; none without
    documents. All other files belong to the user.
    """
    found: list[Path] = []
    for name in ("result.json", "comparison.json"):
        try:
            document = kinds.read(out / name, kinds.SIMULATIONS)
        except InputError:
            continue
        found.append(out / name)
        if isinstance(document, Comparison):
            found.append(out / VARIANTS_FILE)
            found += [
                out / folder_name(label) / "result.json" for label in labels(document.results)
            ]
    if found:
        found += [out / name for name in REPORT_FILES]
    return [path for path in found if path.is_file()]


def write_simulation(
    document: Mapping[str, Any], out: Path, before: Callable[[], None] = lambda: None
) -> None:
    """Write ``out/result.json``, tables and plots. ``before`` is called after all files are
    written but before they are moved to ``out``; if it raises, ``out`` stays as it was.
    """
    runs = Runs.of([Result.parse(document)])
    with staged(out, earlier_run) as folder:
        (folder / "result.json").write_text(dump(document), encoding="utf-8")
        _write_report(runs, folder)
        before()


def write_comparison(
    document: Mapping[str, Any], out: Path, before: Callable[[], None] = lambda: None
) -> None:
    """Write ``out/comparison.json``, one folder per run with its ``result.json``, and tables and
    plots of all runs. ``before`` as in `write_simulation`.
    """
    comparison = Comparison.parse(document)
    with staged(out, earlier_run) as folder:
        (folder / "comparison.json").write_text(dump(document), encoding="utf-8")
        for label, result in zip(labels(comparison.results), document["results"], strict=True):
            own = folder / folder_name(label)
            own.mkdir()
            (own / "result.json").write_text(dump(result), encoding="utf-8")
        _write_report(Runs.of([comparison]), folder)
        if comparison.variants:
            (folder / VARIANTS_FILE).write_text(
                write_csv(variants_table(comparison)), encoding="utf-8"
            )
        before()


def write_report(runs: Runs, out: Path) -> None:
    """Write tables and plots of ``runs`` to ``out``."""
    with staged(
        out, lambda place: (path for path in earlier_run(place) if path.name in REPORT_FILES)
    ) as folder:
        _write_report(runs, folder)


def write_training(run: TrainingDocument, out: Path) -> None:
    """Write tables and plots of a training run to ``out``. Those of an earlier run that this one
    lacks are deleted.
    """
    from accelsim.report.figures.training import (
        write_training_plots,  # matplotlib is slow to import
    )

    with staged(
        out,
        lambda place: (
            [place / name for name in TRAINING_FILES] if (place / "training.json").is_file() else ()
        ),
    ) as folder:
        for table in training.tables(run):
            (folder / f"{table.name}.csv").write_text(write_csv(table), encoding="utf-8")
        write_training_plots(run, folder)


def folder_name(label: str) -> str:
    """A run's label as a file name: ``near-memory/revised:groups=8,binary=true`` ->
    ``near-memory-revised-groups=8-binary=true``.
    """
    return re.sub(r"[^\w.=+-]+", "-", label).strip("-.") or "run"


def _write_report(runs: Runs, folder: Path) -> None:
    from accelsim.report.figures.results import write_plots

    _write_tables(runs, folder)
    write_plots(runs, folder)


def _write_tables(runs: Runs, folder: Path) -> None:
    for table in tables(runs):
        (folder / f"{table.name}.csv").write_text(write_csv(table), encoding="utf-8")


def _nearest_existing(path: Path) -> Path:
    path = path.absolute()
    return next(place for place in (path, *path.parents) if place.exists())
