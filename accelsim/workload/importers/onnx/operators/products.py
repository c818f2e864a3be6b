"""Products with weights: Gemm, MatMul and their quantized forms."""

from __future__ import annotations

from collections.abc import Sequence

from accelsim.workload.importers.onnx.emitter import Emitter
from accelsim.workload.importers.onnx.inference.graph import Node
from accelsim.workload.importers.onnx.operators.activation_products import product_of_maps
from accelsim.workload.importers.onnx.operators.lines import linear
from accelsim.workload.importers.onnx.operators.work import elementwise_work
from accelsim.workload.importers.onnx.views import Atom, Atoms, View, of_sample


def gemm(e: Emitter, node: Node) -> bool:
    """Gemm: alpha * A B + beta * C; the scales are part of the weights."""
    a, b = node.inputs[0], node.inputs[1]
    keys = ("transA", "transB")
    for data, weights, (turns, turns_weights) in ((a, b, keys), (b, a, keys[::-1])):
        view = e.view(data)
        if view is None or not e.fixed(weights):
            continue
        turned = bool(node.attributes.get(turns))
        shape = e.shape(node, weights)
        features = shape[(data == a) ^ bool(node.attributes.get(turns_weights))]
        bias = node.input(2)
        if bias and (not e.fixed(bias) or e.scalar(bias) == 0):
            bias = ""
        result = linear(e, node, view, (data == a) ^ turned, features, bias)
        if turned:
            e.set(node.outputs[0], result.transposed((1, 0)))
        return True
    return product_of_maps(e, node, a, b)


def matmul(e: Emitter, node: Node, data: int = 0, weights: int = 1, bias: str = "") -> bool:
    """MatMul and its quantized forms: of a map with weights, or of two maps."""
    a, b = node.input(data), node.input(weights)
    view = e.view(a)
    if view is not None and e.fixed(b):
        return _with_weights(e, node, view, e.shape(node, b), -1, bias)
    view = e.view(b)
    if view is not None and e.fixed(a):
        shape = e.shape(node, a)
        turned = (*shape[:-2], *shape[-2:][::-1])
        return _with_weights(e, node, view, turned, -2 if len(view.axes) > 1 else -1, bias)
    return product_of_maps(e, node, a, b)


def _with_weights(
    e: Emitter, node: Node, view: View, weight: Sequence[int], axis: int, bias: str
) -> bool:
    """``weight`` is (..., K, F), and multiplies the axis of extent K."""
    rank = len(e.shape(node, node.outputs[0]))
    if len(weight) == 1:
        result = linear(e, node, view, axis, 1, bias)
        e.set(node.outputs[0], View(result.layer, result.axes[:-1], result.home))
        return True
    stacked = [size for size in weight[:-2] if size > 1]
    if not stacked:
        result = linear(e, node, view, axis, weight[-1], bias)
        lead = ((),) * (rank - len(result.axes))
        e.set(node.outputs[0], View(result.layer, (*lead, *result.axes), result.home))
        return True
    return _stacked(e, node, view, weight, axis)


def _stacked(e: Emitter, node: Node, view: View, weight: Sequence[int], axis: int) -> bool:
    """A product of a stack of matrices, one for each place on leading axes: a convolution of one
    tap with a group for each.
    """
    rank, axis = len(view.axes), axis % len(view.axes)
    stack = range(rank - len(weight), rank - 2)
    if rank < len(weight):
        return False
    over = [number for number in stack if view.shape[number] > 1]
    sizes = [size for size in weight[:-2] if size > 1]
    if [view.shape[number] for number in over] != sizes:
        return False
    groups = tuple(atom for number in over for atom in view.sample_axis(number))
    channels = (*groups, *view.sample_axis(axis))
    rows = tuple(
        atom
        for number, atoms in enumerate(view.axes)
        if number != axis and number not in over
        for atom in of_sample(atoms)
    )
    source = e.placed(view, (rows, (), channels), node)
    count = 1
    for size in sizes:
        count *= size
    layer = e.emit(
        node, "conv", [source.layer], out_channels=count * weight[-1], kernel=1, groups=count
    )
    new: Atoms = (Atom(weight[-1]),) if weight[-1] > 1 else ()
    axes = tuple(new if number == axis else atoms for number, atoms in enumerate(view.axes))
    e.set(node.outputs[0], View(layer, axes, (rows, (), (*groups, *new))))
    return True


def quantized_matmul(e: Emitter, node: Node) -> bool:
    """QLinearMatMul: (a, scale, zero, b, scale, zero, scale, zero)."""
    return matmul(e, node, 0, 3)


def dynamic_matmul(e: Emitter, node: Node) -> bool:
    """DynamicQuantizeMatMul: (a, b, scale, zero, bias); quantizes a first."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    quantized = Node(
        "DynamicQuantizeLinear", node.name, (node.inputs[0],), (f"{node.outputs[0]}/q",)
    )
    elementwise_work(e, quantized, view)
    inner = Node(node.op, node.name, (quantized.outputs[0], node.inputs[1]), node.outputs)
    return matmul(e, inner, bias=node.input(4))


def float_matmul(e: Emitter, node: Node) -> bool:
    """MatMulIntegerToFloat: (a, b, scale, scale, zero, zero, bias)."""
    return matmul(e, node, bias=node.input(6))


def packed_matmul(e: Emitter, node: Node) -> bool:
    """MatMulNBits: weights of a few bits; K and N are attributes."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    linear(e, node, view, -1, int(node.attributes["N"]), node.input(5))
    return True


def fused_matmul(e: Emitter, node: Node) -> bool:
    """FusedMatMul: MatMul with transposed operands."""
    inputs = list(node.inputs)
    for place, key in ((0, "transA"), (1, "transB")):
        view = e.view(inputs[place])
        if not node.attributes.get(key):
            continue
        if view is None:
            if len(e.shape(node, inputs[place])) != 2:
                return False
            features = e.shape(node, inputs[place])[0]
            other = e.view(inputs[1 - place])
            if other is None or place == 0:
                return False
            linear(e, node, other, -1, features)
            return True
        order = (*range(len(view.axes) - 2), len(view.axes) - 1, len(view.axes) - 2)
        inputs[place] = f"{node.outputs[0]}/{key}"
        e.set(inputs[place], view.transposed(order))
    return matmul(e, Node("MatMul", node.name, tuple(inputs), node.outputs))
