"""The folder of a training run: its checkpoint, its record as JSON and tables, traces, plots. Files
are replaced atomically: each is either the old one or the new one.

The checkpoint is written first. A run that stops before the other files are written writes them
when it resumes. Only one run at a time may write to a folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from accelsim.errors import InputError
from accelsim.report.files import dump, write_training
from accelsim.report.table import write_csv
from accelsim.report.training import tables
from accelsim.results.training import TrainingDocument
from accelsim.training.run import TrainingRun
from accelsim.zeros.trace import Trace

CHECKPOINT, RECORD, TRACES, LOCK = "checkpoint.npz", "training.json", "traces", ".training.lock"


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run. ``epochs``: number of epochs of the whole run, which sets the digits
    in the names of traces.
    """

    path: Path
    epochs: int

    @property
    def checkpoint(self) -> Path:
        """The file to resume from."""
        return self.path / CHECKPOINT

    @classmethod
    def opened(cls, path: Path, resume: bool, epochs: int) -> RunFolder:
        """A folder for a new run, or with a run to resume. InputError if it is neither, or if
        another run is writing to it.
        """
        folder = cls(path, epochs)
        if (path / LOCK).exists():
            with _locked(path / LOCK):  # a killed run leaves the file, but no lock
                pass
        folder._refuse_unfit(resume)
        return folder

    def _refuse_unfit(self, resume: bool) -> None:
        place = self.path
        if resume and not self.checkpoint.is_file():
            raise InputError(f"--resume must find a run in --out, got no {CHECKPOINT} in {place}")
        if not resume and self.checkpoint.exists():
            raise InputError(
                f"--out must be a folder without a {CHECKPOINT}, got {place}: --resume continues "
                f"its run, another --out starts a new one"
            )

    @contextmanager
    def held(self, resume: bool) -> Iterator[None]:
        """Create the folder if needed, and lock it for this run while the block runs. InputError as
        `opened`, if the folder has changed since.

        The lock is released when the process ends, however it ends. If the run wrote nothing, the
        empty folder is removed.
        """
        missing = [place for place in (self.path, *self.path.parents) if not place.exists()]
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with _locked(self.path / LOCK):
                self._refuse_unfit(resume)
                yield
        finally:
            for place in missing:
                with suppress(OSError):  # it is in use
                    place.rmdir()

    def keep(self, run: TrainingRun) -> None:
        """After an epoch, write the checkpoint, then the record and its tables."""
        run.save(self.checkpoint)
        self._write_record(run)

    def keep_trace(self, trace: Trace, epoch: int) -> None:
        """``traces/epoch-03.npz``."""
        digits = max(2, len(str(self.epochs)))
        _replace(self.path / TRACES / f"epoch-{epoch:0{digits}}.npz", trace.write)

    def finish(self, run: TrainingRun) -> None:
        """At the end, write the record again, in case a resumed run had no epochs left, and the
        plots.
        """
        self._write_record(run)
        write_training(TrainingDocument.parse(run.record.to_json()), self.path)

    def _write_record(self, run: TrainingRun) -> None:
        document = run.record.to_json()
        _replace_text(self.path / RECORD, dump(document))
        for table in tables(TrainingDocument.parse(document)):
            _replace_text(self.path / f"{table.name}.csv", write_csv(table))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock file while the block runs, and remove it afterwards. InputError if another
    process holds it.
    """
    descriptor = _opened(path)
    try:
        yield
    finally:
        path.unlink(
            missing_ok=True
        )  # before the lock is released, because another process may own the file afterwards
        os.close(descriptor)


def _opened(path: Path) -> int:
    """Descriptor of a locked lock file that still exists. The last owner may have removed the file
    after it was opened here; then try again.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if not _lock(descriptor):
            os.close(descriptor)
            raise InputError(
                f"--out must be a folder that no other run is writing, got {path.parent}"
            )
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """False if another process holds the lock. True on systems and file systems without locks."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        pass
    return True


def _replace_text(path: Path, text: str) -> None:
    _replace(path, lambda beside: beside.write_text(text, encoding="utf-8"))


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Write a temporary file beside the target, then rename it atomically. OSError, with the path,
    if that fails.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.partial")
    try:
        write(beside)
        beside.replace(path)
    except OSError as error:  # an error while writing, such as a full disk, lacks the file name
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        beside.unlink(missing_ok=True)
