"""Receivers of a run's progress: a progress bar and observers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accelsim.sim.observers import Observer, ProgressObserver

Progress = Callable[[int, int, str], None]
"""Called with (ops done, number of ops, name of the run)."""


@dataclass(frozen=True)
class Watchers:
    """The progress bar and the observers of a run; both are optional."""

    progress: Progress | None = None
    observers: tuple[Observer, ...] = ()

    def of(self, shown: str) -> tuple[Observer, ...]:
        """The observers of one run; ``shown`` is its name in the progress bar."""
        report = self.progress
        if report is None:
            return self.observers
        return (*self.observers, ProgressObserver(lambda done, of: report(done, of, shown)))
