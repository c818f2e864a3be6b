"""Suggestions for misspelt words: "did you mean
...?"
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

CUTOFF = 0.6
"""Minimum similarity (difflib's ratio) for a suggestion. It is difflib's default, which allows one
or two wrong letters in a word of four.
"""


def closest(word: object, candidates: Iterable[str]) -> str | None:
    """Candidate most similar to ``word``, or None if none is similar enough. Ties go to the first
    one in alphabetical order.
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
    """``; did you mean lanes?``, or an empty text."""
    best = closest(word, candidates)
    return f"; did you mean {best}?" if best is not None and best != word else ""
