"""Intervals of cycles, in which ops run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Span = tuple[int, int]
"""Cycles [start, end)."""


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The union of intervals [start, end), as disjoint intervals in order. Empty ones are left
    out.
    """
    union: list[Span] = []
    for start, end in sorted(spans):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        elif start < end:
            union.append((start, end))
    return tuple(union)


def length(spans: Iterable[Span]) -> int:
    """Cycles of disjoint intervals."""
    return sum(end - start for start, end in spans)


def overlap(span: Span, spans: Sequence[Span]) -> int:
    """Cycles that an interval shares with disjoint intervals."""
    return sum(max(0, min(span[1], end) - max(span[0], start)) for start, end in spans)
