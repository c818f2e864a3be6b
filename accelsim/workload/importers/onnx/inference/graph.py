"""The graph of a model as this importer works on it: nodes in an order that can be computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import NodeProto

OWN = "accelsim"
"""Domain of operators that stand for several nodes of the file."""

STANDARD = ("", "ai.onnx")


@dataclass(frozen=True, eq=False)
class Node:
    """One operator: ``op`` with ``domain``, names of the values that it reads ("" for an absent
    one) and makes, and its attributes. ``parts`` are the nodes of the file for which it stands.
    """

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    domain: str = ""
    proto: NodeProto | None = None
    parts: tuple[Node, ...] = ()

    @property
    def place(self) -> str:
        """How messages name the node."""
        return f"node {self.name or self.outputs[0]} ({self.op})"

    @property
    def standard(self) -> bool:
        """True if the operator is of ONNX itself."""
        return self.domain in STANDARD

    def input(self, index: int) -> str:
        """Name of an input, or "" if it is absent."""
        return self.inputs[index] if index < len(self.inputs) else ""

    def output(self, index: int) -> str:
        """Name of an output, or "" if it is absent."""
        return self.outputs[index] if index < len(self.outputs) else ""


def node_of(proto: NodeProto) -> Node:
    """The node of a protobuf message; texts are decoded, graphs and tensors stay messages."""
    from onnx import helper

    attributes: dict[str, Any] = {}
    for attribute in proto.attribute:
        value = helper.get_attribute_value(attribute)
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        elif isinstance(value, list) and value and isinstance(value[0], bytes):
            value = [each.decode("utf-8", "replace") for each in value]
        attributes[attribute.name] = value
    return Node(
        proto.op_type,
        proto.name,
        tuple(proto.input),
        tuple(proto.output),
        attributes,
        proto.domain,
        proto,
    )


class Graph:
    """Nodes in topological order, with the values that each reads and makes."""

    def __init__(self, nodes: Iterable[Node], outputs: Iterable[str]) -> None:
        self.nodes = list(nodes)
        self.outputs = tuple(outputs)

    @cached_property
    def producers(self) -> dict[str, Node]:
        """By value: the node that makes it."""
        return {name: node for node in self.nodes for name in node.outputs if name}

    @cached_property
    def readers(self) -> dict[str, list[Node]]:
        """By value: the nodes that read it, once each."""
        readers: dict[str, list[Node]] = {}
        for node in self.nodes:
            parts = node.parts if node.domain == OWN else ()
            for each in (node, *parts):
                for name in dict.fromkeys(each.inputs):
                    readers.setdefault(name, []).append(each)
        return readers

    def only_reader(self, name: str) -> Node | None:
        """The node that alone reads a value, or None if several do or it is an output."""
        readers = self.readers.get(name, [])
        return readers[0] if len(readers) == 1 and name not in self.outputs else None

    def replaced(self, old: Iterable[Node], new: Node) -> Graph:
        """The graph in which ``new`` stands for the nodes ``old``, at the place of the last one."""
        gone = set(map(id, old))
        last = max(index for index, node in enumerate(self.nodes) if id(node) in gone)
        nodes = [
            new if index == last else node
            for index, node in enumerate(self.nodes)
            if index == last or id(node) not in gone
        ]
        return Graph(nodes, self.outputs)

    def needed(self, outputs: Iterable[str]) -> Graph:
        """The graph without the nodes on which none of ``outputs`` depends."""
        wanted = set(outputs)
        kept: list[Node] = []
        for node in reversed(self.nodes):
            if wanted.intersection(node.outputs):
                kept.append(node)
                wanted.update(node.inputs)
        return Graph(reversed(kept), outputs)


class CycleError(ValueError):
    """Some nodes read, directly or not, what they make; ``place`` is that of one of them."""

    def __init__(self, node: Node) -> None:
        super().__init__(node.place)
        self.place = node.place


def in_order(nodes: list[Node], outer: Iterable[str] = ()) -> Iterator[Node]:
    """The nodes in an order in which each is made before it is read; the file's own where that is
    one. Values that no node makes are taken as given. Raises CycleError if there is none.
    """
    makers = {name: index for index, node in enumerate(nodes) for name in node.outputs if name}
    for name in outer:
        makers.pop(name, None)
    waits = [0] * len(nodes)
    readers: list[list[int]] = [[] for _ in nodes]
    for index, node in enumerate(nodes):
        for maker in {makers[name] for name in reads(node) if name in makers}:
            waits[index] += 1
            readers[maker].append(index)
    ready = [index for index, count in enumerate(waits) if not count]  # in order: a heap
    done = 0
    while ready:
        index = heappop(ready)
        done += 1
        yield nodes[index]
        for reader in readers[index]:
            waits[reader] -= 1
            if not waits[reader]:
                heappush(ready, reader)
    if done < len(nodes):
        raise CycleError(next(node for node, count in zip(nodes, waits, strict=True) if count))


def reads(node: Node) -> set[str]:
    """Names of the values that a node reads, those of its subgraphs included."""
    names = set(node.inputs)
    if node.proto is not None:
        for attribute in node.proto.attribute:
            if attribute.HasField("g"):
                for inner in attribute.g.node:
                    names |= reads(node_of(inner))
                names |= {output.name for output in attribute.g.output}
    return names - {""}
