"""Faults made from pydantic's errors, worded ``<key> must be <rule>, got <value>``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from accelsim.config.describe import Hint, Rule, describe, join, keys, spell, tags
from accelsim.config.kinds import Kinds
from accelsim.config.models.problems import PROBLEM_TYPE, Problem
from accelsim.config.reading.members import of_other_kind
from accelsim.config.reading.rules import Judge
from accelsim.config.reading.slips import FaultAt
from accelsim.config.reading.spots import Spot, locate
from accelsim.config.reading.view import View
from accelsim.config.source import Document, KeyPath, dotted
from accelsim.config.suggest import closest, did_you_mean, newer
from accelsim.errors import Fault

_SIGNS = {
    "greater_than_equal": (">=", "ge"),
    "greater_than": (">", "gt"),
    "less_than_equal": ("<=", "le"),
    "less_than": ("<", "lt"),
}
_VERSION = {
    True: ": a newer accelsim reads this format; upgrade accelsim, or write the file for this one",
    False: ": an older accelsim read this format; write the file for this one",
}
"""Ending of the fault for a file of another version; the key tells whether that
version is newer.
"""


def frozen(data: Any) -> Any:
    """Plain data with lists replaced by tuples."""
    if isinstance(data, dict):
        return {key: frozen(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return tuple(frozen(value) for value in data)
    return data


def _wrong_shape(error_type: str) -> bool:
    """True if the error means that the value is not of this member of the union, false if the value
    breaks a bound of this member.
    """
    return error_type.endswith("_type") or error_type in ("literal_error", "value_error")


class FaultReader:
    """Converts pydantic's errors about a document to faults at their places."""

    def __init__(self, document: Document, root: Hint) -> None:
        self.document = document
        self.root = root
        self.view = View(document, root)

    def read(self, error: ValidationError) -> Iterator[FaultAt]:
        """One fault per wrong value or key, including broken rules between keys that pydantic
        evaluated.
        """
        members: dict[tuple[Any, ...], list[str]] = {}
        spots = [
            (locate(self.root, item["loc"], members), item)
            for item in error.errors(include_url=False)
        ]
        unions: dict[KeyPath, list[tuple[Spot, Any]]] = {}
        for spot, item in spots:
            if spot.union is not None:
                unions.setdefault(spot.union, []).append((spot, item))
        for spot, item in spots:
            if spot.union is None:
                yield from self._faults(spot, item)
        for group in unions.values():
            yield from self._union(group)

    def judged(self, faults: Sequence[FaultAt], unsure: Iterable[KeyPath]) -> list[Fault]:
        """Faults of single values, then those of rules between keys that read none of these values.
        ``unsure`` as in `Judge`.
        """
        single = [
            item
            for item in faults
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
            for path, problem in judge.problems(self.root.model, frozen(self.document.data))
        ]
        return [item.fault for item in [*single, *broken]]

    def _union(self, group: list[tuple[Spot, Any]]) -> Iterator[FaultAt]:
        """Faults of a value of a union without tags: those of the first member whose shape the
        value has, else one fault that lists all members.
        """
        by_member: dict[str, list[tuple[Spot, Any]]] = {}
        for spot, item in group:
            by_member.setdefault(spot.member, []).append((spot, item))
        for errors in by_member.values():
            if not any(
                spot.path == spot.union and _wrong_shape(item["type"]) for spot, item in errors
            ):
                for spot, item in errors:
                    yield from self._faults(spot, item)
                return
        spot = group[0][0]
        yield self._must(spot.union or (), describe(spot.union_hint or Hint(Any)), spot.union_hint)

    def _faults(self, spot: Spot, item: Any) -> Iterator[FaultAt]:
        path, hint, kind, context = spot.path, spot.hint, item["type"], item.get("ctx", {})
        if kind == "extra_forbidden":
            yield self._unknown(path)
        elif self.document.partial and kind in ("missing", "union_tag_not_found"):
            return  # the base file may provide it
        elif kind == "too_short" and len(self.view.value(path)) >= context["min_length"]:
            return  # pydantic counts only the valid items; each wrong one has its own fault
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
        else:  # missing keys and wrong types: the full rule
            yield self._must(path, describe(hint), hint)

    def _worded(self, path: KeyPath, hint: Hint, words: str) -> FaultAt:
        """Fault of a validator's ValueError. Its text is ``must be <rule>`` for the value itself,
        or ``<key> must be ...`` for a key below it.
        """
        if words.startswith("must be ") and ", got " not in words:
            rules = [each for each in hint.metadata if isinstance(each, Rule)]
            meant = [text for rule in rules for text in rule.meant(self.view.value(path))]
            suggestion = f"; did you mean {join(meant)}?" if meant else ""
            return self._must(path, words.removeprefix("must be "), suggestion=suggestion)
        first, _, rest = words.partition(" ")
        below = path
        for part in first.split("."):
            fields = keys(hint.model) if hint.model is not None else {}
            if part not in fields:
                return FaultAt(
                    self.document.place(path).fault(" ".join(filter(None, (dotted(path), words)))),
                    path,
                )
            below, hint = (*below, part), Hint.of_field(fields[part])
        return FaultAt(self.document.place(below).fault(f"{dotted(below)} {rest}"), below)

    def _must(
        self, path: KeyPath, rule: str, hint: Hint | None = None, suggestion: str = ""
    ) -> FaultAt:
        """Fault ``<key> must be <rule>, got <value>``, with a suggestion if one of the literals is
        similar.
        """
        if hint is not None:
            words = [str(word) for choice in (hint, *hint.choices) for word in choice.literals]
            value = self.view.value(path)
            later = newer(words[0], value) if words else None
            suggestion = did_you_mean(value, words) if later is None else _VERSION[later]
            if words and path and isinstance(value, str) and value in self._kinds(path[:-1]):
                suggestion = f": write kind: {value} and leave {path[-1]} out"
        return FaultAt(
            self.document.place(path).fault(
                f"{dotted(path) or 'the file'} must be {rule}, "
                f"got {self.view.text(path)}{suggestion}"
            ),
            path,
        )

    def _unknown(self, path: KeyPath) -> FaultAt:
        """Fault of an unknown key, with the known key that it resembles."""
        siblings = self.view.value(path[:-1])
        known = self.view.known_keys(path[:-1], siblings)
        free = [key for key in known if key not in siblings]
        meant = closest(path[-1], free) or closest(path[-1], known)
        place = self.document.keys.get(path, self.document.place(path))
        kinds, unused = self._kinds(path[:-1]), meant if meant in free else None
        words = of_other_kind(path, siblings, kinds, unused)
        if words is None:
            elsewhere = [] if meant else self._elsewhere(path)
            hint = f"did you mean {meant or join(elsewhere)}?" if meant or elsewhere else ""
            hint = hint or f"known keys: {', '.join(known)}"
            words = f"is not a known key; {hint}"
        return FaultAt(
            place.fault(f"{dotted(path)} {words}"),
            path,
            path,
            unused,
            unsure=meant is None and not kinds,
        )

    def _elsewhere(self, path: KeyPath) -> list[str]:
        """Keys of this name one mapping further down."""
        model = self.view.hint(path[:-1]).model
        fields = keys(model) if model is not None else {}
        below = {name: Hint.of_field(field) for name, field in fields.items()}
        return [
            dotted((*path[:-1], name, path[-1]))
            for name, hint in below.items()
            if any(
                path[-1] in keys(each.model)
                for each in (hint, *tags(hint).values())
                if each.model is not None
            )
        ]

    def _kinds(self, path: KeyPath) -> dict[str, Hint]:
        """Kinds that the mapping at ``path`` may have."""
        return tags(self.view.hint(path))

    def _tag(self, path: KeyPath, hint: Hint) -> FaultAt:
        """Fault of a mapping whose key ``kind`` is absent, misspelt or has an unknown value."""
        by_tag, data = tags(hint), self.view.value(path)
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
                    return FaultAt(
                        place.fault(
                            f"{dotted((*path, name))} is not a known key; did you mean {key}?"
                        ),
                        (*path, name),
                        (*path, name),
                        key,
                    )
        rule = join(list(by_tag))
        inner = (*path, key)
        value = self.view.value(inner)
        suggestion = did_you_mean(value, by_tag)
        if not suggestion and isinstance(value, str):
            registered = any(isinstance(each, Kinds) for each in hint.metadata)
            suggestion = "; a plug-in's kind needs --plugin FILE.py" if registered else ""
        fault = self.document.place(inner).fault(
            f"{dotted(inner)} must be {rule}, got {self.view.text(inner)}{suggestion}"
        )
        return FaultAt(fault, inner, kind=closest(value, by_tag))

    def _problem(self, base: KeyPath, problem: Problem) -> FaultAt:
        """Fault of a broken rule between keys."""
        path = (*base, *problem.path)
        candidates = [path, *((*base, *other) for other in problem.involved)]
        placed = [other for other in candidates if other in self.document.values]
        in_this_file = [
            other for other in placed if self.document.values[other].source == self.document.source
        ]
        place = self.document.place((in_this_file or placed or [path])[0])
        given, got = self.document.values.get(path), self.view.text(path)
        if got == "nothing" and problem.got is not None:
            got = spell(problem.got)
        if given is None:
            got += "" if got == "nothing" else ", its default"
        elif given != place:
            got += f" of {Path(given.source).name}:{given.line}"
        return FaultAt(
            place.fault(f"{dotted(path)} must be {problem.rule}, got {got}"), path, broken=True
        )
