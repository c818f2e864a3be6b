"""Sums, products and other functions of two or more values, with broadcasting."""

from __future__ import annotations

from collections.abc import Sequence

from accelsim.workload.importers.onnx.emitter import Emitter
from accelsim.workload.importers.onnx.inference.graph import Node
from accelsim.workload.importers.onnx.operators.work import elementwise_work
from accelsim.workload.importers.onnx.views import Home, View, extent, refined, renamed, same_order

LAYERS = {"Add": "add", "Sum": "add", "Mul": "multiply"}
"""Kinds of layer for maps of one shape."""

NEUTRAL = {"Add": 0.0, "Sub": 0.0, "Sum": 0.0, "Mul": 1.0, "Div": 1.0, "Pow": 1.0}
"""Second operand that changes nothing."""


def arithmetic(e: Emitter, node: Node) -> bool:
    """Add, Mul and their like."""
    views = [e.views[name] for name in node.inputs if name in e.views]
    others = [name for name in node.inputs if name and name not in e.views]
    if not views:
        return False
    shape = e.shape(node, node.outputs[0])
    whole = next((view for view in views if view.shape == shape), None)
    if whole is None:
        return _all_broadcast(e, node, views, shape)
    if len(views) == 1:
        return _with_constant(e, node, whole, others)
    if others:
        elementwise_work(e, node, whole, [view for view in views if view is not whole])
        return True
    return _of_maps(e, node, whole, views)


def _of_maps(e: Emitter, node: Node, whole: View, views: Sequence[View]) -> bool:
    layers = [view.layer for view in views]
    kind = LAYERS.get(node.op)
    if len(set(layers)) < len(layers):
        elementwise_work(e, node, whole, [view for view in views if view is not whole])
        return True
    read: list[str] = []
    plain = kind is not None and e.known(kind)
    for view in views:
        if view.shape == whole.shape:
            pair = refined(whole, view)
            if pair is None:
                plain = False
                continue
            whole, other = pair
            read.append((other if same_order(*pair) else _like(e, node, *pair)).layer)
        elif kind == "multiply" and plain and _broadcasts(whole, view):
            read.append(view.layer)
        else:
            plain = False
    if not plain or len(set(read)) < len(views):
        others = [view for view in views if view is not whole]
        elementwise_work(e, node, whole, others)
        return True
    assert kind is not None
    layer = e.emit(node, kind, read)
    e.set(node.outputs[0], View(layer, whole.axes, whole.home))
    return True


def _like(e: Emitter, node: Node, whole: View, view: View) -> View:
    """``view`` in a map in the order of ``whole``; both are refined."""
    back = {left: right for right, left in renamed(whole, view).items()}
    rows, columns, channels = (
        tuple(back[atom] for atom in group if atom in back) for group in whole.home
    )
    home: Home = (rows, columns, channels)
    if sum(map(len, home)) < sum(map(len, view.home)):
        return view
    return e.placed(view, home, node)


def _broadcasts(whole: View, view: View) -> bool:
    """True if the extents of ``view`` in its map are 1 or those of the whole one: the places of
    its axes.
    """
    lead = len(whole.axes) - len(view.axes)
    if lead < 0:
        return False
    held = {atom: group for group in range(3) for atom in whole.home[group]}
    for axis, size in enumerate(view.shape):
        mine = view.sample_axis(axis)
        theirs = whole.sample_axis(axis + lead)
        if size == 1:
            continue
        groups = {held[atom] for atom in theirs}
        if len(groups) != 1 or extent(mine) != extent(theirs):
            return False
        (group,) = groups
        if whole.home[group] != theirs or view.home[group] != mine:
            return False
    return True


def _with_constant(e: Emitter, node: Node, view: View, others: Sequence[str]) -> bool:
    """A map and values that lie in no map: scalars, learned vectors and tables, or masks."""
    first = node.inputs[0] in e.views
    changed = [name for name in others if not _neutral(e, node, name, first)]
    if not changed:
        e.set(node.outputs[0], view)
        return True
    name = changed[0]
    learned = e.fixed(name) and e.kind(name).floating and e.kind(name).size > 1
    if len(changed) == 1 and node.op in ("Add", "Sub", "Sum") and learned:
        atoms = _covered(view, e.shape(node, name))
        everything = {atom for group in view.home for atom in group}
        kind = ""
        if atoms == set(view.home[2]):
            kind = "bias"
        elif atoms == everything:
            kind = "positions"
        if kind and e.known(kind):
            layer = e.emit(node, kind, [view.layer])
            e.set(node.outputs[0], View(layer, view.axes, view.home))
            return True
    elementwise_work(e, node, view)
    return True


def _neutral(e: Emitter, node: Node, name: str, first: bool) -> bool:
    neutral = NEUTRAL.get(node.op)
    commutes = node.op in ("Add", "Sum", "Mul")
    return neutral is not None and (first or commutes) and e.scalar(name) == neutral


def _covered(view: View, shape: Sequence[int]) -> set[object]:
    """Atoms of the axes along which a value of ``shape`` is not repeated."""
    lead = len(view.axes) - len(shape)
    return {
        atom
        for axis, size in enumerate(shape)
        if size > 1
        for atom in view.sample_axis(axis + lead)
    }


def _all_broadcast(e: Emitter, node: Node, views: Sequence[View], shape: Sequence[int]) -> bool:
    """Operands that are all repeated, or one map repeated along a larger constant."""
    from accelsim.workload.importers.onnx.operators.work import work_of_shape

    return work_of_shape(e, node, [view.layer for view in views], 1)


def quantized(e: Emitter, node: Node) -> bool:
    """QLinearAdd and QLinearMul: (a, scale, zero, b, scale, zero, ...)."""
    op = node.op.removeprefix("QLinear")
    names = (node.inputs[0], node.inputs[3])
    return arithmetic(e, Node(op, node.name, names, node.outputs))
