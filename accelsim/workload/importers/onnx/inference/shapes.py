"""Shape inference: the kind of every value of a graph, and the values of small constants.

Operators are inferred one by one with the rules of the onnx package, in the order in which they can
be computed; arithmetic on shapes is folded on the way, because the extents of a Reshape are often
computed by other nodes. Branches whose condition is known are put in the place of their If.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from accelsim.errors import Fault, InputError
from accelsim.workload.importers.onnx.inference.folding import LARGEST, fold
from accelsim.workload.importers.onnx.inference.foreign import FOREIGN
from accelsim.workload.importers.onnx.inference.graph import CycleError, Node, in_order, node_of
from accelsim.workload.importers.onnx.inference.types import Kind, kind_of
from accelsim.workload.importers.onnx.reading.model import refuse

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorProto, TypeProto

MOST_STEPS = 1_000_000
"""Maximum number of nodes after branches are put in place."""


class Inference:
    """The values of a model: ``kinds`` of all, ``constants`` of those that are known, ``fixed``
    names of those that depend on no input (weights, and what is computed from weights alone).
    ``nodes`` are the nodes that depend on an input.
    """

    def __init__(self, path: Path, model: ModelProto, inputs: Mapping[str, Kind]) -> None:
        self.path = path
        self.kinds: dict[str, Kind] = dict(inputs)
        self.constants: dict[str, NDArray[Any]] = {}
        self.fixed: set[str] = set()
        self.nodes: list[Node] = []
        self._types: dict[str, TypeProto] = {}
        self._opsets = list(model.opset_import)
        self._versions = {each.domain: each.version for each in model.opset_import}
        self._declared = {each.name: kind_of(each.type) for each in model.graph.value_info}
        self._declared |= {each.name: kind_of(each.type) for each in model.graph.output}
        for tensor in model.graph.initializer:
            self._store(tensor.name, tensor)
        for sparse in model.graph.sparse_initializer:
            self._fix(sparse.values.name, Kind(sparse.values.data_type, tuple(sparse.dims)), "")
        self._run(model.graph)

    def _fault(self, node: Node, message: str) -> InputError:
        return InputError(Fault(str(self.path), 0, 0, f"{node.place}: {message}"))

    def version(self, node: Node) -> int:
        """Version of the operators of a node's domain."""
        return int(self._versions.get(node.domain, self._versions.get("", 1)))

    # Constants

    def _store(self, name: str, tensor: TensorProto) -> None:
        """Enter a stored tensor: its shape, and its elements if they are few and in the file."""
        from onnx import numpy_helper

        kind = Kind(tensor.data_type, tuple(tensor.dims))
        self._fix(name, kind, f"weights {name}")
        if tensor.external_data or not 0 <= kind.size <= LARGEST:
            return
        try:
            self.constants[name] = numpy_helper.to_array(tensor)
        except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError):
            return  # contents were left out, or have a type without numbers

    def _fix(self, name: str, kind: Kind, what: str) -> None:
        if kind.absurd:
            shape = "x".join(map(str, kind.shape or ()))
            raise refuse(self.path, f"{what} must have at most 2^40 elements, got {shape}")
        self.kinds[name] = kind
        self.fixed.add(name)

    def _know(self, name: str, value: NDArray[Any]) -> None:
        from onnx import helper

        self.constants[name] = value
        self._fix(name, Kind(helper.np_dtype_to_tensor_dtype(value.dtype), value.shape), name)

    # The walk over the nodes

    def _run(self, graph: GraphProto) -> None:
        try:
            waiting = deque(in_order([node_of(each) for each in graph.node], self.kinds))
        except CycleError as error:
            raise refuse(
                self.path, f"must be a graph without cycles, got one through {error.place}"
            ) from None
        steps = 0
        while waiting:
            node = waiting.popleft()
            steps += 1
            if steps > MOST_STEPS:
                raise refuse(self.path, f"must have at most {MOST_STEPS} nodes in its branches")
            branch = self._branch(node)
            if branch is not None:
                waiting.extendleft(reversed(branch))
                continue
            self._visit(node)

    def _visit(self, node: Node) -> None:
        missing = [name for name in node.inputs if name and name not in self.kinds]
        if missing:
            raise self._fault(node, f"must read values that exist, got {missing[0]!a}")
        if self._constant(node):
            return
        names = [name for name in node.inputs if name]
        known = [self.constants.get(name) if name else None for name in node.inputs]
        fixed = all(name in self.fixed for name in names) and node.op not in _RANDOM
        if fixed and all(name in self.constants for name in names):
            values = fold(node, known)
            if values is not None:
                for name, value in zip(node.outputs, values, strict=False):
                    if name:
                        self._know(name, value)
                return
        kinds = self._inferred(node)
        for name in node.outputs:
            if not name:
                continue
            kind = kinds.get(name, Kind(0, None))
            if kind.absurd:
                shape = "x".join(map(str, kind.shape or ()))
                raise self._fault(node, f"must make at most 2^40 elements, got {shape}")
            self.kinds[name] = kind
            if fixed:
                self.fixed.add(name)
        if not fixed:
            self.nodes.append(node)

    def _constant(self, node: Node) -> bool:
        """Enter the value of a Constant, or the extents of a known shape. True if it is one."""
        if node.op == "Constant" and node.standard:
            attributes = node.attributes
            for key in ("value_float", "value_floats", "value_int", "value_ints"):
                if key in attributes:
                    dtype = np.float32 if "float" in key else np.int64
                    self._know(node.outputs[0], np.asarray(attributes[key], dtype))
                    return True
            if "value" in attributes:
                self._store(node.outputs[0], attributes["value"])
            else:
                self._fix(node.outputs[0], Kind(8, ()), node.outputs[0])
            return True
        shape = self.kinds[node.inputs[0]].shape if node.inputs and node.inputs[0] else None
        if node.op == "Shape" and node.standard and shape is not None:
            part = slice(node.attributes.get("start", 0), node.attributes.get("end"))
            self._know(node.outputs[0], np.asarray(shape[part], np.int64))
            return True
        if node.op == "Size" and node.standard and shape is not None:
            self._know(node.outputs[0], np.asarray(self.kinds[node.inputs[0]].size, np.int64))
            return True
        return False

    def _branch(self, node: Node) -> list[Node] | None:
        """The nodes of the taken branch of an If whose condition is known, else None."""
        if node.op != "If" or not node.standard or node.inputs[0] not in self.constants:
            return None
        taken = bool(self.constants[node.inputs[0]].reshape(-1)[:1].any())
        graph = node.attributes["then_branch" if taken else "else_branch"]
        outer = node.outputs[0]
        renamed = {name: f"{outer}/{name}" for each in graph.node for name in each.output if name}
        for tensor in graph.initializer:
            renamed[tensor.name] = f"{outer}/{tensor.name}"
            self._store(renamed[tensor.name], tensor)
        nodes = [
            replace(
                inner,
                name=f"{node.name}/{inner.name}" if inner.name else "",
                inputs=tuple(renamed.get(name, name) for name in inner.inputs),
                outputs=tuple(renamed.get(name, name) for name in inner.outputs),
                proto=_renamed(inner, renamed),
            )
            for inner in in_order([node_of(each) for each in graph.node])
        ]
        results = [
            Node("Identity", "", (renamed.get(inner.name, inner.name),), (name,))
            for inner, name in zip(graph.output, node.outputs, strict=False)
            if name
        ]
        return [*nodes, *results]

    # The rules of the onnx package

    def _inferred(self, node: Node) -> dict[str, Kind]:
        """The kinds of a node's outputs: inferred, else as the file declares them."""
        declared = {name: self._declared[name] for name in node.outputs if name in self._declared}
        foreign = FOREIGN.get(node.op) if not node.standard else None
        inputs = [self.kinds[name] if name else Kind(0, None) for name in node.inputs]
        if foreign is not None:
            known = [self.constants.get(name) if name else None for name in node.inputs]
            try:
                return declared | dict(
                    zip(node.outputs, foreign(node, inputs, known), strict=False)
                )
            except (TypeError, ValueError, IndexError, KeyError):
                return declared
        try:
            inferred = self._by_rules(node)
        except _InferenceFault as error:
            if any(kind.shape is None for kind in inputs) or all(
                name in declared and declared[name].shape is not None for name in node.outputs
            ):
                return declared
            raise self._fault(node, f"its inputs do not fit: {error}") from None
        return (
            declared
            | {name: kind for name, kind in inferred.items() if kind.element}
            | {
                name: declared[name]
                for name, kind in inferred.items()
                if kind.shape is None and name in declared
            }
        )

    def _by_rules(self, node: Node) -> dict[str, Kind]:
        from onnx import defs, helper, numpy_helper
        from onnx.shape_inference import infer_node_outputs

        domain = "" if node.standard else node.domain
        version = self._versions.get(node.domain, self._versions.get(domain, 0))
        if not version or not defs.has(node.op, version, domain):
            return {}
        proto = node.proto
        if proto is None:
            proto = helper.make_node(node.op, node.inputs, node.outputs, **node.attributes)
        names = reads_of(node)
        types = {name: self._type(name) for name in names if name in self.kinds}
        data = {
            name: numpy_helper.from_array(self.constants[name])
            for name in node.inputs
            if name in self.constants and self.constants[name].size <= LARGEST_DATA
        }
        try:
            inferred = infer_node_outputs(
                defs.get_schema(node.op, version, domain), proto, types, data, None, self._opsets
            )
        except Exception as error:  # noqa: BLE001  # the C++ library raises errors of several types
            raise _InferenceFault(_cause(error)) from None
        return {name: kind_of(proto) for name, proto in inferred.items()}

    def _type(self, name: str) -> TypeProto:
        from onnx import helper

        if name not in self._types:
            kind = self.kinds[name]
            self._types[name] = helper.make_tensor_type_proto(kind.element, kind.shape)
        return self._types[name]


LARGEST_DATA = 1 << 10
"""Maximum number of elements of a constant that is given to the rules: shapes, axes and sizes."""

_RANDOM = frozenset({"RandomNormal", "RandomUniform", "Bernoulli", "Multinomial"})


class _InferenceFault(ValueError):
    """The rules of the onnx package refuse a node."""


def reads_of(node: Node) -> list[str]:
    """Names that a node reads, with those of its subgraphs."""
    from accelsim.workload.importers.onnx.inference.graph import reads

    return list(dict.fromkeys([*(name for name in node.inputs if name), *sorted(reads(node))]))


def _cause(error: Exception) -> str:
    """The reason of an error of the onnx package, in one line without its own names."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text.rsplit("] ", 1)[-1].rstrip(".")[:160]


def _renamed(node: Node, names: Mapping[str, str]) -> Any:
    """The message of a node in a branch with the names that its values have outside."""
    import onnx

    proto = onnx.NodeProto()
    proto.CopyFrom(node.proto)
    for field in (proto.input, proto.output):
        for index, name in enumerate(field):
            field[index] = names.get(name, name)
    return proto
