"""A step on the event simulation and on the whole-machine twin, with all their times compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from accelsim.dram.standard import DramSpec
from accelsim.errors import InputError
from accelsim.kernels.links import servers as on
from accelsim.machine.architecture import Machine
from accelsim.mapping.fusion.rewriting import fuse
from accelsim.pe.registry import pe_kind
from accelsim.sim.observers import DramBursts, Observer
from accelsim.sim.run import OpRecord, Run
from accelsim.sim.simulation import Simulation
from accelsim.step.ops import (
    TrainingStep,
)
from accelsim.zeros.masks import MaskSource
from tests.naive.machine import Work
from tests.naive.whole_machine import WholeMachine
from tests.naive.whole_machine_op import Running

LIMIT = 3000
"""Maximum cycles of a program. Longer ones are not compared, because every cycle is stepped."""
COMMANDS = {"ACT": "activate", "PRE": "precharge", "RD": "read_burst", "WR": "write_burst"}


class Bursts(Observer):
    """All bursts of a run: (clock of the offer, op, part, burst, write, channel, clocks of the
    hand-over and of the last data).
    """

    watches_bursts = True

    def __init__(self, burst_bytes: int) -> None:
        self.burst_bytes = burst_bytes
        self.listed: list[tuple[int, ...]] = []

    def bursts_moved(self, bursts: DramBursts) -> None:
        b = bursts
        columns = (
            *(b.offered, b.op, b.part, b.address // self.burst_bytes, b.write, b.channel),
            *(b.accepted, b.done),
        )
        self.listed = list(zip(*(column.tolist() for column in columns), strict=True))


def compare(
    architecture: Machine,
    dram: DramSpec,
    source: MaskSource,
    step: TrainingStep,
    works: Mapping[str, Work],
    serial: bool,
    steps: int,
) -> bool:
    """Run both machines and compare all their times. Returns False if the machine refuses the step
    or needs too many cycles.
    """
    bursts = Bursts(dram.organisation.burst)
    fused = fuse(step, architecture)
    try:
        model = pe_kind(architecture).timing(source)
        events = Simulation(fused, model, dram, None, serial, steps)
        run = events.run([bursts])
    except InputError:
        return False
    if run.cycles > LIMIT:
        return False
    twin = WholeMachine(architecture, dram, fused.step, works, serial, steps)
    cycles = twin.run(LIMIT + 1000)
    assert bursts.listed == sorted(
        (clock, *key, burst.burst, burst.write, burst.place[0], burst.accept, burst.done)
        for clock, key, burst in twin.dram.log
    )
    found = times(run)
    wanted = {
        (running.step, running.task.op.name): of_running(twin, running) for running in twin.finished
    }
    assert found.keys() == wanted.keys()
    assert {key: found[key] for key in found if found[key] != wanted[key]} == {
        key: wanted[key] for key in found if found[key] != wanted[key]
    }
    assert run.cycles == cycles
    unwatched = Simulation(fused, model, dram, None, serial, steps).run()
    assert times(unwatched) == found
    assert (unwatched.cycles, unwatched.background) == (cycles, run.background)
    numbers = {
        "down": on.DOWN,
        "up": on.UP,
        "peer": on.PEER,
        "port": on.BUFFER,
        "write port": on.BUFFER_WRITE,
    }
    served = {name: events._pipelines.served(numbers[name]) for name in twin.links}
    assert {name: (each.bits, each.busy_cycles) for name, each in served.items()} == {
        name: (link.bits, link.busy_cycles) for name, link in twin.links.items()
    }
    for link, stepped in twin.mesh.items():
        each = events._pipelines.served(on.MESH + mesh_number(architecture, link))
        assert (each.bits, each.busy_cycles) == (stepped.bits, stepped.busy_cycles)
    assert sum(events._pipelines._links.table[on.MESH :, on.BITS]) == sum(
        link.bits for link in twin.mesh.values()
    )
    total: Counter[str] = sum((channel.commands for channel in twin.dram.channels), Counter())
    counts = [run.background, *(record.counts for record in run.records)]
    actions = {**COMMANDS, "REF": "refresh"}
    assert {
        kind: sum(each["dram", action] for each in counts) for kind, action in actions.items()
    } == {kind: total[kind] for kind in actions}
    active = sum(channel.active_clocks for channel in twin.dram.channels)
    assert run.background["dram", "active_standby"] == active
    assert (
        run.background["dram", "precharge_standby"]
        == twin.clocks * len(twin.dram.channels) * dram.organisation.ranks - active
    )
    assert run.peak_dram_bytes == twin.rows.peak_bytes
    return True


def times(run: Run) -> dict[tuple[int, str], dict[str, object]]:
    """What is compared of the ops that are not done wholly by others."""
    return {
        (record.step, record.op.name): of_record(record)
        for record in run.records
        if record.plan.block_cycles.size
    }


def mesh_number(architecture: Machine, link: Any) -> int:
    """The kernel's number of a link: numbered by direction and source node, then the links from the
    ports, then those to the ports.
    """
    rows, cols = architecture.pe_array.rows, architecture.pe_array.cols
    ends: tuple[tuple[int, int], tuple[int, int]] = link
    (a, b), (c, d) = ends
    if link[0][0] == "port":
        return 4 * rows * cols + b
    if link[1][0] == "port":
        return 4 * rows * cols + architecture.noc.buffer_ports + d
    direction = [(0, 1), (0, -1), (1, 0), (-1, 0)].index((c - a, d - b))
    return (direction * rows + a) * cols + b


def of_record(record: OpRecord) -> dict[str, object]:
    plan = record.plan
    timing = plan.timing
    return {
        "cycles": (record.start, record.end),
        "partition": record.partition,
        "blocks": plan.blocks,
        "stalls": record.stalls,
        "commands": {kind: record.counts["dram", action] for kind, action in COMMANDS.items()},
        "macs": (timing.executed, timing.gated, timing.busy + timing.window_empty)
        if timing
        else (0, 0, 0),
    }


def of_running(twin: WholeMachine, running: Running) -> dict[str, object]:
    commands = twin.commands(running)
    return {
        "cycles": (running.start, running.end),
        "partition": running.partition,
        "blocks": running.task.blocks,
        "stalls": twin.stalls(running),
        "commands": {kind: commands[kind] for kind in COMMANDS},
        "macs": running.task.macs,
    }
