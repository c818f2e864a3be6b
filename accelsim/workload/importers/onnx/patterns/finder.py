"""Steps from node to node in search of a pattern."""

from __future__ import annotations

from collections.abc import Sequence

from accelsim.workload.importers.onnx.inference.graph import Graph, Node
from accelsim.workload.importers.onnx.inference.shapes import Inference

FREE = frozenset({"Identity", "Cast", "Dropout"})
"""Operators that change no number."""


class Finder:
    """A graph and the values of its constants."""

    def __init__(self, graph: Graph, inference: Inference) -> None:
        self.graph = graph
        self.inference = inference
        self.places = {id(node): index for index, node in enumerate(graph.nodes)}

    def maker(self, name: str, *ops: str, passed: list[Node] | None = None) -> Node | None:
        """The node that makes a value, if it is one of ``ops``. Nodes that change nothing are
        passed, and added to ``passed``.
        """
        node = self.graph.producers.get(name)
        while node is not None and node.standard and node.op in FREE and node.op not in ops:
            if passed is not None:
                passed.append(node)
            node = self.graph.producers.get(node.inputs[0])
        if node is None or not node.standard or (ops and node.op not in ops):
            return None
        return node

    def reader(self, node: Node, *ops: str, passed: list[Node] | None = None) -> Node | None:
        """The one node that reads a node's output, if it is one of ``ops``; as `maker`."""
        reader = self.graph.only_reader(node.outputs[0])
        while reader is not None and reader.standard and reader.op in FREE:
            if passed is not None:
                passed.append(reader)
            reader = self.graph.only_reader(reader.outputs[0])
        if reader is None or not reader.standard or (ops and reader.op not in ops):
            return None
        return reader

    def source(self, name: str) -> str:
        """The value from which a value comes by nodes that change nothing."""
        node = self.graph.producers.get(name)
        while node is not None and node.standard and node.op in FREE:
            name = node.inputs[0]
            node = self.graph.producers.get(name)
        return name

    def scalar(self, name: str) -> float | None:
        """The value of a constant of one element, else None."""
        value = self.inference.constants.get(name) if name else None
        if value is None or value.size != 1:
            return None
        return float(value.reshape(-1)[0])

    def fixed(self, name: str) -> bool:
        """True for weights and constants."""
        return name in self.inference.fixed

    def with_scalar(self, node: Node) -> tuple[str, float] | None:
        """(other operand, value) of a node with two operands of which one is a scalar."""
        for index, name in enumerate(node.inputs[:2]):
            value = self.scalar(name)
            if value is not None and len(node.inputs) > 1:
                return node.inputs[1 - index], value
        return None

    def apart(self, nodes: Sequence[Node], result: str) -> bool:
        """True if no other node reads what ``nodes`` make, except the value ``result``."""
        inside = set(map(id, nodes))
        return all(
            name == result
            or (
                name not in self.graph.outputs
                and all(id(reader) in inside for reader in self.graph.readers.get(name, ()))
            )
            for node in nodes
            for name in node.outputs
            if name
        )


def close(a: float | None, b: float) -> bool:
    """True for two numbers that differ by rounding alone."""
    return a is not None and abs(a - b) <= 1e-2 * abs(b)
