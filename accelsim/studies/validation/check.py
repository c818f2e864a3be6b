"""One row of the validation report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """A number computed by accelsim beside the expected one.

    ``subject``: simulated object. ``quantity``: measured quantity, in ``unit``. ``expected``: None
    if there is no number to compare with. ``limit``: requirement on the measured number, in words.
    ``holds``: whether it is met, None if there is no requirement. ``source``: source of
    ``expected``.
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
        """measured / expected - 1; None if there is no expected number or it is 0."""
        return self.measured / self.expected - 1 if self.expected else None
