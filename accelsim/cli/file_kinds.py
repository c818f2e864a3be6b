"""All kinds of input and result files: how each is checked, and its JSON Schema.

To add a kind of file, add a row to `_INPUTS`, or a row to `_RESULTS` and a branch to
`_result_faults`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelsim.config.plugins.files import SUFFIX
from accelsim.config.reading.file_types import (
    FileType,
    check_file,
    faults_of_reading,
    file_type,
    model_type,
)
from accelsim.config.source import read_document
from accelsim.errors import Fault, InputError

if TYPE_CHECKING:
    from accelsim.workload.importers.options import ImportOptions

_INPUTS = {
    "arch": ("machine.architecture:Machine", "machine.loading:load_machine"),
    "workload": ("workload.file:Workload", "workload.loading:load_network"),
    "technology": ("cost.technology_file:TechnologyFile", "cost.technology:load_technology"),
    "dram": ("dram.standard:DramSpec", ""),
    "ert-map": ("cost.ert:ErtMap", "cost.ert:mapped_prices"),
}
"""YAML files: the model of each, and a function that loads the file if it must satisfy more than
the model.
"""

_RESULTS = {
    "result": "results.kinds:json_schema",
    "reproduction": "results.reproduction:ReproductionDocument.json_schema",
    "dram-result": "results.dram:DramDocument.json_schema",
    "machine": "results.machine:MachineDocument.json_schema",
}
"""JSON documents: the function that gives their JSON Schema."""

_SCHEMAS = ("arch", "workload", "dram", "technology", *_RESULTS)
"""In the order in which `accelsim schema` names them."""

MOST_LAWS = 10
"""Maximum number of broken laws that are listed for a document; one wrong number breaks many."""


def faults(path: Path, importing: ImportOptions | None = None) -> list[Fault]:
    """Everything wrong with a file of any kind; [] when it is right. ``importing``: options for
    ONNX files.
    """
    if path.suffix.lower() == SUFFIX:
        used = f"accelsim list rules --plugin {path}"
        return [Fault(str(path), 0, 0, f"a plug-in is checked where it is used: {used}")]
    types = file_types(importing)
    wrong = check_file(path, types)
    known = (".yaml", ".yml", *(suffix for each in types for suffix in each.suffixes))
    if wrong and path.suffix and path.suffix.lower() not in known:
        hint = f"; a plug-in that reads {path.suffix} needs --plugin FILE.py"
        wrong[-1] = replace(wrong[-1], message=wrong[-1].message + hint)
    return wrong


def warnings(path: Path) -> list[str]:
    """Warnings of sizes in a valid file that are possible but implausible. Only machines have
    any.
    """
    if path.suffix.lower() not in (".yaml", ".yml"):
        return []
    kind = file_type(read_document(path), file_types())
    if kind is None or kind.name != "arch":
        return []
    from accelsim.experiment.machine_facts import size_warnings
    from accelsim.machine.loading import load_machine

    return size_warnings(load_machine(path))


def file_types(importing: ImportOptions | None = None) -> tuple[FileType, ...]:
    """The types of all files, with the functions that check them. ``importing``: options for ONNX
    files.
    """
    from accelsim.config.registries import IMPORTERS

    foreign = tuple(suffix for suffix in IMPORTERS.names() if suffix not in (".yaml", ".yml"))
    types = [
        model_type(name, _import(model), _faults_by(_import(loader)) if loader else None)
        for name, (model, loader) in _INPUTS.items()
    ]
    types.append(FileType("trace", _trace_faults, suffixes=(".npz",)))
    types.append(FileType("result", _result_faults, suffixes=(".json",)))
    if foreign:
        load_network = _import(_INPUTS["workload"][1])

        def load(path: Path) -> object:
            given = importing if path.suffix.lower() == ".onnx" else None
            return load_network(path, given)

        types.append(FileType("workload", _faults_by(load), suffixes=foreign))
    return tuple(types)


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind of file; InputError when there is no such kind."""
    if kind not in _SCHEMAS:
        raise InputError(f"schema must be one of {', '.join(_SCHEMAS)}, got {kind}")
    if kind in _INPUTS:
        from accelsim.config.schema import file_schema

        return file_schema(_import(_INPUTS[kind][0]))
    document_schema: dict[str, Any] = _import(_RESULTS[kind])()
    return document_schema


def _import(place: str) -> Any:
    """The attribute at ``module:attribute`` of this package, imported on demand."""
    module, _, attribute = place.partition(":")
    return attrgetter(attribute)(import_module(f"accelsim.{module}"))


def _faults_by(load: Callable[[Path], object]) -> Callable[[Path], Sequence[Fault]]:
    """A check that reads the file with ``load``."""
    return lambda path: faults_of_reading(lambda: load(path))


def _trace_faults(path: Path) -> Sequence[Fault]:
    from accelsim.zeros.trace import Trace

    return faults_of_reading(lambda: Trace.read(path))


def _result_faults(path: Path) -> Sequence[Fault]:
    """Faults of a result document that fits its schema: the conservation laws it breaks. Training,
    reproduction and DRAM documents have no such laws.
    """
    from accelsim.results import kinds
    from accelsim.results.comparison import Comparison
    from accelsim.results.dram import DramDocument
    from accelsim.results.laws import violations
    from accelsim.results.machine import MachineDocument
    from accelsim.results.reproduction import ReproductionDocument
    from accelsim.results.result import Result
    from accelsim.results.training import TrainingDocument

    readable = (
        *kinds.SIMULATIONS,
        TrainingDocument,
        ReproductionDocument,
        DramDocument,
        MachineDocument,
    )
    try:
        document = kinds.read(path, readable)
    except InputError as error:
        return error.faults
    if not isinstance(document, Result | Comparison):
        return ()
    broken = violations(document)
    left = len(broken) - MOST_LAWS
    shown = [*broken[:MOST_LAWS], *([f"and {left} more broken laws"] if left > 0 else [])]
    return [Fault(str(path), 0, 0, line) for line in shown]
