"""Strict YAML: plain data, and the place in the file of every key and value.

Scalars are those of `accelsim.config.reading.scalars`. Faults are: anchors, aliases, tags, merge
keys, more than one document per file, keys that are not texts, and duplicate keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from accelsim.config.reading import scalars
from accelsim.errors import Fault, InputError

KeyPath = tuple[str | int, ...]
"""Keys and list indices from the root to a value."""

MAX_DEPTH = 50
"""Maximum nesting depth. No specification comes close to it; deeper files would only exhaust the
stack.
"""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TOO_DEEP = "maximum nesting depth"


@dataclass(frozen=True)
class Place:
    """Place of a key or value (``line`` and ``column`` from 1, or 0 if it is not in a file), and
    the value's text there.
    """

    source: str
    line: int
    column: int
    text: str = ""

    def fault(self, message: str) -> Fault:
        """A fault at this place."""
        return Fault(self.source, self.line, self.column, message)


@dataclass(frozen=True)
class Document:
    """A file's data with the places of its keys and values. YAML lists become lists, and mappings
    become dicts in file order.

    ``unread``: paths of values with a fault in ``faults``; the data hold None instead. ``partial``:
    if true, absent keys may be given in a base file that could not be read.
    """

    source: str
    data: Any
    keys: Mapping[KeyPath, Place] = field(default_factory=dict)
    values: Mapping[KeyPath, Place] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    unread: frozenset[KeyPath] = frozenset()
    partial: bool = False

    def place(self, path: KeyPath) -> Place:
        """Place of the value, or of the nearest enclosing mapping that the file contains."""
        if path in self.values:
            return self.values[path]
        return self.owner(path)

    def owner(self, path: KeyPath) -> Place:
        """Place of the nearest enclosing mapping or list: that of its key if it has one, else its
        start.
        """
        for length in range(len(path) - 1, -1, -1):
            prefix = path[:length]
            if prefix in self.keys:
                return self.keys[prefix]
            if prefix in self.values:
                return self.values[prefix]
        return Place(self.source, 1 if self.values else 0, 1 if self.values else 0)


def dotted(path: KeyPath) -> str:
    """Path as text: ``("layers", 3, "stride")`` -> ``layers[3].stride``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read_document(path: str | Path) -> Document:
    """Read a YAML file. Other faults than the following are collected in ``faults``.

    Raises InputError if the file cannot be read, is not UTF-8, has a YAML syntax error or is empty.
    """
    return parse_document(read_text(path), str(path))


def read_text(path: str | Path) -> str:
    """Text of a file, without a byte-order mark. Raises InputError if the file is missing,
    unreadable or not UTF-8.
    """
    source = str(path)
    try:
        raw = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(Fault(source, 0, 0, "no such file")) from None
    except IsADirectoryError:
        raise InputError(Fault(source, 0, 0, "must be a file, got a directory")) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(Fault(source, 0, 0, f"cannot be read: {reason}")) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        raise InputError(
            Fault(
                source, line, column, f"the file must be UTF-8, got byte 0x{raw[error.start]:02x}"
            )
        ) from None


def parse_document(text: str, source: str = "") -> Document:
    """Parse YAML text. Raises InputError for a syntax error or an empty document."""
    try:
        builder = _built(text, source)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        words = ", ".join(part for part in (error.context, error.problem) if part)
        raise InputError(
            Fault(source, line, column, f"the file must be valid YAML: {words}")
        ) from None
    except yaml.reader.ReaderError as error:
        line, column = _bad_character(text)
        raise InputError(
            Fault(source, line, column, f"the file must be valid YAML: {error.reason}")
        ) from None
    return Document(
        source,
        builder.data,
        builder.keys,
        builder.values,
        tuple(sorted(builder.faults)),
        frozenset(builder.unread),
    )


def _built(text: str, source: str) -> _Builder:
    """A builder that has read the whole text. Raises yaml's own errors for a syntax error."""
    builder = _Builder(source)
    try:
        builder.read(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        if _TOO_DEEP not in str(error.problem):
            raise
        # libyaml scans ahead of its events, so its own depth limit is reached before MAX_DEPTH. The
        # pure Python parser has no limit.
        builder = _Builder(source)
        builder.read(yaml.parse(text, Loader=yaml.SafeLoader))
    return builder


def _bad_character(text: str) -> tuple[int, int]:
    """(line, column) of the first character that YAML does not allow."""
    match = yaml.reader.Reader.NON_PRINTABLE.search(text)
    before = text[: match.start()] if match else ""
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


class _Builder:
    """Builds data from libyaml's events, in which anchors, tags and duplicate keys are still
    visible.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.data: Any = None
        self.keys: dict[KeyPath, Place] = {}
        self.values: dict[KeyPath, Place] = {}
        self.faults: list[Fault] = []
        self.unread: set[KeyPath] = set()
        self.spelt: dict[str, str] = {}
        """Substitutes used in the paths of values that are excluded from the data, and the key in
        the file.
        """

    def read(self, events: Iterator[Any]) -> None:
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.faults.append(
                        self._place(event).fault("the file must be one YAML document, got a second")
                    )
                    for _ in events:  # read the rest, so that its syntax is checked too
                        pass
                    return
                self.data = self._value(next(events), events, ())
        if documents == 0:
            raise InputError(
                Fault(
                    self.source, 1, 1, "the file must be a mapping of keys to values, got nothing"
                )
            )

    def _name(self, path: KeyPath) -> str:
        """A path as text, with the keys that the file has."""
        return (
            dotted(
                tuple(
                    self.spelt.get(part, part) if isinstance(part, str) else part for part in path
                )
            )
            or "the file"
        )

    def _place(self, event: Any, text: str = "") -> Place:
        return Place(self.source, event.start_mark.line + 1, event.start_mark.column + 1, text)

    def _value(self, event: Any, events: Iterator[Any], path: KeyPath) -> Any:
        name = self._name(path)
        if isinstance(event, yaml.AliasEvent):
            self.values[path] = self._place(event, f"*{event.anchor}")
            return self._unread(event, path, f"written out, got the alias *{event.anchor}")
        if event.anchor is not None:
            self.faults.append(
                self._place(event).fault(
                    f"{name} must be written without an anchor, got &{event.anchor}"
                )
            )
        if event.tag is not None:
            self.faults.append(
                self._place(event).fault(f"{name} must be written without a tag, got {event.tag}")
            )
        if len(path) > MAX_DEPTH:
            raise InputError(
                self._place(event).fault(
                    f"the file must be nested at most {MAX_DEPTH} deep, got more"
                )
            )
        if isinstance(event, yaml.MappingStartEvent):
            self.values[path] = self._place(event, "a mapping")
            return self._mapping(events, path)
        if isinstance(event, yaml.SequenceStartEvent):
            self.values[path] = self._place(event, "a list")
            return self._sequence(events, path)
        return self._scalar(event, path)

    def _scalar(self, event: Any, path: KeyPath) -> Any:
        text: str = event.value
        plain = event.style is None or event.style == ""
        shown = (text or "null") if plain else '"' + text.replace("\n", "\\n") + '"'
        self.values[path] = self._place(event, scalars.shortened(shown))
        if not plain:
            return text
        refusal = scalars.refusal(text)
        if refusal:
            return self._unread(event, path, refusal)
        return scalars.value(text)

    def _unread(self, event: Any, path: KeyPath, rule: str) -> None:
        """Record a fault of a value. The data hold None instead."""
        self.faults.append(self._place(event).fault(f"{self._name(path)} must be {rule}"))
        self.unread.add(path)

    def _sequence(self, events: Iterator[Any], path: KeyPath) -> list[Any]:
        items: list[Any] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._value(event, events, (*path, len(items))))
        return items

    def _mapping(self, events: Iterator[Any], path: KeyPath) -> dict[str, Any]:
        items: dict[str, Any] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, events, path)
            inner = (*path, key)
            place = self._place(event)
            if key == "<<" or key in self.spelt:
                self._value(next(events), events, inner)
                continue
            if key in items:
                self.faults.append(
                    place.fault(
                        f"{self._name(inner)} must appear once, got it again (first at line "
                        f"{self.keys[inner].line})"
                    )
                )
                aside = f"{key}#{place.line}:{place.column}"  # read, but excluded from the data
                self.spelt[aside] = key
                inner = (*path, aside)
                self._value(next(events), events, inner)
                continue
            self.keys[inner] = place
            items[key] = self._value(next(events), events, inner)
        return items

    def _key(self, event: Any, events: Iterator[Any], path: KeyPath) -> str:
        place = self._place(event)
        where = f"a key of {self._name(path)}" if path else "a key"
        if isinstance(event, yaml.ScalarEvent) and event.anchor is None and event.tag is None:
            if event.value == "<<" and not event.style:
                self.faults.append(
                    place.fault(f"{where} must be written out, got the merge key <<")
                )
            return str(event.value)
        self.faults.append(place.fault(f"{where} must be a text, without anchor or tag"))
        if isinstance(event, yaml.ScalarEvent):
            return str(event.value)
        aside = f"?{place.line}:{place.column}"
        self.spelt[aside] = "?"
        if not isinstance(event, yaml.AliasEvent):
            self._value(event, events, (*path, aside))
        return aside
