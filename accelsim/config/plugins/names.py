"""Names that the declaration of a plug-in states itself."""

from __future__ import annotations

from importlib import import_module
from typing import Any, get_args


def declared_names(value: Any, kind: str, place: str) -> tuple[str, ...]:
    """The name of a rule, or the kinds of a section; () for an importer, whose suffix is given
    separately.

    ``place``: ``package.module:attribute`` of the base class of the ``kind``. A section must extend
    it; any other declaration must be an instance of it. TypeError for any other value, and for a
    section whose ``kind`` is not a Literal.
    """
    module, _, attribute = place.partition(":")
    base: type = getattr(import_module(module), attribute)
    is_section, is_class = hasattr(base, "model_fields"), isinstance(value, type)
    if not (is_class and issubclass(value, base) if is_section else isinstance(value, base)):
        wanted = f"a class that extends {base.__name__}" if is_section else f"a {base.__name__}"
        got = value.__name__ if is_class else f"a {type(value).__name__}"
        raise TypeError(f"{kind} must be declared by {wanted}, got {got}")
    if not is_section:
        return (value.name,) if hasattr(value, "name") else ()
    names = get_args(value.model_fields["kind"].annotation)
    if not names:
        raise TypeError(f"{value.__name__}.kind must be a Literal of the name of the kind")
    return tuple(names)
