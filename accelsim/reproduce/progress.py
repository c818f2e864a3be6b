"""Progress of a reproduction: each target has an equal share of the bar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[int, int, str], None]
"""(done, of, what): called as work gets on."""

PARTS = 100


@dataclass(frozen=True)
class Share:
    """The share of target ``index`` of ``targets``."""

    progress: Progress
    index: int
    targets: int
    name: str

    def __call__(self, done: int, of: int, what: str) -> None:
        self.progress(self.index * PARTS + done * PARTS // max(1, of), self.targets * PARTS, f"{self.name}: {what}")
