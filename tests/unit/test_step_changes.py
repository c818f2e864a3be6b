"""Other ways of running a step's ops: what is counted stays, who waits for whom is right, and the
simulator's laws hold.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from accelsim.experiment.simulate import simulate
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import allocate
from accelsim.rules.registry import lower
from accelsim.step.ops import Contraction, Op, Pass, TrainingStep, Use
from accelsim.studies.papers.claims.costs import REGENERATED, Step, machine, measure
from accelsim.studies.papers.claims.machine import PAIRS
from accelsim.studies.papers.claims.unicast import deliveries
from accelsim.studies.papers.step_changes import (
    CHANGES,
    by_time_step,
    values_alone,
    without_output_layer,
)
from tests.random_networks import network_of
from tests.reference_networks import sequence_networks

NETWORKS = {
    name: network
    for name, network in sequence_networks().items()
    if name in ("words-rnn-deep", "words-gru")
}
RULES = ("bp", "dfa:per_step=true", "revised:per_step=true,binary=true,sparsity=0.5")
STEPS = {
    name: {rule: lower(network, rule, 3) for rule in RULES} for name, network in NETWORKS.items()
}
CASES = [(name, rule) for name, of in STEPS.items() for rule in of]


def macs(step: TrainingStep) -> Counter[tuple[str, str]]:
    counted: Counter[tuple[str, str]] = Counter()
    for op in step.ops:
        counted[op.layer, str(op.pass_)] += op.dense_macs
    return counted


def in_order(step: TrainingStep) -> bool:
    """Whether every op waits for earlier ones alone, and for the writer of all that it reads and
    that the step writes.
    """
    done: set[str] = set()
    writer: dict[str, str] = {}
    for op in step.ops:
        needed = {
            writer[operand.tensor.name] for operand in op.operands if operand.tensor.name in writer
        }
        if not set(op.depends_on) <= done or not needed <= set(op.depends_on):
            return False
        done.add(op.name)
        writer.update({tensor.name: op.name for tensor in op.outputs})
    return all(set(waited) <= done and name in done for name, waited in step.carried.items())


@pytest.mark.parametrize(("name", "rule"), CASES)
@pytest.mark.parametrize("change", CHANGES)
def test_whoever_reads_waits_for_who_writes(name: str, rule: str, change: str) -> None:
    assert in_order(STEPS[name][rule])
    assert in_order(CHANGES[change](STEPS[name][rule]))


@pytest.mark.parametrize(("name", "rule"), CASES)
def test_ops_split_by_time_step_count_the_same(name: str, rule: str) -> None:
    step = STEPS[name][rule]
    split = by_time_step(step)
    assert macs(split) == macs(step)
    written = [
        sorted(tensor.name for op in each.ops for tensor in op.outputs) for each in (step, split)
    ]
    assert written[0] == written[1]
    whole = [
        op
        for op in split.ops
        if op.pass_ is Pass.EP and op.kind == "matmul" and len(op.outputs) > 2
    ]
    assert whole == []
    assert (split.ops != step.ops) is (rule == "bp")


def output_layer(name: str) -> str:
    return NETWORKS[name].output.name


def test_a_time_step_waits_for_its_own_part_alone() -> None:
    name = "words-gru"
    split, layer = by_time_step(STEPS[name]["bp"]), output_layer(name)
    parts = [op.name for op in split.ops if op.name.startswith(f"{layer}.EP.t")]
    assert len(parts) == NETWORKS[name].time_steps
    assert parts == sorted(parts, reverse=True)
    waiting = [op for op in split.ops if op.pass_ is Pass.EP and set(op.depends_on) & set(parts)]
    assert waiting
    assert all(len(set(op.depends_on) & set(parts)) == 1 for op in waiting)


@pytest.mark.parametrize(("name", "rule"), CASES)
def test_without_the_output_layer_the_rest_stays(name: str, rule: str) -> None:
    step, layer = STEPS[name][rule], output_layer(name)

    def dropped(op: Op) -> bool:
        return op.layer == layer and op.pass_ is Pass.EP and isinstance(op, Contraction)

    assert any(dropped(op) for op in step.ops)
    assert [op.name for op in without_output_layer(step).ops] == [
        op.name for op in step.ops if not dropped(op)
    ]


def test_values_alone_have_no_positions() -> None:
    step = STEPS["words-gru"][RULES[-1]]
    stored = [
        operand.tensor for op in step.ops for operand in op.operands if operand.tensor.index_bits
    ]
    bare = [operand.tensor for op in values_alone(step).ops for operand in op.operands]
    assert stored
    assert not any(tensor.index_bits for tensor in bare)
    assert {tensor.name: tensor.elements for tensor in bare} == {
        o.tensor.name: o.tensor.elements for op in step.ops for o in op.operands
    }


@pytest.mark.parametrize("trace", ["dense", "random:0.5"])
def test_a_split_step_runs_and_executes_the_same(trace: str) -> None:
    """Every run is checked against the simulator's conservation laws."""
    network = NETWORKS[next(iter(STEPS))]
    runs: list[dict[str, Any]] = [
        simulate(
            network,
            "von-neumann",
            rule="bp",
            batch=3,
            trace=trace,
            schedule="unlocked",
            transform=change,
        ).to_json()
        for change in (None, by_time_step)
    ]
    assert runs[0]["macs"] == runs[1]["macs"]
    assert runs[0]["words"]["dram"] <= runs[1]["words"]["dram"]
    assert runs[0]["config_hash"] != runs[1]["config_hash"]


# Errors sent one by one, and feedback that is regenerated

STACK = {
    "name": "stack",
    "input": {"height": 4, "width": 4, "channels": 8},
    "layers": [
        {"name": f"fc{index}", "kind": "fc", "out_features": size}
        for index, size in enumerate((96, 80, 10))
    ],
}


@pytest.mark.parametrize(("rule", "each"), [("dfa", 10), ("ssdfa", 1), ("sdfa:k=4", 4)])
def test_unicast_is_a_word_a_neuron_and_error_that_it_reads_at_most(rule: str, each: int) -> None:
    network, on = network_of(STACK), machine("near-memory")
    step = lower(network, rule, 2)
    mapper = Mapper(on, allocate(step, on, 1))
    ops = [op for op in step.ops if op.kind == "feedback"]
    assert len(ops) == 2
    for op, neurons in zip(ops, (80, 96), strict=True):
        moving = op.operand(Use.MOVING)
        assert moving is not None
        sent, alone, bits = deliveries(op, mapper)
        assert sent == min(moving.tensor.elements, 2 * neurons * each)
        assert sent <= alone <= 2 * neurons * each
        assert bits == 16
        if each == 1:
            assert alone == max(sent, 2 * neurons)


def test_backpropagation_reads_no_feedback_that_could_be_regenerated() -> None:
    pair = next(pair for pair in PAIRS if pair.workload == "vgg16-cifar10" and pair.old == "bp")
    assert pair.step("bp", REGENERATED, 1).on == "near-memory"
    assert pair.step(pair.new, REGENERATED, 1).on == REGENERATED
    asked = [Step(pair.workload, "bp", on, 1, "dense") for on in ("near-memory", REGENERATED)]
    assert measure(asked[0]) == measure(asked[1])
