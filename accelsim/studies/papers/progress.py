"""Progress of a reproduction that consists of parts, each with a share of the bar."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[int, int, str], None]
"""Called repeatedly with (done, total, current work)."""

WHOLE = 100
"""Length of the bar: 100 percent."""
LONGEST = 42
"""Maximum number of characters of the text, so that bar, percentage and time also fit
80 columns.
"""


def to_stderr(done: int, of: int, what: str) -> None:
    """Progress as a line on stderr."""
    print(f"{done} of {of}: {what}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Share:
    """Progress of one part, from ``start`` to ``end`` percent of the bar. ``name`` is put before
    its text.
    """

    progress: Progress
    start: float
    end: float
    name: str = ""

    def __call__(self, done: int, of: int, what: str) -> None:
        at = self.start + (self.end - self.start) * done / max(1, of)
        said = f"{self.name}: {what}" if self.name else what
        self.progress(int(at), WHOLE, said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…")


def shares(progress: Progress, costs: dict[str, float]) -> dict[str, Share]:
    """Shares of the bar by name, in order, proportional to ``costs``."""
    total, before = sum(costs.values()), 0.0
    parts = {}
    for name, cost in costs.items():
        parts[name] = Share(progress, WHOLE * before / total, WHOLE * (before + cost) / total, name)
        before += cost
    return parts
