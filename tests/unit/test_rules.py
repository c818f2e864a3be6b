"""What the rules emit on networks small enough to check by eye."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from accelsim.config.registries import RULES
from accelsim.errors import InputError
from accelsim.rules.registry import family, lower, parse_rule
from accelsim.rules.spelling import declared
from accelsim.step.ops import Contraction, Op, Pass, Role, Tensor, TrainingStep, Use, VectorWork
from accelsim.step.zero_sources import TraceZeros
from accelsim.workload.network import Network
from tests.naive.bounds import Bounds, bounds
from tests.random_networks import network_of

CHAIN = network_of(
    {
        "name": "chain",
        "input": {"height": 4, "width": 4, "channels": 1},
        "layers": [
            {"name": "conv1", "kind": "conv", "out_channels": 2, "kernel": 3, "padding": 1},
            {"name": "relu1", "kind": "relu"},
            {"name": "pool1", "kind": "max_pool", "kernel": 2},
            {
                "name": "conv2",
                "kind": "conv",
                "out_channels": 3,
                "kernel": 3,
                "padding": 1,
                "stride": 2,
            },
            {"name": "bn2", "kind": "batch_norm"},
            {"name": "tanh2", "kind": "tanh"},
            {"name": "fc", "kind": "fc", "out_features": 5},
        ],
    }
)

RESIDUAL = network_of(
    {
        "name": "residual",
        "input": {"height": 4, "width": 4, "channels": 1},
        "layers": [
            {"name": "stem", "kind": "conv", "out_channels": 2, "kernel": 1},
            {"name": "relu0", "kind": "relu"},
            {"name": "conv1", "kind": "conv", "out_channels": 2, "kernel": 1},
            {"name": "add1", "kind": "add", "inputs": ["conv1", "relu0"]},
            {"name": "relu1", "kind": "relu"},
            {"name": "conv2", "kind": "conv", "out_channels": 3, "kernel": 1},
            {"name": "short2", "kind": "conv", "inputs": ["relu1"], "out_channels": 3, "kernel": 1},
            {"name": "add2", "kind": "add", "inputs": ["conv2", "short2"]},
            {"name": "fc", "kind": "fc", "out_features": 5},
        ],
    }
)


def recurrent(kind: str) -> Network:
    layers = [
        {"name": "embedding", "kind": "embedding", "dim": 3},
        {"name": "cell", "kind": kind, "hidden": 4},
        {"name": "fc", "kind": "fc", "out_features": 7},
    ]
    return network_of(
        {"name": kind, "input": {"sequence": 2, "vocabulary": 7}, "batch": 2, "layers": layers}
    )


def names(step: TrainingStep, pass_: Pass) -> list[str]:
    return [op.name for op in step.ops if op.pass_ is pass_]


def reads(op: Op) -> list[str]:
    return [operand.tensor.name for operand in op.operands]


def makes(op: Op) -> list[str]:
    return [tensor.name for tensor in op.outputs]


def test_order_of_a_chain() -> None:
    step = lower(CHAIN, "bp", 1, "sgd")
    assert [op.name for op in step.ops] == [
        *(f"{layer.name}.FF" for layer in CHAIN.layers),
        "loss.EP",
        *("fc.EP", "fc.WG", "fc.WU", "tanh2.EP", "bn2.EP", "bn2.WU"),
        *("conv2.EP", "conv2.WG", "conv2.WU", "pool1.EP", "relu1.EP", "conv1.WG", "conv1.WU"),
    ]


def test_operands_of_a_convolution() -> None:
    step = lower(CHAIN, "bp", 2, "momentum")
    forward, back, gradient, update = (step.op(f"conv2.{each}") for each in Pass)
    assert (reads(forward), makes(forward)) == (["pool1.out", "conv2.weight"], ["conv2.out"])
    assert (reads(back), makes(back)) == (
        ["conv2.error", "conv2.weight", "pool1.mask"],
        ["pool1.error"],
    )
    assert (reads(gradient), makes(gradient)) == (["pool1.out", "conv2.error"], ["conv2.gradient"])
    assert (reads(update), makes(update)) == (
        ["conv2.gradient", "conv2.weight", "conv2.momentum"],
        ["conv2.weight", "conv2.momentum"],
    )
    assert [operand.zeros for operand in back.operands] == [
        TraceZeros("conv2.error"),
        TraceZeros("conv2.weight"),
        TraceZeros("conv2.mask"),
    ]
    assert [operand.zeros for operand in gradient.operands] == [
        TraceZeros("conv2.input"),
        TraceZeros("conv2.error"),
    ]
    assert bounds(forward) == bounds(back) == bounds(gradient)
    assert (forward.dense_macs, back.dense_macs, gradient.dense_macs) == (
        2 * 1 * 3 * 2 * 9,
        2 * 4 * 3 * 2 * 9,
        2 * 1 * 3 * 2 * 9,
    )
    # The update waits for whoever still reads the old weights.
    assert set(update.depends_on) == {"conv2.FF", "conv2.EP", "conv2.WG"}
    assert step.carried["conv2.FF"] == ("conv2.WU",)


def test_stashes_of_a_chain() -> None:
    step = lower(CHAIN, "bp", 2)
    assert makes(step.op("relu1.FF")) == ["relu1.out", "relu1.mask"]
    assert makes(step.op("pool1.FF")) == ["pool1.out", "pool1.index", "pool1.mask"]
    assert makes(step.op("bn2.FF")) == ["bn2.out", "bn2.normalized"]
    assert makes(step.op("tanh2.FF")) == ["tanh2.out"]
    assert reads(step.op("tanh2.EP")) == ["tanh2.error", "tanh2.out"]
    assert reads(step.op("bn2.EP")) == ["bn2.error", "bn2.normalized"] * 2 + ["bn2.weight"]
    assert makes(step.op("bn2.EP")) == ["conv2.error", "bn2.gradient"]
    bits = {
        tensor.name: tensor.bits
        for op in step.ops
        for tensor in op.outputs
        if tensor.role in (Role.MASK, Role.INDEX)
    }
    assert bits == {"relu1.mask": 1, "pool1.mask": 1, "pool1.index": 2}
    # No ReLU made the map that fc reads, so every output of its EP is needed.
    assert step.op("fc.EP").operand(Use.NEEDED) is None


def test_kinds() -> None:
    grouped = {"name": "g", "kind": "conv", "out_channels": 2, "kernel": 1, "groups": 2}
    layers = [
        {"name": "c", "kind": "conv", "out_channels": 2, "kernel": 1},
        grouped,
        {"name": "fc", "kind": "fc", "out_features": 2},
    ]
    step = lower(
        network_of(
            {"name": "k", "input": {"height": 2, "width": 2, "channels": 2}, "layers": layers}
        ),
        "bp",
        1,
    )
    kinds = {op.name: op.kind for op in step.ops if isinstance(op, Contraction)}
    assert kinds == {
        "c.FF": "conv",
        "c.WG": "conv",
        "g.FF": "grouped_conv",
        "g.EP": "grouped_conv",
        "g.WG": "grouped_conv",
        "fc.FF": "matmul",
        "fc.EP": "matmul",
        "fc.WG": "outer",
    }


def test_backprop_sums_the_errors_of_a_fan_out() -> None:
    step = lower(RESIDUAL, "bp", 1)
    assert reads(step.op("relu1.EP.sum")) == ["relu1.error.short2", "relu1.error.conv2"]
    assert makes(step.op("relu1.EP.sum")) == ["relu1.error"]
    # Through the identity shortcut the add's error arrives as it is.
    assert sorted(reads(step.op("relu0.EP.sum"))) == ["add1.error", "relu0.error.conv1"]
    assert reads(step.op("conv2.EP"))[0] == reads(step.op("short2.EP"))[0] == "add2.error"
    assert not [op for op in step.ops if op.name in ("add1.EP", "add2.EP")]


def test_direct_feedback_stops_at_maps_with_feedback() -> None:
    step = lower(RESIDUAL, "dfa", 1)
    assert [op.name for op in step.ops if op.kind == "feedback"] == [
        "fc.EP",
        "short2.EP",
        "conv2.EP",
        "conv1.EP",
    ]
    assert reads(step.op("relu1.EP.sum")) == ["relu1.error.short2", "relu1.error.conv2"]
    assert "relu0.EP.sum" not in names(step, Pass.EP)
    assert reads(step.op("relu0.EP")) == ["relu0.error", "relu0.mask"]
    assert step.op("conv1.EP").depends_on == ("loss.EP", "relu0.FF")
    # conv1's output meets the shortcut in the add: its error is the one behind the add.
    assert reads(step.op("conv1.WG")) == ["relu0.out", "add1.error"]


def test_feedback_tensors() -> None:
    for rule, stored, nonzeros in (("dfa", 8 * 5, 0), ("ssdfa", 8, 1), ("sdfa:k=3", 24, 3)):
        op = lower(CHAIN, rule, 2).op("conv2.EP")
        moving, stationary = op.operand(Use.MOVING), op.operand(Use.STATIONARY)
        assert moving is not None
        assert stationary is not None
        assert (moving.tensor.name, moving.zeros) == ("fc.error", TraceZeros("fc.error"))
        assert (
            stationary.tensor.elements,
            stationary.tensor.persistent,
            stationary.tensor.home_channels,
        ) == (stored, True, 2)
        b = bounds(op)
        assert (b.n, b.k, b.c, b.p, b.q, b.nonzeros) == (2, 2, 5, 2, 2, nonzeros)
        assert op.dense_macs == 2 * stored
        vector = lower(CHAIN, rule, 2).op("fc.EP").operand(Use.STATIONARY)
        assert vector is not None
        assert (vector.tensor.shape, vector.tensor.home_channels) == ((3, 1, 1, 5), 3)


@pytest.mark.parametrize(("kind", "gates"), [("rnn", 1), ("lstm", 4), ("gru", 3)])
def test_recurrent_counts(kind: str, gates: int) -> None:
    network = recurrent(kind)
    for rule, per_cell_step in (("bp", 2 * gates * 4 * (3 + 4)), ("dfa", 2 * 3 * 7)):
        step = lower(network, rule, 2)
        assert step.op("cell.FF.t01").dense_macs == 2 * gates * 4 * (3 + 4)
        assert step.op("cell.EP.t01").dense_macs == per_cell_step
        assert step.op("cell.WG").dense_macs == 2 * 2 * gates * 4 * (3 + 4)
        assert step.op("fc.FF").dense_macs == step.op("fc.WG").dense_macs == 2 * 2 * 4 * 7
        assert names(step, Pass.WG) == ["fc.WG", "cell.WG", "embedding.WG"]


def test_backprop_through_time_is_a_chain() -> None:
    step = lower(recurrent("lstm"), "bp", 2)
    assert [name for name in names(step, Pass.EP) if name.startswith("cell")] == [
        "cell.gate.EP.t01",
        "cell.EP.t01",
        "cell.gate.EP.t00",
        "cell.EP.t00",
    ]
    assert reads(step.op("cell.gate.EP.t00"))[:3] == [
        "cell.error.t00",
        "cell.hidden_error.t01",
        "cell.cell_error.t01",
    ]
    assert "cell.EP.t01" in step.op("cell.gate.EP.t00").depends_on


def test_direct_feedback_crosses_no_time() -> None:
    step = lower(recurrent("gru"), "dfa", 2)
    assert {op.name for op in step.ops if op.kind == "feedback"} == {
        f"{layer}.EP.t0{t}" for layer in ("fc", "cell") for t in (0, 1)
    }
    assert step.op("fc.EP.t01").operand(Use.MOVING).zeros == TraceZeros("fc.error", 1)  # type: ignore[union-attr]
    assert reads(step.op("cell.gate.EP.t00")) == [
        "cell.error.t00",
        "cell.out.initial",
        "cell.gates.t00",
    ]
    shared = {name for op in step.ops for name in reads(op) if "feedback" in name}
    assert shared == {"fc.feedback", "cell.feedback"}
    distinct = {
        name
        for op in lower(recurrent("gru"), "dfa:per_step=true", 2).ops
        for name in reads(op)
        if "feedback" in name
    }
    assert distinct == {f"{layer}.feedback.t0{t}" for layer in ("fc", "cell") for t in (0, 1)}


def test_embedding_moves_only_the_rows_used() -> None:
    step = lower(recurrent("rnn"), "bp", 2, "adam")
    update = step.op("embedding.WU")
    assert isinstance(update, VectorWork)
    assert update.elements == 4 * 3  # 2 samples x 2 steps, of 7 rows
    assert [operand.tensor.elements for operand in update.operands] == [12] * 4
    assert reads(update) == [
        "embedding.gradient",
        "embedding.weight",
        "embedding.moment1",
        "embedding.moment2",
    ]


def test_families() -> None:
    together = [("bp", "bp-only"), ("fa",), ("dfa", "bdfa"), ("sdfa", "ssdfa"), ("frozen",)]
    assert {name: family(name) for members in together for name in members} == {
        name: members[0] for members in together for name in members
    }
    # Every other rule is its own, whatever its options.
    listed = {name for members in together for name in members}
    assert all(
        family(name) == declared(name).family == name
        for name in RULES.names()
        if name not in listed
    )
    assert family("sdfa:k=2,rank=10") == family(parse_rule("ssdfa")) == "sdfa"
    assert family("dilated:modules=conv1") == "dilated"


def test_feedback_alignment_is_the_chain_with_fixed_tensors() -> None:
    bp, fa = lower(CHAIN, "bp", 1), lower(CHAIN, "fa", 1)

    def work(step: TrainingStep) -> list[tuple[str, Bounds | None, tuple[Tensor, ...]]]:
        return [
            (op.name, bounds(op) if isinstance(op, Contraction) else None, op.outputs)
            for op in step.ops
        ]

    assert work(fa) == work(bp)
    # EP reads no weights, so that these may be updated before it.
    assert (fa.op("conv2.EP").depends_on, set(fa.op("conv2.WU").depends_on)) == (
        bp.op("conv2.EP").depends_on,
        {"conv2.FF", "conv2.WG"},
    )
    assert reads(fa.op("conv2.EP")) == ["conv2.error", "conv2.feedback", "pool1.mask"]
    tensor = fa.op("conv2.EP").operands[1].tensor
    assert (tensor.role, tensor.shape, tensor.persistent) == (Role.FEEDBACK, (3, 3, 3, 2), True)
    assert {
        name for op in fa.ops if op.pass_ is not Pass.EP for name in reads(op) if "feedback" in name
    } == set()
    cell = lower(recurrent("lstm"), "fa", 2)
    assert reads(cell.op("cell.EP.t01")) == ["cell.gate_error.t01", "cell.feedback"]
    assert cell.op("cell.EP.t00").operands[1].tensor.home_channels == 3 + 4


def test_binary_feedback_has_one_bit() -> None:
    plain, binary = (
        lower(CHAIN, rule, 1).op("conv2.EP").operands[1].tensor for rule in ("dfa", "bdfa")
    )
    assert (plain.bits, binary.bits) == (None, 1)
    assert (plain.name, plain.shape, plain.index_bits) == (
        binary.name,
        binary.shape,
        binary.index_bits,
    )


def test_frozen_trains_the_output_alone() -> None:
    step = lower(CHAIN, "frozen", 1)
    assert [op.name for op in step.ops if op.pass_ is not Pass.FF] == ["loss.EP", "fc.WG", "fc.WU"]
    assert [
        tensor.name
        for op in step.ops
        if op.pass_ is Pass.FF
        for tensor in op.outputs
        if not tensor.name.endswith(".out")
    ] == []
    assert step.carried == {"fc.FF": ("fc.WU",), "fc.WU": ("fc.WU",)}


def test_bp_only_is_a_step_of_backpropagation() -> None:
    assert lower(CHAIN, "bp-only:p=0.3", 1).ops == lower(CHAIN, "bp", 1).ops
    assert parse_rule("bp-only").options.p == 0.1


def test_scale_changes_no_count() -> None:
    for rule in ("fa", "dfa", "bdfa", "sdfa", "ssdfa", "modular", "conv-dfa", "dilated"):
        assert lower(CHAIN, f"{rule}:scale=0.5", 1).ops == lower(CHAIN, rule, 1).ops


def modules(side: int) -> Network:
    return network_of(
        {
            "name": "modules",
            "input": {"height": side, "width": side, "channels": 1},
            "modules": ["conv2", "conv3"],
            "layers": [
                {"name": "conv0", "kind": "conv", "out_channels": 2, "kernel": 3, "padding": 1},
                {"name": "relu0", "kind": "relu"},
                {"name": "conv1", "kind": "conv", "out_channels": 4, "kernel": 3, "padding": 1},
                {"name": "relu1", "kind": "relu"},
                {"name": "pool1", "kind": "max_pool", "kernel": 2},
                {"name": "conv2", "kind": "conv", "out_channels": 6, "kernel": 3, "padding": 1},
                {"name": "bn2", "kind": "batch_norm"},
                {"name": "conv3", "kind": "conv", "out_channels": 4, "kernel": 3, "padding": 1},
                {"name": "fc", "kind": "fc", "out_features": 5},
            ],
        }
    )


MODULES = modules(4)


def propagation(step: TrainingStep) -> list[tuple[str, list[str], list[str]]]:
    return [
        (op.name, reads(op), makes(op))
        for op in step.ops
        if op.pass_ is Pass.EP and op.layer.startswith(("conv", "fc"))
    ]


def test_modular_errors_go_from_the_ends_of_modules_to_their_layers() -> None:
    step = lower(MODULES, "modular", 1)
    assert propagation(step) == [
        ("fc.EP", ["fc.error", "fc.feedback"], ["conv3.error"]),
        ("conv3.EP", ["conv3.error", "conv3.feedback"], ["bn2.error"]),
        ("conv2.EP", ["conv2.error", "conv2.feedback", "pool1.mask"], ["pool1.error"]),
        ("conv1.EP", ["conv2.error", "conv1.feedback", "relu0.mask"], ["relu0.error"]),
    ]
    op = step.op("conv1.EP")
    assert (op.kind, op.operands[0].zeros) == ("feedback", TraceZeros("conv2.error"))
    b = bounds(op)
    assert (b.k, b.p, b.q, b.c) == (2, 4, 4, 2 * 2 * 6)
    assert op.operands[1].tensor.elements == op.dense_macs == 32 * 24
    # e of conv2 comes over the next module's link and batch norm's backward op; conv1's link waits
    # for nothing else.
    assert op.depends_on == ("bn2.EP", "relu0.FF")


def test_one_convolution_stands_for_the_chain() -> None:
    for rule, taps, dilation in (("conv-dfa", (3, 3), (1, 1)), ("dilated", (3, 3), (1, 1))):
        step = lower(MODULES, rule, 1)
        assert propagation(step)[2:] == [
            ("conv2.EP", ["conv2.error", "conv2.feedback", "pool1.mask"], ["pool1.error"]),
            ("conv1.EP", ["conv2.error", "conv1.feedback"], ["conv1.carried"]),
            ("conv1.EP.upsample", ["conv1.carried"], ["relu0.error"]),
        ]
        b = bounds(step.op("conv2.EP"))
        assert (b.k, b.c, b.p, b.h, (b.r, b.s), b.dilation, b.padding) == (
            6,
            4,
            2,
            2,
            taps,
            dilation,
            (1, 1),
        )


def test_reach_of_a_link() -> None:
    """An output of conv2 depends on 8 x 8 elements of relu0, its neighbour's are shifted by 2: 4
    elements of conv2's own map, made odd.
    """
    for rule, taps, dilation in (("conv-dfa", 5, 1), ("dilated", 3, 2)):
        b = bounds(lower(modules(8), rule, 1).op("conv1.EP"))
        assert (b.r, b.s, b.dilation, b.padding) == (taps, taps, (dilation, dilation), (2, 2))


def revised(options: str, network: Network = MODULES) -> TrainingStep:
    return lower(network, f"revised:{options}", 1, "sgd")


def test_revised_orders() -> None:
    counted, printed = revised("groups=2,binary=true"), revised("groups=2,order=printed")
    assert propagation(counted)[-4:] == [
        ("conv1.EP.upsample", ["conv2.error"], ["conv1.upsampled"]),
        ("conv1.EP.d1", ["conv1.upsampled", "conv1.feedback.d1"], ["conv1.carried"]),
        ("conv1.EP.shuffle", ["conv1.carried"], ["conv1.shuffled"]),
        ("conv1.EP.d2", ["conv1.shuffled", "conv1.feedback.d2", "relu0.mask"], ["relu0.error"]),
    ]
    assert [name for name, _, _ in propagation(printed)[-4:]] == [
        "conv1.EP.upsample",
        "conv1.EP.d2",
        "conv1.EP.shuffle",
        "conv1.EP.d1",
    ]
    assert [name for name, _, _ in propagation(revised("groups=1"))[-3:]] == [
        "conv1.EP.upsample",
        "conv1.EP.d1",
        "conv1.EP.d2",
    ]
    assert counted.op("conv1.EP.d1").operands[0].zeros == TraceZeros("conv2.error", resized=(4, 4))
    assert counted.op("conv2.EP.d1").operands[0].zeros == TraceZeros("conv2.error")
    for step, d1, d2 in ((counted, 9 * 6 * 6, 6 * 2), (printed, 9 * 2 * 2, 6 * 2)):
        assert step.op("conv1.EP.d1").operands[1].tensor.elements == d1 // 2
        assert step.op("conv1.EP.d2").operands[1].tensor.elements == d2 // 2
        assert step.op("conv1.EP.d1").dense_macs == 16 * d1 // 2
        assert step.op("conv1.EP.d1").kind == "grouped_conv"
        assert step.op("conv1.EP.shuffle").vector_ops == 16 * (6 if step is counted else 2)
    assert counted.op("conv1.EP.d1").operands[1].tensor.bits == 1
    assert counted.op("fc.EP").operands[1].tensor.bits == 1
    assert printed.op("conv1.EP.d1").operands[1].tensor.bits is None


def test_shortcuts_have_links_of_their_own() -> None:
    network = replace(RESIDUAL, modules=("stem", "conv1"))
    step = revised("groups=1", replace(network, modules=("stem", "conv1")))
    assert reads(step.op("relu1.EP.sum")) == ["relu1.error.short2", "relu1.error.conv2"]
    assert "relu0.EP.sum" not in names(step, Pass.EP)


def test_spelling() -> None:
    assert lower(CHAIN, "sdfa:rank=3;k=2", 1).rule == "sdfa:k=2,rank=3"
    spec = parse_rule("dfa:per_step=true")
    assert parse_rule(spec) is spec


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rule": "sdfa:k=6"}, "sdfa.k must be <= 5, the outputs of chain, got 6"),
        (
            {"rule": "sdfa:k=2,rank=2"},
            "sdfa.rank must be >= 3, so that k * rank reaches the 5 outputs of chain, got 2",
        ),
        ({"rule": "fa:scale=0"}, "fa.scale must be a number > 0, got 0"),
        ({"rule": "dilated:scale=-0.5"}, "dilated.scale must be a number > 0, got -0.5"),
        (
            {"rule": "modular:modules=conv2+conv1"},
            "modules must be layers with weights of chain, in their order, got conv2, conv1",
        ),
        ({"batch": 0}, "batch must be >= 1, got 0"),
        (
            {"optimizer": "adm"},
            "optimizer must be one of sgd, momentum, adam, adamw, lion, got adm",
        ),
        ({"passes": ()}, "passes must be one or more of FF, EP, WG, WU, got none"),
    ],
)
def test_refusals(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        lower(CHAIN, **{"rule": "bp", "batch": 1, **arguments})  # type: ignore[arg-type]


def test_refusals_of_modular_rules() -> None:
    for rule in ("modular", "conv-dfa", "dilated"):
        with pytest.raises(
            InputError, match=f"^{rule} must have a network without recurrent layers, got lstm$"
        ):
            lower(recurrent("lstm"), rule, 1)
    with pytest.raises(
        InputError, match=r"^revised\.groups must divide the 6 and 2 channels at conv1, got 4$"
    ):
        revised("groups=4")
