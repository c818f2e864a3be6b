"""Steps that overlap under the unlocked schedule: what the next step waits for, and how often steps
can end.
"""

from __future__ import annotations

from itertools import combinations

import pytest

from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.rules.registry import lower
from accelsim.step.ops import Pass, TrainingStep
from accelsim.workload.network import Network
from tests.random_machines import machine
from tests.reference_networks import Builder
from tests.watched_machine import peak_dram_bytes_per_cycle, watch_steps

SUBSETS = [subset for count in range(1, 5) for subset in combinations(Pass, count)]


def network() -> Network:
    return (
        Builder("steps", (4, 4, 3)).conv(4).add("relu").conv(4).add("relu").add("fc", 3).network()
    )


def touching(step: TrainingStep) -> dict[str, set[str]]:
    """Ops that read or write each tensor that outlives a step, by op; and those that write it."""
    found: dict[str, set[str]] = {}
    for op in step.ops:
        for tensor in (*(operand.tensor for operand in op.operands), *op.outputs):
            if tensor.persistent:
                found.setdefault(tensor.name, set()).add(op.name)
    return found


def test_whoever_touches_weights_or_optimizer_state_waits_for_their_last_update() -> None:
    step = lower(network(), "bp", 1, "momentum")
    assert dict(step.carried) == {
        "conv0.FF": ("conv0.WU",),
        "conv2.FF": ("conv2.WU",),
        "fc4.FF": ("fc4.WU",),
        "fc4.EP": ("fc4.WU",),
        "fc4.WU": ("fc4.WU",),
        "conv2.EP": ("conv2.WU",),
        "conv2.WU": ("conv2.WU",),
        "conv0.WU": ("conv0.WU",),
    }
    assert dict(lower(network(), "bp", 1, "momentum", frozenset({Pass.FF, Pass.EP})).carried) == {}


@pytest.mark.parametrize("rule", ["bp", "dfa"])
@pytest.mark.parametrize("partitions", [1, 3])
def test_no_step_reads_what_the_step_before_has_not_updated(rule: str, partitions: int) -> None:
    step = lower(network(), rule, 1, "momentum")
    seen = watch_steps(network(), machine(partitions=partitions), step, 4)
    at = {(record.step, record.op.name): (record.start, record.end) for record in seen.run.records}
    assert len(at) == 4 * len(step.ops)
    writers = {
        tensor.name: op.name for op in step.ops for tensor in op.outputs if tensor.persistent
    }
    assert len(writers) == 6
    for name, ops in touching(step).items():
        for index in range(1, 4) if name in writers else ():
            assert min(at[index, op][0] for op in ops) >= at[index - 1, writers[name]][1]


@pytest.mark.parametrize("passes", SUBSETS, ids=["".join(subset) for subset in SUBSETS])
@pytest.mark.parametrize(
    ("organization", "partitions"), [("near_memory", 1), ("near_memory", 3), ("von_neumann", 3)]
)
def test_steps_end_no_oftener_than_the_busiest_component_allows(
    organization: str, partitions: int, passes: tuple[Pass, ...]
) -> None:
    architecture = machine(organization, partitions=partitions)
    step = lower(network(), "bp", 1, "momentum", frozenset(passes))
    interval = simulate(
        network(), architecture, trace="dense", schedule="unlocked", transform=lambda _: step
    ).interval_cycles
    assert interval >= busiest(step, architecture)


def busiest(step: TrainingStep, architecture: Machine) -> float:
    """Cycles a step in which a partition, the vector unit, a link, the global buffer or the DRAM
    bus is held at least.

    Ops without a home are the work of all partitions together.
    """
    run = watch_steps(network(), architecture, step, 1).run
    plans = [record.plan for record in run.records]
    held: dict[object, float] = {}
    for record in run.records:
        place = "vector unit" if record.partition is None else run.residency.partition(record.op)
        share = architecture.partitions if place is None else 1
        held[place] = held.get(place, 0) + int(record.plan.block_cycles.sum()) / share
    width, buffer = architecture.noc.width_bits, architecture.global_buffer
    held["down"] = sum(plan.fill_bits for plan in plans) / width
    held["up"] = sum(plan.drain_bits for plan in plans) / width
    held["peer"] = sum(plan.peer_bits for plan in plans) / (width * architecture.noc.peer_links)
    held["buffer"] = sum(
        plan.bits["global_buffer_read"] + plan.bits["global_buffer_write"] for plan in plans
    ) / (buffer.banks * buffer.width_bits)
    held["dram"] = (
        sum(plan.bits["dram_read"] + plan.bits["dram_write"] for plan in plans)
        / 8
        / peak_dram_bytes_per_cycle(architecture)
    )
    return max(held.values())
