"""Base classes of all documents: strict models that report all faults when read, and write
themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple, Self, TypeVar, get_args, get_type_hints

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from accelsim.config.plugins.names import names_code
from accelsim.config.reading.values import instance
from accelsim.config.schema import model_schema
from accelsim.config.suggest import newer
from accelsim.errors import Fault, InputError

Count = Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0)]
"""An integer, or a float in the weighted means of a hybrid result."""
Energy = Annotated[float, Field(ge=0)]
Area = Annotated[float, Field(ge=0)]


def _without_code(rule: str) -> str:
    if names_code(rule):
        raise ValueError("the name of a rule, not a file of code")
    return rule


RuleText = Annotated[str, AfterValidator(_without_code)]
"""A rule with its options. A document that names a file of code is refused."""


OMITTED: dict[str, Any] = {"omitted": True}
"""Metadata of a field that documents omit while it is empty."""
EMPTY = Field(json_schema_extra={"default": {}})
"""Annotation of a mapping that is empty by default, so that the schema states the default."""


_INTERNAL = frozenset(
    {"checked", "field_names", "file_name", "json_schema", "of", "of_step", "parse", "refined"}
    | {"reported_passes"}
    | {"energy_samples", "schema_name", "sources", "unsourced", "unverified_areas"}
    | {"weighted_ops", "with_intervals"}
)


class Part:
    """A JSON object of a document: a frozen dataclass with slots, compact and fast to create.

    It is read strictly, without type conversion. Unknown keys are ignored, so that documents may
    gain keys.
    """

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="ignore")

    def to_json(self) -> dict[str, Any]:
        """Plain data for JSON, with keys in the order of the fields."""
        layout = _LAYOUTS.get(type(self)) or _layout(type(self))
        values = layout.values(self)
        document = dict(zip(layout.keys, values, strict=True))
        if not _SCALARS.issuperset(map(type, values)):
            for key, value in document.items():
                document[key] = _plain(value)
        for key in layout.omitted:
            if not document[key]:
                del document[key]
        return document

    def __dir__(self) -> list[str]:
        """Names for readers of results, without those that the package itself uses."""
        return [
            name
            for name in super().__dir__()
            if not name.startswith("_") and not name.endswith("_") and name not in _INTERNAL
        ]

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """Names of the fields, in order."""
        return tuple(each.name for each in _fields(cls))


class _Layout(NamedTuple):
    """How a part is written: a getter of its fields' values, their keys, and the keys omitted when
    empty. A field whose key is a Python keyword has a trailing underscore.
    """

    values: Callable[[Part], tuple[Any, ...]]
    keys: tuple[str, ...]
    omitted: tuple[str, ...]


_LAYOUTS: dict[type[Part], _Layout] = {}
_SCALARS = frozenset({int, float, str, bool, type(None)})


def _layout(part: type[Part]) -> _Layout:
    names = part.field_names()
    omitted = (each.name for each in _fields(part) if each.metadata == OMITTED)
    keys = tuple(name.rstrip("_") for name in names)
    return _LAYOUTS.setdefault(part, _Layout(attrgetter(*names), keys, tuple(omitted)))


def _fields(part: type[Any]) -> tuple[Any, ...]:
    return fields(part)


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in _SCALARS:
        return value
    if isinstance(value, Part):
        return value.to_json()
    if kind is dict and _SCALARS.issuperset(map(type, value.values())):
        return value.copy()
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, Sequence):
        return [_plain(each) for each in value]
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    return value


class Document(Part):
    """A whole document. The field ``schema_`` is a literal with the kind of document and its
    version.
    """

    __slots__ = ()

    @classmethod
    def schema_name(cls) -> str:
        """Value of the key ``schema``, such as ``accelsim.result/1``."""
        annotation = get_type_hints(cls)["schema_"]
        return str(get_args(annotation)[0])

    @classmethod
    def file_name(cls) -> str:
        """Name of the document in a folder, such as ``result.json``."""
        return f"{cls.schema_name().partition('.')[2].partition('/')[0]}.json"

    @classmethod
    def parse(cls, value: object, source: str = "") -> Self:
        """Check parsed JSON that was read from ``source``.

        Raises InputError for another kind of document, and with every fault by its dotted key.
        """
        kind = schema_of(value)
        if kind != cls.schema_name():
            raise InputError(Fault(source, 0, 0, schema_refusal([cls.schema_name()], kind)))
        return checked(cls, value, source)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a file, or the document in a folder that `save` or ``--out`` wrote. Raises
        InputError if it cannot be read or is not JSON, and like `parse`.
        """
        file = Path(instance("path", path, (str, Path), "a file or a folder"))
        if file.is_dir():
            file /= cls.file_name()
        return cls.parse(read_json(file), str(file))

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON Schema of the document."""
        return model_schema(cls)


AnyPart = TypeVar("AnyPart", bound=Part)


def checked(part: type[AnyPart], value: object, source: str = "") -> AnyPart:
    """A part from parsed JSON. Raises InputError with every fault by its dotted key."""
    if part not in _ADAPTERS:
        _ADAPTERS[part] = TypeAdapter(part)
    try:
        # From JSON text, because a strict dataclass accepts objects and enum values only there.
        checked_part: AnyPart = _ADAPTERS[part].validate_json(json.dumps(value))
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":  # pydantic's limit is below Python's
            raise InputError(Fault(source, 0, 0, TOO_DEEP)) from None
        raise InputError(*faults(error, value, source)) from None
    except RecursionError:
        raise InputError(Fault(source, 0, 0, TOO_DEEP)) from None
    return checked_part


_ADAPTERS: dict[type[Part], TypeAdapter[Any]] = {}


def schema_of(value: object) -> object:
    """Value of the key ``schema`` of parsed JSON, or None."""
    return value.get("schema") if isinstance(value, Mapping) else None


REMEDY = {
    True: "a newer accelsim wrote this file; upgrade accelsim, or write the file again with this "
    "version",
    False: "an older accelsim wrote this file; write the file again with this version",
}
"""By whether the document is newer: the cause of a refusal, and what to do."""


def schema_refusal(known: Sequence[str], got: object, key: str = "schema") -> str:
    """The fault of a document whose schema is none of ``known``. If it is another version of one,
    the fault says what to do. ``key``: the dotted key of the schema.
    """
    for name in known:
        later = newer(name, got)
        if later is not None:
            return f"{key} must be {name}, got {got}: {REMEDY[later]}"
    rule = known[0] if len(known) == 1 else f"one of {', '.join(known)}"
    return f"{key} must be {rule}, got {_shown(got)}"


TOO_DEEP = "must be JSON, got values that are nested too deep"


def read_json(path: Path) -> object:
    """Parse a JSON file. Raises InputError if it cannot be read or is not JSON."""
    try:
        value: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(Fault(str(path), 0, 0, f"cannot be read: {error.strerror}")) from None
    except UnicodeDecodeError:
        message = "must be JSON, got bytes that are not UTF-8"
        raise InputError(Fault(str(path), 0, 0, message)) from None
    except json.JSONDecodeError as error:
        message = f"must be JSON, got a syntax error: {error.msg}"
        raise InputError(Fault(str(path), error.lineno, error.colno, message)) from None
    except ValueError:  # Python limits the digits of an integer
        message = "must be JSON, got an integer with too many digits"
        raise InputError(Fault(str(path), 0, 0, message)) from None
    except RecursionError:
        raise InputError(Fault(str(path), 0, 0, TOO_DEEP)) from None
    return value


_WORDING = (
    ("Input should be ", ""),
    ("Value error, ", ""),
    ("String should match", "match"),
    ("Tuple should have at least 1 item after validation, not 0", "a list of at least 1 item"),
    ("greater than or equal to", ">="),
    ("less than or equal to", "<="),
)
"""Phrases of pydantic's messages, and their replacements after "must be"."""


def faults(error: ValidationError, value: object, source: str) -> Iterator[Fault]:
    """Faults of a value that a model refused, one per dotted key."""
    seen: set[str] = set()
    for item in error.errors(include_url=False):
        if item["type"] == "too_short" and item["input"]:
            continue  # it has items, all of which are refused above
        missing = item["type"] == "missing"
        key = _dotted(item["loc"], value, missing)
        if key not in seen:
            seen.add(key)
            yield Fault(source, 0, 0, f"{key} is missing" if missing else _refusal(key, item))


def _dotted(places: Sequence[str | int], value: Any, missing: bool) -> str:
    """Dotted key from pydantic's places. Places that are not keys or indices of ``value``, such as
    the tried members of a union, are skipped. The last place of a ``missing`` key is always a key.
    """
    keys = []
    for index, place in enumerate(places):
        try:
            value = value[place]
        except (KeyError, IndexError, TypeError):
            if not missing or index < len(places) - 1:
                continue
        keys.append(str(place))
    return ".".join(keys)


def _refusal(key: str, item: Mapping[str, Any]) -> str:
    """Message ``key must be <rule>, got <value>``."""
    if item["type"] == "literal_error" and key.rpartition(".")[2] == "schema":
        return schema_refusal([item["ctx"]["expected"].strip("'")], item["input"], key)
    rule = item["msg"]
    for theirs, ours in _WORDING:
        rule = rule.replace(theirs, ours)
    verb = "must" if rule.startswith("match") else "must be"
    return f"{key or 'the document'} {verb} {rule}, got {_shown(item['input'])}"


def _shown(value: object) -> str:
    """A value for a message, shortened to 60 characters."""
    try:
        text = json.dumps(value, default=str)
    except RecursionError:
        return "values that are nested too deep"
    return text if len(text) <= 60 else f"{text[:57]}..."
