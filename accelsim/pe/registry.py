"""The class of a machine's PE kind, as its section names it."""

from __future__ import annotations

from importlib import import_module

from accelsim.machine.architecture import Machine
from accelsim.pe.kind import PEKind


def pe_kind(architecture: Machine) -> PEKind:
    """The machine's PE kind. Its module is imported on first use."""
    verbs = architecture.pe_array.verbs
    if isinstance(verbs, str):
        module, _, name = verbs.partition(":")
        verbs = getattr(import_module(module), name)
    kind: PEKind = verbs(architecture)
    return kind
