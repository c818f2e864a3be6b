"""The event simulation against the whole-machine twin, which steps every component once a cycle: equal to the cycle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from accelsim.errors import InputError
from accelsim.kernels import links as on
from accelsim.masks import MaskSource
from accelsim.network import Network
from accelsim.ops import Bounds, Op, Operand, OpKind, Pass, Role, Tensor, TrainingStep, Use, VectorWork
from accelsim.rules import lower
from accelsim.sim.machine import OpRecord, _Simulation
from accelsim.sim.pe_models import pe_model
from accelsim.spec.architecture import Architecture
from accelsim.spec.dram import DramSpec
from tests.naive.machine import Twin, Work
from tests.naive.whole_machine import WholeMachine
from tests.naive.whole_machine_op import Running
from tests.random_machines import SKIPS, lanes_of, machine, masks, trace_of
from tests.reference_networks import Builder

LIMIT = 3000
"""Cycles of a program; longer ones are not compared, since every cycle is stepped."""
RULES = {"bp": 0, "dfa": 0, "ssdfa": 1, "sdfa:k=2": 2}
CLOCKS = ["1GHz", "800MHz", "933MHz", "617MHz"]
PERIODS = [1.0, 0.625, 0.833, 1.25, 2.5]
COMMANDS = {"ACT": "activate", "RD": "read_burst", "WR": "write_burst"}


@st.composite
def drams(draw: st.DrawFn) -> DramSpec:
    """Two banks, in one group or two, with any timings; refreshes as dense as they can be, or none."""
    small = st.integers(1, 6)
    names = ["CL", "CWL", "tRCD", "tRP", "tRAS", "tRFC", "tWTR_S", "tWTR_L", "tWR", "tRTP", "tCCD_S", "tCCD_L", "tRRD_S", "tRRD_L", "tRTRS", "tPPD"]
    timing: dict[str, Any] = {name: draw(small) for name in names}
    timing |= {"tCK": draw(st.sampled_from(PERIODS)), "tFAW": draw(st.integers(1, 30)), "AL": draw(st.integers(0, 2)), "tREFI": 60 + draw(small)}
    groups = draw(st.integers(1, 2))
    organisation = {
        "ranks": 1,
        "bankgroups": groups,
        "banks_per_group": 2 // groups,
        "rows": draw(st.sampled_from([8, 256])),
        "bursts_per_row": draw(st.sampled_from([1, 2, 8])),
        "bus_width": 16,
        "BL": draw(st.sampled_from([2, 4])),
    }
    return DramSpec.model_validate(
        {
            "timing": timing,
            "organisation": organisation,
            "policy": {"refresh": draw(st.sampled_from(["all_bank", "none"]))},
            "address_mapping": draw(st.sampled_from(["rochrababgco", "rorabgbachco", "robacochrabg"])),
        }
    )


@st.composite
def tiny_machines(draw: st.DrawFn) -> Architecture:
    """2 x 2 PEs or fewer, memories of a few words or with room for all, links of any width."""
    kind = draw(st.sampled_from(["near_memory", "near_memory", "von_neumann"]))
    rows, cols = draw(st.sampled_from([(2, 2), (2, 2), (1, 2), (2, 1), (1, 1)]))
    staging = draw(st.sampled_from([16, 64, 1024]))
    near = {
        "near_memory__transpose": draw(st.sampled_from(["remote_read", "psum_reduce", "transposable"])),
        "near_memory__update": draw(st.sampled_from(["fused", "separate"])),
        "near_memory__feedback": draw(st.sampled_from(["stored", "prng"])),
        "vector_unit__update_in_pe": draw(st.booleans()),
        "scratchpad__capacity": f"{600 + draw(st.integers(1, 200))}B",
    }
    return machine(
        kind,
        **(near if kind == "near_memory" else {}),
        clock=draw(st.sampled_from(CLOCKS)),
        pe_array__rows=rows,
        pe_array__cols=cols,
        pe_array__lanes=draw(st.integers(1, 2)),
        pe_array__window=draw(st.sampled_from([1, 2, 4, 16])),
        pe_array__skip={name: draw(st.sampled_from(SKIPS)) for name in ("ff", "ep", "wg")},
        pe_array__skip_outputs=draw(st.booleans()),
        pe_array__structural_zeros=draw(st.sampled_from(["removed", "window"])),
        pe_array__gating=draw(st.booleans()),
        scratchpad__working="600B",
        scratchpad__banks=draw(st.sampled_from([1, 1, 16])),
        scratchpad__width=draw(st.sampled_from([8, 64])),
        scratchpad__ports=draw(st.integers(1, 2)),
        global_buffer__capacity=f"{2 * staging + draw(st.sampled_from([1, 20, 100, 400, 100000]))}B",
        global_buffer__staging=f"{staging}B",
        global_buffer__banks=draw(st.sampled_from([1, 4])),
        global_buffer__width=draw(st.sampled_from([8, 64])),
        global_buffer__ports=draw(st.integers(1, 2)),
        noc__width=draw(st.sampled_from([7, 16, 256])),
        noc__peer_links=draw(st.integers(1, 2)),
        vector_unit__width=draw(st.sampled_from([1, 4, 64])),
        dram__channels=draw(st.integers(1, 2)),
        blocks_per_op=draw(st.integers(1, 5)),
        partitions=draw(st.sampled_from([count for count in (1, 2, 4) if rows * cols % count == 0])),
    )


@st.composite
def tiny_networks(draw: st.DrawFn) -> Network:
    """A convolution or none, with what may follow it, and a layer or two of products."""
    convolves = draw(st.booleans())
    side = draw(st.integers(2, 3)) if convolves else 1
    builder = Builder("random", (side, side, draw(st.integers(1, 3))))
    if convolves:
        taps = draw(st.integers(1, 2))
        padding = tuple(draw(st.integers(0, 1)) for _ in range(4))
        builder.add("conv", draw(st.integers(1, 3)), kernel=(taps, taps), stride=(draw(st.integers(1, 2)),) * 2, padding=padding)
        for kind in draw(st.sampled_from([(), ("relu",), ("batch_norm", "relu"), ("tanh",)])):
            builder.add(kind)
    for _ in range(draw(st.integers(0, 2))):
        builder.add("fc", draw(st.integers(1, 5))).add(draw(st.sampled_from(["relu", "tanh"])))
    return builder.add("fc", draw(st.integers(2, 4))).network()


def compare(architecture: Architecture, dram: DramSpec, source: MaskSource, step: TrainingStep, works: Mapping[str, Work], serial: bool, steps: int) -> None:
    """Run both machines and hold all of their times against each other."""
    try:
        events = _Simulation(architecture, dram, pe_model(architecture, source), None, step, serial, steps, None)
        run = events.run()
    except InputError:
        assume(False)
    assume(run.cycles <= LIMIT)
    twin = WholeMachine(architecture, dram, step, works, serial, steps)
    cycles = twin.run(LIMIT + 1000)
    found = {(record.step, record.op.name): of_record(record) for record in run.records}
    wanted = {(running.step, running.task.op.name): of_running(twin, running) for running in twin.finished}
    assert found == wanted
    assert run.cycles == cycles
    numbers = {"down": on.DOWN, "up": on.UP, "peer": on.PEER, "port": on.BUFFER, "write port": on.BUFFER_WRITE}
    served = {name: events._pipelines.served(numbers[name]) for name in twin.links}
    assert {name: (each.bits, each.busy_cycles) for name, each in served.items()} == {
        name: (link.bits, link.busy_cycles) for name, link in twin.links.items()
    }
    total: Counter[str] = sum((channel.commands for channel in twin.dram.channels), Counter())
    counts = [run.background, *(record.plan.counts for record in run.records)]
    actions = {**COMMANDS, "PRE": "precharge", "REF": "refresh"}
    assert {kind: sum(each["dram", action] for each in counts) for kind, action in actions.items()} == {kind: total[kind] for kind in actions}
    active = sum(channel.active_clocks for channel in twin.dram.channels)
    assert run.background["dram", "active_standby"] == active
    assert run.background["dram", "precharge_standby"] == twin.clocks * len(twin.dram.channels) - active
    assert run.peak_dram_bytes == twin.rows.peak_bytes


def of_record(record: OpRecord) -> dict[str, object]:
    plan = record.plan
    timing = plan.timing
    return {
        "cycles": (record.start, record.end),
        "partition": record.partition,
        "blocks": plan.blocks,
        "stalls": record.stalls,
        "commands": {kind: plan.counts["dram", action] for kind, action in COMMANDS.items()},
        "macs": (timing.executed, timing.gated, timing.busy + timing.window_empty) if timing else (0, 0, 0),
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


@settings(max_examples=100)
@given(st.data())
def test_training_steps_take_the_cycles_of_the_stepped_machine(data: st.DataObject) -> None:
    network, architecture, dram = data.draw(tiny_networks()), data.draw(tiny_machines()), data.draw(drams())
    rule = data.draw(st.sampled_from([name for name, k in RULES.items() if k <= network.output.out_shape[2]]))
    batch, seed = data.draw(st.integers(1, 2)), data.draw(st.integers(0, 3))
    found = data.draw(masks(network, 2))
    serial = data.draw(st.booleans())
    steps = 1 if serial else data.draw(st.integers(1, 3))
    source = MaskSource(trace_of(network, found), network, batch, seed)
    works = Twin(network, found, batch, lanes_of(architecture), rule, RULES[rule], seed).ops()
    optimizer = data.draw(st.sampled_from(["sgd", "momentum"]))
    compare(architecture, dram, source, lower(network, rule, batch, optimizer), works, serial, steps)
