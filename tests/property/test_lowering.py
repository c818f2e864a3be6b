"""Laws of every learning rule's training step, over random networks."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.network import Network
from accelsim.networks import load_network
from accelsim.ops import Op, OpKind, Pass, Role, Tensor, TrainingStep, Use
from accelsim.rules import RULES, lower
from tests.naive import counts
from tests.random_networks import networks

rules = st.sampled_from(["bp", "dfa", "ssdfa", "sdfa:k=2", "dfa:per_step=true"])
optimizers = st.sampled_from(["sgd", "momentum", "adam"])


def ancestors(step: TrainingStep) -> dict[str, set[str]]:
    """Every op that must be over before an op may start; KeyError where one depends on a later op."""
    found: dict[str, set[str]] = {}
    for op in step.ops:
        found[op.name] = set(op.depends_on).union(*(found[name] for name in op.depends_on))
    return found


def given_at_start(tensor: Tensor) -> bool:
    return tensor.persistent or tensor.name.split(".")[0] in ("input", "labels") or tensor.name.endswith(".initial")


def check_order(step: TrainingStep) -> None:
    """Names are unique, and dependencies alone enforce that nothing is read before it is made or overwritten before it is read."""
    before = ancestors(step)
    assert len(before) == len(step.ops)
    writer: dict[str, str] = {}
    readers: dict[str, list[str]] = defaultdict(list)
    seen: dict[str, Tensor] = {}
    for op in step.ops:
        for tensor in (*(operand.tensor for operand in op.operands), *op.outputs):
            assert seen.setdefault(tensor.name, tensor) == tensor
        for operand in op.operands:
            name = operand.tensor.name
            assert (name in writer) or given_at_start(operand.tensor), f"{op.name} reads {name}, which nobody made"
            assert name not in writer or writer[name] in before[op.name]
            readers[name].append(op.name)
        for tensor in op.outputs:
            assert set(readers[tensor.name]) - {op.name} <= before[op.name]
            assert tensor.name not in writer or writer[tensor.name] in before[op.name]
            writer[tensor.name], readers[tensor.name] = op.name, []


def check_nothing_idle(step: TrainingStep) -> None:
    """All that is made is read or outlives the step; but the error of the state before the sequence is made whole, as the papers count it."""
    read = {operand.tensor.name for op in step.ops for operand in op.operands}
    for op in step.ops:
        for tensor in op.outputs:
            assert tensor.name in read or tensor.persistent or tensor.name.endswith((".hidden_error.t00", ".hidden_error")), tensor.name


def pass_macs(step: TrainingStep, pass_: Pass) -> int:
    return sum(op.dense_macs for op in step.ops if op.pass_ is pass_)


@settings(max_examples=120, deadline=None)
@given(networks(), rules, optimizers, st.integers(1, 3))
def test_laws_of_a_step(network: Network, rule: str, optimizer: str, batch: int) -> None:
    step = lower(network, rule, batch, optimizer)
    check_order(step)
    check_nothing_idle(step)
    assert pass_macs(step, Pass.FF) == pass_macs(step, Pass.WG) == counts.forward_macs(network, batch)
    assert pass_macs(step, Pass.WU) == 0
    nonzeros = {"ssdfa": 1, "sdfa:k=2": 2}.get(rule, 0)
    expected = counts.backprop_macs(network, batch) if rule == "bp" else counts.feedback_macs(network, batch, nonzeros)
    assert pass_macs(step, Pass.EP) == expected
    feedback = {operand.tensor for op in step.ops for operand in op.operands if operand.tensor.role is Role.FEEDBACK}
    per_step = rule.endswith("per_step=true")
    assert sum(tensor.elements for tensor in feedback) == (0 if rule == "bp" else counts.feedback_words(network, nonzeros, per_step))
    words = {"sgd": 0, "momentum": 1, "adam": 2}[optimizer]
    for layer in counts.contracting(network):
        update = step.op(f"{layer.name}.WU")
        assert update.vector is not None
        assert update.vector.elements == counts.weights_of(layer)
        state = [operand for operand in update.operands if operand.tensor.role is Role.OPTIMIZER_STATE]
        assert sum(operand.tensor.elements for operand in state) == words * counts.weights_of(layer)


def output_positions(op: Op) -> int:
    b = op.bounds
    assert b is not None
    if op.kind is OpKind.FEEDBACK or op.pass_ is Pass.FF:
        return b.n * b.p * b.q * b.k
    return b.n * b.h * b.w * b.c if op.pass_ is Pass.EP else b.k * b.r * b.s * (b.c // b.groups)


@settings(max_examples=60, deadline=None)
@given(networks(), rules, st.integers(1, 3))
def test_bounds_fit_the_tensors(network: Network, rule: str, batch: int) -> None:
    """What an op's loop nest makes is what its output tensors hold, except the GRU's fourth word (its candidate in two parts)."""
    for op in lower(network, rule, batch).ops:
        if not op.is_contraction:
            assert op.bounds is None
            assert op.vector is not None
            continue
        assert op.vector is None
        gru_forward = op.pass_ is Pass.FF and network.layer(op.layer).kind == "gru"
        made = sum(tensor.elements for tensor in op.outputs)
        assert made * (3 if gru_forward else 1) == output_positions(op) * (4 if gru_forward else 1)
        needed = op.operand(Use.NEEDED)
        assert needed is None or (op.pass_ is Pass.EP and sum(o.tensor.elements for o in op.operands if o.use is Use.NEEDED) == made)
        assert op.operand(Use.MOVING) is not None
        assert op.operand(Use.STATIONARY) is not None


@settings(max_examples=60, deadline=None)
@given(networks(), rules, st.sets(st.sampled_from(list(Pass)), min_size=1))
def test_passes_keep_their_order(network: Network, rule: str, passes: set[Pass]) -> None:
    """Dropping passes drops their ops and keeps who waits for whom, also through dropped ops."""
    full, part = lower(network, rule, 2), lower(network, rule, 2, passes=passes)
    kept = [op.name for op in full.ops if op.pass_ in passes]
    assert [op.name for op in part.ops] == kept
    before, restricted = ancestors(full), ancestors(part)
    for name in kept:
        assert restricted[name] == before[name] & set(kept)
    for name, waits in part.carried.items():
        assert {name, *waits} <= set(kept)
    if passes == {Pass.FF}:
        roles = {tensor.role for op in part.ops for tensor in op.outputs}
        assert roles <= {Role.ACTIVATION}


@settings(max_examples=60, deadline=None)
@given(networks(), st.sampled_from(["dfa", "ssdfa", "dfa:per_step=true"]))
def test_direct_feedback_waits_for_the_output_error_alone(network: Network, rule: str) -> None:
    step = lower(network, rule, 2)
    before, passes = ancestors(step), {op.name: op.pass_ for op in step.ops}
    for op in step.ops:
        if op.kind is OpKind.FEEDBACK:
            assert {name for name in before[op.name] if passes[name] is not Pass.FF} == {"loss.EP"}


@settings(max_examples=60, deadline=None)
@given(networks())
def test_backprop_is_locked(network: Network) -> None:
    """BP's EP of a layer waits for EP of every weighted layer that its output feeds, directly or not."""
    step = lower(network, "bp", 2)
    before = ancestors(step)
    ops: dict[str, list[str]] = defaultdict(list)
    for op in step.ops:
        if op.is_contraction and op.pass_ is Pass.EP:
            ops[op.layer].append(op.name)
    below: dict[str, set[str]] = {}
    for layer in reversed(network.layers):
        readers = network.consumers[layer.name]
        below[layer.name] = {reader.name for reader in readers}.union(*(below[reader.name] for reader in readers))
        for later in below[layer.name]:
            for op in ops[layer.name]:
                # Of a recurrent layer the last step's op goes first, and waits for that step alone.
                waited = [other for other in ops[later] if not (network.layer(later).recurrent and other[-4:] != op[-4:])]
                assert set(waited) <= before[op]


@settings(max_examples=30, deadline=None)
@given(networks(), rules)
def test_forward_of_the_next_step_waits_for_the_update(network: Network, rule: str) -> None:
    step = lower(network, rule, 1)
    names = {op.name for op in step.ops}
    updates = {name for name in names if name.endswith(".WU")}
    assert {wait for waits in step.carried.values() for wait in waits} == updates
    weights = {tensor.name for op in step.ops if op.pass_ is Pass.WU for tensor in op.outputs if tensor.role is Role.WEIGHT}
    for op in step.ops:
        if op.pass_ is Pass.FF and any(operand.tensor.name in weights for operand in op.operands):
            assert step.carried[op.name] == (f"{op.layer}.WU",)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("workload", ["resnet18-cifar10", "lstm-wikitext2", "vgg16-cifar10"])
def test_every_rule_on_shipped_networks(rule: str, workload: str) -> None:
    network = load_network(workload)
    step = lower(network, rule, network.batch)
    check_order(step)
    check_nothing_idle(step)
    assert pass_macs(step, Pass.FF) == counts.forward_macs(network, network.batch)
