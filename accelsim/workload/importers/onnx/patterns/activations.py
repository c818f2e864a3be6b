"""GELU by erf and by tanh, and SiLU."""

from __future__ import annotations

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
    x = _cubic(find, tanh.inputs[0], nodes)
    return None if x is None else _product(find, x, total, nodes, "tanh")


def _cubic(find: Finder, name: str, nodes: list[Node]) -> str | None:
    """The x of a polynomial of products, sums and powers of x alone, in up to 12 nodes, that has
    the constant 0.044715.
    """
    waiting, leaves, coefficient = [name], [], False
    inner: list[Node] = []
    while waiting:
        each = waiting.pop()
        value = find.scalar(each)
        if value is not None:
            coefficient |= close(value, 0.044715)
            continue
        node = find.maker(each, "Mul", "Add", "Pow", passed=inner)
        if node is None or len(inner) > 12 or node in inner:
            leaves.append(find.source(each))
            continue
        inner.append(node)
        waiting += node.inputs[:2]
    makers = {node.outputs[0] for node in inner}
    sources = {leaf for leaf in leaves if leaf not in makers}
    if len(sources) != 1:
        # x itself may be a sum or product: the value read most often is it.
        sources = {max(sources, key=leaves.count)} if sources else set()
    if not coefficient or len(sources) != 1:
        return None
    nodes += inner
    return sources.pop()


def _product(find: Finder, x: str, total: Node, nodes: list[Node], form: str) -> Match:
    """The product of ``total``, x and 1/2, in two or three nodes in any order."""
    result = total
    seen_x = seen_half = False
    for _ in range(2):
        product = find.reader(result, "Mul", passed=nodes)
        if product is None:
            break
        other = next(name for name in product.inputs if find.source(name) != result.outputs[0])
        half = find.scalar(other)
        inner = find.maker(other, "Mul", "Div", passed=nodes)
        halved = find.with_scalar(inner) if inner else None
        if half == 0.5:
            seen_half = True
        elif find.source(other) == x:
            seen_x = True
        elif inner is not None and halved is not None and find.source(halved[0]) == x:
            seen_x = seen_half = True
            nodes.append(inner)
        else:
            break
        nodes.append(product)
        result = product
        if seen_x and seen_half:
            break
    if not (seen_x and seen_half):
        return None
    nodes = [*dict.fromkeys(nodes)]
    if not find.apart(nodes, result.outputs[0]):
        nodes = [node for node in nodes if node.outputs[0] == result.outputs[0]] or [result]
    name = result.name or result.outputs[0]
    return Node(
        "Gelu", name, (x,), result.outputs, {"approximate": form}, parts=tuple(nodes)
    ), nodes


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
