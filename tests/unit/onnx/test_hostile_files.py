"""Files that are no networks, or that would take too much, are refused in one line."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.onnx_files import fault, macs, network, write

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
node = onnx.helper.make_node


def gemm(path: Path) -> Path:
    return write(path, [node("Gemm", ["x", "w"], ["y"], "fc")], {"x": [1, 4]}, ["y"], {"w": (4, 3)})


def test_no_protobuf(tmp_path: Path) -> None:
    path = tmp_path / "text.onnx"
    path.write_text("hello, this is text")
    assert fault(path).startswith("text.onnx: must be an ONNX model, got other bytes")


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").touch()
    assert fault(tmp_path / "empty.onnx") == "empty.onnx: must be an ONNX model, got an empty file"


def test_no_file(tmp_path: Path) -> None:
    assert fault(tmp_path / "none.onnx") == "none.onnx: no such file"


def test_a_directory(tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    assert fault(tmp_path / "folder.onnx") == "folder.onnx: must be a file, got a directory"


def test_every_truncation(tmp_path: Path) -> None:
    whole = gemm(tmp_path / "net.onnx").read_bytes()
    path = tmp_path / "cut.onnx"
    for length in range(1, len(whole), 7):
        path.write_bytes(whole[:length])
        assert fault(path).startswith("cut.onnx: ")


def test_a_cycle(tmp_path: Path) -> None:
    nodes = [node("Add", ["x", "b"], ["a"], "one"), node("Relu", ["a"], ["b"], "two")]
    path = write(tmp_path / "net.onnx", nodes, {"x": [1, 4]}, ["b"])
    assert fault(path) == (
        "net.onnx: must be a graph without cycles, got one through node one (Add)"
    )


def test_a_value_that_nothing_makes(tmp_path: Path) -> None:
    nodes = [node("Add", ["x", "b"], ["a"], "one")]
    path = write(tmp_path / "net.onnx", nodes, {"x": [1, 4]}, ["a"])
    assert fault(path) == "net.onnx: node one (Add): must read values that exist, got 'b'"


@pytest.mark.parametrize("place", ["../secret.bin", "/etc/passwd", "a/../../b", "C:\\b", "..\\b"])
def test_external_data_outside_the_folder(tmp_path: Path, place: str) -> None:
    path = gemm(tmp_path / "net.onnx")
    model = onnx.load(path)
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=place)
    path.write_bytes(model.SerializeToString())
    assert fault(path) == (
        f"net.onnx: data of 'w' must be in the folder of the model, got {place!a}"
    )


def test_absurd_shapes(tmp_path: Path) -> None:
    nodes = [node("Relu", ["x"], ["y"], "relu")]
    path = write(tmp_path / "net.onnx", nodes, {"x": [1, 1 << 40, 2]}, ["y"])
    assert fault(path) == (
        "net.onnx: input x must have a shape of at most 1099511627776 elements, got "
        "1x1099511627776x2"
    )
    shape = np.array([1 << 20, 1 << 21], np.int64)
    nodes = [node("Expand", ["x", "s"], ["y"], "wide"), node("Relu", ["y"], ["z"])]
    path = write(tmp_path / "net.onnx", nodes, {"x": [1, 1]}, ["z"], {"s": shape})
    assert fault(path) == (
        "net.onnx: node wide (Expand): must make at most 2^40 elements, got 1048576x2097152"
    )


def test_an_extent_that_no_layer_has(tmp_path: Path) -> None:
    nodes = [node("Relu", ["x"], ["y"], "relu")]
    path = write(tmp_path / "net.onnx", nodes, {"x": [1, 1 << 30]}, ["y"])
    assert fault(path).startswith("net.onnx: input.channels must be")


def test_weights_that_do_not_fit(tmp_path: Path) -> None:
    nodes = [node("Gemm", ["x", "w"], ["y"], "fc")]
    path = write(tmp_path / "net.onnx", nodes, {"x": [1, 4]}, ["y"], {"w": (5, 3)})
    assert fault(path).startswith("net.onnx: node fc (Gemm): its inputs do not fit: ")


def test_weights_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    nodes = [node("Gemm", ["x", "w"], ["y"], "fc")]
    write(path, nodes, {"x": [1, 1024]}, ["y"], {"w": (1024, 4096)})
    from accelsim.workload.importers.onnx.reading.model import read_model

    assert path.stat().st_size > 1 << 24
    model = read_model(path)
    assert model.ByteSize() < 1000
    assert list(model.graph.initializer[0].dims) == [1024, 4096]


def test_no_output_with_an_error(tmp_path: Path) -> None:
    nodes = [node("ArgMax", ["x"], ["y"], "arg", axis=1)]
    path = write(tmp_path / "net.onnx", nodes, {"x": [1, 4]}, ["y"])
    assert fault(path) == (
        "net.onnx: must have an output of floating-point numbers of known shape that depends on "
        "the input, got y"
    )


def test_a_very_deep_graph(tmp_path: Path) -> None:
    names = [f"v{index}" for index in range(3001)]
    nodes = [
        node("Relu" if index < 1500 else "Identity", [a], [b])
        for index, (a, b) in enumerate(pairwise(names))
    ]
    nodes.insert(1500, node("Softmax", ["v1500"], ["s"], "softmax"))
    nodes[1501] = node("Identity", ["s"], ["v1501"])
    path = write(tmp_path / "net.onnx", nodes, {"v0": [1, 4]}, [names[-1]])
    read = network(path)
    assert len(read.layers) == 1500
    assert macs(read) == 0
