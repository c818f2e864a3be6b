"""Random ONNX graphs against counts that are made beside them (tests/naive/onnx_counts.py)."""

from __future__ import annotations

from math import prod
from pathlib import Path

import pytest

from tests.naive.onnx_counts import random_graph
from tests.onnx_files import network, write

pytest.importorskip("onnx", reason="the extra onnx is not installed")

GRAPHS = 500
QUICK = 40


def check(seed: int, folder: Path) -> None:
    from accelsim.rules.registry import lower
    from accelsim.step.ops import Contraction, Pass, Role

    counted, shape, output = random_graph(seed)
    path = write(
        folder / f"graph{seed}.onnx", counted.nodes, {"x": shape}, [output], counted.weights
    )
    read = network(path)
    batch = shape[0]
    assert read.batch == batch
    used = {layer.name for layer in read.layers}
    step = lower(read, "bp", batch)
    macs = dict.fromkeys(counted.macs, 0)
    for op in step.ops:
        if isinstance(op, Contraction) and op.pass_ is Pass.FF:
            macs[op.layer] += op.nest.macs
    for name, words in counted.words.items():
        if name not in used:
            continue  # nothing reads it on the way to the output
        layer = read.layer(name)
        assert batch * prod(layer.out_shape) == words, name
        assert macs[name] == counted.macs[name], name
        if name in counted.weight_words:
            assert prod(layer.weight_shape) == counted.weight_words[name], name
    needed = _needed(counted.nodes, output) & counted.words.keys()
    assert needed <= used
    _check_words(step, counted.words, Role.ACTIVATION)


def _needed(nodes: list[object], output: str) -> set[str]:
    """Names of the nodes on which the output depends."""
    wanted, names = {output}, set()
    for node in reversed(nodes):
        if wanted.intersection(node.output):  # type: ignore[attr-defined]  # a protobuf message
            names.add(node.name)  # type: ignore[attr-defined]
            wanted.update(node.input)  # type: ignore[attr-defined]
    return names


def _check_words(step: object, words: dict[str, int], role: object) -> None:
    """Every forward op writes the words of its node's result once."""
    written: dict[str, int] = {}
    for op in step.ops:  # type: ignore[attr-defined]
        for tensor in op.outputs:
            if tensor.name == f"{op.layer}.out" and tensor.role is role:
                written[op.layer] = written.get(op.layer, 0) + tensor.elements
    for name, count in words.items():
        if name in written:
            assert written[name] == count, name


@pytest.mark.parametrize("seed", range(QUICK))
def test_a_few_random_graphs(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path)


@pytest.mark.check
def test_random_graphs(tmp_path: Path) -> None:
    for seed in range(QUICK, GRAPHS):
        check(seed, tmp_path)
