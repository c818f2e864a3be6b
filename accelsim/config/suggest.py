"""Suggestions for misspelt words: "did you mean
...?"
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

CUTOFF = 0.6
"""Similarity (difflib's ratio) above which a word is suggested."""
ALIKE = 0.85
"""Similarity above which a word with other digits is suggested too."""
LEAST_BEGINNING = 3
"""Letters that a word needs to be taken as the beginning of a longer one."""
_DIGITS = re.compile(r"[0-9]+")


def closest(word: object, candidates: Iterable[str]) -> str | None:
    """The candidate most similar to ``word``, or None if none is similar. Ties go to the first in
    alphabetical order.

    A word that begins several candidates stands for the shortest of them (``vgg16``:
    vgg16-cifar10). Short words that differ only in their digits have different meanings and are not
    suggested (``22nm``, 28nm).
    """
    if not isinstance(word, str):
        return None
    text = word.lower()
    known = sorted(set(candidates))
    longer = [each for each in known if each.lower().startswith(text) and each.lower() != text]
    if longer and len(text) >= LEAST_BEGINNING and text not in map(str.lower, known):
        return min(longer, key=len)
    best: str | None = None
    score = CUTOFF
    for candidate in known:
        ratio = SequenceMatcher(None, text, candidate.lower()).ratio()
        if ratio > score and (ratio > ALIKE or not _differs_in_digits(text, candidate.lower())):
            best, score = candidate, ratio
    return best


def _differs_in_digits(word: str, candidate: str) -> bool:
    """True for words that differ only in digits. Swapped digits do not count, because they are a
    slip.
    """
    alike = _DIGITS.sub("#", word) == _DIGITS.sub("#", candidate)
    return alike and sorted(word) != sorted(candidate)


def did_you_mean(word: object, candidates: Iterable[str]) -> str:
    """``; did you mean lanes?``, or ``""`` without a suggestion."""
    best = closest(word, candidates)
    return f"; did you mean {best}?" if best is not None and best != word else ""


_SCHEMA = re.compile(r"(accelsim\.[a-z-]+)/([0-9]+)\Z")


def newer(known: str, got: object) -> bool | None:
    """True if ``got`` is a newer version of the format ``known`` (``accelsim.result/1``), False if
    it is an older one, None if it is another kind of file or the same.
    """
    ours, theirs = _SCHEMA.match(known), _SCHEMA.match(got) if isinstance(got, str) else None
    if ours is None or theirs is None or ours[1] != theirs[1] or ours[2] == theirs[2]:
        return None
    return int(theirs[2]) > int(ours[2])
