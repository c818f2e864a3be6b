"""Steps of the steady state and first steps: what is on the chip when a step begins."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from accelsim.config.names import Schedule
from accelsim.errors import LawViolation
from accelsim.experiment.compare import compare
from accelsim.experiment.simulate import simulate
from accelsim.machine.architecture import Machine
from accelsim.report.labels import labels
from accelsim.results.laws import violations
from accelsim.results.result import Result
from accelsim.rules.registry import lower
from accelsim.sim import simulation
from accelsim.sim.ledger import Ledger
from accelsim.sim.planning.cold import Load, Start
from accelsim.sim.program import Program
from accelsim.sim.run import OpRecord, Run
from accelsim.workload.network import Network
from accelsim.zeros.masks import MaskSource
from tests.random_machines import machine
from tests.reference_networks import Builder, sequence_networks
from tests.watched_machine import dram_of

IMAGES = (
    Builder("images", (4, 4, 3))
    .conv(4)
    .add("batch_norm")
    .add("relu")
    .conv(4)
    .add("relu")
    .add("fc", 3)
    .network()
)
"""Weights: 4 x 3 x 9 = 108, 4 x 4 x 9 = 144 and 3 x 64 = 192 words. Batch norm: 2 x 4 words."""
WORDS = sequence_networks()["words-lstm"]
WHERE = [
    pytest.param("near_memory", "serial", 1, id="near-memory"),
    pytest.param("von_neumann", "serial", 1, id="von-neumann"),
    pytest.param("near_memory", "unlocked", 3, id="near-memory-unlocked"),
    pytest.param("von_neumann", "unlocked", 3, id="von-neumann-unlocked"),
]


def steps(
    network: Network,
    architecture: Machine,
    count: int,
    warm: bool,
    rule: str = "bp",
    optimizer: str = "momentum",
    schedule: str = "serial",
) -> Run:
    """A run of ``count`` steps with its books kept."""
    step = lower(network, rule, 1, optimizer)
    program = Program(step, architecture, dram_of(architecture), Schedule(schedule), warm=warm)
    return program.simulation(MaskSource(None, network, 1), count).run([Ledger()])


def counted(run: Run, index: int, loads: bool = False) -> dict[str, Any]:
    """All that the ops of a step count, by op. DRAM commands and idle clocks depend on the time at
    which the step begins, and are left out.
    """
    return {
        record.op.name: (
            record.plan.words,
            record.plan.bits,
            list(record.plan.counts),
            record.plan.moved,
            record.plan.block_cycles.tolist(),
            record.plan.mapping,
        )
        for record in run.records
        if record.step == index and isinstance(record.op, Load) == loads
    }


@pytest.mark.parametrize(("organization", "schedule", "partitions"), WHERE)
@pytest.mark.parametrize(
    ("network", "rule", "optimizer"),
    [
        (IMAGES, "bp", "momentum"),
        (IMAGES, "dfa", "adam"),
        (IMAGES, "ssdfa", "sgd"),
        (WORDS, "bp", "adam"),
    ],
)
def test_a_step_is_the_second_of_two(
    organization: str, schedule: str, partitions: int, network: Network, rule: str, optimizer: str
) -> None:
    architecture = machine(organization, partitions=partitions)
    given = (rule, optimizer, schedule)
    warm = counted(steps(network, architecture, 1, True, *given), 0)
    two = steps(network, architecture, 2, True, *given)
    assert len(two.records) == 2 * len(warm)
    assert counted(two, 0) == counted(two, 1) == warm
    cold = steps(network, architecture, 2, False, *given)
    assert counted(cold, 0) == counted(cold, 1) == warm
    assert counted(cold, 1, loads=True) == {}
    assert bool(counted(cold, 0, loads=True)) == (organization == "near_memory")


def loads_of(run: Run) -> dict[str, Mapping[str, int]]:
    """Words and bits of each load."""
    return {
        record.op.name: {**record.plan.words, **record.plan.bits}
        for record in run.records
        if isinstance(record.op, Load)
    }


def loaded(words: int, copies: int, mask: int, bits: int = 16) -> dict[str, int]:
    """Words and bits of a tensor that goes from DRAM through the buffer to ``copies`` PEs per word,
    each with ``mask`` bits beside it; or, without copies, to the buffer only.
    """
    return {
        "local": words * copies,
        "remote": 0,
        "global_buffer": words * (1 + (copies > 0)),
        "dram": words,
        "dram_read": words * bits,
        "dram_write": 0,
        "global_buffer_read": words * bits * (copies > 0),
        "global_buffer_write": words * bits,
        "scratchpad_read": 0,
        "scratchpad_write": words * (bits + mask) * copies,
    }


@pytest.mark.parametrize(("schedule", "partitions"), [("serial", 1), ("unlocked", 1)])
def test_a_first_step_loads_what_stays(schedule: str, partitions: int) -> None:
    # On 2 x 3 PEs, 4 channels have one home each, and the 3 of fc a copy in the spare PEs. PEs
    # that skip zeros of weights keep a mask bit beside each. Optimizer state has neither.
    skip = {"ff": "both", "ep": "both", "wg": "both"}
    architecture = machine(partitions=partitions, pe_array__skip=skip)
    run = steps(IMAGES, architecture, 1, False, "bp", "momentum", schedule)
    assert loads_of(run) == {
        "conv0.weight.load": loaded(108, 1, 1),
        "conv3.weight.load": loaded(144, 1, 1),
        "fc5.weight.load": loaded(192, 2, 1),
        "conv0.momentum.load": loaded(108, 1, 0),
        "conv3.momentum.load": loaded(144, 1, 0),
        "fc5.momentum.load": loaded(192, 1, 0),
        "batch_norm1.weight.load": loaded(8, 0, 0),
        "batch_norm1.momentum.load": loaded(8, 0, 0),
    }
    assert run.resident_words == {"scratchpads": 2 * (108 + 144 + 192), "global_buffer": 2 * 8}


def test_feedback_is_loaded_before_error_propagation() -> None:
    run = steps(IMAGES, machine(), 1, False, "dfa", "sgd")
    names = [record.op.name for record in run.records]
    found = {name: each for name, each in loads_of(run).items() if "feedback" in name}
    # A word per neuron below and per output error: 64 neurons of each map, 3 errors.
    assert sum(each["dram"] for each in found.values()) == 2 * 64 * 3
    for name in found:
        reader = names[names.index(name) + 1]
        assert reader.endswith(".EP"), reader


def test_loads_run_before_the_first_reader() -> None:
    for schedule, partitions in (("serial", 1), ("unlocked", 3)):
        run = steps(IMAGES, machine(partitions=partitions), 1, False, schedule=schedule)
        ends = {record.op.operands[0].tensor.name: record.end for record in loads(run)}
        for record in run.records:
            if not isinstance(record.op, Load):
                for operand in record.op.operands:
                    assert ends.get(operand.tensor.name, 0) <= record.start
        times = [(record.start, record.end) for record in loads(run)]
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(times))


def loads(run: Run) -> Iterator[OpRecord]:
    return (record for record in run.records if isinstance(record.op, Load))


def test_words_that_spill_are_not_loaded() -> None:
    small = machine(scratchpad__capacity="2304B", scratchpad__working="2112B")
    run = steps(IMAGES, small, 1, False, optimizer="sgd")
    homes = run.residency.homes
    assert any(home.spilled for home in homes.values())
    assert {name: each["dram"] for name, each in loads_of(run).items() if "norm" not in name} == {
        f"{name}.load": home.resident for name, home in homes.items() if home.resident
    }


def test_a_fused_update_waits_for_its_state() -> None:
    fused = machine(partitions=2, near_memory__update="fused", vector_unit__update_in_pe=True)
    run = steps(IMAGES, fused, 2, False, schedule="unlocked")
    assert run.residency.fused
    assert {"conv0.momentum.load", "conv3.momentum.load"} <= set(loads_of(run))


def test_generated_feedback_is_never_loaded() -> None:
    generated = machine(near_memory__feedback="prng")
    assert not [
        name for name in loads_of(steps(IMAGES, generated, 1, False, "dfa")) if "feed" in name
    ]


def test_the_books_miss_a_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "cold_start", lambda step, _: Start(step.ops))
    with pytest.raises(LawViolation, match=r"^conv0\.FF reads 108 words of conv0\.weight from"):
        steps(IMAGES, machine(), 1, False)


# The face


def test_results_of_a_first_step() -> None:
    warm, cold = (
        simulate(IMAGES, machine(), trace="random:0.5", warm=warm) for warm in (True, False)
    )
    assert (warm.warm, cold.warm) == (True, False)
    assert warm.interval_cycles == warm.cycles
    assert cold.interval_cycles is None
    assert warm.config_hash != cold.config_hash
    assert warm.to_json()["resident_words"] == cold.to_json()["resident_words"]
    assert warm.to_json()["resident_words"] == {"scratchpads": 888, "global_buffer": 16}
    assert cold.words.dram - warm.words.dram == 888 + 16
    assert cold.bytes.dram_read - warm.bytes.dram_read == 2 * (888 + 16)
    assert cold.macs == warm.macs
    by_name = {op.name: op for op in cold.ops}
    assert [by_name[op.name].words for op in warm.ops] == [op.words for op in warm.ops]
    arrivals = [op for op in cold.ops if op.kind == "load"]
    assert len(arrivals) == 8
    assert [op.pass_ for op in arrivals] == ["FF"] * 4 + ["WU"] * 4
    assert cold.energy_pj > warm.energy_pj
    assert cold.cycles > warm.cycles + sum(op.bytes.dram_read for op in arrivals) // 16
    assert violations(Result.parse(json.loads(json.dumps(cold.to_json())))) == []
    assert violations(replace(warm, warm=False))[0].startswith("interval_cycles is null for")
    assert labels([warm, cold]) == ["bp, steady state", "bp, first step"]


def test_passes_of_a_first_step_have_their_loads() -> None:
    cold = simulate(IMAGES, machine(), trace="dense", warm=False)
    part = simulate(IMAGES, machine(), trace="dense", warm=False, passes="wu")
    assert part.ops == tuple(op for op in cold.ops if op.pass_ == "WU")
    assert sum(op.kind == "load" for op in part.ops) == 4
    assert part.step is not None
    assert part.step.cycles == cold.cycles


def test_kinds_of_step_and_comparisons() -> None:
    compared = compare(IMAGES, [machine()], ["bp", "hdfa:p=0.5"], trace="random:0.5", warm=False)
    assert all(not result.warm for result in compared.results)
    assert compared.ratios["hdfa:p=0.5"]["interval_cycles"] is None
    hybrid = compared.results[1]
    assert all(not each.result.warm for each in hybrid.steps)
    assert hybrid.resident_words is not None
    assert hybrid.resident_words.scratchpads == sum(
        each.weight * each.result.resident_words.scratchpads
        for each in hybrid.steps
        if each.result.resident_words
    )


def test_a_machine_without_homes_has_no_first_step() -> None:
    warm, cold = (
        simulate(IMAGES, machine("von_neumann"), trace="dense", warm=warm).to_json()
        for warm in (True, False)
    )
    assert warm["resident_words"] == {"scratchpads": 0, "global_buffer": 0}
    for key in ("warm", "interval_cycles", "config_hash"):
        del warm[key], cold[key]
    assert warm == cold
