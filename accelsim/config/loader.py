"""Plain data -> model, every fault at once, each at its place and worded ``<key> must be <rule>,
got <value>``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from accelsim.config.describe import Hint, describe, join, keys, spell, tags
from accelsim.config.judging import Judge
from accelsim.config.problems import PROBLEM_TYPE, Problem
from accelsim.config.source import Document, KeyPath, Place, dotted, read_document
from accelsim.config.suggest import closest, did_you_mean
from accelsim.errors import Fault, InputError

Model = TypeVar("Model", bound=BaseModel)

_SIGNS = {
    "greater_than_equal": (">=", "ge"),
    "greater_than": (">", "gt"),
    "less_than_equal": ("<=", "le"),
    "less_than": ("<", "lt"),
}
_ABSENT = object()


def load_model(path: str | Path, model: type[Model]) -> Model:
    """Read and validate a YAML file. InputError with every fault of the file, in its order.

    Sequences reach the model as tuples: a field that takes a list is a ``tuple[...]``.
    """
    return validate_document(read_document(path), model)


def validate_data(data: Mapping[str, Any], model: type[Model], source: str = "") -> Model:
    """Validate plain data that comes from no file (a dict of a caller): faults then have no
    line.
    """
    return validate_document(Document(source, data), model)


def validate_document(document: Document, model: type[Model]) -> Model:
    """Validate a document's data. InputError with every fault, the document's own among them."""
    result, faults = _validated(document, model)
    if faults or result is None:
        raise InputError(*in_order(document, faults))
    return result


def in_order(document: Document, faults: Iterable[Fault]) -> list[Fault]:
    """Each fault once: those of the document's own file by position, then those of the files it
    builds on.
    """
    return sorted(set(faults), key=lambda fault: (fault.source != document.source, fault))


def faults_of(document: Document, model: type[BaseModel]) -> tuple[Fault, ...]:
    """Every fault of a document, () when it is right."""
    try:
        validate_document(document, model)
    except InputError as error:
        return error.faults
    return ()


def _validated(document: Document, model: type[Model]) -> tuple[Model | None, list[Fault]]:
    """Validate; where a key is unknown note the fault, go on as if it were spelt right (or absent),
    and validate again: one slip, one fault.
    """
    faults = list(document.faults)
    unsure: set[KeyPath] = set()
    while True:
        if not isinstance(document.data, dict):
            got = document.values[()].text if () in document.values else spell(document.data)
            return None, [
                *faults,
                document.place(()).fault(
                    f"the file must be a mapping of keys to values, got {got}"
                ),
            ]
        reader = _Reader(document, Hint(model))
        try:
            return model.model_validate(_frozen(document.data)), faults
        except ValidationError as error:
            found = list(reader.read(error))
        slips = [item for item in found if item.key is not None]
        if not slips:
            return None, faults + reader.judged(found, unsure) or [item.fault for item in found]
        faults += [item.fault for item in slips]
        unsure |= {slip.path[:-1] for slip in slips if slip.unsure}
        document = _without_slips(document, slips)


def _frozen(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _frozen(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return tuple(_frozen(value) for value in data)
    return data


@dataclass(frozen=True)
class _Found:
    """A fault and the path of what has it; for an unknown key that path again, and the key it was
    surely meant to be, if any.

    ``broken``: the fault is of a rule between keys. ``unsure``: an unknown key that resembles no
    other, so that it may have been any.
    """

    fault: Fault
    path: KeyPath = ()
    key: KeyPath | None = None
    meant: str | None = None
    broken: bool = False
    unsure: bool = False


def _without_slips(document: Document, slips: list[_Found]) -> Document:
    """The document with misspelt keys renamed and other unknown keys dropped."""
    renames = {slip.key: slip.meant for slip in slips if slip.key is not None}

    def rebuilt(value: Any, path: KeyPath) -> Any:
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


def _wrong_shape(error_type: str) -> bool:
    """Whether an error says that the value is of another member of the union, and not that it
    breaks a bound of this one.
    """
    return error_type.endswith("_type") or error_type in ("literal_error", "value_error")


@dataclass(frozen=True)
class _Spot:
    """Where an error is: the path in the data, the type there, and the union members that pydantic
    was trying on the way (by order).
    """

    path: KeyPath
    hint: Hint
    union: KeyPath | None = None
    union_hint: Hint | None = None
    member: str = ""


class _Reader:
    """Turns a pydantic ValidationError into faults."""

    def __init__(self, document: Document, root: Hint) -> None:
        self.document = document
        self.root = root

    def read(self, error: ValidationError) -> Iterator[_Found]:
        members: dict[tuple[Any, ...], list[str]] = {}
        spots = [
            (self._spot(item["loc"], members), item) for item in error.errors(include_url=False)
        ]
        unions: dict[KeyPath, list[tuple[_Spot, Any]]] = {}
        for spot, item in spots:
            if spot.union is not None:
                unions.setdefault(spot.union, []).append((spot, item))
        for spot, item in spots:
            if spot.union is None:
                yield from self._found(spot, item)
        for group in unions.values():
            yield from self._union(group)

    def judged(self, found: Sequence[_Found], unsure: Iterable[KeyPath]) -> list[Fault]:
        """The faults of single values, then those of the rules between keys that read none of them;
        ``unsure`` as `Judge` has it.
        """
        single = [
            item
            for item in found
            if not item.broken
            and not any(item.path[: len(path)] == path for path in self.document.unread)
        ]
        judge = Judge(
            {*(item.path for item in single), *self.document.unread},
            frozenset(unsure),
            self.document.partial,
        )
        assert self.root.model is not None
        broken = [
            self._problem(path, problem)
            for path, problem in judge.problems(self.root.model, _frozen(self.document.data))
        ]
        return [item.fault for item in [*single, *broken]]

    def _spot(self, loc: tuple[str | int, ...], members: dict[tuple[Any, ...], list[str]]) -> _Spot:
        hint = self.root
        path: KeyPath = ()
        union: KeyPath | None = None
        union_hint: Hint | None = None
        member = ""
        for index, part in enumerate(loc):
            if not hint.model and hint.choices:
                by_tag = tags(hint)
                if by_tag:
                    hint = by_tag.get(str(part), Hint(Any))
                    continue
                if len(hint.choices) == 1:
                    hint = Hint.of(hint.choices[0].annotation, hint.choices[0].metadata)
                else:
                    tried = members.setdefault(loc[:index], [])
                    if part not in tried:
                        tried.append(str(part))
                    if union is None:
                        union, union_hint, member = path, hint, str(part)
                    hint = hint.choices[min(tried.index(str(part)), len(hint.choices) - 1)]
                    continue
            path = (*path, part)
            if hint.model is not None:
                field = keys(hint.model).get(str(part))
                hint = Hint.of_field(field) if field is not None else Hint(Any)
            else:
                hint = hint.item(part) if isinstance(part, int) else Hint(Any)
        return _Spot(path, hint, union, union_hint, member)

    def _union(self, group: list[tuple[_Spot, Any]]) -> Iterator[_Found]:
        """A union without tags: the faults of the first member whose shape the value has, else one
        fault that names all members.
        """
        by_member: dict[str, list[tuple[_Spot, Any]]] = {}
        for spot, item in group:
            by_member.setdefault(spot.member, []).append((spot, item))
        for errors in by_member.values():
            if not any(
                spot.path == spot.union and _wrong_shape(item["type"]) for spot, item in errors
            ):
                for spot, item in errors:
                    yield from self._found(spot, item)
                return
        spot = group[0][0]
        yield self._must(spot.union or (), describe(spot.union_hint or Hint(Any)), spot.union_hint)

    def _found(self, spot: _Spot, item: Any) -> Iterator[_Found]:
        path, hint, kind, context = spot.path, spot.hint, item["type"], item.get("ctx", {})
        if kind == "extra_forbidden":
            yield self._unknown(path)
        elif self.document.partial and kind in ("missing", "union_tag_not_found"):
            return  # the base may have it
        elif kind == "too_short" and len(self._at(path)) >= context["min_length"]:
            return  # pydantic counts the valid items alone, and each wrong one has its own fault
        elif kind in ("union_tag_not_found", "union_tag_invalid"):
            yield self._tag(path, hint)
        elif kind == PROBLEM_TYPE:
            yield from (self._problem(path, problem) for problem in context["problems"])
        elif kind in _SIGNS:
            sign, key = _SIGNS[kind]
            yield self._must(path, f"{sign} {hint.bound(context[key])}")
        elif kind in ("value_error", "assertion_error"):
            yield self._worded(path, hint, str(context["error"]))
        elif kind == "finite_number":
            yield self._must(path, "a finite number")
        elif kind == "multiple_of":
            yield self._must(path, f"a multiple of {context['multiple_of']}")
        else:  # missing, and every wrong type: the whole rule
            yield self._must(path, describe(hint), hint)

    def _worded(self, path: KeyPath, hint: Hint, words: str) -> _Found:
        """A validator's ValueError: ``must be <rule>`` of the value itself, or ``<key> must be
        ...`` of a key below it.
        """
        if words.startswith("must be ") and ", got " not in words:
            return self._must(path, words.removeprefix("must be "))
        first, _, rest = words.partition(" ")
        below = path
        for part in first.split("."):
            fields = keys(hint.model) if hint.model is not None else {}
            if part not in fields:
                return _Found(
                    self.document.place(path).fault(" ".join(filter(None, (dotted(path), words)))),
                    path,
                )
            below, hint = (*below, part), Hint.of_field(fields[part])
        return _Found(self.document.place(below).fault(f"{dotted(below)} {rest}"), below)

    def _at(self, path: KeyPath) -> Any:
        value = self.document.data
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return _ABSENT
        return value

    def _got(self, path: KeyPath) -> str:
        value = self._at(path)
        if path in self.document.values and not isinstance(value, (list, tuple)):
            return self.document.values[path].text
        return "nothing" if value is _ABSENT else spell(value)

    def _must(self, path: KeyPath, rule: str, hint: Hint | None = None) -> _Found:
        suggestion = ""
        if hint is not None:
            words = [str(word) for choice in (hint, *hint.choices) for word in choice.literals]
            suggestion = did_you_mean(self._at(path), words)
        return _Found(
            self.document.place(path).fault(
                f"{dotted(path) or 'the file'} must be {rule}, got {self._got(path)}{suggestion}"
            ),
            path,
        )

    def _unknown(self, path: KeyPath) -> _Found:
        siblings = self._at(path[:-1])
        known = self._known(path[:-1], siblings)
        free = [key for key in known if key not in siblings]
        meant = closest(path[-1], free) or closest(path[-1], known)
        place = self.document.keys.get(path, self.document.place(path))
        hint = f"did you mean {meant}?" if meant else f"known keys: {', '.join(known)}"
        return _Found(
            place.fault(f"{dotted(path)} is not a known key; {hint}"),
            path,
            path,
            meant if meant in free else None,
            unsure=meant is None,
        )

    def _known(self, path: KeyPath, data: Any) -> list[str]:
        """Keys of the mapping at ``path``, the model chosen by its ``kind`` where there are
        several.
        """
        hint = self.root
        value = self.document.data
        for part in path:
            hint = self._member(hint, value)
            if hint.model is not None:
                field = keys(hint.model).get(str(part))
                hint = Hint.of_field(field) if field is not None else Hint(Any)
            else:
                hint = hint.item(part) if isinstance(part, int) else Hint(Any)
            value = value[part]
        hint = self._member(hint, data)
        return list(keys(hint.model)) if hint.model is not None else []

    def _member(self, hint: Hint, value: Any) -> Hint:
        by_tag = tags(hint)
        if by_tag and isinstance(value, dict):
            return by_tag.get(str(value.get(hint.discriminator or "kind")), Hint(Any))
        shape = dict if isinstance(value, dict) else (list, tuple)
        for choice in hint.choices:
            if (choice.model is not None) == (shape is dict):
                return choice
        return hint

    def _tag(self, path: KeyPath, hint: Hint) -> _Found:
        """The key that tells which mapping this is (``kind``) is absent, misspelt or has an unknown
        value.
        """
        by_tag, data = tags(hint), self._at(path)
        key = (
            hint.discriminator
            or next((choice.discriminator for choice in hint.choices if choice.discriminator), None)
            or "kind"
        )
        if isinstance(data, dict) and key not in data:
            others = {
                other
                for member in by_tag.values()
                if member.model is not None
                for other in keys(member.model)
            }
            for name in data:
                if name not in others and closest(name, [key, *others]) == key:
                    place = self.document.keys.get((*path, name), self.document.place(path))
                    return _Found(
                        place.fault(
                            f"{dotted((*path, name))} is not a known key; did you mean {key}?"
                        ),
                        (*path, name),
                        (*path, name),
                        key,
                    )
        rule = join(list(by_tag))
        inner = (*path, key)
        value = self._at(inner)
        fault = self.document.place(inner).fault(
            f"{dotted(inner)} must be {rule}, got {self._got(inner)}{did_you_mean(value, by_tag)}"
        )
        return _Found(fault, inner)

    def _problem(self, base: KeyPath, problem: Problem) -> _Found:
        path = (*base, *problem.path)
        candidates = [path, *((*base, *other) for other in problem.involved)]
        placed = [other for other in candidates if other in self.document.values]
        own = [
            other for other in placed if self.document.values[other].source == self.document.source
        ]
        place = self.document.place((own or placed or [path])[0])
        given, got = self.document.values.get(path), self._got(path)
        if got == "nothing" and problem.got is not None:
            got = spell(problem.got)
        if given is None:
            got += "" if got == "nothing" else ", its default"
        elif given != place:
            got += f" of {Path(given.source).name}:{given.line}"
        return _Found(
            place.fault(f"{dotted(path)} must be {problem.rule}, got {got}"), path, broken=True
        )
