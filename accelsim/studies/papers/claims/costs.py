"""Costs of one training step on a machine of the audit, by scope: from error propagation only to
the whole step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from accelsim.cost.uncertainty import Samples
from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.machine.loading import load_machine
from accelsim.studies.papers.claims.energies import PassActions, drawn_energies
from accelsim.studies.papers.claims.unicast import Unicast, unicast
from accelsim.studies.papers.crafton2019.stack import Stack
from accelsim.studies.papers.step_changes import CHANGES
from accelsim.workload.loading import load_network
from accelsim.workload.network import INPUT, Layer, Network

MACHINES = ("near-memory", "von-neumann")
REGENERATED = "near-memory, feedback regenerated"
UNICAST = {f"{name}, e unicast": name for name in MACHINES}
"""Machines without multicast. Their costs are derived from a run with multicast by counting,
because every machine model has multicast.
"""

SCOPES: dict[str, tuple[str, ...]] = {
    "EP": ("EP",),
    "EP+WG": ("EP", "WG"),
    "FF+EP+WG": ("FF", "EP", "WG"),
    "step": ("FF", "EP", "WG", "WU"),
}
"""Passes in each scope. The energy of the whole step also includes energy that
belongs to no pass.
"""

Document = Mapping[str, Any]

COSTS: dict[str, Callable[[Document], float]] = {
    "words moved": lambda part: float(
        sum(part["words"][kind] for kind in ("remote", "global_buffer", "dram"))
    ),
    "DRAM bytes": lambda part: float(part["bytes"]["dram_read"] + part["bytes"]["dram_write"]),
    "energy": lambda part: float(part["energy_pj"]),
    "MACs executed": lambda part: float(part["macs"]["executed"]),
    "cycles": lambda part: float(part["cycles"]),
}
"""Words moved are those that leave a PE's own scratchpad: over the NoC, from the global buffer or
from DRAM.
"""
COUNTED = ("words moved", "cycles")
"""Costs that are known for unicast of the output error e. The cycles are a lower bound."""


@dataclass(frozen=True)
class Step:
    """One training step to simulate. ``change``: name of a variant in `step_changes.CHANGES`, or
    empty. ``objective``: of its mappings.
    """

    workload: str
    rule: str
    on: str
    batch: int
    trace: str
    change: str = ""
    objective: str = "edp"


BURST_BYTES = 64
"""Bytes per burst of the LPDDR4 channel of both machines (32 bits, 16 beats)."""


def nothing(cost: str, value: float) -> bool:
    """True if a cost counts as zero. For bytes that means less than one burst, which is only the
    rounding to whole bytes of ops whose words all stay on the chip.
    """
    return value < BURST_BYTES if cost.endswith("bytes") else value == 0


Costs = Mapping[tuple[str, str], float]
"""Values by cost and scope."""


@dataclass(frozen=True)
class Measured:
    """Costs of a step with multicast, and the additional costs if each error were sent to each PE
    separately. ``energies``: pJ by scope for every draw of the prices; None without draws.
    """

    costs: Costs
    unicast: Unicast
    energies: Mapping[str, Samples] | None = field(default=None, compare=False)

    def on(self, machine: str) -> Costs:
        """Costs on a machine, including the additional ones if the machine is one of `UNICAST`."""
        if machine not in UNICAST:
            return self.costs
        more = {"words moved": self.unicast.words, "cycles": self.unicast.cycles}
        return {
            (cost, scope): self.costs[cost, scope] + more[cost]
            for cost in COUNTED
            for scope in SCOPES
        }


@cache
def machine(name: str) -> Machine:
    """A built-in machine, or the one that regenerates its feedback."""
    return (
        load_machine("near-memory", {"near_memory.feedback": "prng"})
        if name == REGENERATED
        else load_machine(name)
    )


@cache
def network(workload: str) -> Network:
    """Network of a workload. For AlexNet only its fully connected layers, which then read the
    features as network input.
    """
    whole = load_network(workload)
    return fully_connected(whole) if workload == "alexnet" else whole


def fully_connected(whole: Network) -> Network:
    """Network of the fully connected layers at the end of ``whole`` and the layers between them. No
    error propagates into the features that they read.
    """
    first = whole.layers.index(Stack(whole).layers[0])
    features = whole.layers[first].inputs[0]
    layers = tuple(_reading_input(layer, features) for layer in whole.layers[first:])
    return Network(f"{whole.name}-fc", whole.layers[first].in_shape, layers)


def _reading_input(layer: Layer, features: str) -> Layer:
    return replace(
        layer, inputs=tuple(INPUT if name == features else name for name in layer.inputs)
    )


def measure(step: Step) -> Measured:
    """Simulate the step and return its costs."""
    net, on = network(step.workload), machine(step.on)
    actions = PassActions()
    result = simulate(
        net,
        on,
        rule=step.rule,
        batch=step.batch,
        trace=step.trace,
        transform=CHANGES.get(step.change),
        objective=step.objective,
        observers=(actions,),
    )
    document = result.to_json()
    costs = {
        (cost, scope): value(document)
        if scope == "step"
        else sum(value(document["passes"][name]) for name in passes)
        for cost, value in COSTS.items()
        for scope, passes in SCOPES.items()
    }
    return Measured(
        costs,
        unicast(net, on, step.rule, step.batch, result),
        drawn_energies(result, actions, SCOPES),
    )
