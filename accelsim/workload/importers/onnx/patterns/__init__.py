"""Patterns: several nodes that stand for one operator, such as the parts of a layer norm.

May import the importer's graph and shapes.
"""

from __future__ import annotations

from accelsim.workload.importers.onnx.inference.graph import Graph
from accelsim.workload.importers.onnx.inference.shapes import Inference


def with_patterns(graph: Graph, inference: Inference) -> Graph:
    """The graph with one node for each known pattern."""
    return graph
