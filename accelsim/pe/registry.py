"""The verbs of a machine's PE kind, which its section names."""

from __future__ import annotations

from importlib import import_module

from accelsim.machine.architecture import Architecture
from accelsim.pe.kind import PEKind


def pe_kind(architecture: Architecture) -> PEKind:
    """The kind of PE that the machine has, its code imported when it is first wanted."""
    module, _, name = architecture.pe_array.verbs.partition(":")
    kind: PEKind = getattr(import_module(module), name)(architecture)
    return kind
