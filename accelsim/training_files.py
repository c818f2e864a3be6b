"""The folder of a training run: its checkpoint, its record as JSON and tables, traces, plots. Each file is either the old one or the new one.

Files follow the checkpoint: a run that is stopped between them writes them anew when it is taken up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from accelsim.errors import InputError
from accelsim.reference.training_run import TrainingRun
from accelsim.report.files import dump, write_training
from accelsim.report.tables import write_csv
from accelsim.report.training import parse, tables
from accelsim.trace import Trace

CHECKPOINT, RECORD, TRACES = "checkpoint.npz", "training.json", "traces"


@dataclass(frozen=True)
class RunFolder:
    """Where one run is kept. ``epochs``: of the whole run, which the names of traces count."""

    path: Path
    epochs: int

    @property
    def checkpoint(self) -> Path:
        """The file to resume from."""
        return self.path / CHECKPOINT

    @classmethod
    def opened(cls, path: Path, resume: bool, epochs: int) -> RunFolder:
        """A folder for a new run, or with one to go on with. InputError when it is not that."""
        folder = cls(path, epochs)
        if resume and not folder.checkpoint.is_file():
            raise InputError(f"--resume must find a run in --out, got no {CHECKPOINT} in {path}")
        if not resume and folder.checkpoint.exists():
            raise InputError(f"--out must be a folder without a {CHECKPOINT}, got {path}: --resume goes on with its run, another --out starts one")
        return folder

    def keep(self, run: TrainingRun) -> None:
        """After an epoch: the checkpoint, then the record and its tables."""
        run.save(self.checkpoint)
        self._write_record(run)

    def keep_trace(self, trace: Trace, epoch: int) -> None:
        """``traces/epoch-03.npz``."""
        digits = max(2, len(str(self.epochs)))
        _replace(self.path / TRACES / f"epoch-{epoch:0{digits}}.npz", trace.write)

    def finish(self, run: TrainingRun) -> None:
        """At the end: the record once more, for a run that was resumed with nothing left to do, and the plots."""
        self._write_record(run)
        write_training(parse(run.record.to_json()), self.path)

    def _write_record(self, run: TrainingRun) -> None:
        document = run.record.to_json()
        _replace_text(self.path / RECORD, dump(document))
        for table in tables(parse(document)):
            _replace_text(self.path / f"{table.name}.csv", write_csv(table))


def _replace_text(path: Path, text: str) -> None:
    _replace(path, lambda beside: beside.write_text(text, encoding="utf-8"))


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place, then put it there in one step of the file system."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.partial")
    try:
        write(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
