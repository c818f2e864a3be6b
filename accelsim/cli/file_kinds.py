"""Kinds of files that users hand in: what `accelsim check` looks for in each beyond its own keys,
and the JSON Schemas of `accelsim schema`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from accelsim.cli.checking import FileType, check_file, model_type
from accelsim.errors import Fault, InputError


def faults(path: Path) -> list[Fault]:
    """Everything wrong with a file of any kind; [] when it is right."""
    from accelsim.workload.file import Workload
    from accelsim.workload.loading import LOADERS

    foreign = tuple(suffix for suffix in LOADERS if suffix not in (".yaml", ".yml"))
    further = [
        model_type("workload", Workload, _workload),
        FileType("trace", _trace, suffixes=(".npz",)),
        FileType("result", _result, suffixes=(".json",)),
    ]
    if foreign:
        further.append(FileType("foreign workload", _workload, suffixes=foreign))
    return check_file(path, further)


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind of file; InputError when there is no such kind."""
    if kind not in SCHEMAS:
        raise InputError(f"schema must be one of {', '.join(SCHEMAS)}, got {kind}")
    return SCHEMAS[kind]()


def _model_schema(module: str, name: str) -> Callable[[], dict[str, Any]]:
    """The schema of a model of input files, which is imported when it is wanted."""

    def made() -> dict[str, Any]:
        from importlib import import_module

        from accelsim.cli.pages.documentation import json_schema

        return json_schema(getattr(import_module(f"accelsim.{module}"), name))

    return made


def _report_schema(module: str) -> Callable[[], dict[str, Any]]:
    """The schema of a document that reports read."""

    def made() -> dict[str, Any]:
        from importlib import import_module

        found: dict[str, Any] = import_module(f"accelsim.{module}").json_schema()
        return found

    return made


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "arch": _model_schema("machine.architecture", "Architecture"),
    "workload": _model_schema("workload.file", "Workload"),
    "dram": _model_schema("dram.standard", "DramSpec"),
    "technology": _model_schema("cost.technology", "TechnologyFile"),
    "result": _report_schema("results.document"),
    "reproduction": _report_schema("report.reproduction.document"),
    "dram-result": _report_schema("report.dram"),
}


def _workload(path: Path) -> Sequence[Fault]:
    """The shapes must fit together, too."""
    from accelsim.workload.loading import load_network

    return _faults_of(lambda: load_network(path))


def _trace(path: Path) -> Sequence[Fault]:
    from accelsim.zeros.trace import Trace

    return _faults_of(lambda: Trace.read(path))


def _result(path: Path) -> Sequence[Fault]:
    """A result of the right form must obey the laws of conservation; training, reproduction and
    DRAM documents have none to obey.
    """
    from accelsim.report import dram
    from accelsim.report.reproduction import document as reproduction
    from accelsim.report.training import TrainingDocument, load_any
    from accelsim.results.document import read_json
    from accelsim.results.document_laws import violations

    broken: list[Fault] = []

    def read() -> None:
        value = read_json(path)
        if reproduction.is_reproduction(value):
            reproduction.load(path)
            return
        if dram.is_dram(value):
            dram.load(path)
            return
        found = load_any(path)
        if not isinstance(found, TrainingDocument):
            broken.extend(Fault(str(path), 0, 0, line) for line in violations(found))

    return _faults_of(read) or broken


def _faults_of(read: Callable[[], object]) -> tuple[Fault, ...]:
    try:
        read()
    except InputError as error:
        return error.faults
    return ()
