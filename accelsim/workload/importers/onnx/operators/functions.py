"""Activation functions, softmax and norms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accelsim.workload.importers.onnx.emitter import Emitter
from accelsim.workload.importers.onnx.inference.graph import Node
from accelsim.workload.importers.onnx.operators.arithmetic import arithmetic
from accelsim.workload.importers.onnx.operators.work import elementwise_work
from accelsim.workload.importers.onnx.views import View

KINDS = {"Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "Silu": "silu", "Swish": "silu"}
"""Kinds of layer of activation functions."""


def same(e: Emitter, node: Node) -> bool:
    """A node that changes no word, or only how it is stored."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    e.set(node.outputs[0], view)
    return True


def cast(e: Emitter, node: Node) -> bool:
    """Cast: the number format is the machine's; whole numbers and truth values leave the maps."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    if node.attributes.get("to") not in (7, 9):
        e.set(node.outputs[0], view)
    return True


def like(e: Emitter, node: Node, view: View, kind: str, **keys: Any) -> None:
    """Enter the output of a layer whose map is like its input's."""
    layer = e.emit(node, kind, [view.layer], **keys)
    e.set(node.outputs[0], View(layer, view.axes, view.home))


def activation(e: Emitter, node: Node) -> bool:
    """Relu, Tanh, Sigmoid, SiLU."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    kind = KINDS[node.op]
    if e.known(kind) and node.attributes.get("alpha", 1.0) == 1.0:
        like(e, node, view, kind)
    else:
        elementwise_work(e, node, view)
    return True


def gelu(e: Emitter, node: Node) -> bool:
    """GELU, by erf or by tanh, perhaps with a bias before it."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    if node.op in ("BiasGelu", "FastGelu") and node.input(1):
        total = f"{node.outputs[0]}/sum"
        e.inference.kinds[total] = e.kind(node.outputs[0])
        arithmetic(e, Node("Add", node.name, node.inputs[:2], (total,)))
        view = e.views[total]
    if not e.known("gelu"):
        elementwise_work(e, node, view)
        return True
    tanh = node.op == "FastGelu" or node.attributes.get("approximate") == "tanh"
    if tanh:
        like(e, node, view, "gelu", form="tanh")
    else:
        like(e, node, view, "gelu")
    return True


def clip(e: Emitter, node: Node) -> bool:
    """Clip: relu6 from 0 to 6, relu from 0 up, else vector work."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    low, high = (
        node.attributes.get(key) if key in node.attributes else e.scalar(node.input(place))
        for key, place in (("min", 1), ("max", 2))
    )
    if low == 0 and high == 6:
        like(e, node, view, "relu6")
    elif low == 0 and (high is None or high > 1e30) and not (node.input(2) and high is None):
        like(e, node, view, "relu")
    else:
        elementwise_work(e, node, view)
    return True


def merged(e: Emitter, node: Node, view: View, axes: Sequence[int]) -> View:
    """The value in a map whose channels are these axes together. Their order does not matter to
    whoever reads all of them.
    """
    atoms = tuple(atom for axis in axes for atom in view.sample_axis(axis))
    if set(view.home[2]) == set(atoms):
        return view
    gone = set(atoms)
    everything = [atom for group in view.home for atom in group]
    kept = tuple(atom for atom in everything if atom not in gone)
    if everything[len(kept) :] and set(everything[len(kept) :]) == gone:
        inner = tuple(everything[len(kept) :])
        columns = view.home[1] if view.home[0] + view.home[1] == kept else ()
        rows = kept[: len(kept) - len(columns)]
        return e.placed(view, (rows, columns, inner), node)
    return e.placed(view, (kept, (), atoms), node)


def softmax(e: Emitter, node: Node) -> bool:
    """Softmax and LogSoftmax over one axis; before opset 13 over all from that axis on."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    rank = len(view.axes)
    old = e.inference.version(node) < 13
    axis = node.attributes.get("axis", 1 if old else -1) % rank
    source = merged(e, node, view, range(axis, rank) if old else [axis])
    if e.known("softmax") and node.op == "Softmax":
        like(e, node, source, "softmax")
    else:
        layer = e.vector_work(node, [source.layer], source.map_shape, 5)
        e.set(node.outputs[0], View(layer, source.axes, source.home))
    return True


def batch_norm(e: Emitter, node: Node) -> bool:
    """BatchNormalization, per channel on axis 1."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    axis = 1 if len(view.axes) > 1 else 0
    like(e, node, merged(e, node, view, [axis]), "batch_norm")
    return True


def layer_norm(e: Emitter, node: Node) -> bool:
    """LayerNormalization, RMSNormalization and the forms of ONNX Runtime."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    rank = len(view.axes)
    axes = range(node.attributes.get("axis", -1) % rank, rank)
    rms = node.op in ("RMSNormalization", "SimplifiedLayerNormalization")
    kind = "rms_norm" if rms else "layer_norm"
    source = merged(e, node, view, axes)
    if e.known(kind):
        like(e, node, source, kind)
    else:
        layer = e.vector_work(node, [source.layer], source.map_shape, 7)
        e.set(node.outputs[0], View(layer, source.axes, source.home))
    return True


def skip_norm(e: Emitter, node: Node) -> bool:
    """SkipLayerNormalization: (input, skip, ...); the fourth output is the sum."""
    rms = "Simplified" in node.op
    total = node.output(3) or f"{node.outputs[0]}/sum"
    e.inference.kinds.setdefault(total, e.kind(node.outputs[0]))
    names = (node.inputs[0], node.inputs[1])
    if not arithmetic(e, Node("Add", node.name, names, (total,))):
        return False
    bias = node.input(3 if rms else 4)
    read = total
    if bias:
        read = f"{node.outputs[0]}/bias"
        e.inference.kinds[read] = e.kind(node.outputs[0])
        arithmetic(e, Node("Add", f"{node.name}_bias", (total, bias), (read,)))
    op = "SimplifiedLayerNormalization" if rms else "LayerNormalization"
    return layer_norm(e, Node(op, f"{node.name}_norm", (read,), node.outputs[:1]))


def local_response(e: Emitter, node: Node) -> bool:
    """LRN: square 1, sum over ``size`` channels, scale and add 2, power 1, divide 1."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    operations = int(node.attributes.get("size", 5)) + 5
    layer = e.vector_work(node, [view.layer], view.map_shape, operations)
    e.set(node.outputs[0], View(layer, view.axes, view.home))
    return True
