"""Registered names with their descriptions, as mappings that print as tables.

`accelsim.rules` and `accelsim.layers` are also packages of code; like `accelsim.pe_kinds`, they
behave as mappings. May import config/.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from types import ModuleType
from typing import Any

from accelsim.config.registries import PE_KINDS
from accelsim.config.registry import Registry

_LISTED = "_listed"


def html_table(rows: Iterable[Sequence[object]]) -> str:
    """A table of HTML with the cells of each row as text."""
    lines = ("".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows)
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


class Listing(Mapping[str, str]):
    """Mapping from each name of a registry to a one-line description, in listing order.

    >>> import accelsim
    >>> "dfa" in accelsim.rules, "lanes" in accelsim.pe_kinds, "conv" in accelsim.layers
    (True, True, True)
    >>> accelsim.pe_kinds["systolic"]
    'Dense; operands pass from PE to PE.'
    >>> print(accelsim.rules)  # doctest: +ELLIPSIS
    bp          ...
    """

    _listed: Registry

    def __getitem__(self, name: str) -> str:
        if name not in self._listed:
            raise KeyError(self._listed.unknown(name))
        if not self._listed.is_read(name):  # reading its description would run the plug-in's code
            return f"plug-in of {self._listed.origin(name)}"
        return description(self._listed.resolve(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed.names())

    def __len__(self) -> int:
        return len(self._listed.names())

    def __contains__(self, name: object) -> bool:
        return name in self._listed

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:<{width}}  {text}".rstrip() for name, text in self.items())

    def _repr_html_(self) -> str:
        return html_table(self.items())

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)


def description(declaration: Any) -> str:
    """A rule's description, or that of the key ``kind`` of a section."""
    fields = getattr(declaration, "model_fields", {})
    text = fields["kind"].description if "kind" in fields else declaration.description
    return str(text or "")


class _Registered(Listing):
    __doc__ = Listing.__doc__

    def __init__(self, registry: Registry) -> None:
        self._listed = registry


class _Package(ModuleType, Listing):
    """A package that is also a listing. It is compared and hashed like any module."""

    __eq__ = ModuleType.__eq__
    __hash__ = ModuleType.__hash__
    __repr__ = Listing.__repr__


def list_package(name: str, registry: Registry) -> None:
    """Make the package of that name behave like a mapping of the registry's names."""
    module: Any = sys.modules[name]
    setattr(module, _LISTED, registry)
    module.__class__ = _Package


pe_kinds = _Registered(PE_KINDS)
