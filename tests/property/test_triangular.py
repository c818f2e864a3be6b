"""Rules of recurrent networks on random networks and machines: counts, the plain twin of their ops,
and the conservation laws of results.
"""

from __future__ import annotations

import json
from math import prod
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.experiment.simulate import simulate
from accelsim.results.laws import violations
from accelsim.results.result import Result
from accelsim.rules.registry import lower
from accelsim.step.ops import Pass, Role
from accelsim.workload.network import Network
from tests.examples import examples
from tests.naive.machine import run
from tests.naive.triangles import TriangleTwin, counted, kept
from tests.property.test_lowering import check_nothing_idle, check_order
from tests.property.test_simulator import simulated, tight_machines
from tests.random_machines import lanes_of, machines, masks, trace_of
from tests.random_networks import network_of, sequence_workloads

RULES = {
    "triangular": 1.0,
    "triangular:per_step=true": 1.0,
    "revised": 1.0,
    "revised:per_step=true": 1.0,
    "revised:sparsity=0.5,binary=true": 0.5,
    "revised:sparsity=0.98,per_step=true": 1 - 0.98,
    "revised:sparsity=0.5,init=bw,per_step=true": 0.5,
}
"""Density of the feedback by rule."""
rules = st.sampled_from(list(RULES))


@st.composite
def sequences(draw: st.DrawFn) -> Network:
    """A recurrent network with maps of equal length, which powers of a matrix require."""
    workload: dict[str, Any] = draw(sequence_workloads())
    size = draw(st.integers(1, 5))
    for layer in workload["layers"]:
        layer.update({key: size for key in ("dim", "hidden") if key in layer})
    return network_of(workload)


@settings(max_examples=examples(60), deadline=None)
@given(sequences(), rules, st.integers(1, 3))
def test_laws_of_a_step(network: Network, rule: str, batch: int) -> None:
    step = lower(network, rule, batch)
    check_order(step)
    check_nothing_idle(step, network)
    expected = counted(network, RULES[rule], rule.endswith("per_step=true"))
    assert sum(op.dense_macs for op in step.ops if op.pass_ is Pass.EP) == batch * expected.macs
    feedback = {
        operand.tensor
        for op in step.ops
        for operand in op.operands
        if operand.tensor.role is Role.FEEDBACK
    }
    assert sum(tensor.elements for tensor in feedback) == expected.words
    assert {tensor.bits for tensor in feedback} == {1 if rule.endswith("binary=true") else None}
    assert all(bool(tensor.index_bits) <= (RULES[rule] < 1) for tensor in feedback)


@settings(max_examples=examples(40), deadline=None)
@given(st.data())
def test_rows_take_the_cycles_and_macs_of_the_plain_twin(data: st.DataObject) -> None:
    network, rule, architecture = data.draw(sequences()), data.draw(rules), data.draw(machines())
    found = data.draw(masks(network, data.draw(st.integers(1, 2))))
    batch, seed = data.draw(st.integers(1, 3)), data.draw(st.integers(0, 3))
    result = simulate(
        network,
        architecture,
        rule=rule,
        batch=batch,
        trace=trace_of(network, found),
        trace_any_rule=True,
        seed=seed,
    )
    assert isinstance(result, Result)
    nonzeros = kept(prod(network.output.out_shape), RULES[rule]) if RULES[rule] < 1 else 0
    twin = TriangleTwin(network, found, batch, lanes_of(architecture), rule, nonzeros, seed)
    twin.density = RULES[rule]
    assert simulated(result) == {
        name: run(work, lanes_of(architecture)) for name, work in twin.ops().items()
    }


@settings(max_examples=examples(40), deadline=None)
@given(st.data())
def test_every_result_obeys_the_laws(data: st.DataObject) -> None:
    network, architecture = data.draw(sequences()), data.draw(tight_machines())
    rule = data.draw(
        st.sampled_from([*RULES, "hdfa", "hdfa:p=0.5,sparsity=0.5", "hdfa:p=1", "hdfa:p=0"])
    )
    schedule, optimizer = (
        data.draw(st.sampled_from(["serial", "unlocked"])),
        data.draw(st.sampled_from(["sgd", "momentum", "adam"])),
    )
    trace = trace_of(network, data.draw(masks(network, 2)))
    result = simulate(
        network,
        architecture,
        rule=rule,
        batch=2,
        trace=trace,
        trace_any_rule=True,
        schedule=schedule,
        optimizer=optimizer,
    )
    assert violations(Result.parse(json.loads(json.dumps(result.to_json())))) == []
