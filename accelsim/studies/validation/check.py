"""One row of the validation report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """A number that accelsim computes beside the one that it should be.

    ``subject``: what was simulated; ``quantity`` in ``unit``; ``expected``: None where there is no
    number to hold it against; ``limit``: what the measured number must keep to, in words;
    ``holds``: whether it does, None where nothing is asked; ``source``: where ``expected`` comes
    from.
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

    @property
    def deviation(self) -> float | None:
        """measured / expected - 1; None without an expected number, or where it is 0."""
        return self.measured / self.expected - 1 if self.expected else None
