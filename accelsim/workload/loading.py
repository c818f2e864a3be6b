"""Loaders of networks by file suffix. A new format is one module and one line of `LOADERS`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from accelsim.config.catalog import find
from accelsim.errors import Fault, InputError
from accelsim.workload.importers import yaml
from accelsim.workload.network import Network

LOADERS: dict[str, Callable[[Path], Network]] = {
    ".yaml": yaml.load_network,
    ".yml": yaml.load_network,
}
"""File suffix to loader: (path) -> network, InputError with every fault of the file."""


def load_network(name_or_path: str | Path) -> Network:
    """A built-in workload by name, or a file by path. InputError when there is none, or when it is
    wrong.
    """
    path = find("workload", name_or_path)
    loader = LOADERS.get(path.suffix.lower())
    if loader is None:
        raise InputError(
            Fault(
                str(path),
                0,
                0,
                f"a workload must be a file of {', '.join(LOADERS)}, got "
                f"{path.suffix or 'no suffix'}",
            )
        )
    return loader(path)


__all__ = ["LOADERS", "load_network"]
