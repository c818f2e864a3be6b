"""Who hears of a run: a progress bar, and observers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accelsim.sim.observers import Observer, ProgressObserver

Progress = Callable[[int, int, str], None]
"""Called with (ops done, ops in all, name of the run)."""


@dataclass(frozen=True)
class Watchers:
    """Who hears of a run."""

    progress: Progress | None = None
    observers: tuple[Observer, ...] = ()

    def of(self, shown: str) -> tuple[Observer, ...]:
        """The observers of one run; ``shown`` names it to the progress bar."""
        report = self.progress
        if report is None:
            return self.observers
        return (*self.observers, ProgressObserver(lambda done, of: report(done, of, shown)))
