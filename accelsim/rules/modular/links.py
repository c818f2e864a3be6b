"""The links of a modular rule on a network."""

from __future__ import annotations

from typing import Any

from accelsim.errors import InputError
from accelsim.rules.declaration import RuleSpec
from accelsim.workload.modules import Link, links
from accelsim.workload.network import Network


def links_of(network: Network, rule: RuleSpec[Any]) -> dict[str, Link]:
    """The link of each layer that wants an error at its input map, between the modules that the
    rule's ``modules`` option names or else the workload's own.

    InputError on networks with recurrent layers, and on modules that are none.
    """
    if network.vocabulary:
        raise InputError(
            f"{rule.name} must have a network without recurrent layers, got {network.name}"
        )
    return links(network, tuple(filter(None, rule.options.modules.split("+"))))
