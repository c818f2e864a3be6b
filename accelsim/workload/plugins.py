"""The plug-ins that a network depends on."""

from __future__ import annotations

from collections.abc import Iterator

from accelsim.config.plugins.source import Used
from accelsim.config.registries import IMPORTERS, LAYERS
from accelsim.workload.network import Network


def network_plugins(network: Network) -> Iterator[Used]:
    """Plug-ins of the network's importer and of the kinds of its layers. A plug-in is repeated for
    every layer of its kind.
    """
    if network.importer is not None:
        yield Used(IMPORTERS.key, *network.importer)
    for layer in network.layers:
        yield from LAYERS.used(layer.kind)
