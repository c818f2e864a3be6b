"""Operators that exporters take apart, in the forms that they take."""

from __future__ import annotations

from math import pi, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.onnx_files import layers, macs, network, write

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
helper = onnx.helper
TOKENS, WIDTH = 5, 8


class Chain:
    """Nodes after each other; constants by value."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: dict[str, Any] = {}

    def node(self, op: str, *inputs: str | float, **keys: Any) -> str:
        names = []
        for each in inputs:
            if not isinstance(each, str):
                self.weights[f"c{len(self.weights)}"] = np.array(each, np.float32)
                each = f"c{len(self.weights) - 1}"  # noqa: PLW2901  # its name from here on
            names.append(each)
        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, names, [output], f"{op}{len(self.nodes)}", **keys))
        return output

    def weight(self, *shape: int) -> str:
        self.weights[f"w{len(self.weights)}"] = shape
        return f"w{len(self.weights) - 1}"

    def kinds(self, tmp_path: Path, output: str) -> list[str]:
        return [layer["kind"] for layer in layers(self.write(tmp_path, output))]

    def write(self, tmp_path: Path, output: str) -> Path:
        inputs = {"x": [1, TOKENS, WIDTH]}
        return write(tmp_path / "net.onnx", self.nodes, inputs, [output], self.weights)

    def linear(self, x: str = "x", out: int = WIDTH) -> str:
        return self.node("MatMul", x, self.weight(WIDTH, out))


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_gelu_by_erf(tmp_path: Path, order: int) -> None:
    net = Chain()
    x = net.linear()
    scaled = net.node("Div", x, sqrt(2)) if order % 2 else net.node("Mul", x, sqrt(0.5))
    total = net.node("Add", net.node("Erf", scaled), 1.0)
    if order == 0:
        y = net.node("Mul", net.node("Mul", x, total), 0.5)
    elif order == 1:
        y = net.node("Mul", net.node("Mul", 0.5, x), total)
    elif order == 2:
        y = net.node("Mul", x, net.node("Mul", total, 0.5))
    else:
        y = net.node("Div", net.node("Mul", total, x), 2.0)
    assert net.kinds(tmp_path, y) == ["linear", "gelu"]


@pytest.mark.parametrize("cube", ["Pow", "Mul"])
def test_gelu_by_tanh(tmp_path: Path, cube: str) -> None:
    net = Chain()
    x = net.node("Add", net.linear(), net.weight(WIDTH))
    power = net.node("Pow", x, 3.0) if cube == "Pow" else net.node("Mul", x, net.node("Mul", x, x))
    inner = net.node("Mul", net.node("Add", x, net.node("Mul", power, 0.044715)), sqrt(2 / pi))
    total = net.node("Add", 1.0, net.node("Tanh", inner))
    y = net.node("Mul", net.node("Mul", 0.5, x), total)
    assert net.kinds(tmp_path, y) == ["linear", "bias", "gelu"]
    assert layers(net.write(tmp_path, y))[-1]["form"] == "tanh"


def test_silu(tmp_path: Path) -> None:
    net = Chain()
    x = net.linear()
    y = net.node("Mul", x, net.node("Sigmoid", x))
    assert net.kinds(tmp_path, y) == ["linear", "silu"]


@pytest.mark.parametrize("square", ["Pow", "Mul"])
def test_layer_norm(tmp_path: Path, square: str) -> None:
    net = Chain()
    x = net.linear()
    centred = net.node("Sub", x, net.node("ReduceMean", x, axes=[-1]))
    squared = (
        net.node("Pow", centred, 2.0) if square == "Pow" else net.node("Mul", centred, centred)
    )
    deviation = net.node("Sqrt", net.node("Add", net.node("ReduceMean", squared, axes=[-1]), 1e-5))
    y = net.node("Mul", net.node("Div", centred, deviation), net.weight(WIDTH))
    y = net.node("Add", y, net.weight(WIDTH))
    assert net.kinds(tmp_path, y) == ["linear", "layer_norm"]


def test_rms_norm(tmp_path: Path) -> None:
    net = Chain()
    x = net.linear()
    mean = net.node("ReduceMean", net.node("Pow", x, 2.0), axes=[-1])
    factor = net.node("Div", 1.0, net.node("Sqrt", net.node("Add", mean, 1e-6)))
    y = net.node("Mul", net.weight(WIDTH), net.node("Mul", x, factor))
    assert net.kinds(tmp_path, y) == ["linear", "rms_norm"]


def heads(net: Chain, x: str, order: list[int], count: int = 2) -> str:
    net.weights["split"] = np.array([1, TOKENS, count, WIDTH // count])
    return net.node("Transpose", net.node("Reshape", x, "split"), perm=order)


def attention(net: Chain, mask: str | None = None) -> str:
    query = heads(net, net.linear(), [0, 2, 1, 3])
    key = heads(net, net.linear(), [0, 2, 3, 1])
    value = heads(net, net.linear(), [0, 2, 1, 3])
    scores = net.node("Div", net.node("MatMul", query, key), 2.0)
    if mask:
        scores = net.node("Add", scores, mask)
    mixed = net.node("MatMul", net.node("Softmax", scores, axis=-1), value)
    net.weights["join"] = np.array([1, TOKENS, WIDTH])
    return net.node("Reshape", net.node("Transpose", mixed, perm=[0, 2, 1, 3]), "join")


def test_attention(tmp_path: Path) -> None:
    net = Chain()
    path = net.write(tmp_path, attention(net))
    made = layers(path)
    assert [layer["kind"] for layer in made] == ["linear"] * 3 + ["attention"]
    assert made[-1]["heads"] == 2
    assert "causal" not in made[-1]
    assert macs(network(path)) == 3 * TOKENS * WIDTH * WIDTH + 2 * TOKENS * TOKENS * WIDTH


def test_causal_attention(tmp_path: Path) -> None:
    net = Chain()
    mask = np.triu(np.full((TOKENS, TOKENS), -np.inf, np.float32), 1)
    net.weights["mask"] = mask[None, None]
    made = layers(net.write(tmp_path, attention(net, "mask")))
    assert made[-1]["causal"] is True


def test_queries_keys_and_values_of_one_product(tmp_path: Path) -> None:
    net = Chain()
    x = net.linear(out=3 * WIDTH)
    net.weights["all"] = np.array([1, TOKENS, 3, 2, WIDTH // 2])
    five = net.node("Transpose", net.node("Reshape", x, "all"), perm=[2, 0, 3, 1, 4])
    parts = []
    for index in range(3):
        net.weights[f"i{index}"] = np.array(index)
        parts.append(net.node("Gather", five, f"i{index}", axis=0))
    key = net.node("Transpose", parts[1], perm=[0, 1, 3, 2])
    weights = net.node("Softmax", net.node("MatMul", parts[0], key), axis=-1)
    y = net.node("Transpose", net.node("MatMul", weights, parts[2]), perm=[0, 2, 1, 3])
    assert net.kinds(tmp_path, y) == ["linear", "slice", "slice", "slice", "attention"]


def test_heads_that_share_keys(tmp_path: Path) -> None:
    net = Chain()
    query = heads(net, net.linear(), [0, 2, 1, 3])
    net.weights |= {
        "one": np.array([1, TOKENS, 1, 4]), "axis": np.array([2]),
        "wide": np.array([1, 1, 2, TOKENS, 4]), "four": np.array([1, 2, TOKENS, 4]),
    }  # fmt: skip
    shared = []
    for _ in range(2):
        each = net.node("Reshape", net.linear(out=4), "one")
        each = net.node("Transpose", each, perm=[0, 2, 1, 3])
        each = net.node("Expand", net.node("Unsqueeze", each, "axis"), "wide")
        shared.append(net.node("Reshape", each, "four"))
    key = net.node("Transpose", shared[0], perm=[0, 1, 3, 2])
    weights = net.node("Softmax", net.node("MatMul", query, key), axis=-1)
    made = layers(net.write(tmp_path, net.node("MatMul", weights, shared[1])))
    assert [layer["kind"] for layer in made] == ["linear"] * 3 + ["attention"]
    assert (made[-1]["heads"], made[-1]["kv_heads"]) == (2, 1)


def test_a_map_that_is_repeated_for_others(tmp_path: Path) -> None:
    net = Chain()
    net.weights["wide"] = np.array([3, TOKENS, WIDTH])
    y = net.node("Tanh", net.node("Expand", net.linear(), "wide"))
    assert net.kinds(tmp_path, y) == ["linear", "vector_work", "tanh"]
    assert network(net.write(tmp_path, y)).output.out_shape == (3 * TOKENS, 1, WIDTH)


def test_scores_that_something_else_reads(tmp_path: Path) -> None:
    net = Chain()
    y = attention(net)
    scores = next(node.output[0] for node in net.nodes if node.op_type == "Div")
    path = write(
        tmp_path / "net.onnx", net.nodes, {"x": [1, TOKENS, WIDTH]}, [scores, y], net.weights
    )
    assert "attention" in [layer["kind"] for layer in layers(path, loss_output=y)]
    made = [layer["kind"] for layer in layers(path)]
    assert made.count("matmul") == 2
    assert "softmax" in made


@pytest.mark.parametrize("cut", ["Slice", "Split"])
def test_rotary_positions(tmp_path: Path, cut: str) -> None:
    net = Chain()
    x = heads(net, net.linear(), [0, 2, 1, 3])
    net.weights |= {
        "zero": np.array([0]), "half": np.array([2]), "end": np.array([4]), "last": np.array([3]),
        "table": np.ones((TOKENS, 4), np.float32), "parts": np.array([2, 2]),
    }  # fmt: skip
    if cut == "Slice":
        first = net.node("Slice", x, "zero", "half", "last")
        second = net.node("Slice", x, "half", "end", "last")
    else:
        net.nodes.append(helper.make_node("Split", [x, "parts"], ["s1", "s2"], "split", axis=-1))
        first, second = "s1", "s2"
    turned = net.node("Concat", net.node("Neg", second), first, axis=-1)
    y = net.node("Add", net.node("Mul", x, "table"), net.node("Mul", turned, "table"))
    path = net.write(tmp_path, y)
    assert [layer["kind"] for layer in layers(path)] == ["linear", "rotary"]
    assert layers(path)[-1]["heads"] == 2
    network(path)


def test_padding_before_a_convolution(tmp_path: Path) -> None:
    weights = {"w": (8, 4, 3, 3), "p": np.array([0, 0, 1, 2, 0, 0, 3, 4])}
    nodes = [
        helper.make_node("Pad", ["x", "p"], ["a"], "pad"),
        helper.make_node("Conv", ["a", "w"], ["y"], "conv"),
    ]
    path = write(tmp_path / "net.onnx", nodes, {"x": [1, 4, 6, 6]}, ["y"], weights)
    (layer,) = layers(path)
    assert layer["padding"] == (1, 3, 2, 4)
    assert network(path).output.out_shape == (8, 10, 8)
