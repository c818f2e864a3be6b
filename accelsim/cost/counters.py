"""ActionCounts: number of times that each component performed each action."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

Action = tuple[str, str]
"""(component, action), e.g. ``("scratchpad", "read_bits")``. `energy.py` prices each action and
rejects those without a price.
"""


EVERY_CYCLE = (
    ("leakage", "cycles"),
    ("vector", "clock"),
    ("noc", "clock"),
    ("global_buffer", "clock"),
)
"""Actions of every cycle of a run."""


class ActionCounts:
    """Integer counts by (component, action). They can be added, and iterate in order of name."""

    __slots__ = ("_counts",)

    def __init__(self, counts: dict[Action, int] | None = None) -> None:
        self._counts: Counter[Action] = Counter(counts or {})

    def add(self, component: str, action: str, times: int) -> None:
        """Add ``times`` occurrences of an action. ValueError if negative."""
        if times < 0:
            raise ValueError(f"{component}.{action}: cannot count {times} times")
        if times:
            self._counts[component, action] += int(times)

    def __getitem__(self, action: Action) -> int:
        return self._counts[action]

    def __iter__(self) -> Iterator[tuple[Action, int]]:
        return iter(sorted(self._counts.items()))

    def __add__(self, other: ActionCounts) -> ActionCounts:
        return ActionCounts(dict(self._counts + other._counts))

    def __iadd__(self, other: ActionCounts) -> ActionCounts:
        self._counts.update(other._counts)
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ActionCounts) and self._counts == other._counts

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"ActionCounts({dict(iter(self))})"
