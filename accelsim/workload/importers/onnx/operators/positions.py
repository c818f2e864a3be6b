"""Rotary positions of queries and keys."""

from __future__ import annotations

from accelsim.workload.importers.onnx.emitter import Emitter
from accelsim.workload.importers.onnx.inference.graph import Node
from accelsim.workload.importers.onnx.views import View, extent, of_sample


def rotary(e: Emitter, node: Node) -> bool:
    """Rotary positions of a value (N, heads, T, d). False if the tables are maps."""
    view = e.view(node.inputs[0])
    if view is None or any(name in e.views for name in node.inputs[1:]):
        return False
    return _rotated(e, node, view)


def rotary_operator(e: Emitter, node: Node) -> bool:
    """RotaryEmbedding: a value (N, heads, T, d), or (N, T, heads * d) with the number of heads."""
    view = e.view(node.inputs[0])
    heads = node.attributes.get("num_heads")
    partial = node.attributes.get("rotary_embedding_dim")
    if view is None or partial:
        return False
    if len(view.axes) == 4:
        return _rotated(e, node, view)
    if not heads or len(view.axes) != 3:
        return False
    samples, tokens, channels = view.shape
    split = view.reshaped((samples, tokens, heads, channels // heads))
    if split is None or not _rotated(e, node, split.transposed((0, 2, 1, 3))):
        return False
    together = e.views[node.outputs[0]].transposed((0, 2, 1, 3)).reshaped(view.shape)
    if together is None:
        return False
    e.set(node.outputs[0], together)
    return True


def _rotated(e: Emitter, node: Node, view: View) -> bool:
    tokens = of_sample(view.axes[-2])
    heads = tuple(atom for atoms in view.axes[:-2] for atom in of_sample(atoms))
    width = view.sample_axis(-1)
    if extent(tokens) < 2 or extent(width) % 2 or any(a.batch for a in view.axes[-2]):
        return False
    source = e.placed(view, (tokens, (), (*heads, *width)), node)
    interleaved = {"pairs": "interleaved"} if node.attributes.get("interleaved") else {}
    layer = e.emit(node, "rotary", [source.layer], heads=extent(heads), **interleaved)
    e.set(node.outputs[0], View(layer, source.axes, source.home))
    return True
