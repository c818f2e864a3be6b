"""Workload YAML -> Network."""

from __future__ import annotations

from pathlib import Path

from accelsim.network import Network
from accelsim.networks.resolve import resolve
from accelsim.spec.loader import validate_document
from accelsim.spec.network import Workload
from accelsim.spec.source import read_document


def load_network(path: str | Path) -> Network:
    """Read a workload file and resolve its shapes. InputError with every fault at its line and column."""
    document = read_document(path)
    return resolve(validate_document(document, Workload), document.place)
