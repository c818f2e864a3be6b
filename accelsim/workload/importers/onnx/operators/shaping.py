"""Nodes that regroup, cut, join or resize maps."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from accelsim.workload.importers.onnx.emitter import AXES, Emitter
from accelsim.workload.importers.onnx.inference.folding import slice_parts, slice_range, split_sizes
from accelsim.workload.importers.onnx.inference.graph import Node
from accelsim.workload.importers.onnx.operators.work import addressing, work_of_shape
from accelsim.workload.importers.onnx.views import Atom, Atoms, Axes, Home, View, new_axes


def reshape(e: Emitter, node: Node) -> bool:
    """Reshape, Flatten, Squeeze, Unsqueeze: other extents, and the same words in the same order."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    shape = e.shape(node, node.outputs[0])
    if view.reshaped(shape) is None:
        e.copied(node.inputs[0], node)
        view = e.views[node.inputs[0]]
    e.set(node.outputs[0], reshaped(e, node, view, shape))
    return True


def reshaped(e: Emitter, node: Node, view: View, shape: Sequence[int]) -> View:
    """The value with other extents. A map that these cut in another way is put into ONNX's own
    order first.
    """
    result = view.reshaped(shape)
    if result is not None:
        return result
    flat = tuple(atom for atoms in view.axes for atom in atoms if not atom.batch)
    straight = e.placed(view, ((), (), flat), node)
    batch = prod(atom.size for atoms in view.axes for atom in atoms if atom.batch)
    axes = new_axes(shape)
    if batch > 1:
        if shape[0] % batch:
            raise e.fault(node, f"the {batch} samples of the batch must stay apart")
        rest = (Atom(shape[0] // batch),) if shape[0] > batch else ()
        axes = ((Atom(batch, batch=True), *rest), *axes[1:])
    atoms = tuple(atom for group in axes for atom in group if not atom.batch)
    return View(straight.layer, axes, ((), (), atoms))


def transpose(e: Emitter, node: Node) -> bool:
    """Transpose: a view, until a layer needs another order."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    rank = len(view.axes)
    e.set(node.outputs[0], view.transposed(node.attributes.get("perm") or range(rank)[::-1]))
    return True


def depth_to_space(e: Emitter, node: Node) -> bool:
    """DepthToSpace: blocks of channels become rows and columns."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    n, c, h, w = view.shape
    size = int(node.attributes["blocksize"])
    column_first = node.attributes.get("mode", "DCR") == "CRD"
    blocks = (c // size**2, size, size) if column_first else (size, size, c // size**2)
    order = (0, 1, 4, 2, 5, 3) if column_first else (0, 3, 4, 1, 5, 2)
    split = reshaped(e, node, view, (n, *blocks, h, w)).transposed(order)
    e.set(node.outputs[0], reshaped(e, node, split, e.shape(node, node.outputs[0])))
    return True


def space_to_depth(e: Emitter, node: Node) -> bool:
    """SpaceToDepth: rows and columns of blocks become channels."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    n, c, h, w = view.shape
    size = int(node.attributes["blocksize"])
    split = reshaped(e, node, view, (n, c, h // size, size, w // size, size))
    turned = split.transposed((0, 3, 5, 1, 2, 4))
    e.set(node.outputs[0], reshaped(e, node, turned, e.shape(node, node.outputs[0])))
    return True


# Cutting


def part(
    e: Emitter, node: Node, view: View, axis: int, start: int, stop: int, label: str = ""
) -> View:
    """Elements ``start`` to ``stop`` of an axis of a value."""
    atoms = view.axes[axis]
    if start == 0 and stop == view.shape[axis]:
        return view
    if any(atom.batch for atom in atoms):
        raise e.fault(node, "the samples of the batch must stay together")
    new: Atoms = (Atom(stop - start),) if stop - start > 1 else ()
    axes = tuple(new if number == axis else each for number, each in enumerate(view.axes))
    group = next((g for g in range(3) if atoms and view.home[g][: len(atoms)] == atoms), None)
    if group is None or not e.known("slice"):
        home = _with(view.home, atoms, new)
        result = View("", axes, home)
        layer = e.vector_work(node, [view.layer], result.map_shape, 0, label)
        return View(layer, axes, home)
    inner = prod(atom.size for atom in view.home[group][len(atoms) :])
    layer = e.emit(
        node, "slice", [view.layer], label,
        axis=AXES[group], start=start * inner, stop=stop * inner,
    )  # fmt: skip
    return View(layer, axes, _with(view.home, atoms, new))


def _with(home: Home, old: Atoms, new: Atoms) -> Home:
    """The order with ``new`` in the place of the atoms ``old``."""
    first = old[0] if old else None
    gone = set(old)
    rows, columns, channels = (
        tuple(
            each
            for atom in group
            for each in (new if atom is first else () if atom in gone else (atom,))
        )
        for group in home
    )
    return rows, columns, channels


def split(e: Emitter, node: Node) -> bool:
    """Split: a slice per part."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    axis = node.attributes.get("axis", 0) % len(view.axes)
    known = [e.constant(name) for name in node.inputs]
    start = 0
    for index, size in enumerate(split_sizes(node, known, view.shape[axis])):
        name = node.output(index)
        if size and (name in e.graph.readers or name in e.graph.outputs):
            e.set(name, part(e, node, view, axis, start, start + size, str(index)))
        start += size
    return True


def slice_(e: Emitter, node: Node) -> bool:
    """Slice with steps of one; others only read from other places."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    try:
        parts = slice_parts(node, [e.constant(name) for name in node.inputs], len(view.axes))
    except ValueError:
        return False
    ranges = [
        (axis, slice_range(start, end, step, view.shape[axis]))
        for start, end, axis, step in zip(*parts, strict=True)
    ]
    if any(step != 1 for _, (_, _, step) in ranges):
        return addressing(e, node)
    for number, (axis, (start, stop, _)) in enumerate(ranges):
        assert stop is not None
        if stop <= start:
            return False
        label = str(number) if number else ""
        view = part(e, node, view, axis, start, stop, label)
    e.set(node.outputs[0], view)
    return True


def gather(e: Emitter, node: Node) -> bool:
    """Gather: one place, or a run of places, of an axis; others only read from other places."""
    view = e.view(node.inputs[0])
    indices = e.constant(node.inputs[1])
    if view is None:
        return False
    axis = node.attributes.get("axis", 0) % len(view.axes)
    if indices is None or not indices.size:
        if indices is None and e.kind(node.inputs[1]).size == 1:
            # One place, which is computed beside the maps: as the first.
            return _place(e, node, view, axis, 0, e.kind(node.inputs[1]).shape or ())
        return addressing(e, node)
    places = [int(each) % view.shape[axis] for each in indices.reshape(-1)]
    if indices.ndim > 1 or places != list(range(places[0], places[0] + len(places))):
        return addressing(e, node)
    if indices.ndim == 0:
        return _place(e, node, view, axis, places[0], ())
    e.set(
        node.outputs[0],
        part(e, node, view, axis, places[0], places[0] + len(places)),
    )
    return True


def _place(e: Emitter, node: Node, view: View, axis: int, place: int, shape: Sequence[int]) -> bool:
    cut = part(e, node, view, axis, place, place + 1)
    axes = (*cut.axes[:axis], *((),) * len(shape), *cut.axes[axis + 1 :])
    e.set(node.outputs[0], View(cut.layer, axes, cut.home))
    return True


# Joining


def concat(e: Emitter, node: Node, first: int = 0, step: int = 1) -> bool:
    """Concat along rows, columns or channels. Values that lie in no map are read into one."""
    names = [name for name in node.inputs[first::step] if name and 0 not in e.shape(node, name)]
    views = [e.views[name] for name in names if name in e.views]
    if not views:
        return False
    if len(names) == 1:
        e.set(node.outputs[0], views[0])
        return True
    rank = len(views[0].axes)
    axis = node.attributes.get("axis", 1) % rank
    if views[0].has_batch(axis):
        return False
    like = max(views, key=lambda view: prod(view.map_shape))
    views = [e.materialized(name, node, like) for name in names]
    total = sum(view.shape[axis] for view in views)
    home_axes = _joined_home(like, axis)
    group = next(g for g in range(3) if axis in home_axes[g])
    placed = [e.by_axes(view, node, *home_axes) for view in views]
    axes: Axes = tuple(
        ((Atom(total),) if total > 1 else ()) if number == axis else atoms
        for number, atoms in enumerate(placed[0].axes)
    )
    layers = [view.layer for view in placed]
    if e.known("concat") and len(set(layers)) == len(layers):
        layer = e.emit(node, "concat", layers, axis=AXES[group])
    else:
        shape = list(placed[0].map_shape)
        shape[group] = total
        layer = e.vector_work(node, layers, (shape[0], shape[1], shape[2]), 0)
    e.made(node, layer, axes, *home_axes)
    return True


def _joined_home(view: View, axis: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Axes that become rows, columns and channels, with one of them the joined axis alone.

    The order of ``view`` if its atoms allow it; else the axes before, the axis, and those after.
    """
    groups = view.groups
    in_order = groups is not None
    whole = [list(group) for group in groups or ((), (), ())]
    at = next((g for g in range(3) if axis in whole[g]), None)
    if in_order and at is not None and whole[at] == [axis]:
        return tuple(whole[0]), tuple(whole[1]), tuple(whole[2])
    if in_order and at is None and not all(whole):
        whole[next(group for group in (0, 1, 2) if not whole[group])] = [axis]
        return tuple(whole[0]), tuple(whole[1]), tuple(whole[2])
    samples = [number for number in range(len(view.axes)) if view.sample_axis(number)]
    before = tuple(number for number in samples if number < axis)
    after = tuple(number for number in samples if number > axis)
    return (before, (axis,), after) if before else ((axis,), after[:-1], after[-1:])


def quantized_concat(e: Emitter, node: Node) -> bool:
    """QLinearConcat: (scale, zero, then x, scale, zero for each)."""
    return concat(e, node, 2, 3)


# Resizing


def resize(e: Emitter, node: Node) -> bool:
    """Resize and Upsample of the rows and columns of an image."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    shape = e.shape(node, node.outputs[0])
    if shape == view.shape:
        e.set(node.outputs[0], view)
        return True
    mode = node.attributes.get("mode", "nearest")
    spatial = len(shape) in (3, 4) and shape[:2] == view.shape[:2] and not view.sample_axis(0)
    operations = {"nearest": 0, "linear": 7}.get(mode, 30)
    if not spatial or mode == "cubic" or not e.known("resize"):
        return work_of_shape(e, node, [view.layer], operations)
    source = e.by_axes(view, node, (2,), (3,) if len(shape) == 4 else (), (1,))
    layer = e.emit(
        node, "resize", [source.layer],
        height=shape[2], width=shape[3] if len(shape) == 4 else 1,
        mode="nearest" if mode == "nearest" else "bilinear",
    )  # fmt: skip
    axes = (view.axes[0], view.axes[1], *new_axes(shape)[2:])
    e.made(node, layer, axes, (2,), (3,) if len(shape) == 4 else (), (1,))
    return True


def expand(e: Emitter, node: Node) -> bool:
    """Expand: words that are read more than once, without a copy where attention reads them."""
    view = e.view(node.inputs[0])
    if view is None:
        return False
    e.set(node.outputs[0], view.expanded(e.shape(node, node.outputs[0])))
    return True
