"""The plug-ins of a run: code outside the package that its result depends on."""

from __future__ import annotations

from collections.abc import Sequence

from accelsim.machine.architecture import Machine
from accelsim.results.result import PluginUsed
from accelsim.rules.declaration import StepKind
from accelsim.rules.spelling import AnyRule
from accelsim.workload.network import Network
from accelsim.workload.plugins import network_plugins


def plugins_used(
    network: Network, machine: Machine, rule: AnyRule, kinds: Sequence[StepKind]
) -> tuple[PluginUsed, ...]:
    """Plug-ins of the rule and its kinds of step, of the network's importer and layers, and of the
    machine's PE kind; each appears once.
    """
    used = [
        *(each for spec in (rule, *(kind.rule for kind in kinds)) for each in spec.plugins),
        *network_plugins(network),
        *machine.pe_array.plugins,
    ]
    return tuple(PluginUsed(**each.fields()) for each in dict.fromkeys(used))
