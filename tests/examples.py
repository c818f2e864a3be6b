"""Number of random examples per property, by the profile HYPOTHESIS_PROFILE."""

from __future__ import annotations

import os

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "quick")
QUICK = ("quick", "mutants")
"""Profiles of few examples. ``mutants`` does not look for the smallest example that fails."""
FULL = 100
"""Examples of a property that states no number, under ``full``."""
NIGHTLY = 1000
"""Examples of such a property under ``nightly``."""
SHARE = 5
"""Ratio of the examples of ``full`` to those of ``quick``."""


def examples(full: int, nightly: int | None = None) -> int:
    """Number of examples of a property: ``full`` in ``make check``, a fifth of that in ``make
    test``. ``make nightly`` has ``nightly`` of them, or ``full`` if that is None.
    """
    if PROFILE in QUICK:
        return -(-full // SHARE)
    return full if PROFILE == "full" or nightly is None else nightly
