"""Schedules, repetition of samples, memory and determinism of whole simulations."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from accelsim.experiment.simulate import simulate
from accelsim.experiment.trace_choice import random_trace
from accelsim.machine.architecture import Machine
from accelsim.results.result import Result
from accelsim.sim.run import OpRecord
from accelsim.step.ops import Contraction
from accelsim.workload.network import Network
from accelsim.zeros.trace import Trace, TraceTensor
from tests.random_machines import machine
from tests.reference_networks import STEPS, Builder, sequence_networks, small_networks
from tests.watched_machine import Watched, watch

TIGHT = {
    "global_buffer__capacity": "4KiB",
    "global_buffer__staging": "512B",
    "scratchpad__capacity": "1KiB",
    "scratchpad__working": "600B",
}


def chain() -> Network:
    return (
        Builder("chain", (6, 6, 4))
        .conv(6)
        .add("relu")
        .conv(6)
        .add("relu")
        .conv(6)
        .add("relu")
        .conv(6)
        .add("relu")
        .add("fc", 4)
        .network()
    )


def repeated(trace: Trace, batch: int) -> Trace:
    """The trace with its samples written out cyclically."""
    tensors = {
        key: TraceTensor.from_mask(tensor.mask()[np.arange(batch) % tensor.shape[0]])
        for key, tensor in trace.tensors.items()
    }
    return Trace(trace.workload, trace.rule, trace.data, trace.step, trace.seed, tensors)


def numbers(result: Result) -> list[dict[str, object]]:
    return [op.to_json() for op in result.ops]


# Batches


@pytest.mark.parametrize("kind", ["near_memory", "von_neumann", "systolic"])
@pytest.mark.parametrize("name", ["grouped", "residual", "dilated"])
@pytest.mark.parametrize(("samples", "batch"), [(1, 4), (2, 4), (3, 7), (2, 1)])
def test_samples_repeat_cyclically(kind: str, name: str, samples: int, batch: int) -> None:
    network = small_networks()[name]
    trace = random_trace(network, 0.4, samples, 1)
    short, written_out = (
        simulate(network, machine(kind), rule="bp", batch=batch, trace=each)
        for each in (trace, repeated(trace, batch))
    )
    assert numbers(short) == numbers(written_out)


def test_memory_does_not_grow_with_the_batch() -> None:
    network = small_networks()["residual"]

    def peak(batch: int) -> int:
        tracemalloc.start()
        simulate(network, machine(), batch=batch, trace="random:0.5")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(8)
    assert peak(4096) < 2 * peak(8)


# Determinism

SCRIPT = """
import json, sys
from accelsim.experiment.simulate import simulate
from tests.random_machines import machine
from tests.reference_networks import small_networks
found = [
    simulate(
        small_networks()[name],
        machine(),
        rule=rule,
        batch=3,
        trace="random:0.5",
        schedule=schedule,
    ).to_json()
    for name in ("residual", "grouped")
    for rule in ("bp", "ssdfa")
    for schedule in ("serial", "unlocked")
]
json.dump(found, sys.stdout)
"""


@pytest.mark.check
def test_results_are_the_same_bytes_whatever_the_threads_and_the_hash_seed(root: Path) -> None:
    outputs = []
    for threads, hash_seed in (("1", "0"), ("2", "1"), ("2", "2")):
        environment = {
            **os.environ,
            "NUMBA_NUM_THREADS": threads,
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": str(root),
        }
        outputs.append(
            subprocess.run(
                [sys.executable, "-c", SCRIPT],
                env=environment,
                cwd=root,
                capture_output=True,
                check=True,
            ).stdout
        )
    assert len(json.loads(outputs[0])) == 8
    assert outputs[0] == outputs[1] == outputs[2]


# Schedules


def critical_path(seen: Watched) -> int:
    """Longest chain of dependencies, each op as long as its array, vector unit or scratchpads work
    on it at least.
    """
    lasts: dict[str, int] = {}
    for op in seen.step.ops:
        plan = next(record.plan for record in seen.run.records if record.op is op)
        lasts[op.name] = int(plan.block_cycles.sum()) + max(
            (lasts[name] for name in op.depends_on), default=0
        )
    return max(lasts.values())


@pytest.mark.parametrize("rule", ["bp", "dfa", "ssdfa"])
@pytest.mark.parametrize("partitions", [1, 2, 3])
def test_unlocked_latency_lies_between_the_critical_path_and_one_after_the_other(
    rule: str, partitions: int
) -> None:
    seen = watch(chain(), machine(partitions=partitions), rule, batch=2, schedule="unlocked")
    assert (
        critical_path(seen) <= seen.run.cycles <= sum(record.cycles for record in seen.run.records)
    )
    # DRAM refreshes fall where they fall: one step's may be more than another's.
    assert seen.run.interval_cycles <= 1.01 * seen.run.cycles
    busy: dict[object, int] = {}
    for record in seen.run.records:
        busy[record.partition] = busy.get(record.partition, 0) + int(record.plan.block_cycles.sum())
    assert seen.run.interval_cycles >= max(busy.values())


def test_unlocked_is_never_slower_than_serial_on_the_whole_array() -> None:
    for rule in ("bp", "dfa"):
        serial, unlocked = (
            watch(chain(), machine(), rule, schedule=schedule).run
            for schedule in ("serial", "unlocked")
        )
        assert unlocked.cycles <= serial.cycles
        assert serial.interval_cycles == serial.cycles


def test_direct_feedbacks_eps_run_at_once_where_backpropagations_wait() -> None:
    def overlapping(rule: str) -> int:
        seen = watch(chain(), machine(partitions=3), rule, schedule="unlocked")
        spans = sorted(
            (record.start, record.end)
            for record in seen.run.records
            if record.op.pass_ == "EP" and isinstance(record.op, Contraction)
        )
        assert len(spans) == 4
        return sum(start < end for (_, end), (start, _) in pairwise(spans))

    assert overlapping("bp") == 0
    assert overlapping("dfa") >= 2


def words() -> Network:
    return sequence_networks()["words-gru"]


def propagations(rule: str, architecture: Machine, layer: str) -> list[OpRecord]:
    """The EPs of a layer, one a time step, in the order of time."""
    seen = watch(words(), architecture, rule, batch=2, schedule="unlocked")
    found = [record for record in seen.run.records if record.op.name.startswith(f"{layer}.EP.t")]
    assert len(found) == STEPS
    return sorted(found, key=lambda record: record.op.name)


def at_once(records: list[OpRecord]) -> int:
    """How many of the ops run in the same cycle at most."""
    return max(sum(each.start <= record.start < each.end for each in records) for record in records)


@pytest.mark.parametrize("partitions", [1, 2, 3])
@pytest.mark.parametrize("rule", ["dfa", "dfa:per_step=true"])
def test_time_steps_take_any_free_partition_where_nothing_has_a_home(
    rule: str, partitions: int
) -> None:
    found = propagations(rule, machine("von_neumann", partitions=partitions), "fc2")
    assert at_once(found) == partitions
    assert [record.partition for record in found][:partitions] == list(range(partitions))
    # Backpropagation through time is a chain, whatever is free; always the same partition is.
    chained = propagations("bp", machine("von_neumann", partitions=partitions), "gru1")
    assert at_once(chained) == 1
    assert {record.partition for record in chained} == {0}


@pytest.mark.parametrize(
    ("rule", "feedback", "most"),
    [
        ("dfa", "stored", 1),
        ("dfa:per_step=true", "stored", 3),
        ("dfa", "prng", 3),
        ("bp", "stored", 1),
    ],
)
def test_time_steps_run_where_their_feedback_lives(rule: str, feedback: str, most: int) -> None:
    """Shared feedback keeps all time steps of a layer in one partition; feedback of their own, or
    made at every use, does not.
    """
    layer = "gru1" if rule == "bp" else "fc2"
    found = propagations(rule, machine(partitions=3, near_memory__feedback=feedback), layer)
    assert at_once(found) == most
    assert len({record.partition for record in found}) == most


def test_the_next_steps_ff_waits_for_its_weights_alone() -> None:
    """Backpropagation's last op is an update that the next step's first layer, in another
    partition, does not wait for.
    """
    run = watch(chain(), machine(partitions=3), "bp", batch=2, schedule="unlocked").run
    assert run.interval_cycles < 0.99 * run.cycles


def test_a_fused_update_follows_its_gradient_at_once() -> None:
    seen = watch(chain(), machine(partitions=2), "dfa", schedule="unlocked")
    spans = {record.op.name: (record.start, record.end) for record in seen.run.records}
    assert len(seen.run.residency.fused) == 5
    for gradient, update in seen.run.residency.fused.items():
        assert spans[gradient][1] == spans[update.name][0]


# Monotonicity: a law with the serial schedule and FIFO memory


@pytest.mark.parametrize("rule", ["bp", "dfa"])
@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("noc__width", [16, 64, 256]),
        ("global_buffer__banks", [1, 2, 16]),
        ("noc__peer_links", [1, 2, 16]),
        ("vector_unit__width", [1, 8, 64]),
        ("pe_array__window", [1, 4, 16]),
    ],
)
def test_more_of_a_resource_is_never_slower(rule: str, key: str, values: list[int]) -> None:
    trace = random_trace(chain(), 0.3, 1, 0)
    cycles = [
        simulate(
            chain(), machine(**{**TIGHT, key: value}), rule=rule, trace=trace, trace_any_rule=True
        ).cycles
        for value in values
    ]
    assert cycles == sorted(cycles, reverse=True)
    assert cycles[0] > cycles[-1] or (rule, key) == ("dfa", "noc__peer_links")


def test_a_smaller_global_buffer_moves_more_through_dram() -> None:
    dram = [
        sum(
            op.bytes.dram_read + op.bytes.dram_write
            for op in simulate(chain(), machine(global_buffer__capacity=size), trace="dense").ops
        )
        for size in ("1200KiB", "513KiB", "512.5KiB")
    ]
    assert dram == sorted(dram)
    assert dram[0] < dram[-1]


def test_what_spills_is_reported() -> None:
    small = simulate(
        chain(), machine(scratchpad__capacity="640B", scratchpad__working="600B"), trace="dense"
    )
    large = simulate(chain(), machine(), trace="dense")
    assert large.spilled_words == large.to_json()["spilled_words"] == 0
    assert small.spilled_words == small.to_json()["spilled_words"] > 0
    assert sum(op.bytes.dram_read for op in small.ops) > sum(op.bytes.dram_read for op in large.ops)
