"""From plain data to a model. All faults are reported together, each at its place and worded
``<key> must be <rule>, got <value>``.
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
    """Read and validate a YAML file. Raises InputError with every fault of the file, in order.

    Sequences are passed to the model as tuples, so a field for a list must be a ``tuple[...]``.
    """
    return validate_document(read_document(path), model)


def validate_data(data: Mapping[str, Any], model: type[Model], source: str = "") -> Model:
    """Validate plain data that do not come from a file, such as a caller's dict. Faults then have
    no line. Raises InputError with every fault.
    """
    return validate_document(Document(source, data), model)


def validate_document(document: Document, model: type[Model]) -> Model:
    """Validate a document's data. Raises InputError with every fault, including those of the
    document.
    """
    result, faults = _validated(document, model)
    if faults or result is None:
        raise InputError(*in_order(document, faults))
    return result


def in_order(document: Document, faults: Iterable[Fault]) -> list[Fault]:
    """Each fault once: first those of the document's own file by position, then those of its base
    files.
    """
    return sorted(set(faults), key=lambda fault: (fault.source != document.source, fault))


def faults_of(document: Document, model: type[BaseModel]) -> tuple[Fault, ...]:
    """Every fault of a document; () if there are none."""
    try:
        validate_document(document, model)
    except InputError as error:
        return error.faults
    return ()


def _validated(document: Document, model: type[Model]) -> tuple[Model | None, list[Fault]]:
    """Validate; for each unknown key, record the fault, correct the spelling (or drop the key), and
    validate again. Each mistake is thus reported once.
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
