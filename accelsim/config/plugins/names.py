"""Names that the declaration of a plug-in states itself, and texts that name its file."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any, get_args

from accelsim.config.plugins.files import SUFFIX


def split_file(text: str) -> tuple[str, str]:
    """The plug-in's file and the rest of a rule's text: ``"drtp.py:drtp:scale=2"`` gives
    ``("drtp.py", "drtp:scale=2")``. The file is ``""`` for the text of any other rule.
    """
    if re.match(r"[\w-]+@[^/\\:]+(:|$)", text):  # a plug-in's rule as results write it
        return "", text
    file, colon, rest = text.partition(f"{SUFFIX}:")
    if colon:
        return f"{file}{SUFFIX}", rest
    return (text, "") if text.endswith(SUFFIX) else ("", text)


def names_code(text: str) -> bool:
    """True if a rule's text names a file of code, which no file of data may do."""
    return bool(split_file(re.sub(r"\s*:\s*", ":", text.strip()))[0])


def declared_names(value: Any, kind: str, place: str) -> tuple[str, ...]:
    """The name of a rule, or the kinds of a section; () for an importer, whose suffix is given
    separately.

    ``place``: ``package.module:attribute`` of the base class of the ``kind``. A section must extend
    it; another declaration must be an instance of it. TypeError for any other value, for a section
    whose ``kind`` is not a Literal, and for an empty text. ValueError for a name that users could
    not write.
    """
    module, _, attribute = place.partition(":")
    base: type = getattr(import_module(module), attribute)
    is_section, is_class = hasattr(base, "model_fields"), isinstance(value, type)
    if not (is_class and issubclass(value, base) if is_section else isinstance(value, base)):
        wanted = f"a class that extends {base.__name__}" if is_section else f"a {base.__name__}"
        got = value.__name__ if is_class else f"a {type(value).__name__}"
        raise TypeError(f"{kind} must be declared by {wanted}, got {got}")
    if is_section:
        names = get_args(value.model_fields["kind"].annotation)
        if not names:
            raise TypeError(f"{value.__name__}.kind must be a Literal of the name of the kind")
    else:
        _check_texts(value, kind)
        names = (value.name,) if hasattr(value, "name") else ()
    for name in names:
        if not (isinstance(name, str) and re.fullmatch(r"[\w-]+", name)):
            wanted = "a name of letters, digits, - and _"
            raise ValueError(f"{kind} must have {wanted}, got {name!r}")
    return tuple(names)


def _check_texts(value: Any, kind: str) -> None:
    """TypeError unless each field of a dataclass that is annotated ``str`` is a text."""
    for each in fields(value) if is_dataclass(value) else ():
        text = getattr(value, each.name)
        if each.type in ("str", str) and not (isinstance(text, str) and text.strip()):
            raise TypeError(f"{each.name} of a {kind} must be a text, got {text!r}")
