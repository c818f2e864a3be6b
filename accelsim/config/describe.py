"""Descriptions in words of the values that a field of a specification accepts. They are used in
faults and documentation, never for validation.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from accelsim.config.kinds import Kinds


@dataclass(frozen=True)
class Rule:
    """Metadata of an ``Annotated`` type with a validator of this package: the words of its rule,
    and the unit of its bounds.
    """

    text: str
    unit: str = ""
    scales: tuple[tuple[str, float], ...] = ()

    def spell(self, value: float) -> str:
        """A bound, written in the unit that makes it shortest: ``1KiB``, ``1000GHz``."""
        exact = [f"{value / scale:.0f}{unit}" for unit, scale in self.scales if value % scale == 0]
        return min(exact, key=len, default=f"{value}{self.unit}")

    def meant(self, text: object) -> list[str]:
        """Spellings with a unit of this rule for a text whose unit has wrong letters: ``64kb``
        gives 64KiB and 64kB; for a clock without a unit in MHz; for a decimal comma.
        """
        if isinstance(text, int | float) and "MHz" in dict(self.scales):
            return [f"{text}MHz"]
        if isinstance(text, str) and _DECIMAL_COMMA.match(text):
            number, letters = text.replace(",", ".").strip(), text.strip("0123456789., ")
            return [number] if letters in dict(self.scales) else self.meant(number)
        match = _NUMBER_AND_LETTERS.match(text) if isinstance(text, str) else None
        if match is None:
            return []
        number, letters = match.groups()
        if letters in dict(self.scales):
            return []
        return [f"{number}{unit}" for unit, _ in self.scales if _bare(unit) == _bare(letters)]


_DECIMAL_COMMA = re.compile(r"\s*[0-9]+,[0-9]{1,2}\s*[A-Za-z]+\s*\Z")
_NUMBER_AND_LETTERS = re.compile(r"\s*([0-9.]+)\s*([A-Za-z]+)\s*\Z")


def _bare(unit: str) -> str:
    """A unit in lower case, without the i of binary prefixes."""
    return unit.lower().replace("ib", "b")


@dataclass(frozen=True)
class Hint:
    """A type as pydantic sees it: the bare annotation and its metadata."""

    annotation: Any
    metadata: tuple[Any, ...] = ()
    discriminator: str | None = None

    @classmethod
    def of(
        cls, annotation: Any, metadata: Iterable[Any] = (), discriminator: str | None = None
    ) -> Hint:
        """Hint of an annotation, with ``Annotated`` and any ``Field(...)`` inside it removed. The
        kinds of a registry become a union.
        """
        flat: list[Any] = []
        while typing.get_origin(annotation) is Annotated:
            annotation, *inner = typing.get_args(annotation)
            flat = [*inner, *flat]
        for item in [*flat, *metadata]:
            if isinstance(item, FieldInfo):
                discriminator = (
                    item.discriminator if isinstance(item.discriminator, str) else discriminator
                )
        parts = tuple(
            part
            for item in [*flat, *metadata]
            for part in (item.metadata if isinstance(item, FieldInfo) else [item])
        )
        for item in parts:
            if isinstance(item, Kinds):
                annotation, discriminator = item.union(), item.key
        return cls(annotation, parts, discriminator)

    @classmethod
    def of_field(cls, field: FieldInfo) -> Hint:
        """Hint of a model's field."""
        return cls.of(
            field.annotation,
            field.metadata,
            field.discriminator if isinstance(field.discriminator, str) else None,
        )

    @property
    def model(self) -> type[BaseModel] | None:
        """The annotation if it is a model, else None."""
        return (
            self.annotation
            if isinstance(self.annotation, type) and issubclass(self.annotation, BaseModel)
            else None
        )

    @property
    def choices(self) -> tuple[Hint, ...]:
        """Members of a union without ``None``; () if the type is not a union."""
        if not self._is_union:
            return ()
        return tuple(
            Hint.of(arg) for arg in typing.get_args(self.annotation) if arg is not type(None)
        )

    @property
    def nullable(self) -> bool:
        """True if None is allowed."""
        return self._is_union and type(None) in typing.get_args(self.annotation)

    @property
    def _is_union(self) -> bool:
        return typing.get_origin(self.annotation) in (Union, types.UnionType)

    def bound(self, value: Any) -> str:
        """A bound of a number, with its unit if it has one."""
        rule = next((item for item in self.metadata if isinstance(item, Rule)), None)
        return rule.spell(value) if rule is not None else str(value)

    @property
    def literals(self) -> tuple[object, ...]:
        """Values of a Literal; () for other types."""
        return (
            typing.get_args(self.annotation)
            if typing.get_origin(self.annotation) is Literal
            else ()
        )

    def item(self, index: int) -> Hint:
        """Type of a list's element number ``index``."""
        arguments = typing.get_args(self.annotation)
        if not arguments:
            return Hint(Any)
        if typing.get_origin(self.annotation) is tuple and arguments[-1] is not Ellipsis:
            return Hint.of(arguments[min(index, len(arguments) - 1)])
        return Hint.of(arguments[0])


def keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Fields by their keys in the YAML mapping, in the model's order."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def tags(hint: Hint) -> dict[str, Hint]:
    """Members of a discriminated union by tag; {} for other types."""
    members: dict[str, Hint] = {}
    for choice in hint.choices:
        if choice.discriminator is not None:
            members |= tags(choice)
        elif choice.model is not None and hint.discriminator is not None:
            field = choice.model.model_fields[hint.discriminator]
            members |= {str(tag): choice for tag in Hint.of_field(field).literals}
    return members


def join(words: Sequence[str], last: str = "or") -> str:
    """The words as a list: ``a, b or c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def bounds(hint: Hint) -> str:
    """Bounds of a number: ``>= 1``, ``from 1 to 64``, or an empty text."""
    lower = next((item.ge for item in hint.metadata if isinstance(item, annotated_types.Ge)), None)
    upper = next((item.le for item in hint.metadata if isinstance(item, annotated_types.Le)), None)
    above = next((item.gt for item in hint.metadata if isinstance(item, annotated_types.Gt)), None)
    below = next((item.lt for item in hint.metadata if isinstance(item, annotated_types.Lt)), None)
    if lower is not None and upper is not None:
        return f"from {hint.bound(lower)} to {hint.bound(upper)}"
    signs = ((">=", lower), (">", above), ("<=", upper), ("<", below))
    return " and ".join(f"{sign} {hint.bound(value)}" for sign, value in signs if value is not None)


def describe(hint: Hint) -> str:
    """Rule of a value: ``an integer >= 1``, ``lanes or systolic``, ``a list of 2``."""
    alternatives = _alternatives(hint)
    return join([*alternatives, "null"] if hint.nullable else alternatives)


def _alternatives(hint: Hint) -> list[str]:
    if tags(hint):
        return ["a mapping"]
    if hint.choices:
        return list(
            dict.fromkeys(word for choice in hint.choices for word in _alternatives(choice))
        )
    if hint.literals:
        return [spell(value) for value in hint.literals]
    return [" ".join(part for part in (_kind(hint), bounds(hint)) if part)]


def _kind(hint: Hint) -> str:
    for item in hint.metadata:
        if isinstance(item, Rule):
            return item.text
    annotation, origin = hint.annotation, typing.get_origin(hint.annotation)
    if origin in (tuple, list):
        return _list(hint)
    if hint.model is not None or origin is dict:
        return "a mapping"
    if annotation is str:
        needs = any(
            isinstance(item, annotated_types.MinLen) and item.min_length > 0
            for item in hint.metadata
        )
        return "a non-empty text" if needs else "a text"
    return {bool: "true or false", int: "an integer", float: "a number", type(None): "null"}.get(
        annotation, "a value"
    )


def _list(hint: Hint) -> str:
    arguments = typing.get_args(hint.annotation)
    plural = {int: "integers", float: "numbers", str: "texts", bool: "true or false"}
    element = hint.item(0)
    what = " ".join(part for part in (plural.get(element.annotation, ""), bounds(element)) if part)
    if typing.get_origin(hint.annotation) is tuple and arguments[-1] is not Ellipsis:
        return f"a list of {len(arguments)} {what}".rstrip()
    least = next(
        (item.min_length for item in hint.metadata if isinstance(item, annotated_types.MinLen)), 0
    )
    if least:
        return f"a list of at least {least} {what or 'item' + 's' * (least > 1)}"
    return f"a list of {what}" if what else "a list"


def spell(value: object) -> str:
    """A value as YAML writes it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return (
            "a list"
            if any(isinstance(item, (list, tuple, dict)) for item in value)
            else f"[{', '.join(spell(item) for item in value)}]"
        )
    return str(value)
