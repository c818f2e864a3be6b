"""Rules between keys, evaluated on data in which some values are wrong.

Pydantic runs a model's validators only if all its fields, and those of the mappings in it, are
valid. One mistake would therefore hide all faults of rules between keys. Here each rule is run on
the available values, and skipped if it reads a value that is wrong or unknown. No fault is thus
reported that only follows from another.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import MethodType
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from accelsim.config.describe import Hint, tags
from accelsim.config.models.problems import PROBLEM_TYPE, Problem
from accelsim.config.source import KeyPath


class _UnjudgedError(Exception):
    """A rule reads a value that is wrong or unknown."""


@dataclass
class Judge:
    """Finds the rules between keys that the data break.

    ``wrong``: paths of values that have a fault; the paths of problems are added. ``unsure``:
    mappings with a key that was not understood, so that an absent key may have been intended.
    ``partial``: if true, an absent key may have a value from elsewhere, so its default is not
    assumed.
    """

    wrong: set[KeyPath]
    unsure: frozenset[KeyPath] = frozenset()
    partial: bool = False

    def problems(
        self, model: type[BaseModel], data: Any, path: KeyPath = ()
    ) -> Iterator[tuple[KeyPath, Problem]]:
        """(path of a model, problem) pairs; inner mappings come before the model itself. Sequences
        in ``data`` are tuples.
        """
        if not isinstance(data, dict) or self.is_wrong(path):
            return
        for name, info in model.model_fields.items():
            key = info.alias or name
            if key in data:
                yield from self._inner(Hint.of_field(info), data[key], (*path, key))
        decorators = model.__pydantic_decorators__.model_validators.values()
        seen = _Seen(self, model, data, path)
        for rule in [each.func for each in decorators if each.info.mode == "after"]:
            try:
                rule(seen)
            except PydanticCustomError as error:
                if error.type == PROBLEM_TYPE and error.context is not None:
                    for problem in error.context["problems"]:
                        self.wrong.add((*path, *problem.path))
                        yield path, problem
            except (_UnjudgedError, ValueError):
                continue

    def _inner(self, hint: Hint, value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Problem]]:
        if isinstance(value, tuple):
            lists = [
                each for each in (hint, *hint.choices) if each.model is None and not each.choices
            ]
            for index, item in enumerate(value if lists else ()):
                yield from self._inner(lists[0].item(index), item, (*path, index))
        section = section_of(hint, value)
        if section is not None:
            yield from self.problems(section, value, path)

    def is_wrong(self, path: KeyPath) -> bool:
        """True if the value, or a mapping that contains it, has a fault."""
        return any(path[:length] in self.wrong for length in range(1, len(path) + 1))

    def value(self, info: FieldInfo, value: Any) -> Any:
        """A field's value as the model holds it, from its text."""
        kind: Any = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
        try:
            return TypeAdapter(kind).validate_python(value, strict=True)
        except ValidationError:
            raise _UnjudgedError from None


def section_of(hint: Hint, value: Any) -> type[BaseModel] | None:
    """Model of a mapping, selected by its tag if there are two or more. None if the value is not a
    mapping, or no single model applies.
    """
    if not isinstance(value, dict):
        return None
    by_tag = tags(hint)
    if by_tag:
        member = by_tag.get(str(value.get(hint.discriminator or "kind")))
        return member.model if member is not None else None
    models = [each.model for each in (hint, *hint.choices) if each.model is not None]
    return models[0] if len(models) == 1 else None


class _Seen:
    """The ``self`` passed to a rule: fields, properties and methods of a model whose data may be
    invalid.
    """

    def __init__(
        self, judge: Judge, model: type[BaseModel], data: dict[str, Any], path: KeyPath
    ) -> None:
        self.__judge, self.__model, self.__path = judge, model, path
        for each in model.__pydantic_decorators__.model_validators.values():
            if each.info.mode == "before":
                data = each.func(data)
        self.__data = data

    def __getattr__(self, name: str) -> Any:
        info = self.__model.model_fields.get(name)
        if info is not None:
            return self.__field(info.alias or name, info)
        if name == "model_fields_set":
            return {
                each
                for each, other in self.__model.model_fields.items()
                if (other.alias or each) in self.__data
            }
        member = inspect.getattr_static(self.__model, name)
        if isinstance(member, property) and member.fget is not None:
            return member.fget(self)
        if inspect.isfunction(member):
            return MethodType(member, self)
        return getattr(self.__model, name)

    def __field(self, key: str, info: FieldInfo) -> Any:
        path, judge = (*self.__path, key), self.__judge
        if judge.is_wrong(path):
            raise _UnjudgedError
        if key not in self.__data:
            if judge.partial or self.__path in judge.unsure or info.is_required():
                raise _UnjudgedError
            default = info.get_default(call_default_factory=True)
            return judge.value(info, default) if info.validate_default else default
        value = self.__data[key]
        section = section_of(Hint.of_field(info), value)
        return judge.value(info, value) if section is None else _Seen(judge, section, value, path)
