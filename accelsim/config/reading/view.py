"""Values and types of a document by path, as faults quote them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accelsim.config.describe import Hint, keys, spell, tags
from accelsim.config.source import Document, KeyPath

ABSENT = object()
"""Marker for a value that is not in the data."""


@dataclass(frozen=True)
class View:
    """A document, and the type required of it."""

    document: Document
    root: Hint

    def value(self, path: KeyPath) -> Any:
        """Value at ``path``, or ABSENT."""
        value = self.document.data
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return ABSENT
        return value

    def text(self, path: KeyPath) -> str:
        """Value as the file writes it, or ``nothing`` if there is none."""
        value = self.value(path)
        if path in self.document.values and not isinstance(value, (list, tuple)):
            return self.document.values[path].text
        return "nothing" if value is ABSENT else spell(value)

    def known_keys(self, path: KeyPath, data: Any) -> list[str]:
        """Keys allowed in the mapping ``data`` at ``path``. The tag selects the model if there are
        two or more.
        """
        hint = _member(self.hint(path), data)
        return list(keys(hint.model)) if hint.model is not None else []

    def hint(self, path: KeyPath) -> Hint:
        """Type of the value at ``path``: a union if it may have different kinds."""
        hint = self.root
        value = self.document.data
        for part in path:
            hint = _member(hint, value)
            if hint.model is not None:
                field = keys(hint.model).get(str(part))
                hint = Hint.of_field(field) if field is not None else Hint(Any)
            else:
                hint = hint.item(part) if isinstance(part, int) else Hint(Any)
            value = value[part]
        return hint


def _member(hint: Hint, value: Any) -> Hint:
    """Union member that a value matches, or ``hint`` itself if none does."""
    by_tag = tags(hint)
    if by_tag and isinstance(value, dict):
        return by_tag.get(str(value.get(hint.discriminator or "kind")), Hint(Any))
    shape = dict if isinstance(value, dict) else (list, tuple)
    for choice in hint.choices:
        if (choice.model is not None) == (shape is dict):
            return choice
    return hint
