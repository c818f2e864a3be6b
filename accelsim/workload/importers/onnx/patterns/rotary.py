"""Rotary positions, as exporters take them apart: x * cos + (-x2, x1) * sin, halves x1 and x2."""

from __future__ import annotations

from accelsim.workload.importers.onnx.inference.graph import OWN, Node
from accelsim.workload.importers.onnx.patterns.finder import Finder


def rotary(find: Finder, negation: Node) -> tuple[Node, list[Node]] | None:
    """Rotary positions around the negation of the second half. Inputs: x, cosines, sines."""
    join = find.reader(negation, "Concat")
    if join is None or len(join.inputs) != 2 or join.inputs[0] != negation.outputs[0]:
        return None
    rank = len(find.inference.kinds[join.outputs[0]].shape or ())
    if rank < 3 or join.attributes.get("axis", 0) % rank != rank - 1:
        return None
    halves = [find.maker(name, "Slice", "Split") for name in (negation.inputs[0], join.inputs[1])]
    second, first = halves
    if first is None or second is None or first.op != second.op:
        return None
    x = first.inputs[0]
    if second.inputs[0] != x or not _ordered(find, first, second, join, negation):
        return None
    sine = find.reader(join, "Mul")
    total = find.reader(sine, "Add") if sine is not None else None
    if sine is None or total is None:
        return None
    other = next(name for name in total.inputs if find.source(name) != sine.outputs[0])
    cosine = find.maker(other, "Mul")
    if cosine is None or x not in cosine.inputs:
        return None
    tables = [
        next(name for name in cosine.inputs if name != x),
        next(name for name in sine.inputs if find.source(name) != join.outputs[0]),
    ]
    nodes = list(dict.fromkeys([second, first, negation, join, cosine, sine, total]))
    nodes.sort(key=lambda node: find.places[id(node)])
    name = total.name or total.outputs[0]
    new = Node("Rotary", name, (x, *tables), total.outputs, {}, OWN, parts=tuple(nodes))
    return new, nodes


def _ordered(find: Finder, first: Node, second: Node, join: Node, negation: Node) -> bool:
    """True if the parts are the first and the second half of the last axis."""
    if first.op == "Split":
        return first is second and list(first.outputs) == [join.inputs[1], negation.inputs[0]]
    half, whole = (find.inference.kinds[n].shape for n in (join.inputs[1], first.inputs[0]))
    starts = [find.scalar(node.input(1)) for node in (first, second)]
    if half is None or whole is None or starts[0] is None or starts[1] is None:
        return False
    return 2 * half[-1] == whole[-1] and starts == [0, half[-1]]
