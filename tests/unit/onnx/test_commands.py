"""ONNX files on the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import accelsim
from accelsim.cli import main
from tests.onnx_files import write

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
node = onnx.helper.make_node


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Two convolutions, a product of maps with a gate, two outputs."""
    nodes = [
        node("Conv", ["x", "w"], ["a"], "/stem/Conv", pads=[1, 1, 1, 1]),
        node("Relu", ["a"], ["b"], "/stem/Relu"),
        node("GlobalAveragePool", ["b"], ["c"], "/gate/pool"),
        node("Sigmoid", ["c"], ["d"], "/gate/sigmoid"),
        node("Mul", ["b", "d"], ["e"], "/gate/Mul"),
        node("Flatten", ["e"], ["f"], "/head/Flatten"),
        node("Gemm", ["f", "v", "z"], ["y"], "/head/Gemm"),
        node("Softmax", ["y"], ["probabilities"], "/head/Softmax"),
        node("Tanh", ["c"], ["side"], "/side"),
    ]
    weights = {"w": (6, 1, 3, 3), "v": (6 * 64, 12), "z": (12,)}
    shape = {"x": ["batch", 1, 8, 8]}
    return write(tmp_path / "net.onnx", nodes, shape, ["probabilities", "side"], weights)


def run(*arguments: str) -> int:
    before = sys.argv
    sys.argv = ["accelsim", *arguments]
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.argv = before


def test_an_imported_file_is_the_same_network(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "net.yaml"
    assert run("import", str(model), "-o", str(target)) == 0
    assert "  # /stem/Conv\n" in target.read_text()
    assert "outputs: [side]\n" in target.read_text()
    read, written = accelsim.load_network(model), accelsim.load_network(target)
    assert read == accelsim.workload.network.replace(written, description=read.description)
    first, second = (accelsim.simulate(each, trace="dense") for each in (read, written))
    assert first.cycles == second.cycles
    assert first.config_hash == second.config_hash


def test_commands(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", str(model)) == 0
    assert capsys.readouterr().out == f"{model}: ok\n"
    assert run("simulate", str(model), "--loss-output", "side", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["workload"] == "net"
    assert {op["layer"] for op in document["ops"]} == {
        "stem_Conv", "stem_Relu", "gate_pool", "side", "loss",
    }  # fmt: skip
    assert run("map", str(model), "--ops", "stem*.FF") == 0
    assert run("compare", str(model), "--rules", "bp,dfa", "--shape", "x=2x1x8x8", "--json") == 0
    capsys.readouterr()


def test_training(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(
        tmp_path / "digits.onnx",
        [
            node("Conv", ["x", "w"], ["a"], "conv"),
            node("Relu", ["a"], ["b"], "relu"),
            node("Flatten", ["b"], ["c"]),
            node("Gemm", ["c", "v", "z"], ["y"], "fc"),
        ],
        {"x": [1, 1, 8, 8]},
        ["y"],
        {"w": (4, 1, 3, 3), "v": (144, 10), "z": (10,)},
    )
    assert run("train", str(path), "--epochs", "1", "--batch", "32", "--json") == 0
    assert '"digits"' in capsys.readouterr().out
    assert run("train", str(model), "--epochs", "1") == 2
    assert "must have one output" in capsys.readouterr().err


def test_options_need_an_onnx_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("simulate", "mnist-fc", "--strict") == 2
    assert capsys.readouterr().err == (
        "--shape, --strict and --loss-output must be used with a file of .onnx, got mnist-fc\n"
    )


def test_faulty_shapes(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", str(model), "--shape", "x=1x0") == 2
    assert capsys.readouterr().err == (
        "--shape must be NAME=1x3x224x224, with extents from 1 to 16777216, got x=1x0\n"
    )


def test_a_large_file_is_quick(tmp_path: Path) -> None:
    """25 MB of weights: they are not read."""
    from time import perf_counter

    big = np.zeros((2500, 2500), np.float32)
    nodes = [node("Gemm", ["x", "w"], ["y"], "fc")]
    path = write(tmp_path / "net.onnx", nodes, {"x": [1, 2500]}, ["y"], {"w": big})
    assert path.stat().st_size > 25_000_000
    start = perf_counter()
    accelsim.load_network(path)
    assert perf_counter() - start < 2
