"""Counts of cases in which a better machine is slower: one parameter is improved at a time, on a
seeded set of random machines and networks.

More bandwidth, more capacity and faster parts are guaranteed not to be slower only if nothing else
changes: with a serial schedule, one block per op, and memories that are ideal or serve requests in
order at a fixed rate (`tests/property/test_monotonicity.py` asserts this). Otherwise, blocks and
ops share links and DRAM in order of arrival, and an earlier request can delay another one, as in
Graham's anomalies of 1966. Banks and refreshes see other requests. More capacity or more PEs change
the mapping. Short vector work is cut into fewer blocks, which overlap less. These anomalies are
counted, not asserted to be absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from accelsim.config.loader import validate_data
from accelsim.config.names import Schedule
from accelsim.config.source import Place
from accelsim.experiment.simulate import simulate
from accelsim.machine.loading import load_machine
from accelsim.studies.validation.check import Check
from accelsim.workload.file import Workload
from accelsim.workload.network import Network
from accelsim.workload.resolve import resolve

MACHINES = 20
SEED = 1966
RULES = ("bp", "dfa", "ssdfa")
SOURCE = "random machines and networks, each simulated before and after"

Overrides = dict[str, Any]
Improve = Callable[[Any], Any]


def _twice(value: Any) -> Any:
    return f"{2 * int(value[:-1])}B" if isinstance(value, str) else 2 * value


IMPROVEMENTS: Mapping[str, tuple[str, Improve]] = {
    "NoC twice as wide": ("noc.width", _twice),
    "twice the links between PEs": ("noc.peer_links", _twice),
    "twice the global buffer's capacity": ("global_buffer.capacity", _twice),
    "twice the global buffer's banks": ("global_buffer.banks", _twice),
    "global buffer's ports twice as wide": ("global_buffer.width", _twice),
    "a second port per bank of the global buffer": ("global_buffer.ports", _twice),
    "twice the scratchpads' capacity": ("scratchpad.capacity", _twice),
    "scratchpads' ports twice as wide": ("scratchpad.width", _twice),
    "twice the DRAM channels": ("dram.channels", _twice),
    "DDR4-3200 for DDR4-2400": ("dram.standard", lambda _: "ddr4-3200"),
    "vector unit twice as wide": ("vector_unit.width", _twice),
    "window twice as long": ("pe_array.window", _twice),
    "twice the lanes": ("pe_array.lanes", _twice),
    "twice the columns of PEs": ("pe_array.cols", _twice),
}
"""Improvements: a machine's key, and the function that gives its better value. Only arrays of lanes
have a window, and a systolic array's lanes are fixed.
"""


@dataclass(frozen=True)
class Pair:
    """Cycles of a step before and after an improvement."""

    machine: int
    base: str
    before: int
    after: int

    @property
    def slower(self) -> float:
        """after / before - 1. A positive value is an anomaly."""
        return self.after / self.before - 1


def checks(machines: int = MACHINES, seed: int = SEED) -> list[Check]:
    """By schedule and improvement: the number of steps that became slower, and the
    worst of them.
    """
    by_case: dict[tuple[str, str], list[Pair]] = {}
    for number in range(machines):
        for schedule, improvement, pair in pairs(number, seed):
            by_case.setdefault((schedule, improvement), []).append(pair)
    return [
        _check(schedule, name, by_case[schedule, name])
        for schedule in tuple(map(str, Schedule))
        for name in IMPROVEMENTS
        if (schedule, name) in by_case
    ]


def _check(schedule: str, improvement: str, seen: list[Pair]) -> Check:
    anomalies = [pair for pair in seen if pair.after > pair.before]
    worst = max(anomalies, key=lambda pair: pair.slower, default=None)
    told = (
        f"at worst {worst.slower:.2%}: {worst.before} to {worst.after} cycles ({worst.base}, "
        f"machine {worst.machine})"
        if worst
        else ""
    )
    return Check(
        subject=f"{improvement}, {schedule} schedule",
        quantity=f"slower steps of {len(seen)}",
        expected=None,
        measured=len(anomalies),
        unit="steps",
        limit="counted",
        holds=None,
        source=SOURCE,
        note=told,
    )


def pairs(number: int, seed: int) -> Iterator[tuple[str, str, Pair]]:
    """(schedule, improvement, cycles) of one random machine and network."""
    random = np.random.default_rng([seed, number])
    base, network = (
        str(random.choice(["near-memory", "von-neumann", "systolic-32x32"])),
        random_network(random),
    )
    overrides = random_machine(random, base)
    rule, batch = str(random.choice(RULES)), int(random.integers(1, 4))

    def cycles(changes: Overrides, schedule: str) -> int:
        machine = load_machine(base, changes)
        return int(
            simulate(
                network,
                machine,
                rule=rule,
                batch=batch,
                trace="random:0.5",
                schedule=schedule,
                seed=number,
            ).cycles
        )

    for schedule in tuple(map(str, Schedule)):
        before = cycles(overrides, schedule)
        for name, (key, better) in IMPROVEMENTS.items():
            if key in overrides:
                after = cycles({**overrides, key: better(overrides[key])}, schedule)
                yield schedule, name, Pair(number, base, before, after)


def random_machine(random: np.random.Generator, base: str) -> Overrides:
    """Random changes to a built-in machine: few PEs, small memories and narrow links, so that each
    of them affects the cycles.
    """
    rows, cols, staging = (
        int(random.integers(1, 5)),
        int(random.integers(1, 5)),
        int(random.choice([64, 512, 4096])),
    )
    overrides: Overrides = {
        "pe_array.rows": rows,
        "pe_array.cols": cols,
        "partitions": int(random.choice([n for n in (1, 2, 4) if rows * cols % n == 0])),
        "noc.topology": str(random.choice(["tree", "mesh"])),
        "noc.width": int(random.choice([16, 64, 256])),
        "noc.peer_links": int(random.integers(1, 5)),
        "global_buffer.staging": f"{staging}B",
        "global_buffer.capacity": f"{2 * staging + int(random.choice([1024, 8192, 65536]))}B",
        "global_buffer.banks": int(random.choice([1, 4, 16])),
        "global_buffer.width": int(random.choice([16, 64])),
        "global_buffer.ports": 1,
        "global_buffer.conflicts": str(random.choice(["ideal", "modelled"])),
        "scratchpad.working": "2KiB",
        "scratchpad.capacity": f"{2048 + int(random.choice([64, 512, 8192]))}B",
        "scratchpad.width": int(random.choice([16, 64])),
        "dram.standard": "ddr4-2400",
        "dram.channels": int(random.integers(1, 3)),
        "vector_unit.width": int(random.choice([1, 8, 64])),
        "blocks_per_op": int(random.choice([1, 2, 4, 8])),
    }
    if base != "systolic-32x32":
        overrides |= {
            "pe_array.lanes": int(random.integers(1, 4)),
            "pe_array.window": int(random.choice([2, 4, 8])),
        }
    return overrides


def random_network(random: np.random.Generator) -> Network:
    """Random network of one to three convolutions, possibly with batch norms, and a classifier, for
    images of up to 8 x 8.
    """
    side = int(random.integers(4, 9))
    layers: list[dict[str, Any]] = []
    for index in range(int(random.integers(1, 4))):
        size = int(random.choice([1, 3]))
        conv = {
            "kernel": size,
            "stride": int(random.integers(1, 3)),
            "padding": size // 2,
            "out_channels": int(random.integers(2, 9)),
        }
        layers.append({"name": f"conv{index}", "kind": "conv", **conv})
        if random.random() < 0.5:
            layers.append({"name": f"norm{index}", "kind": "batch_norm"})
        layers.append({"name": f"relu{index}", "kind": "relu"})
    layers.append({"name": "fc", "kind": "fc", "out_features": int(random.integers(2, 11))})
    data = {
        "name": "random",
        "input": {"height": side, "width": side, "channels": int(random.integers(1, 5))},
        "layers": layers,
    }
    return resolve(validate_data(data, Workload), lambda _: Place("", 0, 0))
