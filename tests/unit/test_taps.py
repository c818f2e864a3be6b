"""Direct feedback into blocks and sublayers of attention: where it enters, what it costs, and its
numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.layers.model import Model
from accelsim.numerics.loss import softmax_loss
from accelsim.rules.direct.tapped_numbers import TappedFeedback
from accelsim.rules.direct.taps import taps_of
from accelsim.rules.registry import lower, parse_rule, rule_numerics, step_kinds
from accelsim.rules.walk.numbers import RuleNumerics
from accelsim.step.ops import Contraction, Pass, Role
from accelsim.workload.network import Network
from tests.random_networks import network_of

TOKENS, WIDTH, HIDDEN, WORDS = 5, 8, 12, 7


def transformer(blocks: int = 3, post_norm: bool = True) -> Network:
    """Blocks of attention and an MLP, with norms after or before each sublayer."""
    layers: list[dict[str, Any]] = [{"name": "table", "kind": "embedding", "dim": WIDTH}]

    def add(name: str, kind: str, *inputs: str, **keys: Any) -> str:
        layers.append({"name": name, "kind": kind, "inputs": inputs, **keys})
        return name

    above = "table"
    for index in range(blocks):
        name = f"b{index}-".__add__
        read = above if post_norm else add(name("norm1"), "layer_norm", above)
        parts = [add(name(x), "linear", read, out_features=WIDTH) for x in "qkv"]
        add(name("mix"), "attention", *parts, heads=2, causal=True)
        add(name("o"), "linear", out_features=WIDTH)
        above = add(name("sum1"), "add", above, name("o"))
        above = add(name("norm1"), "layer_norm", above) if post_norm else above
        read = above if post_norm else add(name("norm2"), "layer_norm", above)
        add(name("up"), "linear", read, out_features=HIDDEN)
        add(name("relu"), "relu")
        add(name("down"), "linear", out_features=WIDTH)
        above = add(name("sum2"), "add", above, name("down"))
        above = add(name("norm2"), "layer_norm", above) if post_norm else above
    if not post_norm:
        above = add("norm", "layer_norm", above)
    add("head", "linear", above, out_features=WORDS)
    return network_of(
        {
            "name": "transformer",
            "input": {"tokens": TOKENS, "vocabulary": WORDS},
            "layers": layers,
        }
    )


def taps(network: Network, rule: str) -> list[str]:
    return list(taps_of(network, parse_rule(rule)).shapes)


def test_taps_of_post_norm_blocks() -> None:
    """After the norms, as in the published code; and after the ReLU of each MLP."""
    network = transformer(2)
    assert taps(network, "dfa:granularity=block") == ["b0-norm2", "b1-norm2"]
    assert taps(network, "dfa:granularity=sublayer") == [
        f"b{block}-{end}" for block in (0, 1) for end in ("norm1", "relu", "norm2")
    ]


def test_taps_of_pre_norm_blocks() -> None:
    """At the residual sums; the last one is read by the final norm alone."""
    network = transformer(2, post_norm=False)
    assert taps(network, "dfa:granularity=block") == ["b0-sum2", "norm"]
    assert taps(network, "ssdfa:granularity=sublayer") == [
        "b0-sum1",
        "b0-relu",
        "b0-sum2",
        "b1-sum1",
        "b1-relu",
        "norm",
    ]


@pytest.mark.parametrize("post_norm", [True, False])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("granularity", ["block", "sublayer"])
def test_products_of_a_step(post_norm: bool, shared: bool, granularity: str) -> None:
    """Tables of the rule's operations, with M rows, d, f and A = N T^2 d: between taps the blocks
    backpropagate, and block 1 also into the embedding. A norm before a sublayer needs the error of
    the products that read it, for its own parameters.
    """
    batch, blocks = 2, 3
    rows, each = batch * TOKENS, WIDTH * WIDTH
    scores = batch * TOKENS**2 * WIDTH
    feedback = "shared" if shared else "own"
    step = lower(
        transformer(blocks, post_norm), f"dfa:granularity={granularity},feedback={feedback}", batch
    )
    macs = sum(op.dense_macs for op in step.ops if op.pass_ is Pass.EP)
    block = rows * each + 4 * scores
    if granularity == "block":
        block += 2 * rows * WIDTH * HIDDEN
        projections = rows * each * (1 if shared else blocks)
    else:
        projections = rows * WIDTH * HIDDEN
        projections = projections if shared else blocks * (2 * rows * each + projections)
    if post_norm:
        first = 3 * rows * each
    else:
        first = blocks * (3 * rows * each + (granularity == "sublayer") * rows * WIDTH * HIDDEN)
    assert macs == blocks * block + first + projections + rows * WIDTH * WORDS
    expected = lower(transformer(blocks, post_norm), "bp", batch)
    for pass_ in (Pass.FF, Pass.WG, Pass.WU):
        assert [op.name for op in step.ops if op.pass_ is pass_] == [
            op.name for op in expected.ops if op.pass_ is pass_
        ]


def test_weights_that_are_transposed() -> None:
    """12, 9 and 1 squares of the width in a block after the first, if the MLP is four times as
    wide; here it is 1.5 times as wide.
    """
    squares = {"bp": 4 + 3, "dfa:granularity=block": 1 + 3, "dfa:granularity=sublayer": 1}
    for rule, expected in squares.items():
        step = lower(transformer(), rule, 1)
        words = sum(
            op.stationary.tensor.elements
            for op in step.ops
            if isinstance(op, Contraction)
            and op.layer.startswith("b1-")
            and op.pass_ is Pass.EP
            and op.stationary.tensor.role is Role.WEIGHT
        )
        assert words == expected * WIDTH * WIDTH, rule


def test_blocks_wait_for_the_output_error_alone() -> None:
    """Of EP, an op of a block depends on ops of the same block and of the head."""
    step = lower(transformer(), "dfa:granularity=block", 1)
    for op in step.ops:
        if op.pass_ is Pass.EP and op.layer.startswith("b"):
            others = {
                name
                for name in op.depends_on
                if step.op(name).pass_ is Pass.EP
                and not name.startswith(op.layer[:2])
                and not name.startswith("head")
            }
            # A sum is read where it is made, so its error is that of the map above it.
            assert not others, op.name


def gradients(model: Model, rule: RuleNumerics) -> dict[tuple[str, str], np.ndarray]:
    random = np.random.default_rng(0)
    words = random.integers(0, WORDS, (2, TOKENS))
    labels = random.integers(0, WORDS, 2 * TOKENS)
    _, error = softmax_loss(model.forward(words), labels)
    rule.propagate(error, labels)
    return {key: value.copy() for key, value in model.gradients().items()}


@pytest.mark.parametrize("post_norm", [True, False])
def test_with_the_identity_as_feedback_the_last_block_learns_as_in_backpropagation(
    post_norm: bool,
) -> None:
    model = Model(transformer(2, post_norm), 0, np.float64)
    expected = gradients(model, rule_numerics("bp", model, 0))
    rule = rule_numerics("dfa:granularity=block", model, 0)
    assert isinstance(rule, TappedFeedback)
    rule.feedback["head"].values[:] = np.eye(WIDTH)
    same = TappedFeedback(model, rule.of_network, rule.feedback)
    found = gradients(model, same)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        equal = np.allclose(found[key], value, rtol=0, atol=1e-12)
        learns_alike = key[0].startswith("b1-") or key[0] in {"head", "norm"}
        assert equal or not learns_alike, key
        assert not equal or learns_alike, key


@pytest.mark.parametrize("rule", ["dfa", "bdfa", "sdfa:k=2", "ssdfa"])
@pytest.mark.parametrize("granularity", ["block", "sublayer"])
@pytest.mark.parametrize("tap", ["hidden", "logits"])
@pytest.mark.parametrize("feedback", ["own", "shared"])
def test_ops_and_numbers_multiply_alike(
    rule: str, granularity: str, tap: str, feedback: str
) -> None:
    """Each matrix of the step is one of the numbers, with as many stored words."""
    spelling = f"{rule}{',' if ':' in rule else ':'}"
    spelling += f"granularity={granularity},tap={tap},feedback={feedback}"
    network = transformer(2)
    step = lower(network, spelling, 2)
    stored = {
        operand.tensor.name: operand.tensor.elements
        for op in step.ops
        for operand in op.operands
        if operand.tensor.role is Role.FEEDBACK
    }
    model = Model(network, 0, np.float64)
    numbers = rule_numerics(spelling, model, 1)
    weights = {f"{k}.feedback": v.size for k, v in numbers.feedback_weights().items()}
    assert weights == stored
    assert {key[0] for key in gradients(model, numbers)} == {
        layer.name for layer in network.layers if layer.learns
    }


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("dfa:tap=hidden", "dfa.tap must be logits unless dfa.granularity is sublayer or block"),
        ("dfa:feedback=shared", "dfa.feedback must be own unless dfa.granularity is sublayer"),
        ("dfa:granularity=block,per_step=true", "dfa.per_step must be left out for a network"),
    ],
)
def test_options_that_do_not_fit(rule: str, fault: str) -> None:
    network = transformer()
    with pytest.raises(InputError, match=fault):
        lower(network, rule, 1)
    with pytest.raises(InputError, match=fault):
        rule_numerics(rule, Model(network, 0), 0)


def test_networks_without_blocks() -> None:
    network = network_of(
        {
            "name": "plain",
            "input": {"channels": 4},
            "layers": [{"name": "fc", "kind": "fc", "out_features": 2}],
        }
    )
    with pytest.raises(InputError, match="granularity must be layer for a network without"):
        lower(network, "dfa:granularity=block", 1)


@pytest.mark.parametrize("rule", ["revised", "modular", "conv-dfa", "dilated", "triangular"])
def test_rules_that_need_other_networks_say_why(rule: str) -> None:
    with pytest.raises(InputError, match="must have a network"):
        lower(transformer(), rule, 1)


def test_hybrid_steps_of_blocks() -> None:
    """Feedback steps of hdfa may be dfa of blocks, which have other options."""
    rule = parse_rule("hdfa:p=0.1,granularity=block")
    assert [kind.rule.text for kind in step_kinds(rule)] == ["bp", "bdfa:granularity=block"]
    model = Model(transformer(2), 0, np.float64)
    numbers = rule_numerics("hdfa:p=0.5,granularity=block,binary=false", model, 0)
    kinds = [numbers.begin(step) for step in range(20)]
    assert {*kinds} == {"bp", "feedback"}
    expected = gradients(model, rule_numerics("dfa:granularity=block", model, 0))
    numbers.begin(kinds.index("feedback"))
    found = gradients(model, numbers)
    assert all(np.array_equal(found[key], value) for key, value in expected.items())
    with pytest.raises(InputError, match=r"hdfa\.groups must be left out unless"):
        step_kinds("hdfa:granularity=block,groups=4")


def test_feedback_of_each_layer_reaches_each_token() -> None:
    step = lower(transformer(1), "dfa", 2)
    op = step.op("b0-up.EP")
    assert op.dense_macs == 2 * TOKENS * WIDTH * WORDS
    assert op.operands[1].tensor.shape == (WIDTH, 1, 1, WORDS)
