"""Some passes of a step: the whole step runs, and the result holds the chosen passes as they are
within it.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from accelsim.experiment.compare import compare
from accelsim.experiment.simulate import simulate
from accelsim.report.labels import labels
from accelsim.report.runs import Runs
from accelsim.report.summary.sentences import costs
from accelsim.report.tables.steps import totals_table
from accelsim.results.comparison import Comparison
from accelsim.results.laws import violations
from accelsim.results.result import Result, StepTotals
from accelsim.results.spans import length, merged, overlap
from accelsim.sim.observers import Observer
from accelsim.sim.run import Run
from accelsim.step.ops import Pass
from tests.random_machines import machine
from tests.reference_networks import Builder

NETWORK = Builder("parts", (4, 4, 3)).conv(4).add("relu").conv(4).add("relu").add("fc", 3).network()
PARTS = [part for count in range(1, 4) for part in combinations(Pass, count)]
MACHINES = [
    pytest.param("near_memory", "serial", 1, id="near-memory"),
    pytest.param("von_neumann", "serial", 1, id="von-neumann"),
    pytest.param("near_memory", "unlocked", 3, id="near-memory-unlocked"),
    pytest.param("von_neumann", "unlocked", 3, id="von-neumann-unlocked"),
]


class Kept(Observer):
    """The runs that end."""

    def __init__(self) -> None:
        self.runs: list[Run] = []

    def end(self, run: Run) -> None:
        self.runs.append(run)


def step(organization: str, schedule: str, partitions: int, **settings: Any) -> tuple[Result, Run]:
    kept = Kept()
    result = simulate(
        NETWORK,
        machine(organization, partitions=partitions),
        **{"trace": "random:0.5", "schedule": schedule, "observers": [kept], **settings},
    )
    return result, kept.runs[0]


@pytest.mark.parametrize(("organization", "schedule", "partitions"), MACHINES)
def test_a_pass_alone_is_the_pass_within_the_step(
    organization: str, schedule: str, partitions: int
) -> None:
    whole, run = step(organization, schedule, partitions)
    assert whole.step is None
    assert "step" not in whole.to_json()
    for passes in PARTS:
        part, _ = step(organization, schedule, partitions, passes=passes)
        assert part.ops == tuple(op for op in whole.ops if op.pass_ in passes)
        assert part.step == StepTotals(cycles=whole.cycles, energy_pj=whole.energy_pj)
        assert part.interval_cycles is None
        for name in Pass:
            of_pass = part.passes[name]
            assert of_pass == whole.passes[name] if name in passes else not of_pass.cycles
        for group in ("macs", "words", "bytes"):
            for key in getattr(part, group).field_names():
                assert getattr(getattr(part, group), key) == sum(
                    getattr(getattr(whole.passes[name], group), key) for name in passes
                )
        assert part.vector_ops == sum(whole.passes[name].vector_ops for name in passes)
        assert violations(Result.parse(json.loads(json.dumps(part.to_json())))) == []
        check_background(part, run)
    if schedule == "serial":
        check_that_parts_add_up(
            whole, [step(organization, schedule, 1, passes=[name])[0] for name in Pass]
        )


def check_background(part: Result, run: Run) -> None:
    """Cycle by cycle: the part's cycles are those in which one of its ops runs, and its idle clocks
    those of lanes that no op of the step holds in these cycles.
    """
    names = {op.name for op in part.ops}
    spans = [(record.start, record.end) for record in run.records if record.op.name in names]
    cycles = {cycle for start, end in spans for cycle in range(start, end)}
    held = [
        run.partition_lanes
        for record in run.records
        if record.plan.on_array
        for cycle in range(record.start, record.end)
        if cycle in cycles
    ]
    assert part.cycles == len(cycles)
    assert part.seconds == len(cycles) / 800e6
    idle = sum(
        record.counts["control", "idle_clock"] for record in run.records if record.op.name in names
    )
    actions = part.actions
    assert actions.get("control.idle_clock", 0) - idle == run.lanes * len(cycles) - sum(held)
    assert actions["leakage.cycles"] == len(cycles)
    # A share is rounded down at both ends of each interval: at most one action per interval off.
    intervals = sum(cycle - 1 not in cycles for cycle in cycles)
    for action in ("refresh", "active_standby", "precharge_standby"):
        all_of_step = run.background["dram", action]
        got = actions.get(f"dram.{action}", 0)
        assert abs(got * run.cycles - all_of_step * len(cycles)) <= intervals * run.cycles


def check_that_parts_add_up(whole: Result, parts: list[Result]) -> None:
    assert sum(part.cycles for part in parts) == whole.cycles
    for action, times in whole.actions.items():
        assert sum(part.actions.get(action, 0) for part in parts) == times, action
    for key in ("energy_pj", "unattributed_pj"):
        total = math.fsum(getattr(part, key) for part in parts)
        assert math.isclose(total, getattr(whole, key), rel_tol=1e-12)


def test_ops_of_different_passes_overlap_in_the_unlocked_runs_above() -> None:
    whole, _ = step("near_memory", "unlocked", 3)
    assert sum(totals.cycles for totals in whole.passes.values()) > whole.cycles
    part, _ = step("near_memory", "unlocked", 3, passes=["WG", "WU"])
    assert part.passes["WG"].cycles + part.passes["WU"].cycles > part.cycles


def test_the_union_of_intervals() -> None:
    # [0, 4) and [2, 6) overlap, [6, 7) touches them, [9, 9) is empty, [8, 12) holds [9, 10).
    spans = merged([(8, 12), (2, 6), (0, 4), (9, 9), (6, 7), (9, 10)])
    assert spans == ((0, 7), (8, 12))
    assert length(spans) == 7 + 4
    assert [overlap(each, spans) for each in ((5, 9), (7, 8), (0, 20))] == [2 + 1, 0, 11]
    assert merged([]) == ()


def test_a_pass_without_ops_costs_nothing() -> None:
    network = Builder("one", (1, 1, 4)).add("fc", 3).network()
    whole = simulate(network, machine(), trace="dense")
    assert {op.pass_ for op in whole.ops} == {"FF", "EP", "WG", "WU"}
    only = {"transform": lambda step: replace(step, ops=step.ops[:1])}
    part = simulate(network, machine(), trace="dense", passes=["WU"], **only)
    assert (part.cycles, part.energy_pj, part.ops) == (0, 0.0, ())
    assert part.step is not None
    assert part.step.cycles == simulate(network, machine(), trace="dense", **only).cycles > 0


def test_kinds_of_step_are_averaged_like_the_step() -> None:
    settings: dict[str, Any] = {"rule": "hdfa:p=0.25", "trace": "random:0.5"}
    whole = simulate(NETWORK, machine(), **settings)
    part = simulate(NETWORK, machine(), **settings, passes="ep,wg")
    assert part.step is not None
    assert part.interval_cycles is None
    assert math.isclose(part.step.cycles, whole.cycles)
    assert math.isclose(part.step.energy_pj, whole.energy_pj)
    for name in ("EP", "WG"):
        assert part.passes[name] == whole.passes[name]
    kinds = [each.result for each in part.steps]
    assert [kind.step.cycles for kind in kinds if kind.step] == [
        each.result.cycles for each in whole.steps
    ]
    assert math.isclose(part.cycles, 0.25 * kinds[0].cycles + 0.75 * kinds[1].cycles)
    assert "step" in part.to_json()
    assert violations(Result.parse(part.to_json())) == []


def test_ratios_are_those_of_the_parts() -> None:
    settings: dict[str, Any] = {"trace": "random:0.5", "schedule": "unlocked"}
    several = machine(partitions=3)
    part = compare(NETWORK, [several], ["bp", "dfa"], passes="ep,wg", **settings)
    base, other = part.results
    ratios = part.ratios["dfa"]
    assert ratios["cycles"] == other.cycles / base.cycles
    assert ratios["energy_pj"] == other.energy_pj / base.energy_pj
    assert ratios["passes.EP.cycles"] == other.passes["EP"].cycles / base.passes["EP"].cycles
    assert ratios["interval_cycles"] is None
    assert ratios["passes.FF.cycles"] is None
    assert violations(Comparison.parse(json.loads(json.dumps(part.to_json())))) == []


def test_a_part_is_another_configuration() -> None:
    results = [
        simulate(NETWORK, machine(), trace="dense", **settings)
        for settings in ({}, {"passes": "ep"}, {"passes": "wg"}, {"passes": "wg,ep"})
    ]
    assert len({each.config_hash for each in results}) == 4
    again = simulate(NETWORK, machine(), trace="dense", passes="wu,wg,ep,ff")
    assert again.to_json() == results[0].to_json()


@pytest.mark.parametrize(
    ("change", "law"),
    [
        ({"cycles": 1}, "cycles = union of the ops of a part: "),
        ({"interval_cycles": 5}, "interval_cycles is null for a part of a step and for a first"),
        ({"step": StepTotals(cycles=1, energy_pj=1e12)}, "cycles of a part is at most that of the"),
        ({"step": StepTotals(cycles=10**9, energy_pj=1.0)}, "energy_pj of a part is at most that"),
    ],
)
def test_laws_of_a_part(change: dict[str, Any], law: str) -> None:
    part, _ = step("near_memory", "serial", 1, passes=["EP"])
    assert violations(part) == []
    assert any(line.startswith(law) for line in violations(replace(part, **change)))


def test_tables_and_sentences_tell_the_part_from_the_step() -> None:
    whole, _ = step("near_memory", "unlocked", 3)
    part, _ = step("near_memory", "unlocked", 3, passes=["EP"])
    sentence = costs(Runs.of([part]))
    assert sentence.startswith("Under bp, the EP pass of a step takes ")
    assert "; the whole step takes " in sentence
    table = totals_table(Runs.of([whole, part]))
    at = [column.key for column in table.columns].index("interval_cycles")
    assert [row[at] for row in table.rows] == [whole.interval_cycles, None]


def test_labels_tell_parts_of_one_run_apart() -> None:
    parts = [step("near_memory", "serial", 1, **each)[0] for each in ({}, {"passes": "wg,ep"})]
    assert labels(parts) == ["bp, whole step", "bp, EP+WG"]
