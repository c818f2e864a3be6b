"""GELU by erf and by tanh, and SiLU."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

from accelsim.workload.importers.onnx.inference.graph import Node
from accelsim.workload.importers.onnx.patterns.finder import Finder, close

Match = tuple[Node, list[Node]] | None


def gelu_by_erf(find: Finder, erf: Node) -> Match:
    """x / 2 * (1 + erf(x / sqrt 2)), whatever the order of the factors."""
    nodes = [erf]
    scaling = find.maker(erf.inputs[0], "Div", "Mul", passed=nodes)
    factor = find.with_scalar(scaling) if scaling else None
    if scaling is None or factor is None:
        return None
    if not close(factor[1], sqrt(2) if scaling.op == "Div" else sqrt(0.5)):
        return None
    nodes.append(scaling)
    total = find.reader(erf, "Add", passed=nodes)
    one = find.with_scalar(total) if total else None
    if total is None or one is None or one[1] != 1:
        return None
    nodes.append(total)
    return _product(find, find.source(factor[0]), total, nodes, "none")


def gelu_by_tanh(find: Finder, tanh: Node) -> Match:
    """x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))."""
    nodes = [tanh]
    total = find.reader(tanh, "Add", passed=nodes)
    one = find.with_scalar(total) if total else None
    if total is None or one is None or one[1] != 1:
        return None
    nodes.append(total)
    match = _product(find, "", total, nodes, "tanh")
    if match is None:
        return None
    inner = _cubic(find, tanh.inputs[0], match[0].inputs[0])
    if inner is None:
        return None
    new, outer = match
    return replace(new, parts=(*inner, *new.parts)), [*outer, *inner]


def _cubic(find: Finder, name: str, x: str) -> list[Node] | None:
    """The nodes of a polynomial of products, sums and powers of x that has the constant 0.044715;
    None if the value is no such polynomial.
    """
    waiting, coefficient = [name], False
    inner: list[Node] = []
    while waiting:
        each = waiting.pop()
        value = find.scalar(each)
        if value is not None:
            coefficient |= close(value, 0.044715)
        elif find.source(each) != x:
            node = find.maker(each, "Mul", "Add", "Pow", passed=inner)
            if node is None or len(inner) > 12:
                return None
            if node not in inner:
                inner.append(node)
                waiting += node.inputs[:2]
    return inner if coefficient else None


def _product(find: Finder, x: str, total: Node, nodes: list[Node], form: str) -> Match:
    """The product of ``total``, x and 1/2, in two or three nodes in any order. If ``x`` is "" it is
    whatever is multiplied.
    """
    result = total
    seen_x = seen_half = False
    while not (seen_x and seen_half):
        product = find.reader(result, "Mul", "Div", passed=nodes)
        if product is None:
            return None
        other = next(name for name in product.inputs if find.source(name) != result.outputs[0])
        factor = find.scalar(other)
        inner = find.maker(other, "Mul", "Div")
        halved = find.with_scalar(inner) if inner is not None else None
        if factor == (0.5 if product.op == "Mul" else 2):
            seen_half = True
        elif product.op == "Div" or factor is not None or seen_x:
            return None
        elif inner is not None and halved is not None and halved[1] in (0.5, 2):
            x, seen_half = x or find.source(halved[0]), True
            seen_x = find.source(halved[0]) == x
            nodes.append(inner)
        else:
            x = x or find.source(other)
            seen_x = find.source(other) == x
        if not (seen_x or seen_half):
            return None
        nodes.append(product)
        result = product
    nodes = list(dict.fromkeys(nodes))
    name = result.name or result.outputs[0]
    gelu = Node("Gelu", name, (x,), result.outputs, {"approximate": form}, parts=tuple(nodes))
    return gelu, nodes


def silu(find: Finder, gate: Node) -> Match:
    """x * sigmoid(x); with HardSigmoid, hard swish."""
    nodes = [gate]
    product = find.reader(gate, "Mul", passed=nodes)
    if product is None:
        return None
    x = find.source(gate.inputs[0])
    others = [name for name in product.inputs if find.source(name) == x]
    if not others:
        return None
    nodes.append(product)
    op = "Silu" if gate.op == "Sigmoid" else "HardSwish"
    return Node(op, product.name, (x,), product.outputs, parts=tuple(nodes)), nodes
