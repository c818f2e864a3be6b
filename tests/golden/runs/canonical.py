"""The form in which documents are compared: all numbers, names and order, without texts."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

VERSIONS = frozenset({"version", "config_hash"})
TEXTS = frozenset({"note", "notes", "source", "about", "caption", "title", "description"})
TOLERANCE = 1e-9
NOTHING = "nothing"
MACHINE = "machine"
"""Key of a machine's merged file: input that a run copies. The texts have its hash."""

Text = tuple[str, str]
"""A path in a document, and the text there."""


@dataclass(frozen=True)
class Difference:
    """A place where two documents differ, and what each has there."""

    path: str
    stored: str
    now: str

    def __str__(self) -> str:
        return f"{self.path}: stored {self.stored}, now {self.now}"


def canonical(document: Any) -> Any:
    """Leave out versions and texts."""
    if isinstance(document, dict):
        kept = (
            key
            for key in document
            if key not in VERSIONS
            and not _is_text(key, document[key])
            and not _is_machine(key, document[key])
        )
        return {key: canonical(document[key]) for key in kept}
    if isinstance(document, list):
        return [canonical(entry) for entry in document]
    return document


def texts(document: Any, path: str = "") -> Iterator[Text]:
    """List the texts that `canonical` leaves out, by path."""
    if isinstance(document, dict):
        for key in sorted(document):
            place = _join(path, key)
            if _is_machine(key, document[key]):
                yield place, _digest(document[key])
            elif _is_text(key, document[key]):
                yield from _text_lines(document[key], place)
            else:
                yield from texts(document[key], place)
    elif isinstance(document, list):
        for index, entry in enumerate(document):
            yield from texts(entry, f"{path}[{index}]")


def differences(stored: Any, now: Any, close: bool = False, path: str = "") -> Iterator[Difference]:
    """List where two canonical documents differ; with `close`, floats may differ by 1e-9."""
    if isinstance(stored, dict) and isinstance(now, dict):
        for key in sorted(stored.keys() | now.keys()):
            place = _join(path, key)
            if key not in now:
                yield Difference(place, _shown(stored[key]), NOTHING)
            elif key not in stored:
                yield Difference(place, NOTHING, _shown(now[key]))
            else:
                yield from differences(stored[key], now[key], close, place)
    elif isinstance(stored, list) and isinstance(now, list):
        if len(stored) != len(now):
            yield Difference(path, f"{len(stored)} entries", f"{len(now)} entries")
        for index, (old, new) in enumerate(zip(stored, now, strict=False)):
            yield from differences(old, new, close, f"{path}[{index}]")
    elif not _same(stored, now, close):
        yield Difference(path, _shown(stored), _shown(now))


def _same(stored: Any, now: Any, close: bool) -> bool:
    if close and isinstance(stored, float) and isinstance(now, float):
        near = math.isclose(stored, now, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        return near or repr(stored) == repr(now)
    return repr(stored) == repr(now)


def _is_text(key: str, value: Any) -> bool:
    if key not in TEXTS:
        return False
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(entry, str) for entry in value)
    )


def _is_machine(key: str, value: Any) -> bool:
    return key == MACHINE and isinstance(value, dict)


def _digest(data: Any) -> str:
    text = json.dumps(data, sort_keys=True)
    return f"sha256 {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _text_lines(value: str | list[str], path: str) -> Iterator[Text]:
    if isinstance(value, list):
        yield from ((f"{path}[{index}]", text) for index, text in enumerate(value))
    elif value:
        yield path, value


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return f"{len(value)} entries"
    return repr(value)
