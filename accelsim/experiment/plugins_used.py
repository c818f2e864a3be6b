"""The plug-ins that a run uses: code outside the package that decides its result."""

from __future__ import annotations

from collections.abc import Sequence

from accelsim.machine.architecture import Architecture
from accelsim.results.result import PluginUsed
from accelsim.rules.declaration import StepKind
from accelsim.rules.spelling import AnyRule
from accelsim.workload.network import Network
from accelsim.workload.plugins import network_plugins


def plugins_used(
    network: Network, machine: Architecture, rule: AnyRule, kinds: Sequence[StepKind]
) -> tuple[PluginUsed, ...]:
    """Plug-ins of the rule and of its kinds of step, of the network's importer and layers, and of
    the machine's PE kind, each once.
    """
    used = [
        *(each for spec in (rule, *(kind.rule for kind in kinds)) for each in spec.plugins),
        *network_plugins(network),
        *machine.pe_array.plugins,
    ]
    return tuple(PluginUsed(**each.fields()) for each in dict.fromkeys(used))
