"""Importer of workload YAML files."""

from __future__ import annotations

from pathlib import Path

from accelsim.config.loader import validate_document
from accelsim.config.source import read_document
from accelsim.workload.file import Workload
from accelsim.workload.network import Network
from accelsim.workload.resolve import resolve


def load_network(path: str | Path) -> Network:
    """Read a workload file and resolve its shapes.

    Raises InputError with every fault and its line and column.
    """
    document = read_document(path)
    return resolve(validate_document(document, Workload), document.place)
