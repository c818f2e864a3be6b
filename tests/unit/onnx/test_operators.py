"""What each ONNX operator becomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.onnx_files import fault, layers, macs, network, write

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
node = onnx.helper.make_node
IMAGE = [1, 4, 6, 6]


def kinds(path: Path, **options: Any) -> list[str]:
    return [layer["kind"] for layer in layers(path, **options)]


def one(
    tmp_path: Path, op: str, shape: list[int], weights: dict[str, Any] | None = None, **keys: Any
) -> dict[str, Any]:
    """The first layer of a graph of one node that reads x and the weights."""
    names = ["x", *(weights or {})]
    path = write(
        tmp_path / "net.onnx", [node(op, names, ["y"], "it", **keys)], {"x": shape}, ["y"], weights
    )
    network(path)
    (first, *_) = layers(path)
    return {key: value for key, value in first.items() if key not in ("name", "inputs")}


CONV = {"kind": "conv", "out_channels": 8}


@pytest.mark.parametrize(
    ("keys", "weight", "expected"),
    [
        ({}, (8, 4, 3, 3), {"kernel": 3}),
        ({"strides": [2, 1]}, (8, 4, 3, 1), {"kernel": (3, 1), "stride": (2, 1)}),
        ({"pads": [1, 1, 1, 1]}, (8, 4, 3, 3), {"kernel": 3, "padding": 1}),
        ({"pads": [0, 1, 2, 1]}, (8, 4, 3, 3), {"kernel": 3, "padding": (0, 2, 1, 1)}),
        ({"auto_pad": "SAME_LOWER"}, (8, 4, 2, 2), {"kernel": 2, "padding": (1, 0, 1, 0)}),
        ({"auto_pad": "SAME_UPPER"}, (8, 4, 2, 2), {"kernel": 2, "padding": (0, 1, 0, 1)}),
        ({"dilations": [2, 2]}, (8, 4, 3, 3), {"kernel": 3, "dilation": 2}),
        ({"group": 4}, (8, 1, 3, 3), {"kernel": 3, "groups": 4}),
    ],
)
def test_convolutions(
    tmp_path: Path, keys: dict[str, Any], weight: tuple[int, ...], expected: dict[str, Any]
) -> None:
    assert one(tmp_path, "Conv", IMAGE, {"w": weight}, **keys) == CONV | expected


def test_convolutions_of_sequences_and_volumes(tmp_path: Path) -> None:
    layer = one(tmp_path, "Conv", [1, 4, 20], {"w": (8, 4, 5)}, strides=[3])
    assert layer == CONV | {"kernel": (5, 1), "stride": (3, 1)}
    path = write(
        tmp_path / "volume.onnx",
        [node("Conv", ["x", "w"], ["y"], "it")],
        {"x": [1, 2, 4, 5, 6]},
        ["y"],
        {"w": (3, 2, 2, 2, 2)},
    )
    assert kinds(path) == ["vector_work", "conv"]
    assert macs(network(path)) == 3 * (3 * 4 * 5) * 2 * 8


def test_a_bias_is_a_layer(tmp_path: Path) -> None:
    weights = {"w": (8, 4, 1, 1), "b": (8,)}
    path = write(
        tmp_path / "net.onnx", [node("Conv", ["x", "w", "b"], ["y"])], {"x": IMAGE}, ["y"], weights
    )
    assert kinds(path) == ["conv", "bias"]


@pytest.mark.parametrize(
    ("op", "keys", "expected"),
    [
        ("Relu", {}, {"kind": "relu"}),
        ("Tanh", {}, {"kind": "tanh"}),
        ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}, {"kind": "max_pool", "kernel": 2}),
        (
            "MaxPool",
            {"kernel_shape": [4, 4], "strides": [4, 4], "ceil_mode": 1},
            {"kind": "max_pool", "kernel": 4, "padding": (0, 2, 0, 2)},
        ),
        (
            "AveragePool",
            {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]},
            {"kind": "avg_pool", "kernel": 3, "stride": 1, "padding": 1},
        ),
        ("GlobalAveragePool", {}, {"kind": "global_avg_pool"}),
        ("ReduceMean", {"axes": [2, 3]}, {"kind": "global_avg_pool"}),
        ("Elu", {}, {"kind": "vector_work", "operations": 4}),
        ("LRN", {"size": 5}, {"kind": "vector_work", "operations": 10}),
    ],
)
def test_functions_of_images(
    tmp_path: Path, op: str, keys: dict[str, Any], expected: dict[str, Any]
) -> None:
    made = one(tmp_path, op, IMAGE, **keys)
    assert {key: made.get(key) for key in expected} == expected


def test_clips(tmp_path: Path) -> None:
    low, high = np.array(0, np.float32), np.array(6, np.float32)
    assert one(tmp_path, "Clip", IMAGE, {"a": low, "b": high})["kind"] == "relu6"
    assert one(tmp_path, "Clip", IMAGE, {"a": low})["kind"] == "relu"
    assert one(tmp_path, "Clip", IMAGE, {"a": high})["kind"] == "vector_work"


def test_products(tmp_path: Path) -> None:
    assert one(tmp_path, "Gemm", [1, 4], {"w": (4, 3)}) == {"kind": "fc", "out_features": 3}
    assert one(tmp_path, "Gemm", [1, 4], {"w": (3, 4)}, transB=1)["out_features"] == 3
    assert one(tmp_path, "MatMul", [1, 5, 4], {"w": (4, 3)}) == {
        "kind": "linear",
        "out_features": 3,
    }
    stacked = one(tmp_path, "MatMul", [1, 2, 5, 4], {"w": (2, 4, 3)})
    assert stacked["kind"] in ("conv", "transpose", "reshape")


def test_two_maps(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "v"], ["a"], "a"),
        node("MatMul", ["x", "w"], ["b"], "b"),
        node("Transpose", ["b"], ["c"], "c", perm=[0, 2, 1]),
        node("MatMul", ["a", "c"], ["y"], "y"),
    ]
    path = write(tmp_path / "net.onnx", nodes, {"x": [1, 5, 4]}, ["y"], {"v": (4, 3), "w": (4, 3)})
    assert kinds(path) == ["linear", "linear", "matmul"]
    assert macs(network(path)) == 2 * 5 * 4 * 3 + 5 * 5 * 3


def test_flat_maps_cost_nothing(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["a"], "conv"),
        node("Flatten", ["a"], ["b"]),
        node("Identity", ["b"], ["c"]),
        node("Dropout", ["c"], ["d"]),
        node("Cast", ["d"], ["e"], to=1),
        node("Gemm", ["e", "v"], ["y"], "fc"),
        node("Softmax", ["y"], ["z"]),
    ]
    path = write(
        tmp_path / "net.onnx", nodes, {"x": IMAGE}, ["z"], {"w": (8, 4, 1, 1), "v": (288, 3)}
    )
    assert kinds(path) == ["conv", "fc"]


def test_shapes_that_other_nodes_compute(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["a"], "conv"),
        node("Shape", ["a"], ["s"]),
        node("Gather", ["s", "zero"], ["n"], axis=0),
        node("Unsqueeze", ["n", "axes"], ["m"]),
        node("Concat", ["m", "rest"], ["shape"], axis=0),
        node("Reshape", ["a", "shape"], ["b"]),
        node("Gemm", ["b", "v"], ["y"], "fc"),
    ]
    weights = {
        "w": (8, 4, 1, 1),
        "v": (288, 3),
        "zero": np.array(0),
        "axes": np.array([0]),
        "rest": np.array([-1]),
    }
    path = write(tmp_path / "net.onnx", nodes, {"x": IMAGE}, ["y"], weights)
    assert kinds(path) == ["conv", "fc"]


def test_a_channel_shuffle_is_addressing(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["a"], "conv"),
        node("Reshape", ["a", "s"], ["b"]),
        node("Transpose", ["b"], ["c"], perm=[0, 2, 1, 3, 4]),
        node("Reshape", ["c", "t"], ["d"]),
        node("Conv", ["d", "w2"], ["y"], "last"),
    ]
    weights = {
        "w": (8, 4, 1, 1),
        "w2": (8, 8, 1, 1),
        "s": np.array([1, 2, 4, 6, 6]),
        "t": np.array([1, 8, 6, 6]),
    }
    path = write(tmp_path / "net.onnx", nodes, {"x": IMAGE}, ["y"], weights)
    assert kinds(path) == ["conv", "reshape", "transpose", "reshape", "conv"]
    network(path)


def test_split_and_concat(tmp_path: Path) -> None:
    nodes = [
        node("Split", ["x", "parts"], ["a", "b"], "split", axis=1),
        node("Relu", ["b"], ["c"], "relu"),
        node("Concat", ["c", "a"], ["y"], "join", axis=1),
    ]
    path = write(tmp_path / "net.onnx", nodes, {"x": IMAGE}, ["y"], {"parts": np.array([1, 3])})
    assert kinds(path) == ["slice", "slice", "relu", "concat"]
    assert network(path).output.out_shape == (6, 6, 4)


def test_broadcast_products(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["a"], "conv"),
        node("GlobalAveragePool", ["a"], ["b"], "pool"),
        node("Sigmoid", ["b"], ["c"], "gate"),
        node("Mul", ["a", "c"], ["y"], "scaled"),
    ]
    path = write(tmp_path / "net.onnx", nodes, {"x": IMAGE}, ["y"], {"w": (8, 4, 1, 1)})
    assert kinds(path) == ["conv", "global_avg_pool", "sigmoid", "multiply"]
    network(path)


def test_transposed_convolution(tmp_path: Path) -> None:
    made = one(
        tmp_path,
        "ConvTranspose",
        IMAGE,
        {"w": (4, 3, 3, 3)},
        strides=[2, 2],
        pads=[1, 1, 1, 1],
        output_padding=[1, 1],
    )
    expected = {"out_channels": 3, "kernel": 3, "stride": 2, "padding": (1, 0, 1, 0)}
    assert made == {"kind": "conv_transpose", **expected}


@pytest.mark.parametrize(("op", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_recurrent(tmp_path: Path, op: str, gates: int) -> None:
    weights = {"w": (2, gates * 8, 5), "r": (2, gates * 8, 8)}
    nodes = [
        node(op, ["x", "w", "r"], ["a", "last"], "cell", hidden_size=8, direction="bidirectional"),
        node("Squeeze", ["last", "zero"], ["b"]),
        node("Gather", ["b", "one"], ["y"], axis=0),
    ]
    weights |= {"zero": np.array([1]), "one": np.array([1])}
    path = write(tmp_path / "net.onnx", nodes, {"x": [7, 1, 5]}, ["a", "y"], weights)
    made = kinds(path, loss_output="a")
    assert made == ["linear", "recurrence", "linear", "recurrence", "concat"]
    assert macs(network(path, loss_output="a")) == 2 * 7 * gates * 8 * (5 + 8)
    assert network(path, loss_output="a").output.out_shape == (7, 1, 16)
    assert network(path, loss_output="y").output.out_shape == (1, 1, 8)


def test_quantized_forms(tmp_path: Path) -> None:
    scale, zero = np.array(0.1, np.float32), np.array(0, np.uint8)
    weights = {"s": scale, "z": zero, "w": np.zeros((8, 4, 3, 3), np.uint8)}
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["a"], "q"),
        node("QLinearConv", ["a", "s", "z", "w", "s", "z", "s", "z"], ["b"], "conv"),
        node("DequantizeLinear", ["b", "s", "z"], ["y"], "d"),
    ]
    path = write(tmp_path / "net.onnx", nodes, {"x": IMAGE}, ["y"], weights)
    assert kinds(path)[:2] == ["vector_work", "conv"]
    nodes = [
        node("DynamicQuantizeLinear", ["x"], ["a", "s", "z"], "q"),
        node("MatMulInteger", ["a", "w", "z"], ["b"], "product"),
        node("Cast", ["b"], ["c"], to=1),
        node("Mul", ["c", "s"], ["y"], "scale"),
    ]
    weights = {"w": np.zeros((4, 3), np.uint8)}
    path = write(tmp_path / "net.onnx", nodes, {"x": [1, 5, 4]}, ["y"], weights)
    assert kinds(path) == ["vector_work", "linear", "vector_work"]


# Options


def test_strict(tmp_path: Path) -> None:
    path = write(
        tmp_path / "net.onnx", [node("Det", ["x"], ["y"], "it")], {"x": [1, 3, 4, 4]}, ["y"]
    )
    assert kinds(path) == ["vector_work"]
    assert network(path).notes == ("operators without a kind of layer are vector work: Det (it)",)
    assert fault(path, strict=True) == "net.onnx: node it (Det): has no kind of layer (--strict)"


def test_shapes_of_inputs(tmp_path: Path) -> None:
    nodes = [node("GlobalAveragePool", ["x"], ["y"], "pool")]
    path = write(tmp_path / "net.onnx", nodes, {"x": ["N", 3, "H", "W"]}, ["y"])
    assert network(path).input_shape == (224, 224, 3)
    assert network(path).notes == ("free dimensions: H of x 224, W of x 224; --shape sets others",)
    assert network(path, shapes={"x": (1, 3, 8, 9)}).input_shape == (8, 9, 3)
    assert network(path, shapes={"": (2, 3, 8, 9)}).batch == 2
    assert fault(path, shapes={"y": (1,)}).startswith(
        "--shape must name one of the inputs x, got y"
    )
    assert fault(path, shapes={"x": (1, 4, 8, 9)}) == (
        "--shape must fit input x, Nx3xHxW, got 1x4x8x9"
    )


def test_loss_output(tmp_path: Path) -> None:
    nodes = [node("Relu", ["x"], ["a"], "one"), node("Tanh", ["a"], ["b"], "two")]
    path = write(tmp_path / "net.onnx", nodes, {"x": [1, 4]}, ["a", "b"])
    assert network(path).output.name == "two"
    assert network(path).outputs == ("one",)
    assert network(path, loss_output="a").output.name == "one"
    assert network(path, loss_output="b").outputs == ()
    assert fault(path, loss_output="c").startswith("--loss-output must be one of the outputs a, b")


def test_states_get_no_loss(tmp_path: Path) -> None:
    nodes = [node("LSTM", ["x", "w", "r"], ["y", "h", "c"], "cell", hidden_size=8)]
    weights = {"w": (1, 32, 5), "r": (1, 32, 8)}
    path = write(tmp_path / "net.onnx", nodes, {"x": [7, 1, 5]}, ["y", "h", "c"], weights)
    assert (network(path).output.kind, network(path).outputs) == ("recurrence", ())
    nodes = [node("Relu", ["x"], ["present.0.key"]), node("Tanh", ["present.0.key"], ["y"], "two")]
    path = write(tmp_path / "net.onnx", nodes, {"x": [1, 4]}, ["present.0.key", "y"])
    assert (network(path).output.name, network(path).outputs) == ("two", ())


def test_names_of_layers(tmp_path: Path) -> None:
    nodes = [
        node("Relu", ["x"], ["a"], "/block.0/act!"),
        node("Tanh", ["a"], ["b"], "/block.0/act?"),
        node("Relu", ["b"], ["y"], "loss"),
    ]
    path = write(tmp_path / "net.onnx", nodes, {"x": [1, 4]}, ["y"])
    assert [layer["name"] for layer in layers(path)] == ["block_0_act", "block_0_act_2", "loss_2"]
