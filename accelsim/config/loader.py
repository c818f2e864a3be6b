"""Plain data -> model, every fault at once, each at its place and worded ``<key> must be <rule>,
got <value>``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from accelsim.config.describe import Hint, spell
from accelsim.config.reading.faults import FaultReader, frozen
from accelsim.config.reading.members import with_likely_kinds
from accelsim.config.reading.slips import without_slips
from accelsim.config.source import Document, KeyPath, read_document
from accelsim.errors import Fault, InputError

Model = TypeVar("Model", bound=BaseModel)


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
    if document.partial and isinstance(document.data, dict):
        document = replace(document, data=with_likely_kinds(document.data, model))
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
        reader = FaultReader(document, Hint(model))
        try:
            return model.model_validate(frozen(document.data)), faults
        except ValidationError as error:
            faults_at = list(reader.read(error))
        slips = [item for item in faults_at if item.key is not None or item.kind is not None]
        if not slips:
            return None, faults + reader.judged(faults_at, unsure) or [
                item.fault for item in faults_at
            ]
        faults += [item.fault for item in slips]
        unsure |= {slip.path[:-1] for slip in slips if slip.unsure}
        document = without_slips(document, slips)
