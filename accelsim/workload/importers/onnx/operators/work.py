"""Vector work: operators of the vector unit without a kind of layer of their own."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from accelsim.workload.importers.onnx.emitter import Emitter, default_axes
from accelsim.workload.importers.onnx.inference.graph import Node
from accelsim.workload.importers.onnx.views import View, fresh, new_axes

OPERATIONS = {
    "LeakyRelu": 2, "PRelu": 2, "Elu": 4, "Selu": 4, "Celu": 5, "ThresholdedRelu": 1,
    "HardSigmoid": 4, "HardSwish": 5, "Softplus": 3, "Softsign": 3, "Mish": 5, "Swish": 2,
    "Exp": 1, "Log": 1, "Sqrt": 1, "Reciprocal": 1, "Neg": 1, "Abs": 1, "Sign": 1, "Floor": 1,
    "Ceil": 1, "Round": 1, "Sin": 1, "Cos": 1, "Tan": 1, "Erf": 1, "Atan": 1, "Asin": 1, "Acos": 1,
    "Sinh": 1, "Cosh": 1, "Asinh": 1, "Acosh": 1, "Atanh": 1, "Clip": 2, "Shrink": 3, "Not": 1,
    "QuantizeLinear": 4, "DequantizeLinear": 2, "DynamicQuantizeLinear": 6,
    "QLinearSigmoid": 1, "QLinearLeakyRelu": 2, "QuickGelu": 3,
    "MeanVarianceNormalization": 5, "InstanceNormalization": 7, "GroupNormalization": 7,
    "LpNormalization": 4, "CumSum": 1,
}  # fmt: skip
"""Scalar operations per element of elementwise functions and norms, counted as in
`accelsim.workload.lowering.Work`: an exponential, a logarithm or a table lookup is one operation.
Elu: compare, exp, subtract, multiply. HardSigmoid: multiply, add, two compares; HardSwish one
multiply more. Softplus: exp, add, log; Mish: tanh and multiply more. QuantizeLinear: divide, round,
add, clip; DequantizeLinear: subtract, multiply; DynamicQuantizeLinear also finds both ends.
Normalizations as `layer_norm`: two sums 3, centre 1, normalize 1, scale and shift 2.
"""


def elementwise_work(e: Emitter, node: Node, view: View, others: Sequence[View] = ()) -> None:
    """Enter the output of a node as elementwise work on a view, perhaps with other maps."""
    layers = [view.layer, *(each.layer for each in others)]
    count = OPERATIONS.get(node.op, 1)
    layer = e.vector_work(node, layers, view.map_shape, count)
    e.set(node.outputs[0], View(layer, view.axes, view.home))


def elementwise(e: Emitter, node: Node) -> bool:
    """A function of one map, element by element."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    elementwise_work(e, node, view)
    return True


def work_of_shape(e: Emitter, node: Node, layers: Sequence[str], operations: int) -> bool:
    """Enter every floating-point output of a node as vector work of its shape. False if there is
    none.
    """
    likes = [e.views[name] for name in node.inputs if name in e.views]
    done = False
    for index, name in enumerate(node.outputs):
        if not name or not (
            e.kind(name).floating or (index == 0 and likes and e.kind(name).element in (2, 3))
        ):
            continue
        shape = e.shape(node, name)
        if 0 in shape:
            continue
        same = next((each for each in likes if each.shape == shape), None)
        part = str(index) if index else ""
        if same is not None:
            layer = e.vector_work(node, layers, same.map_shape, operations, part)
            e.set(name, View(layer, same.axes, same.home))
        elif likes and (groups := _like_groups(likes[0], shape)) is not None:
            like = likes[0]
            axes = tuple(
                like.axes[axis] if size == like.shape[axis] else new
                for axis, (size, new) in enumerate(zip(shape, new_axes(shape), strict=True))
            )
            made = fresh("", axes, *groups)
            layer = e.vector_work(node, layers, made.map_shape, operations, part)
            e.set(name, View(layer, axes, made.home))
        else:
            axes, rows = default_axes(shape, likes[0] if likes else None)
            size = (prod(shape[axis] for axis in rows), 1, shape[-1] if shape else 1)
            layer = e.vector_work(node, layers, size, operations, part)
            e.set(name, fresh(layer, axes, rows, (), (len(shape) - 1,) if shape else ()))
        done = True
    return done


def _like_groups(like: View, shape: Sequence[int]) -> tuple[tuple[int, ...], ...] | None:
    """Axes that become rows, columns and channels of a value as they did in ``like``; None if some
    axis has another place.
    """
    groups = like.groups
    if groups is None or len(shape) != len(like.axes):
        return None
    held = {axis for group in groups for axis in group}
    for axis, size in enumerate(shape):
        if like.has_batch(axis) and size != like.shape[axis]:
            return None
        if size > 1 and axis not in held and not like.has_batch(axis):
            return None
    return groups


def unknown(e: Emitter, node: Node, reason: str = "") -> None:
    """Enter the outputs of a node that this importer does not know: one operation per element of
    its inputs and outputs.
    """
    if not any(e.kind(name).floating for name in node.outputs if name):
        return  # whole numbers have no error; those who read them are fed beside the maps
    e.not_known(node, reason)
    layers = list(dict.fromkeys(e.views[name].layer for name in node.inputs if name in e.views))
    words = sum(prod(e.views[name].map_shape) for name in node.inputs if name in e.views)
    made = sum(e.kind(name).size for name in node.outputs if name) or 1
    work_of_shape(e, node, layers, max(1, -(-words // made)))


def addressing(e: Emitter, node: Node) -> bool:
    """A node that only moves words, such as Pad or Expand: no operations."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    if e.kind(node.outputs[0]).shape == view.shape:
        e.set(node.outputs[0], view)
        return True
    layers = [e.views[name].layer for name in node.inputs if name in e.views]
    work_of_shape(e, node, layers, 0)
    return True


def reduction(e: Emitter, node: Node) -> bool:
    """Sums, means, maxima over axes: an operation per element of the input."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    axes = node.attributes.get("axes")
    if axes is None and node.input(1):
        known = e.constant(node.inputs[1])
        axes = None if known is None else [int(each) for each in known.reshape(-1)]
    rank = len(view.axes)
    over = {axis % rank for axis in (axes or range(rank))}
    keep = bool(node.attributes.get("keepdims", 1))
    reduced = {atom for axis in over for atom in view.axes[axis]}
    if any(atom.batch for atom in reduced):
        return False
    left = tuple(
        atoms if axis not in over else () for axis, atoms in enumerate(view.axes)
        if keep or axis not in over
    )  # fmt: skip
    places = {atom for group in view.home[:2] for atom in group}
    if node.op == "ReduceMean" and places and reduced == places:
        layer = e.emit(node, "global_avg_pool", [view.layer])
        e.set(node.outputs[0], View(layer, left, ((), (), view.home[2])))
        return True
    home = tuple(tuple(atom for atom in group if atom not in reduced) for group in view.home)
    result = View("", left, (home[0], home[1], home[2]))
    ratio = prod(view.map_shape) // max(1, prod(result.map_shape))
    layer = e.vector_work(node, [view.layer], result.map_shape, ratio)
    e.set(node.outputs[0], View(layer, left, result.home))
    return True
