"""Links of a modular rule in a network."""

from __future__ import annotations

from typing import Any

from accelsim.errors import InputError
from accelsim.rules.declaration import RuleSpec
from accelsim.workload.modules import Link, links
from accelsim.workload.network import Network


def links_of(network: Network, rule: RuleSpec[Any]) -> dict[str, Link]:
    """Link of each layer whose input map needs an error, by layer name. Modules are those of the
    rule's ``modules`` option or, if it is empty, of the workload.

    Raises InputError for networks with recurrent or attention layers, whose maps no fixed kernel
    connects, and for ``modules`` that are not valid.
    """
    unsuited = next((kind for kind, found in _unsuited(network) if found), None)
    if unsuited is not None:
        raise InputError(
            f"{rule.name} must have a network without {unsuited} layers, got {network.name}"
        )
    return links(network, tuple(filter(None, rule.options.modules.split("+"))))


def _unsuited(network: Network) -> tuple[tuple[str, bool], ...]:
    attends = any(layer.attends for layer in network.layers)
    return ("recurrent", network.unrolled), ("attention", attends)
