"""Layer norm and RMS norm over the last axes, from their parts."""

from __future__ import annotations

from accelsim.workload.importers.onnx.inference.graph import Node
from accelsim.workload.importers.onnx.patterns.finder import Finder

Match = tuple[Node, list[Node]] | None


def _power(find: Finder, node: Node, exponent: float) -> bool:
    return node.op == "Pow" and find.scalar(node.inputs[1]) == exponent


def _root(find: Finder, node: Node) -> bool:
    """True for a square root, also of the reciprocal."""
    return node.op == "Sqrt" or _power(find, node, 0.5) or _power(find, node, -0.5)


def _mean_of_squares(find: Finder, root: Node, nodes: list[Node]) -> tuple[str, int] | None:
    """(squared value, its axes' number) of a root of a mean of squares plus a constant."""
    total = find.maker(root.inputs[0], "Add", passed=nodes)
    constant = find.with_scalar(total) if total else None
    if total is None or constant is None or not 0 <= constant[1] < 1e-1:
        return None
    mean = find.maker(constant[0], "ReduceMean", passed=nodes)
    if mean is None:
        return None
    axes = _axes(find, mean)
    rank = len(find.inference.kinds[mean.inputs[0]].shape or ())
    if not axes or sorted(axis % rank for axis in axes) != list(range(rank - len(axes), rank)):
        return None
    square = find.maker(mean.inputs[0], "Pow", "Mul", passed=nodes)
    if square is None:
        return None
    if not (_power(find, square, 2) or (square.op == "Mul" and len(set(square.inputs)) == 1)):
        return None
    nodes += [total, mean, square]
    return find.source(square.inputs[0]), len(axes)


def _axes(find: Finder, mean: Node) -> list[int]:
    if "axes" in mean.attributes:
        return list(mean.attributes["axes"])
    known = find.inference.constants.get(mean.input(1)) if mean.input(1) else None
    return [] if known is None else [int(each) for each in known.reshape(-1)]


def _normalized(find: Finder, root: Node, x: str, nodes: list[Node]) -> Node | None:
    """x divided by the root."""
    reader = find.reader(root, "Div", "Reciprocal", "Mul", passed=nodes)
    if reader is None:
        return None
    if reader.op == "Reciprocal" or (reader.op == "Div" and find.scalar(reader.inputs[0]) == 1):
        nodes.append(reader)
        reader = find.reader(reader, "Mul", passed=nodes)
    if reader is None or x not in [find.source(name) for name in reader.inputs]:
        return None
    nodes.append(reader)
    return reader


def _scaled(find: Finder, result: Node, op: str, nodes: list[Node]) -> tuple[Node, str]:
    """The node after a learned scale (Mul) or shift (Add), and that value; or the node itself."""
    reader = find.reader(result, op, passed=nodes)
    if reader is None:
        return result, ""
    weights = [name for name in reader.inputs if find.fixed(name)]
    if len(weights) != 1 or find.inference.kinds[weights[0]].size < 2:
        return result, ""
    nodes.append(reader)
    return reader, weights[0]


def layer_norm(find: Finder, root: Node) -> Match:
    """(x - mean) / sqrt(mean((x - mean)^2) + epsilon) * scale + shift."""
    nodes = [root]
    squares = _mean_of_squares(find, root, nodes) if _root(find, root) else None
    if squares is None:
        return None
    centred, axes = squares
    difference = find.maker(centred, "Sub")
    if difference is None:
        return None
    x = find.source(difference.inputs[0])
    mean = find.maker(difference.inputs[1], "ReduceMean", passed=nodes)
    if mean is None or find.source(mean.inputs[0]) != x:
        return None
    result = _normalized(find, root, difference.outputs[0], nodes)
    if result is None:
        # Some exporters compute the difference twice.
        return None
    nodes += [difference, mean]
    result, scale = _scaled(find, result, "Mul", nodes)
    result, shift = _scaled(find, result, "Add", nodes)
    inputs = tuple(name for name in (x, scale, shift) if name)
    return _made(find, "LayerNormalization", inputs, result, axes, nodes)


def rms_norm(find: Finder, root: Node) -> Match:
    """x / sqrt(mean(x^2) + epsilon) * scale."""
    nodes = [root]
    squares = _mean_of_squares(find, root, nodes) if _root(find, root) else None
    if squares is None:
        return None
    x, axes = squares
    result = _normalized(find, root, x, nodes)
    if result is None:
        return None
    result, scale = _scaled(find, result, "Mul", nodes)
    inputs = (x, scale) if scale else (x,)
    return _made(find, "RMSNormalization", inputs, result, axes, nodes)


def _made(
    find: Finder, op: str, inputs: tuple[str, ...], result: Node, axes: int, nodes: list[Node]
) -> Match:
    nodes = list(dict.fromkeys(nodes))
    inside = [node for node in nodes if node is not result]
    if not find.apart(nodes, result.outputs[0]):
        return None
    node = Node(op, result.name, inputs, result.outputs, {"axis": -axes}, parts=(*inside, result))
    return node, nodes
