"""Faults with their paths, and documents with spelling mistakes corrected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from accelsim.config.source import Document, KeyPath, Place
from accelsim.errors import Fault


@dataclass(frozen=True)
class FaultAt:
    """A fault and the path of its value or key.

    ``key``: the path again, if the fault is an unknown key. ``meant``: the key it resembles, if
    any. ``kind``: the kind that a misspelt kind resembles. ``broken``: the fault is a broken rule
    between keys. ``unsure``: an unknown key that resembles no other key, so that any key may have
    been intended.
    """

    fault: Fault
    path: KeyPath = ()
    key: KeyPath | None = None
    meant: str | None = None
    kind: str | None = None
    broken: bool = False
    unsure: bool = False


def without_slips(document: Document, slips: list[FaultAt]) -> Document:
    """The document with misspelt keys renamed, misspelt kinds corrected and other unknown keys
    removed.
    """
    corrected = {slip.path: slip.kind for slip in slips if slip.kind is not None}
    renames = {slip.key: slip.meant for slip in slips if slip.key is not None}

    def rebuilt(value: Any, path: KeyPath) -> Any:
        if path in corrected:
            return corrected[path]
        if isinstance(value, dict):
            new = {
                key: rebuilt(inner, (*path, key))
                for key, inner in value.items()
                if (*path, key) not in renames
            }
            for key, inner in value.items():
                meant = renames.get((*path, key))
                if meant is not None:
                    new.setdefault(meant, rebuilt(inner, (*path, key)))
            return new
        if isinstance(value, (list, tuple)):
            return [rebuilt(inner, (*path, index)) for index, inner in enumerate(value)]
        return value

    def moved_path(path: KeyPath) -> KeyPath:
        return tuple(renames.get(path[:length]) or part for length, part in enumerate(path, 1))

    def moved(places: Mapping[KeyPath, Place]) -> dict[KeyPath, Place]:
        result: dict[KeyPath, Place] = {}
        for path, place in places.items():
            result.setdefault(moved_path(path), place)
        return result

    return replace(
        document,
        data=rebuilt(document.data, ()),
        keys=moved(document.keys),
        values=moved(document.values),
        unread=frozenset(moved_path(path) for path in document.unread),
        faults=(),
    )
