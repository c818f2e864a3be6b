"""accelsim: what would a learning rule other than backpropagation buy on real hardware?

The names of ``__all__`` are the Python interface; ``docs/python.md`` shows each with an example.
They are imported when they are first used, so that ``import accelsim`` takes no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from accelsim.version import __version__

if TYPE_CHECKING:
    from accelsim import plugin
    from accelsim.errors import InputError
    from accelsim.experiment.compare import compare
    from accelsim.experiment.setting import Setting
    from accelsim.experiment.simulate import simulate
    from accelsim.experiment.train import train
    from accelsim.listing import Listing, pe_kinds
    from accelsim.machine.architecture import Machine
    from accelsim.machine.loading import load_machine
    from accelsim.results.comparison import Comparison
    from accelsim.results.hybrid import HybridResult
    from accelsim.results.result import Result
    from accelsim.workload.loading import load_network
    from accelsim.workload.network import Network
    from accelsim.zeros.trace import Trace

    layers: Listing
    rules: Listing

__all__ = [
    "Comparison",
    "HybridResult",
    "InputError",
    "Machine",
    "Network",
    "Result",
    "Setting",
    "Trace",
    "__version__",
    "compare",
    "layers",
    "load_machine",
    "load_network",
    "pe_kinds",
    "plugin",
    "rules",
    "simulate",
    "train",
]

_MODULES = {
    "Comparison": "results.comparison",
    "HybridResult": "results.hybrid",
    "InputError": "errors",
    "Machine": "machine.architecture",
    "Network": "workload.network",
    "Result": "results.result",
    "Setting": "experiment.setting",
    "Trace": "zeros.trace",
    "compare": "experiment.compare",
    "load_machine": "machine.loading",
    "load_network": "workload.loading",
    "pe_kinds": "listing",
    "simulate": "experiment.simulate",
    "train": "experiment.train",
}
"""Module of each name, below this package."""
_PACKAGES = ("layers", "plugin", "rules")
"""Names that are modules of this package themselves."""


def __getattr__(name: str) -> Any:
    """The name, imported at its first use."""
    if name in _PACKAGES:
        return import_module(f"{__name__}.{name}")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
