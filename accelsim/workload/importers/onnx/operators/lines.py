"""The product of weights with one axis of a value."""

from __future__ import annotations

from accelsim.workload.importers.onnx.emitter import Emitter
from accelsim.workload.importers.onnx.inference.graph import Node
from accelsim.workload.importers.onnx.operators.biases import add_bias
from accelsim.workload.importers.onnx.views import Atom, Atoms, View


def linear(
    e: Emitter, node: Node, view: View, axis: int, features: int, bias: str = "", output: int = 0
) -> View:
    """The product of weights with one axis of a value, at each place of the other axes; the axis
    becomes ``features`` long.
    """
    axis %= len(view.axes)
    reduced = set(view.sample_axis(axis))
    new: Atoms = (Atom(features),) if features > 1 else ()
    batch = tuple(atom for atom in view.axes[axis] if atom.batch)
    axes = tuple(
        (*batch, *new) if number == axis else atoms for number, atoms in enumerate(view.axes)
    )
    everything = {atom for group in view.home for atom in group}
    if everything == reduced:
        layer = e.emit(node, "fc", [view.layer], out_features=features)
        result = View(layer, axes, ((), (), new))
    else:
        if set(view.home[2]) != reduced:
            view = e.with_channels(view, axis, node)
        if e.known("linear"):
            layer = e.emit(node, "linear", [view.layer], out_features=features)
        else:
            layer = e.emit(node, "conv", [view.layer], out_channels=features, kernel=1)
        result = View(layer, axes, (view.home[0], view.home[1], new))
    result = add_bias(e, node, result, bias)
    e.set(node.output(output), result)
    return result
