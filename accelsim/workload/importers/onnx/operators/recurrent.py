"""LSTM, GRU and RNN: per direction a product with the inputs of all steps, then the recurrence."""

from __future__ import annotations

from accelsim.workload.importers.onnx.emitter import Emitter
from accelsim.workload.importers.onnx.inference.graph import Node
from accelsim.workload.importers.onnx.operators.lines import linear
from accelsim.workload.importers.onnx.operators.shaping import part
from accelsim.workload.importers.onnx.views import Atom, Atoms, View

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def recurrent(e: Emitter, node: Node) -> bool:
    """A recurrent operator over (T, N, C), or (N, T, C) with layout 1."""
    view = e.view(node.inputs[0])
    if view is None or len(view.axes) != 3 or not e.fixed(node.inputs[1]):
        return False
    weight = e.shape(node, node.inputs[1])
    time = 1 if node.attributes.get("layout", 0) else 0
    if view.sample_axis(1 - time) or view.has_batch(time):
        return False
    hidden = int(node.attributes.get("hidden_size", weight[1] // GATES[node.op]))
    directions = weight[0]
    source = e.by_axes(view, node, (time,), (), (2,))
    made = [_direction(e, node, source, hidden, index, time) for index in range(directions)]
    steps, samples = source.axes[time], source.axes[1 - time]
    width: Atoms = (Atom(hidden),) if hidden > 1 else ()
    ways: Atoms = (Atom(directions),) if directions > 1 else ()
    layer = _joined(e, node, [view.layer for view in made], "")
    home = (source.home[0], (), (*ways, *width))
    axes = (steps, ways, samples, width) if time == 0 else (samples, steps, ways, width)
    e.set(node.output(0), View(layer, axes, home))
    last = node.output(1)
    if last and (last in e.graph.readers or last in e.graph.outputs):
        ends = [_end(e, node, view, time, index) for index, view in enumerate(made)]
        layer = _joined(e, node, [view.layer for view in ends], "last")
        states = (ways, samples, width) if time == 0 else (samples, ways, width)
        e.set(last, View(layer, states, ((), (), (*ways, *width))))
    return True


def _direction(e: Emitter, node: Node, source: View, hidden: int, index: int, time: int) -> View:
    """The states of one direction, for each step."""
    reverse = index == 1 or node.attributes.get("direction", "forward") == "reverse"
    label = ("backward" if reverse else "forward") if index or reverse else ""
    name = node.name or node.outputs[0]
    inner = Node("MatMul", f"{name}_{label}_input" if label else f"{name}_input", (), ("",))
    inner = Node(inner.op, inner.name, (), (f"{inner.name}/sums",))
    sums = linear(e, inner, source, 2, GATES[node.op] * hidden, node.input(3))
    keys = {"reverse": True} if reverse else {}
    cell = node.op.lower()
    layer = e.emit(node, "recurrence", [sums.layer], label, cell=cell, **keys)
    width: Atoms = (Atom(hidden),) if hidden > 1 else ()
    axes = (*sums.axes[:2], width)
    return View(layer, axes, (source.home[0], (), width))


def _joined(e: Emitter, node: Node, layers: list[str], label: str) -> str:
    """The directions beside each other in the channels."""
    return layers[0] if len(layers) == 1 else e.emit(node, "concat", layers, label)


def _end(e: Emitter, node: Node, view: View, time: int, index: int) -> View:
    """The state after the last step of a direction."""
    reverse = index == 1 or node.attributes.get("direction", "forward") == "reverse"
    at = 0 if reverse else view.shape[time] - 1
    return part(e, node, view, time, at, at + 1, f"end{index}" if index else "end")
