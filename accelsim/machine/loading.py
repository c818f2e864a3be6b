"""Loading of machines by name or file: presets, overrides, and the tables that a machine names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from accelsim.config import catalog
from accelsim.config.describe import join, keys, spell
from accelsim.config.loader import faults_of, in_order, validate_document
from accelsim.config.reading.values import instance, unboxed
from accelsim.config.registries import PE_KINDS
from accelsim.config.source import Document, KeyPath, Place, dotted, read_document
from accelsim.config.suggest import closest, did_you_mean
from accelsim.errors import Fault, InputError
from accelsim.machine.architecture import Machine
from accelsim.machine.pe_base import PEArray, kept_keys

BASE = "base"
_TABLES: dict[KeyPath, catalog.FileKind] = {
    ("technology",): "technology",
    ("dram", "standard"): "dram",
}
_NOT_INHERITED = (BASE, "name", "description")
"""Keys that a file does not inherit. A derived machine needs its own name, so that results can tell
the two apart.
"""


def load_machine(
    name_or_path: str | Path, overrides: Mapping[str, object] | None = None
) -> Machine:
    """The machine of a built-in name or a YAML file, merged over its ``base``.

    ``overrides``: values by dotted key, laid over the file: ``{"pe_array.lanes": 8, "clock":
    "1GHz"}``. InputError with every fault; a fault in an inherited value has the place where the
    value is written.

    >>> import accelsim
    >>> machine = accelsim.load_machine("near-memory")
    >>> machine
    Machine(near-memory: 16 x 16 PEs in an array of lanes, near_memory, 800MHz)
    """
    instance("machine", name_or_path, (str, Path), "a built-in name or a file")
    changes = instance("overrides", overrides or {}, Mapping, "a mapping of keys to values")
    given = {
        instance("a key of overrides", key, str, "a text"): unboxed(value)
        for key, value in changes.items()
    }
    return resolved(with_overrides(read_architecture(catalog.find("arch", name_or_path)), given))


def read_architecture(path: str | Path) -> Document:
    """A machine file merged over its base, and over the base's base. InputError if the file cannot
    be read.

    A base that cannot be read becomes one of the document's faults, and the document is
    ``partial``.
    """
    return _read(Path(path), ())


def place_of(name_or_path: str | Path, path: KeyPath) -> Place | None:
    """Place of a machine's value in its file or in a base; None for a default. InputError if the
    file cannot be read.
    """
    return read_architecture(catalog.find("arch", name_or_path)).values.get(path)


def _read(path: Path, above: tuple[Path, ...]) -> Document:
    document = read_document(path)
    key = _base_key(document.data)
    if key is None:
        return document
    try:
        base = _base(document, key, path, above)
    except InputError as error:
        data = {other: value for other, value in document.data.items() if other != key}
        return replace(
            document,
            data=data,
            faults=(*document.faults, *error.faults, *_misspelt_base(document, key)),
            partial=True,
        )
    return merged(base, document)


def _base(document: Document, key: str, path: Path, above: tuple[Path, ...]) -> Document:
    """The base named by a machine's ``key``. InputError if it does not exist or holds no
    mapping.
    """
    place, value = document.place((key,)), document.data[key]
    chain = (*above, path.resolve())
    if not isinstance(value, str):
        raise InputError(
            place.fault(
                f"{BASE} must be the name of a built-in machine or a file, got {place.text}"
            )
        )
    base_path = catalog.find("arch", value, beside=path.parent, place=place)
    if base_path.resolve() in chain:
        raise InputError(
            place.fault(f"{BASE} must be another file, got {value}, which leads back here")
        )
    base = _read(base_path, chain)
    if not isinstance(base.data, dict):
        raise InputError(*faults_of(base, Machine))
    return base


def _misspelt_base(document: Document, key: str) -> list[Fault]:
    return (
        []
        if key == BASE
        else [document.keys[key,].fault(f"{key} is not a known key; did you mean {BASE}?")]
    )


def _base_key(data: Any) -> str | None:
    """The key that names the base, even if misspelt, or None.

    With a misspelt key the machine is still checked with its base, so the misspelling is the only
    fault.
    """
    if not isinstance(data, dict):
        return None
    if BASE in data:
        return BASE
    known = keys(Machine)
    return next((key for key in data if key not in known and closest(key, known) == BASE), None)


def merged(base: Document, own: Document) -> Document:
    """Merge ``own`` over its base, key by key. Name and description are never inherited."""
    inherited_paths: set[KeyPath] = set()
    inherited = {key: value for key, value in base.data.items() if key not in _NOT_INHERITED}
    data = _merge(_suited(inherited, own.data), own.data, (), inherited_paths)
    below = {
        path for path in base.values if any(path[: len(root)] == root for root in inherited_paths)
    }
    return replace(
        own,
        data={key: value for key, value in data.items() if key != BASE},
        keys={**{path: base.keys[path] for path in base.keys if path in below}, **own.keys},
        values={**{path: base.values[path] for path in below}, **own.values},
        faults=(*own.faults, *base.faults),
        unread=own.unread | (base.unread & below),
        partial=base.partial,
    )


def _suited(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The base without values that cannot hold for the derived machine's array kind or
    organization.

    Defaults replace them. A kind with a single organization implies that organization, so the file
    need not state it.
    """
    kind, before = _section(own), _section(base)
    organization = own.get("organization")
    base = dict(base)
    if kind is not None and before is not None and kind is not before:
        base["pe_array"] = kept_keys(before, kind, base["pe_array"])
        if len(kind.organizations) == 1:
            organization = base["organization"] = organization or kind.organizations[0]
    if organization == "von_neumann":
        base = _without(base, "vector_unit", ("update_in_pe",))
    return base


def _section(data: dict[str, Any]) -> type[PEArray] | None:
    """Section class of the array kind in a machine's data; None if it names none."""
    kind = _at(data, ("pe_array", "kind"))
    return PE_KINDS.resolve(kind) if kind in PE_KINDS else None


def _without(data: dict[str, Any], section: str, names: Sequence[str]) -> dict[str, Any]:
    below = data.get(section)
    return (
        {**data, section: {key: value for key, value in below.items() if key not in names}}
        if isinstance(below, dict)
        else data
    )


def _merge(
    base: dict[str, Any], own: dict[str, Any], path: KeyPath, inherited_paths: set[KeyPath]
) -> dict[str, Any]:
    """Merge ``own`` over ``base``, mapping by mapping.

    ``inherited_paths``: receives the paths of inherited values.
    """
    result: dict[str, Any] = {}
    for key in {**base, **own}:
        inner = (*path, key)
        if key not in own:
            inherited_paths.add(inner)
            result[key] = base[key]
        elif key in base and isinstance(base[key], dict) and isinstance(own[key], dict):
            result[key] = _merge(base[key], own[key], inner, inherited_paths)
        else:
            result[key] = own[key]
    return result


def with_overrides(document: Document, overrides: Mapping[str, object]) -> Document:
    """A document with values laid over it. Their faults give the key but no line, because the
    values are in no file.

    If an override changes the array kind, values of the document that the new kind lacks revert to
    defaults, as under a ``base``.
    """
    kind = overrides.get("pe_array.kind")
    if kind is not None and isinstance(document.data, dict):
        document = replace(
            document,
            data=_suited(
                document.data,
                {"pe_array": {"kind": kind}, "organization": overrides.get("organization")},
            ),
        )
    for text, value in overrides.items():
        path = tuple(text.split("."))
        place = Place("", 0, 0, spell(value))
        values = {
            other: at for other, at in document.values.items() if other[: len(path)] != path
        } | {path: place}
        places = {
            other: at for other, at in document.keys.items() if other[: len(path)] != path
        } | {path: place}
        unread = frozenset(other for other in document.unread if other[: len(path)] != path)
        document = replace(
            document,
            data=_overridden(document.data, path, value),
            keys=places,
            values=values,
            unread=unread,
        )
    return document


def _overridden(data: Any, path: tuple[str, ...], value: object) -> Any:
    if not path:
        return value
    below = data if isinstance(data, dict) else {}
    return {**below, path[0]: _overridden(below.get(path[0]), path[1:], value)}


def resolved(document: Document) -> Machine:
    """The validated machine, with the files that it names resolved relative to the machine's own
    file.
    """
    faults: list[Fault] = []
    update: dict[KeyPath, str] = {}
    for path, kind in _TABLES.items():
        value = _at(document.data, path)
        if isinstance(value, str):
            try:
                update[path] = _table(document, kind, path, value)
            except InputError as error:
                faults += error.faults
    try:
        architecture = validate_document(document, Machine)
    except InputError as error:
        hinted = [_with_base(document, fault) for fault in (*error.faults, *faults)]
        raise InputError(*in_order(document, hinted)) from None
    if faults:
        raise InputError(*in_order(document, faults))
    dram = architecture.dram.model_copy(
        update={"standard": update.get(("dram", "standard"), architecture.dram.standard)}
    )
    return architecture.model_copy(
        update={"technology": update.get(("technology",), architecture.technology), "dram": dram}
    )


_ABSENT = " must be a mapping, got nothing"


def _with_base(document: Document, fault: Fault) -> Fault:
    """The fault of an absent section, with a hint at ``base`` if the file has none."""
    if not fault.message.endswith(_ABSENT) or not isinstance(document.data, dict):
        return fault
    section = fault.message.removesuffix(_ABSENT)
    if document.partial or section not in keys(Machine):
        return fault
    hint = f": give it, or a machine to inherit it from, such as {BASE}: near-memory"
    return replace(fault, message=fault.message + hint)


def _at(data: Any, path: KeyPath) -> Any:
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data


def _table(document: Document, kind: catalog.FileKind, path: KeyPath, value: str) -> str:
    """The table's name if it is built in, else the path of its file. InputError if there is
    neither.
    """
    place = document.place(path)
    if catalog.is_file_name(value):
        return str(
            catalog.find(
                kind, value, beside=Path(place.source).parent if place.source else None, place=place
            )
        )
    known = catalog.names(kind)
    if value not in known:
        raise InputError(
            place.fault(
                f"{dotted(path)} must be {join([*known, 'a file'])}, got "
                f"{value}{did_you_mean(value, known)}"
            )
        )
    return value
