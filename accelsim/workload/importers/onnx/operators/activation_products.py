"""Products of two maps."""

from __future__ import annotations

from accelsim.workload.importers.onnx.emitter import Emitter
from accelsim.workload.importers.onnx.inference.graph import Node


def product_of_maps(e: Emitter, node: Node, a: str, b: str) -> bool:
    """MatMul of two maps."""
    return False
