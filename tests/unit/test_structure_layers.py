"""Layers that put words together: their ops and words worked out by hand, their numbers against
plain formulas, and every fault at its place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.layers.model import Model
from accelsim.numerics.loss import softmax_loss
from accelsim.results.laws import violations
from accelsim.rules.registry import lower, parse_rule, rule_numerics
from accelsim.step.forms import Form
from accelsim.step.ops import TrainingStep, VectorWork
from accelsim.workload.loading import load_network
from accelsim.workload.network import Network
from accelsim.workload.resize import resized
from tests.random_networks import network_of
from tests.reference_networks import numbers

RULES = ("bp", "fa", "dfa", "ssdfa", "frozen", "modular", "conv-dfa", "dilated", "revised")
FC = {"name": "fc", "kind": "fc", "out_features": 3}


def conv(name: str, channels: int, source: str = "", **keys: Any) -> dict[str, Any]:
    """A convolution with one tap."""
    read = {"inputs": [source]} if source else {}
    return {"name": name, "kind": "conv", "out_channels": channels, "kernel": 1} | read | keys


def layer(name: str, kind: str, *inputs: str, **keys: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, **({"inputs": list(inputs)} if inputs else {}), **keys}


def network(*layers: dict[str, Any], side: int = 2, channels: int = 2) -> Network:
    """A network on maps of ``side`` x ``side``, with a classifier of 3 behind its last layer."""
    image = {"height": side, "width": side, "channels": channels}
    return network_of({"name": "n", "input": image, "layers": [*layers, FC]})


def vector(step: TrainingStep) -> dict[str, tuple[list[tuple[str, int]], list[tuple[str, int]]]]:
    """By vector op without the loss and updates: (tensor, words) that it reads, and that it
    writes.
    """
    return {
        op.name: (
            [(each.tensor.name, each.words_read) for each in op.operands],
            [(each.name, each.elements) for each in op.outputs],
        )
        for op in step.ops
        if isinstance(op, VectorWork) and op.layer != "loss" and op.pass_ != "WU"
    }


def forward_of(net: Network, name: str) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """(maps that a layer reads, its output) of a batch of two."""
    model = Model(net, dtype=np.float64)
    model.forward(numbers((2, *net.input_shape), 0.5))
    return tuple(model.maps[each] for each in net.layer(name).inputs), model.maps[name]


def backward_of(net: Network, name: str) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """(an error at a layer's output, the errors that it passes to its inputs)."""
    model = Model(net, dtype=np.float64)
    model.forward(numbers((2, *net.input_shape), 0.5))
    error = numbers((2, *net.layer(name).out_shape), 0.1)
    return error, model.layers[name].backward(error, propagate=True)


def faults(tmp_path: Path, *lines: str) -> list[str]:
    """Faults of a network on maps of 8 x 8 x 3. The first of ``lines`` is line 4 of its file."""
    text = "name: t\ninput: {height: 8, width: 8, channels: 3}\nlayers:\n"
    path = tmp_path / "net.yaml"
    path.write_text(text + "".join(f"  - {{{line}}}\n" for line in lines))
    with pytest.raises(InputError) as error:
        load_network(path)
    return [str(fault).replace(f"{tmp_path}/", "") for fault in error.value.faults]


def check_every_rule(net: Network) -> None:
    """Errors reach the same maps in ops and in numbers, under every rule; runs keep the laws."""
    for rule in RULES:
        step = lower(net, rule, 2)
        model = Model(net, dtype=np.float64)
        _, error = softmax_loss(model.forward(numbers((2, *net.input_shape), 0.5)), np.arange(2))
        errors = rule_numerics(parse_rule(rule), model, seed=0).propagate(error, np.arange(2))
        learning = {op.layer for op in step.ops if op.pass_ == "WG"}
        assert errors.keys() == learning, rule
        updated = {op.layer for op in step.ops if op.pass_ == "WU"}
        assert {name for name, _ in model.gradients()} == updated, rule
    for arch in ("near-memory", "von-neumann"):
        for rule in ("bp", "dfa", "ssdfa"):
            result = simulate(net, arch, rule=rule, batch=2, trace="random:0.5")
            assert violations(result) == []


# concat

BESIDE = (conv("a", 3), conv("b", 1, "input"), layer("both", "concat", "a", "b"))


def test_words_of_maps_side_by_side() -> None:
    """2 samples of 2 x 2: 24 words of one map, 8 of the other."""
    step = lower(network(conv("first", 2), BESIDE[0], conv("b", 1, "first"), BESIDE[2]), "bp", 2)
    assert vector(step) == {
        "both.FF": ([("a.out", 24), ("b.out", 8)], [("both.out", 32)]),
        "both.EP.part0": ([("both.error", 24)], [("a.error", 24)]),
        "both.EP.part1": ([("both.error", 8)], [("b.error", 8)]),
        "first.EP.sum": ([("first.error.b", 16), ("first.error.a", 16)], [("first.error", 16)]),
    }
    for name in ("both.FF", "both.EP.part0"):
        op = step.op(name)
        assert isinstance(op, VectorWork)
        assert (op.vector_ops, op.form) == (0, Form.ADDRESSING)


def test_only_inputs_that_take_an_error_get_a_slice() -> None:
    """Not the network's input; under direct feedback not a map that has feedback of its own."""
    net = network(conv("a", 3), layer("both", "concat", "a", "input"))
    assert set(vector(lower(net, "bp", 1))) == {"both.FF", "both.EP.part0"}
    own = network(*BESIDE, conv("c", 2, "a"), layer("all", "concat", "both", "c"))
    assert set(vector(lower(own, "dfa", 1))) == {
        "both.FF",
        "all.FF",
        "all.EP.part0",
        "all.EP.part1",
        "both.EP.part1",
    }


@pytest.mark.parametrize(("axis", "place"), [("rows", 1), ("columns", 2), ("channels", 3)])
def test_numbers_of_maps_side_by_side(axis: str, place: int) -> None:
    net = network(conv("a", 2), layer("both", "concat", "input", "a", axis=axis))
    (image, a), both = forward_of(net, "both")
    assert np.array_equal(both, np.concatenate([image, a], place))
    error, (first, second) = backward_of(net, "both")
    assert np.array_equal(np.concatenate([first, second], place), error)
    shape = [2, 2, 2]
    shape[place - 1] = 4
    assert net.layer("both").out_shape == tuple(shape)


def test_faults_of_concat(tmp_path: Path) -> None:
    assert faults(
        tmp_path,
        "name: a, kind: conv, out_channels: 2, kernel: 1, stride: 2",
        "name: b, kind: concat, inputs: [input, a]",
        "name: c, kind: concat, inputs: [input, a], axis: rows",
        "name: d, kind: concat, inputs: [a]",
        "name: e, kind: concat, inputs: [a, a], axis: depth",
        "name: fc, kind: fc, out_features: 3",
    ) == [
        "net.yaml:8:51: layers[4].axis must be rows, columns or channels, got depth",
    ]
    assert faults(
        tmp_path,
        "name: a, kind: conv, out_channels: 2, kernel: 1, stride: 2",
        "name: b, kind: concat, inputs: [input, a]",
        "name: c, kind: concat, inputs: [input, a], axis: rows",
        "name: d, kind: concat, inputs: [a]",
        "name: fc, kind: fc, out_features: 3",
    )[:3] == [
        f"net.yaml:{line}:37: layers[{line - 4}].inputs must be {rule}"
        for line, rule in (
            (5, "layers whose maps differ in channels only, got input 8x8x3, a 4x4x2"),
            (6, "layers whose maps differ in rows only, got input 8x8x3, a 4x4x2"),
            (7, "two or more different layers, got a"),
        )
    ]


def test_concat_of_another_width() -> None:
    net = resized(network(conv("a", 8), layer("both", "concat", "a", "input")), 0.5)
    assert net.layer("both").out_shape == (2, 2, 6)
    assert net.output.in_shape == (2, 2, 6)


def test_concat_under_every_rule() -> None:
    check_every_rule(
        network(
            conv("first", 4),
            layer("relu", "relu"),
            conv("a", 3),
            layer("batch", "batch_norm", "first"),
            layer("both", "concat", "a", "batch", "relu"),
            conv("b", 2),
            layer("all", "concat", "b", "both"),
            layer("pool", "max_pool", kernel=2),
        )
    )
