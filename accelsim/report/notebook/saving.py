"""Results as files: a JSON document, or the folder that ``--out`` writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from accelsim.errors import InputError
from accelsim.report.files import dump, staged, write_comparison, write_simulation
from accelsim.results.comparison import Comparison
from accelsim.results.result import Result


def save(document: Result | Comparison, path: Path) -> Path:
    """Write the document to a file, or to a folder together with tables and figures. If that fails,
    nothing is written, and InputError is raised.
    """
    with named_path():
        return _saved(document, path)


@contextmanager
def named_path() -> Iterator[None]:
    """Reword faults raised in the block: they name the argument ``path`` instead of ``--out``."""
    try:
        yield
    except InputError as error:
        faults = (
            replace(fault, message=fault.message.replace("--out", "path")) for fault in error.faults
        )
        raise InputError(*faults) from None


def _saved(document: Result | Comparison, path: Path) -> Path:
    if path.suffix.lower() == ".json":
        with staged(path.absolute().parent) as scratch:
            (scratch / path.name).write_text(dump(document.to_json()), encoding="utf-8")
        return path
    if re.fullmatch(r"\.[A-Za-z]+", path.suffix) and not path.is_dir():
        raise InputError(f"path must be a folder or a file that ends in .json, got {path}")
    if isinstance(document, Comparison):
        write_comparison(document.to_json(), path)
        return path / "comparison.json"
    write_simulation(document.to_json(), path)
    return path / "result.json"
