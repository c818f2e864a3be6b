"""The class of a machine's PE kind, as its section names it."""

from __future__ import annotations

from importlib import import_module

from accelsim.machine.architecture import Architecture
from accelsim.pe.kind import PEKind


def pe_kind(architecture: Architecture) -> PEKind:
    """The machine's PE kind. Its module is imported on first use."""
    module, _, name = architecture.pe_array.verbs.partition(":")
    kind: PEKind = getattr(import_module(module), name)(architecture)
    return kind
