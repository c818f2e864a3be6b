"""One published figure beside what the program gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """``expected``: the published figure, None where there is none. ``limit``: what the deviation may be, in words; ``holds``: whether it is kept,
    None where the comparison is of trends and has no limit. ``source``: where the expectation comes from, its provenance included.
    """

    subject: str
    quantity: str
    expected: float | None
    measured: float
    unit: str
    limit: str
    holds: bool | None
    source: str
    note: str = ""
