"""The plug-ins that a network comes from."""

from __future__ import annotations

from collections.abc import Iterator

from accelsim.config.plugins.source import Used
from accelsim.config.registries import IMPORTERS, LAYERS
from accelsim.workload.network import Network


def network_plugins(network: Network) -> Iterator[Used]:
    """Those of its importer and of its layers' kinds; a kind comes as often as there are layers."""
    if network.importer is not None:
        yield Used(IMPORTERS.key, *network.importer)
    for layer in network.layers:
        yield from LAYERS.used(layer.kind)
