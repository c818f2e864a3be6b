"""Cycles and energy of a run before and after a change, for a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Headline = dict[str, tuple[Any, Any]]
"""Cycles and energy of each result of a run, by its label."""


def headline(document: Any) -> Headline:
    """Find cycles and energy; a comparison has those of each of its results."""
    output = document.get("output") if isinstance(document, dict) else None
    if not isinstance(output, dict):
        return {}
    if "results" in output:
        results = zip(output["labels"], output["results"], strict=True)
        return {label: _numbers(result) for label, result in results}
    return {"": _numbers(output)} if "energy_pj" in output else {}


def rows(name: str, stored: Any, now: Any) -> Iterator[str]:
    """Write a line of the table for each result of a run."""
    old, new = headline(stored), headline(now)
    for label in old | new:
        (old_cycles, old_energy), (new_cycles, new_energy) = (
            side.get(label, ("-", "-")) for side in (old, new)
        )
        case = f"{name} {label}".strip()
        yield _row(case, old_cycles, new_cycles, old_energy, new_energy)


def head() -> str:
    """Write the head of the table."""
    return _row("case", "cycles stored", "cycles now", "energy_pj stored", "energy_pj now")


def _row(case: str, *numbers: Any) -> str:
    old_cycles, new_cycles, old_energy, new_energy = map(str, numbers)
    return f"{case:<42} {old_cycles:>14} {new_cycles:>14} {old_energy:>22} {new_energy:>22}"


def _numbers(result: dict[str, Any]) -> tuple[Any, Any]:
    return result.get("cycles", result.get("total_cycles", "-")), result.get("energy_pj", "-")
