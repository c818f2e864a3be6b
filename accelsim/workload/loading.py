"""Loading of networks by name or from files. The file's suffix selects the importer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from accelsim.config.catalog import find
from accelsim.config.plugins.files import SUFFIX
from accelsim.config.reading.values import instance
from accelsim.config.registries import IMPORTERS
from accelsim.errors import Fault, InputError
from accelsim.workload.importers.options import ImportOptions
from accelsim.workload.network import Network


def load_network(name_or_path: str | Path, options: ImportOptions | None = None) -> Network:
    """A built-in workload by name, or a file by path. ``options`` are those of the import of an
    ONNX file.

    Raises InputError if there is no such workload or file, or if it has faults.

    >>> import accelsim
    >>> network = accelsim.load_network("mnist-fc")
    >>> [layer.name for layer in network.weighted]
    ['fc1', 'fc2']
    """
    instance("workload", name_or_path, (str, Path), "a built-in name or a file")
    foreign = Path(name_or_path).suffix.lower() in IMPORTERS
    path = find("workload", Path(name_or_path) if foreign else name_or_path)
    suffix = path.suffix.lower()
    if suffix not in IMPORTERS:
        known, got = ", ".join(IMPORTERS.names()), path.suffix or "no suffix"
        hint = "" if suffix == SUFFIX else "; a plug-in's importer needs --plugin FILE.py"
        raise InputError(
            Fault(str(path), 0, 0, f"a workload must be a file of {known}, got {got}{hint}")
        )
    given = () if options is None else (options,)
    network: Network = IMPORTERS.resolve(suffix)(path, *given)
    plugin = IMPORTERS.plugin(suffix)
    if plugin is None:
        return network
    if not isinstance(network, Network):
        raise InputError(
            f"importer {suffix} of {IMPORTERS.origin(suffix)} must return a Network, got a "
            f"{type(network).__name__}"
        )
    return replace(network, importer=(suffix, plugin))
