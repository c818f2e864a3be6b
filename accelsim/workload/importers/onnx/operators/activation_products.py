"""Products of two maps: attention, and what is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accelsim.workload.importers.onnx.emitter import Emitter
from accelsim.workload.importers.onnx.inference.graph import Node
from accelsim.workload.importers.onnx.operators.lines import linear
from accelsim.workload.importers.onnx.views import Atom, Atoms, View, extent, of_sample


def product_of_maps(e: Emitter, node: Node, a: str, b: str) -> bool:
    """MatMul of two maps (..., M, K) and (..., K, N). Leading axes that both have are heads; those
    of the first alone are more rows.
    """
    left, right = e.view(a), e.view(b)
    if left is None or right is None or min(len(left.axes), len(right.axes)) < 2:
        return False
    if any(atom.batch for view in (left, right) for atoms in view.axes[-2:] for atom in atoms):
        return False
    lead = len(left.axes) - len(right.axes)
    if lead < 0:
        return False
    apart: Atoms = ()
    shared: Atoms = ()
    rows: Atoms = ()
    for axis, atoms in enumerate(left.axes[:-2]):
        mine = of_sample(atoms)
        theirs = of_sample(right.axes[axis - lead]) if axis >= lead else ()
        if theirs and extent(theirs) != extent(mine):
            return False
        if theirs:
            apart, shared = apart + mine, shared + theirs
        else:
            rows += mine
    heads = extent(apart)
    if heads != extent(tuple(atom for axes in right.axes[:-2] for atom in of_sample(axes))):
        return False
    reduced, width = right.sample_axis(-2), right.sample_axis(-1)
    rows += left.sample_axis(-2)
    first = _in_rows(e, node, left, rows, (*apart, *left.sample_axis(-1)))
    transposed = right.home[2] == (*shared, *reduced) and bool(reduced)
    if transposed:
        second = _in_rows(e, node, right, width, (*shared, *reduced))
    else:
        second = _in_rows(e, node, right, reduced, (*shared, *width))
    keys: dict[str, Any] = {"heads": heads} if heads > 1 else {}
    if transposed:
        keys["transposed"] = True
    layer = e.emit(node, "matmul", e.distinct(node, [first.layer, second.layer]), **keys)
    new = tuple(Atom(atom.size) for atom in width)
    home = (first.home[0], first.home[1], (*apart, *new))
    e.set(node.outputs[0], View(layer, (*left.axes[:-1], new), home))
    return True


def _in_rows(e: Emitter, node: Node, view: View, rows: Atoms, channels: Atoms) -> View:
    """The value in a map whose positions are ``rows``, in this order, and with these channels."""
    if view.home[2] == channels and view.home[0] + view.home[1] == rows:
        return view
    return e.placed(view, (rows, (), channels), node)


def dot_product_attention(e: Emitter, node: Node) -> bool:
    """Attention of queries (..., T, d), transposed keys (..., d, S) and values (..., S, d). False
    if its masks come from maps, so that errors pass them.
    """
    views = [e.view(name) for name in node.inputs]
    if any(view is not None for view in views[3:]):
        return False
    queries, keys, values = views[:3]
    if queries is None or keys is None or values is None or len(queries.axes) < 2:
        return False
    rank = len(keys.axes)
    turned = keys.transposed((*range(rank - 2), rank - 1, rank - 2))
    return attention_of(e, node, (queries, turned, values), bool(node.attributes.get("causal")))


def attention_of(e: Emitter, node: Node, views: Sequence[View], causal: bool) -> bool:
    """Attention of three values (..., tokens, d), whose leading axes are heads (and whatever else
    must stay apart).
    """
    sources: list[View] = []
    heads: list[Atoms] = []
    for view in views:
        apart = tuple(atom for atoms in view.axes[:-2] for atom in of_sample(atoms))
        if any(atom.batch for atoms in view.axes[-2:] for atom in atoms):
            return False
        heads.append(apart)
        sources.append(_by_head(e, node, view, apart))
    counts = [extent(atoms) for atoms in heads]
    if counts[1] != counts[2] or counts[0] % counts[1]:
        return False
    layers = e.distinct(node, [source.layer for source in sources])
    keys: dict[str, Any] = {"heads": counts[0]}
    if counts[1] != counts[0]:
        keys["kv_heads"] = counts[1]
    if causal:
        keys["causal"] = True
    layer = e.emit(node, "attention", layers, **keys)
    query, value = sources[0], sources[2]
    width = value.axes[-1]
    new: Atoms = tuple(Atom(atom.size) for atom in width)
    home = (query.home[0], query.home[1], (*heads[0], *new))
    e.set(node.outputs[0], View(layer, (*query.axes[:-1], new), home))
    return True


def _by_head(e: Emitter, node: Node, view: View, heads: Atoms) -> View:
    """The value in a map whose positions are tokens and whose channels are heads times d."""
    tokens = of_sample(view.axes[-2])
    channels = (*heads, *view.sample_axis(-1))
    if view.home[2] == channels and set(view.home[0] + view.home[1]) == set(tokens):
        return view
    return e.placed(view, (tokens, (), channels), node)


def attention_operator(e: Emitter, node: Node) -> bool:
    """Attention of ONNX: queries, keys, values, each (N, heads, T, d) or (N, T, heads * d)."""
    attributes = node.attributes
    if node.input(4) and not e.fixed(node.input(4)):
        return False  # keys of earlier steps
    counts = (attributes.get("q_num_heads"), attributes.get("kv_num_heads"))
    causal = bool(attributes.get("is_causal"))
    return _of_heads(e, node, node.inputs[:3], (counts[0], counts[1]), causal)


def multi_head_attention(e: Emitter, node: Node) -> bool:
    """MultiHeadAttention and GroupQueryAttention of ONNX Runtime: (N, T, heads * d)."""
    attributes = node.attributes
    heads = attributes.get("num_heads")
    grouped = node.op == "GroupQueryAttention"
    kv_heads = attributes.get("kv_num_heads", heads)
    causal = grouped or bool(attributes.get("unidirectional"))
    return _of_heads(e, node, node.inputs[:3], (heads, kv_heads), causal)


def packed_attention(e: Emitter, node: Node) -> bool:
    """Attention and QAttention of ONNX Runtime, which make queries, keys and values themselves:
    (input, weights, bias, ...), weights (C, 3 C').
    """
    view = e.view(node.inputs[0])
    heads = node.attributes.get("num_heads")
    if view is None or heads is None or node.attributes.get("qkv_hidden_sizes"):
        return False
    width = e.shape(node, node.inputs[1])[1] // 3
    names = []
    for label in ("queries", "keys", "values"):
        made = Node(
            "MatMul", f"{node.name or node.outputs[0]}_{label}", (), (f"{node.outputs[0]}/{label}",)
        )
        linear(e, made, view, -1, width, node.input(2))
        names.append(made.outputs[0])
    causal = bool(node.attributes.get("unidirectional"))
    return _of_heads(e, node, names, (heads, heads), causal)


def _of_heads(
    e: Emitter,
    node: Node,
    names: Sequence[str],
    counts: tuple[int | None, int | None],
    causal: bool,
) -> bool:
    """Attention of three values, which are (N, heads, T, d), or (N, T, heads * d) with ``counts``
    of heads of queries, and of keys and values.
    """
    views: list[View] = []
    for name, count in zip(names, (counts[0], counts[1], counts[1]), strict=True):
        view = e.view(name)
        if view is None:
            return False
        if len(view.axes) == 3:
            if not count:
                return False
            samples, tokens, channels = view.shape
            split = view.reshaped((samples, tokens, count, channels // count))
            if split is None:
                return False
            view = split.transposed((0, 2, 1, 3))
        views.append(view)
    if not attention_of(e, node, views, causal):
        return False
    shape = e.shape(node, node.outputs[0])
    made = e.views[node.outputs[0]]
    if len(shape) == 3:
        together = made.transposed((0, 2, 1, 3)).reshaped(shape)
        if together is None:
            return False
        e.set(node.outputs[0], together)
    return True
