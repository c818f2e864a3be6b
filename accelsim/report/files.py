"""Report folders: documents, tables and plots written all together or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from accelsim.errors import InputError
from accelsim.report.document import ComparisonDocument, labels
from accelsim.report.tables import Runs, all_tables, write_csv


def dump(document: Mapping[str, Any]) -> str:
    """A document as JSON text with a final newline; ValueError for a number that JSON lacks (infinity, not-a-number)."""
    return json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def refuse_unusable(out: Path) -> None:
    """InputError when ``out`` cannot become a folder of ours: said before a long run, not after it."""
    place = _nearest_existing(out)
    if not place.is_dir():
        raise InputError(f"--out must be a folder, got {out} ({place} is a file)")
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"--out must be a folder that can be written, got {out}")


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A scratch folder beside ``out``. Leaving normally moves its files to ``out`` (created as needed); an exception leaves ``out`` as it was."""
    refuse_unusable(out)
    scratch = _nearest_existing(out.absolute().parent) / f".{out.name}.{os.getpid()}.partial"
    try:
        scratch.mkdir()
        yield scratch
        if out.exists():
            for path in sorted(path for path in scratch.rglob("*") if path.is_file()):
                target = out / path.relative_to(scratch)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
        else:
            out.parent.mkdir(parents=True, exist_ok=True)
            scratch.rename(out)
    except OSError as error:
        raise InputError(f"--out must be a folder that can be written, got {out}: {error.strerror}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def write_simulation(document: Mapping[str, Any], out: Path) -> None:
    """``out/result.json``."""
    with staged(out) as folder:
        (folder / "result.json").write_text(dump(document), encoding="utf-8")


def write_comparison(document: Mapping[str, Any], out: Path) -> None:
    """``out/comparison.json``, each run's ``result.json`` in a folder of its own, and the tables and plots of all beside them."""
    comparison = ComparisonDocument.model_validate(document)
    with staged(out) as folder:
        (folder / "comparison.json").write_text(dump(document), encoding="utf-8")
        for label, result in zip(labels(comparison.results), document["results"], strict=True):
            own = folder / folder_name(label)
            own.mkdir()
            (own / "result.json").write_text(dump(result), encoding="utf-8")
        _write_report(Runs.of([comparison]), folder)


def write_report(runs: Runs, out: Path) -> None:
    """Tables and plots of ``runs`` in ``out``."""
    with staged(out) as folder:
        _write_report(runs, folder)


def folder_name(label: str) -> str:
    """A run's label as a file name: ``near-memory/revised:groups=8,binary=true`` -> ``near-memory-revised-groups=8-binary=true``."""
    return re.sub(r"[^\w.=+-]+", "-", label).strip("-.") or "run"


def _write_report(runs: Runs, folder: Path) -> None:
    from accelsim.report.plots import write_plots  # matplotlib is slow to import

    for table in all_tables(runs):
        (folder / f"{table.name}.csv").write_text(write_csv(table), encoding="utf-8")
    write_plots(runs, folder)


def _nearest_existing(path: Path) -> Path:
    path = path.absolute()
    return next(place for place in (path, *path.parents) if place.exists())
