"""Registries of what a user names and a folder provides: learning rules, layer kinds, PE kinds and
importers.

A registry maps a name to the place of its declaration, ``package.module:attribute``, and imports
that module when the declaration is first asked for. So listing names costs nothing, and lower rooms
reach what upper rooms declare without importing them.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from accelsim.config.suggest import did_you_mean
from accelsim.errors import InputError


class Registry:
    """Names of one ``kind`` of thing, in the order in which they are listed.

    ``listing``: the command that lists them, for faults; the names themselves without it.
    """

    def __init__(self, kind: str, entries: Mapping[str, str], listing: str = "") -> None:
        self.kind = kind
        self.listing = listing
        self._origins: dict[str, str] = {}
        self._declarations: dict[str, Any] = {}
        for name, origin in entries.items():
            self.register(name, origin)

    def __contains__(self, name: object) -> bool:
        return name in self._origins

    def names(self) -> tuple[str, ...]:
        return tuple(self._origins)

    def origin(self, name: str) -> str:
        """``package.module:attribute`` of the entry. InputError as `resolve`, without importing."""
        if name not in self._origins:
            raise InputError(self.unknown(name))
        return self._origins[name]

    def unknown(self, name: str) -> str:
        """The fault of a name that is not registered: ``unknown rule bpp; did you mean bp?``."""
        listed = self.listing or f"known: {', '.join(self._origins)}"
        return (
            f"unknown {self.kind} {name or 'of no name'}{did_you_mean(name, self._origins)} "
            f"({listed})"
        )

    def resolve(self, name: str) -> Any:
        """The declaration, imported at the first call. InputError for an unknown name, and for an
        entry whose module or attribute does not exist.
        """
        origin = self.origin(name)
        if name not in self._declarations:
            module, _, attribute = origin.partition(":")
            try:
                self._declarations[name] = getattr(importlib.import_module(module), attribute)
            except (ModuleNotFoundError, AttributeError) as error:
                raise InputError(
                    f"{self.kind} {name} must be declared at {origin}, got: {error}"
                ) from error
        return self._declarations[name]

    def register(self, name: str, origin: str) -> None:
        """Add an entry, declared at ``package.module:attribute``. InputError when the name is empty
        or taken, and when the place is not written so.
        """
        module, colon, attribute = origin.partition(":")
        if not (module and colon and attribute.isidentifier()):
            raise InputError(
                f"{self.kind} {name} must be declared at package.module:attribute, got {origin!r}"
            )
        if not name:
            raise InputError(f"{self.kind} of {origin} must have a name, got an empty one")
        if name in self._origins:
            raise InputError(
                f"{self.kind} {name} must be registered once, got {origin} beside "
                f"{self._origins[name]}"
            )
        self._origins[name] = origin

    def remove(self, name: str) -> None:
        """Take an entry away. InputError for an unknown name."""
        self.origin(name)
        del self._origins[name]
        self._declarations.pop(name, None)

    @contextmanager
    def added(self, name: str, origin: str) -> Iterator[None]:
        """`register` for the length of a ``with`` block."""
        self.register(name, origin)
        try:
            yield
        finally:
            self.remove(name)


RULES = Registry(
    "rule",
    {
        "bp": "accelsim.rules.chained.options:BP",
        "bp-only": "accelsim.rules.chained.options:BP_ONLY",
        "fa": "accelsim.rules.chained.options:FA",
        "dfa": "accelsim.rules.direct.options:DFA",
        "bdfa": "accelsim.rules.direct.options:BDFA",
        "sdfa": "accelsim.rules.direct.options:SDFA",
        "ssdfa": "accelsim.rules.direct.options:SSDFA",
        "modular": "accelsim.rules.modular.options:MODULAR",
        "conv-dfa": "accelsim.rules.modular.options:CONV_DFA",
        "dilated": "accelsim.rules.modular.options:DILATED",
        "triangular": "accelsim.rules.sequence.options:TRIANGULAR",
        "revised": "accelsim.rules.revised.options:REVISED",
        "hdfa": "accelsim.rules.hybrid.options:HDFA",
        "frozen": "accelsim.rules.chained.options:FROZEN",
    },
    listing="accelsim list rules",
)
"""Learning rules."""

LAYERS = Registry(
    "layer kind",
    {
        "conv": "accelsim.layers.convolution:ConvolutionSection",
        "fc": "accelsim.layers.fully_connected:FullyConnectedSection",
        "batch_norm": "accelsim.layers.batch_norm:BatchNormSection",
        "relu": "accelsim.layers.activations:ActivationSection",
        "tanh": "accelsim.layers.activations:ActivationSection",
        "sigmoid": "accelsim.layers.activations:ActivationSection",
        "max_pool": "accelsim.layers.pooling:PoolSection",
        "avg_pool": "accelsim.layers.pooling:PoolSection",
        "global_avg_pool": "accelsim.layers.pooling:GlobalPoolSection",
        "add": "accelsim.layers.add:AddSection",
        "embedding": "accelsim.layers.embedding:EmbeddingSection",
        "rnn": "accelsim.layers.recurrent:RecurrentSection",
        "lstm": "accelsim.layers.recurrent:RecurrentSection",
        "gru": "accelsim.layers.recurrent:RecurrentSection",
    },
)
"""Kinds of layer in a network, each declared by its section of a workload's file."""

PE_KINDS = Registry(
    "PE kind",
    {
        "lanes": "accelsim.pe.lanes.section:LanesArray",
        "coupled": "accelsim.pe.coupled.section:CoupledArray",
        "broadcast": "accelsim.pe.broadcast.section:BroadcastArray",
        "systolic": "accelsim.pe.systolic.section:SystolicArray",
        "row_stationary": "accelsim.pe.row_stationary.section:RowStationaryArray",
    },
)
"""Kinds of PE array, each declared by its section of a machine's file."""

IMPORTERS = Registry(
    "importer",
    {
        ".yaml": "accelsim.workload.importers.yaml:load_network",
        ".yml": "accelsim.workload.importers.yaml:load_network",
    },
)
"""Readers of networks by the file's suffix: (path) -> network, InputError with every fault."""
