"""Networks from ONNX files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from accelsim.config.loader import validate_document
from accelsim.config.source import Document, KeyPath, Place
from accelsim.workload.file import Workload
from accelsim.workload.importers.onnx.building import Imported, import_file
from accelsim.workload.importers.options import ImportOptions
from accelsim.workload.network import Network
from accelsim.workload.resolve import resolve


def load_network(path: str | Path, options: ImportOptions | None = None) -> Network:
    """Read an ONNX file: its graph, without the weights.

    Raises InputError, with the node of each fault.
    """
    path = Path(path)
    return _network(path, import_file(path, options or ImportOptions()))


def imported_file(path: Path, options: ImportOptions | None = None) -> Imported:
    """The workload of an ONNX file, which has a network. Raises InputError as `load_network`."""
    imported = import_file(path, options or ImportOptions())
    _network(path, imported)
    return imported


def _network(path: Path, imported: Imported) -> Network:
    document = document_of(path, imported)
    network = resolve(validate_document(document, Workload), document.place)
    return replace(network, notes=imported.notes)


def document_of(path: Path, imported: Imported) -> Document:
    """The workload as a document whose places are nodes of the file."""
    places: dict[KeyPath, Place] = {(): Place(str(path), 0, 0)}
    for index, layer in enumerate(imported.data["layers"]):
        node = imported.sources[layer["name"]]
        places["layers", index] = Place(f"{path}: {node.place}", 0, 0)
    return Document(str(path), imported.data, keys=places)
