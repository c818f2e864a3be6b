"""Training runs as data frames and files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from accelsim.errors import InputError
from accelsim.report.files import dump, staged, write_training
from accelsim.report.notebook.frames import of_table
from accelsim.report.notebook.saving import named_path
from accelsim.report.training import angles_table, curves_table, densities_table
from accelsim.results.training import TrainingDocument, TrainingTable

if TYPE_CHECKING:
    from pandas import DataFrame

_TABLES = {"curves": curves_table, "angles": angles_table, "densities": densities_table}


def frame(run: TrainingDocument, table: TrainingTable) -> DataFrame:
    """The data frame of one of the run's tables. ImportError if pandas is not installed, InputError
    for another ``table``.
    """
    if table not in _TABLES:
        raise InputError(f"table must be one of {', '.join(_TABLES)}, got {table}")
    return of_table(_TABLES[table](run))


def save(run: TrainingDocument, folder: Path) -> Path:
    """Write the document, its tables and plots. InputError if the folder cannot be written."""
    if re.fullmatch(r"\.[A-Za-z]+", folder.suffix) and not folder.is_dir():
        raise InputError(f"path must be a folder, got {folder}")
    with named_path():
        with staged(folder) as scratch:
            (scratch / "training.json").write_text(dump(run.to_json()), encoding="utf-8")
        write_training(run, folder)
    return folder / "training.json"
