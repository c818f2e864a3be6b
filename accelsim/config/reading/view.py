"""Values and types of a document by their paths, as faults quote them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accelsim.config.describe import Hint, keys, spell, tags
from accelsim.config.source import Document, KeyPath

ABSENT = object()
"""Stands for a value that the data lacks."""


@dataclass(frozen=True)
class View:
    """A document, and the type that the whole of it must have."""

    document: Document
    root: Hint

    def value(self, path: KeyPath) -> Any:
        """The value at ``path``, or ABSENT."""
        value = self.document.data
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return ABSENT
        return value

    def text(self, path: KeyPath) -> str:
        """The value as the file spells it; ``nothing`` where there is none."""
        value = self.value(path)
        if path in self.document.values and not isinstance(value, (list, tuple)):
            return self.document.values[path].text
        return "nothing" if value is ABSENT else spell(value)

    def known_keys(self, path: KeyPath, data: Any) -> list[str]:
        """Keys of the mapping ``data`` at ``path``; its model is chosen by its tag where there are
        several.
        """
        hint = _member(self.hint(path), data)
        return list(keys(hint.model)) if hint.model is not None else []

    def hint(self, path: KeyPath) -> Hint:
        """The type of the value at ``path``: a union where it may be of several kinds."""
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
    """The member of a union that a value is meant to be; ``hint`` itself where none fits."""
    by_tag = tags(hint)
    if by_tag and isinstance(value, dict):
        return by_tag.get(str(value.get(hint.discriminator or "kind")), Hint(Any))
    shape = dict if isinstance(value, dict) else (list, tuple)
    for choice in hint.choices:
        if (choice.model is not None) == (shape is dict):
            return choice
    return hint
