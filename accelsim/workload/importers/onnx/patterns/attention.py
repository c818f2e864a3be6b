"""Scaled dot-product attention: a product of two maps, softmax, and another product."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.workload.importers.onnx.inference.graph import OWN, Node
from accelsim.workload.importers.onnx.patterns.finder import Finder

BETWEEN = frozenset(
    {"Add", "Sub", "Mul", "Div", "Where", "Cast", "Identity", "Dropout", "Softmax", "Reshape"}
    | {"IsNaN", "Min", "Max", "Clip", "Tanh", "Squeeze", "Unsqueeze", "Expand", "Not"}
)
"""Operators between the two products: scale, mask, dropout, soft caps."""

MOST_BETWEEN = 24


def attention(find: Finder, softmax: Node) -> tuple[Node, list[Node]] | None:
    """Attention around a softmax over the last axis. Inputs: queries, transposed keys, values, and
    what the scores are masked with.
    """
    rank = len(find.inference.kinds[softmax.inputs[0]].shape or ())
    axis = softmax.attributes.get("axis", -1 if find.inference.version(softmax) >= 13 else 1)
    if rank < 2 or axis % rank != rank - 1:
        return None
    scores = _scores(find, softmax.inputs[0], 0)
    if scores is None or find.fixed(scores.inputs[0]) or find.fixed(scores.inputs[1]):
        return None
    inner = _between(find, scores)
    if inner is None:
        return None
    nodes, mixing = inner
    inside = {name for node in nodes for name in node.outputs}
    beside = tuple(
        dict.fromkeys(
            name
            for node in nodes
            for name in node.inputs
            if name and name not in inside and name != scores.outputs[0]
        )
    )
    queries, keys = (_unscaled(find, name) for name in scores.inputs[:2])
    causal = any(_causal(find.inference.constants.get(name)) for name in beside)
    parts = (scores, *sorted(nodes, key=lambda node: find.places[id(node)]), mixing)
    beside = tuple(name for name in beside if name not in find.inference.fixed)
    new = Node(
        "DotProductAttention",
        mixing.name,
        (queries, keys, mixing.inputs[1], *beside),
        mixing.outputs,
        {"causal": causal},
        OWN,
        parts=parts,
    )
    return new, list(parts)


def _scores(find: Finder, name: str, depth: int) -> Node | None:
    """The product that a softmax reads, through scales and masks."""
    node = find.graph.producers.get(name)
    if node is None or not node.standard or depth > 10:
        return None
    if node.op == "MatMul":
        return node
    if node.op not in BETWEEN or node.op == "Softmax":
        return None
    for each in node.inputs:
        found = _scores(find, each, depth + 1) if each and not find.fixed(each) else None
        if found is not None:
            return found
    return None


def _between(find: Finder, scores: Node) -> tuple[list[Node], Node] | None:
    """(nodes between the products, second product), if nothing else reads the scores."""
    nodes: list[Node] = []
    mixing: Node | None = None
    waiting = [scores.outputs[0]]
    while waiting:
        name = waiting.pop()
        if name in find.graph.outputs:
            return None
        for reader in find.graph.readers.get(name, ()):
            if reader in nodes:
                continue
            if reader.op == "MatMul" and reader.standard and reader.inputs[0] == name:
                if mixing is not None or find.fixed(reader.inputs[1]):
                    return None
                mixing = reader
            elif reader.op in BETWEEN and reader.standard and len(nodes) < MOST_BETWEEN:
                nodes.append(reader)
                waiting += [each for each in reader.outputs if each]
            else:
                return None
    if mixing is None or sum(node.op == "Softmax" for node in nodes) != 1:
        return None
    return nodes, mixing


def _unscaled(find: Finder, name: str) -> str:
    """Queries or keys before the scale that is counted with the softmax."""
    node = find.graph.producers.get(name)
    while node is not None and node.standard and find.graph.only_reader(name) is not None:
        if node.op in ("Mul", "Div"):
            scaled = find.with_scalar(node)
            if scaled is None:
                break
            name = scaled[0]
        elif node.op in ("Cast", "Identity"):
            name = node.inputs[0]
        else:
            break
        node = find.graph.producers.get(name)
    return name


def _causal(mask: NDArray[Any] | None) -> bool:
    """True for a constant that tells the places up to the diagonal from those above it."""
    if mask is None or mask.ndim < 2 or mask.shape[-2] != mask.shape[-1] or mask.shape[-1] < 2:
        return False
    if mask.size != mask.shape[-1] ** 2:
        return False
    square = mask.reshape(mask.shape[-2:])
    lower = np.tril(np.ones(square.shape, bool))
    if square.dtype == bool:
        return bool(np.array_equal(square, lower) or np.array_equal(square, ~lower))
    masked = square <= -1e4
    return bool(np.array_equal(masked, ~lower) and not square[lower].any())
