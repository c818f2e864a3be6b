"""Products of two maps: attention, and what is left of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accelsim.workload.importers.onnx.emitter import Emitter
from accelsim.workload.importers.onnx.inference.graph import Node
from accelsim.workload.importers.onnx.views import Atom, Atoms, View, extent, of_sample


def product_of_maps(e: Emitter, node: Node, a: str, b: str) -> bool:
    """MatMul of two maps."""
    return False


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
    layers = [source.layer for source in sources]
    if len(set(layers)) < 3 or not e.known("attention"):
        return False
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
