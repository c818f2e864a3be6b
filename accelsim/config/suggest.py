"""Did you mean ...?"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

CUTOFF = 0.6
"""Least similarity (difflib's ratio) worth suggesting: difflib's own default, which takes any one
or two slips in a word of four letters.
"""


def closest(word: object, candidates: Iterable[str]) -> str | None:
    """The candidate most like ``word``, or None when nothing is near. Ties go to the first in
    alphabetical order.
    """
    if not isinstance(word, str):
        return None
    best: str | None = None
    score = CUTOFF
    for candidate in sorted(set(candidates)):
        ratio = SequenceMatcher(None, word.lower(), candidate.lower()).ratio()
        if ratio > score or (best is None and ratio == score):
            best, score = candidate, ratio
    return best


def did_you_mean(word: object, candidates: Iterable[str]) -> str:
    """``; did you mean lanes?``, or nothing."""
    best = closest(word, candidates)
    return f"; did you mean {best}?" if best is not None and best != word else ""
