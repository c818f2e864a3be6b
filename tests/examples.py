"""How many random examples a property gets under each profile of HYPOTHESIS_PROFILE."""

from __future__ import annotations

import os

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "quick")
FULL = 100
"""Examples of a property that asks for no number of its own, under ``full``."""
NIGHTLY = 1000
"""The same under ``nightly``."""
SHARE = 5
"""``full`` takes this many times as many examples as ``quick``."""


def examples(full: int, nightly: int | None = None) -> int:
    """Examples of a property that takes ``full`` of them in ``make check``: a fifth in ``make
    test``, and in ``make nightly`` that many too unless ``nightly`` says another number.
    """
    if PROFILE == "quick":
        return -(-full // SHARE)
    return full if PROFILE == "full" or nightly is None else nightly
