"""Biases: learned vectors that are added to every position."""

from __future__ import annotations

from accelsim.workload.importers.onnx.emitter import Emitter
from accelsim.workload.importers.onnx.inference.graph import Node
from accelsim.workload.importers.onnx.views import View


def add_bias(e: Emitter, node: Node, view: View, name: str) -> View:
    """The value with the bias ``name`` of its channels added; "" adds none."""
    if not name:
        return view
    if e.known("bias"):
        layer = e.emit(node, "bias", [view.layer], "bias")
    else:
        layer = e.vector_work(node, [view.layer], view.map_shape, 1, "bias")
    return View(layer, view.axes, view.home)
