"""Laws of every learning rule's training step, on random networks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from math import prod

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from accelsim.config.registries import RULES
from accelsim.errors import InputError
from accelsim.rules.registry import ALL_PASSES, lower, parse_rule
from accelsim.step.ops import Contraction, Pass, Role, Tensor, TrainingStep, Use, VectorWork
from accelsim.step.zero_sources import Causal
from accelsim.workload.loading import load_network
from accelsim.workload.modules import links as module_links
from accelsim.workload.network import Layer, Network
from tests.examples import examples
from tests.naive import counts, links
from tests.naive.bounds import bounds
from tests.random_networks import networks

CHAINS = ["bp", "bp-only:p=0.5", "fa"]
DIRECT = {"dfa": 0, "bdfa": 0, "ssdfa": 1, "sdfa:k=2": 2, "dfa:per_step=true": 0}
MODULAR = ["modular", "conv-dfa", "dilated"]
MODULAR += ["revised", "revised:groups=2,binary=true", "revised:order=printed"]
ANY_NETWORK = {"bp", "bp-only", "fa", "dfa", "bdfa", "sdfa", "ssdfa", "frozen"}
rules = st.sampled_from([*CHAINS, *DIRECT, *MODULAR, "frozen"])
optimizers = st.sampled_from(["sgd", "momentum", "adam"])


def lowered(
    network: Network,
    rule: str,
    batch: int,
    optimizer: str = "momentum",
    passes: Iterable[Pass] = ALL_PASSES,
) -> TrainingStep:
    """Like `lower`, but rejects examples that a modular rule refuses correctly."""
    if network.vocabulary and rule in MODULAR:
        reject()
    try:
        return lower(network, rule, batch, optimizer, passes)
    except InputError as error:
        if rule in MODULAR and any(
            word in str(error)
            for word in ("must end in a layer", "groups must divide", "without attention")
        ):
            reject()
        raise


def ancestors(step: TrainingStep) -> dict[str, set[str]]:
    """By op: every op that must finish before it starts. Raises KeyError if an op depends on a
    later op.
    """
    before: dict[str, set[str]] = {}
    for op in step.ops:
        before[op.name] = set(op.depends_on).union(*(before[name] for name in op.depends_on))
    return before


def given_at_start(tensor: Tensor) -> bool:
    """True for what exists before the step, and for the shape of causal attention, which has no
    words.
    """
    return (
        tensor.persistent
        or tensor.name.split(".")[0] in ("input", "labels")
        or tensor.name.endswith(".initial")
        or tensor.elements == 0
    )


def check_order(step: TrainingStep) -> None:
    """Names are unique. Dependencies are sufficient: nothing is read before it is written, or
    overwritten before it is read.
    """
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
            assert (name in writer) or given_at_start(operand.tensor), (
                f"{op.name} reads {name}, which nobody made"
            )
            assert name not in writer or writer[name] in before[op.name]
            readers[name].append(op.name)
        for tensor in op.outputs:
            assert set(readers[tensor.name]) - {op.name} <= before[op.name]
            assert tensor.name not in writer or writer[tensor.name] in before[op.name]
            writer[tensor.name], readers[tensor.name] = op.name, []


def check_nothing_idle(step: TrainingStep, network: Network) -> None:
    """Every tensor that is written is read or persists.

    There are three exceptions. Direct feedback reaches every map that layers with weights read,
    also one from which no error goes on because the maps before it have feedback of their own. The
    error at the initial state is computed in full, as the papers count it. The last cell state is
    written even if only the output layer learns and nothing reads it.
    """
    read = {operand.tensor.name for op in step.ops for operand in op.operands}
    for op in step.ops:
        for tensor in op.outputs:
            whole = tensor.name.endswith((".hidden_error.t00", ".hidden_error"))
            state = step.rule == "frozen" and ".cell" in tensor.name
            known = tensor.name in read or tensor.persistent or whole or state
            assert known or ends_here(tensor, step, network), tensor.name


def ends_here(tensor: Tensor, step: TrainingStep, network: Network) -> bool:
    """True for the error at a map whose maker passes on none, under direct feedback."""
    name = tensor.name.removesuffix(".error").split(".t")[0]
    if step.rule in CHAINS or not tensor.name.startswith(f"{name}.error"):
        return False
    maker = network.layer(name)
    return not maker.learns and len(counts.fed(network, maker.inputs)) == len(maker.inputs)


def pass_macs(step: TrainingStep, pass_: Pass) -> int:
    return sum(op.dense_macs for op in step.ops if op.pass_ is pass_)


def gradient_macs(step: TrainingStep, layer: Layer) -> int:
    """MACs of a layer's WG: those of its FF, without the stride zeros of a transposed convolution,
    whose FF counts the output map's positions.
    """
    macs = sum(op.dense_macs for op in step.ops if op.layer == layer.name and op.pass_ is Pass.FF)
    if layer.kind != "conv_transpose":
        return macs
    return macs * prod(layer.in_shape[:2]) // prod(layer.out_shape[:2])


def learning(network: Network, rule: str) -> list[Layer]:
    return counts.contracting(network) if rule != "frozen" else [network.classifier]


def expected_propagation(network: Network, rule: str) -> tuple[int, int]:
    """(MACs of EP per sample, words of feedback)."""
    if rule == "frozen":
        return 0, 0
    if rule in CHAINS:
        return counts.backprop_macs(network, 1), counts.backprop_weights(
            network
        ) if rule == "fa" else 0
    if rule in DIRECT:
        return counts.feedback_macs(network, 1, DIRECT[rule]), counts.feedback_words(
            network, DIRECT[rule], rule.endswith("per_step=true")
        )
    parts = links.all_parts(network, parse_rule(rule))
    return sum(part.macs for part in parts), sum(part.words for part in parts)


@settings(max_examples=examples(200), deadline=None)
@given(networks(), rules, optimizers, st.integers(1, 3))
def test_laws_of_a_step(network: Network, rule: str, optimizer: str, batch: int) -> None:
    step = lowered(network, rule, batch, optimizer)
    check_order(step)
    check_nothing_idle(step, network)
    assert pass_macs(step, Pass.FF) == counts.forward_macs(network, batch)
    assert pass_macs(step, Pass.WG) == sum(
        gradient_macs(step, layer) for layer in learning(network, rule)
    )
    assert pass_macs(step, Pass.WU) == 0
    macs, feedback_words = expected_propagation(network, rule)
    if rule != "frozen":
        macs += counts.attention_macs_back(network, 1, rule not in CHAINS)
    assert pass_macs(step, Pass.EP) == batch * macs
    feedback = {
        operand.tensor
        for op in step.ops
        for operand in op.operands
        if operand.tensor.role is Role.FEEDBACK
    }
    assert sum(tensor.elements for tensor in feedback) == feedback_words
    binary = rule == "bdfa" or rule.endswith("binary=true")
    assert {tensor.bits for tensor in feedback} <= {1 if binary else None}
    assert all(tensor.persistent and tensor.home_channels for tensor in feedback)
    words = {"sgd": 0, "momentum": 1, "adam": 2}[optimizer]
    for layer in learning(network, rule):
        update = step.op(f"{layer.name}.WU")
        assert isinstance(update, VectorWork)
        assert update.elements == counts.weights_of(layer)
        state = [
            operand for operand in update.operands if operand.tensor.role is Role.OPTIMIZER_STATE
        ]
        assert sum(operand.tensor.elements for operand in state) == words * counts.weights_of(layer)


def output_positions(op: Contraction) -> int:
    b = bounds(op)
    if op.kind == "feedback" or op.pass_ is Pass.FF:
        return b.n * b.p * b.q * b.k
    if op.nest.sums_samples:
        return b.k * b.r * b.s * (b.c // b.groups)
    return b.n * b.h * b.w * b.c


@settings(max_examples=examples(60), deadline=None)
@given(networks(), rules, st.integers(1, 3))
def test_bounds_fit_the_tensors(network: Network, rule: str, batch: int) -> None:
    """The number of outputs of an op's nest equals the size of its output tensors, except for the
    GRU's fourth word (its candidate in two parts).
    """
    for op in lowered(network, rule, batch).ops:
        if not isinstance(op, Contraction):
            assert isinstance(op, VectorWork)
            continue
        assert op.nest.channels * op.nest.positions == output_positions(op)
        gru_forward = op.pass_ is Pass.FF and network.layer(op.layer).kind == "gru"
        made = sum(tensor.elements for tensor in op.outputs)
        assert made * (3 if gru_forward else 1) == output_positions(op) * (4 if gru_forward else 1)
        needed = op.operand(Use.NEEDED)
        if needed is not None and isinstance(needed.zeros, Causal):
            queries, keys = needed.tensor.shape
            assert made == queries * keys * network.layer(op.layer).heads * batch
        else:
            assert needed is None or (
                op.pass_ is Pass.EP
                and sum(o.tensor.elements for o in op.operands if o.use is Use.NEEDED) == made
            )
        assert op.operand(Use.MOVING) is not None
        assert op.operand(Use.STATIONARY) is not None


@settings(max_examples=examples(60), deadline=None)
@given(networks(), rules, st.sets(st.sampled_from(list(Pass)), min_size=1))
def test_passes_keep_their_order(network: Network, rule: str, passes: set[Pass]) -> None:
    """Restricting the passes removes their ops and keeps all dependencies, including those through
    removed ops.
    """
    full, part = lowered(network, rule, 2), lowered(network, rule, 2, passes=passes)
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


@settings(max_examples=examples(60), deadline=None)
@given(networks(), st.sampled_from(list(DIRECT)))
def test_direct_feedback_waits_for_the_output_error_alone(network: Network, rule: str) -> None:
    step = lower(network, rule, 2)
    before, passes = ancestors(step), {op.name: op.pass_ for op in step.ops}
    for op in step.ops:
        if op.kind == "feedback":
            assert {name for name in before[op.name] if passes[name] is not Pass.FF} == {"loss.EP"}


@settings(max_examples=examples(60), deadline=None)
@given(networks(), st.sampled_from(CHAINS))
def test_chains_are_locked(network: Network, rule: str) -> None:
    """In BP and FA, EP of a layer waits for EP of every weighted layer that its output reaches,
    directly or not.
    """
    step = lower(network, rule, 2)
    before = ancestors(step)
    ops: dict[str, list[str]] = defaultdict(list)
    for op in step.ops:
        if isinstance(op, Contraction) and op.pass_ is Pass.EP:
            ops[op.layer].append(op.name)
    below: dict[str, set[str]] = {}
    for layer in reversed(network.layers):
        readers = network.consumers[layer.name]
        below[layer.name] = {reader.name for reader in readers}.union(
            *(below[reader.name] for reader in readers)
        )
        for later in below[layer.name]:
            for op in ops[layer.name]:
                # In a recurrent layer the last time step comes first and waits only for that step.
                waited = [
                    other
                    for other in ops[later]
                    if not (network.layer(later).recurrent and other[-4:] != op[-4:])
                ]
                if network.layer(later).kind == "attention":
                    # Each of its products that makes errors of maps that this layer reaches.
                    from_here = {layer.name, *below[layer.name]}
                    parts = zip(("query", "key", "value"), network.layer(later).inputs, strict=True)
                    waited = [f"{later}.EP.{part}" for part, name in parts if name in from_here]
                assert set(waited) <= before[op]


@settings(max_examples=examples(60), deadline=None)
@given(networks(), st.sampled_from(MODULAR))
def test_links_wait_for_the_end_of_their_module_alone(network: Network, rule: str) -> None:
    """Among weighted layers, EP into a layer's map waits only for those whose links lead to the
    error at the end of its module (eq. 6).
    """
    step = lowered(network, rule, 2)
    before, found = ancestors(step), module_links(network)
    propagated = {
        op.layer
        for op in step.ops
        if op.pass_ is Pass.EP
        and isinstance(op, Contraction)
        and network.layer(op.layer).kind != "attention"
    }
    assert propagated == {layer.name for layer in counts.propagating(network)}
    for op in step.ops:
        if op.layer in propagated and op.pass_ is Pass.EP and isinstance(op, Contraction):
            waits = {
                each.layer
                for each in step.ops
                if each.name in before[op.name]
                and each.pass_ is Pass.EP
                and each.layer in propagated
                and isinstance(each, Contraction)  # others add errors of links that are counted
            }
            source = found[op.layer].source
            own = {found[name].source.name for name in waits - {op.layer}}
            assert source.name not in own, "no link of the same module"
            if source is network.classifier:
                assert waits <= {op.layer}


@settings(max_examples=examples(30), deadline=None)
@given(networks(), rules)
def test_forward_of_the_next_step_waits_for_the_update(network: Network, rule: str) -> None:
    step = lowered(network, rule, 1)
    names = {op.name for op in step.ops}
    updates = {name for name in names if name.endswith(".WU")}
    assert {wait for waits in step.carried.values() for wait in waits} == updates
    weights = {
        tensor.name
        for op in step.ops
        if op.pass_ is Pass.WU
        for tensor in op.outputs
        if tensor.role is Role.WEIGHT
    }
    for op in step.ops:
        if op.pass_ is Pass.FF and any(operand.tensor.name in weights for operand in op.operands):
            assert step.carried[op.name] == (f"{op.layer}.WU",)


@pytest.mark.parametrize("rule", RULES.names())
@pytest.mark.parametrize("workload", ["resnet18-cifar10", "lstm-wikitext2", "vgg16-cifar10"])
def test_every_rule_on_shipped_networks(rule: str, workload: str) -> None:
    network = load_network(workload)
    try:
        step = lower(network, rule, network.batch)
    except InputError:
        # Other rules are defined for one kind of network only.
        if rule in ANY_NETWORK:
            raise
        return
    check_order(step)
    check_nothing_idle(step, network)
    assert pass_macs(step, Pass.FF) == counts.forward_macs(network, network.batch)
