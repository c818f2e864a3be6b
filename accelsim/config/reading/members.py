"""Mappings with a kind, whose keys do not fit that kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from accelsim.config.describe import Hint, join, keys, tags
from accelsim.config.source import KeyPath, dotted


def of_other_kind(
    path: KeyPath, mapping: Mapping[str, Any], by_kind: Mapping[str, Hint], meant: str | None
) -> str | None:
    """Fault text for a key that belongs to another kind of its mapping, or that is itself the name
    of a kind; None for any other key.

    ``by_kind``: models of the mapping by kind, empty if it has only one. ``meant``: a similar key
    of the mapping's own kind that the file leaves out, or None.
    """
    key, kind = str(path[-1]), mapping.get("kind")
    owners = [name for name, hint in by_kind.items() if key in _keys(hint)]
    if owners:
        hint = f"; did you mean {meant}?" if meant else ": leave it out"
        return f"is a key of kind {join(owners)}, not {kind}{hint}"
    if key in by_kind:
        return f"is a kind, not a key: write kind: {key}, and its keys in {dotted(path[:-1])}"
    return None


def with_likely_kinds(data: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Data of a file whose base is unknown. A mapping without ``kind`` may inherit it from the
    base. Here it is given the kind that has most of its keys, so that its values can be checked.
    """
    filled = dict(data)
    for key, field in keys(model).items():
        by_kind, value = tags(Hint.of_field(field)), data.get(key)
        if by_kind and isinstance(value, dict) and "kind" not in value:
            likely = max(by_kind, key=lambda kind: len(value.keys() & _keys(by_kind[kind])))
            filled[key] = {"kind": likely, **value}
    return filled


def _keys(hint: Hint) -> set[str]:
    return set() if hint.model is None else set(keys(hint.model))
