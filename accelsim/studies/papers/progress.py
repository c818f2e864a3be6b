"""Progress of a reproduction: of parts of it, each with its share of the bar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[int, int, str], None]
"""(done, of, what): called as work gets on."""

WHOLE = 100
"""A bar is told in percent."""
LONGEST = 42
"""Characters of what is said, so that a terminal of 80 columns has room for bar, percent and time
beside it.
"""


@dataclass(frozen=True)
class Share:
    """A part of the work, from ``start`` to ``end`` percent of the bar. ``name``: said before what
    is being done.
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
    """The bar dealt out by what each part costs, in order."""
    total, before = sum(costs.values()), 0.0
    found = {}
    for name, cost in costs.items():
        found[name] = Share(progress, WHOLE * before / total, WHOLE * (before + cost) / total, name)
        before += cost
    return found
