"""From a graph to a workload: the walk over its nodes, its input, its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from accelsim.config import catalog
from accelsim.config.suggest import did_you_mean
from accelsim.errors import InputError
from accelsim.workload.importers.onnx.emitter import Emitter, Section
from accelsim.workload.importers.onnx.inference.graph import OWN, Graph, Node
from accelsim.workload.importers.onnx.inference.inputs import input_kinds
from accelsim.workload.importers.onnx.inference.shapes import Inference
from accelsim.workload.importers.onnx.layout import MainInput, main_input
from accelsim.workload.importers.onnx.operators.recurrent import GATES
from accelsim.workload.importers.onnx.operators.work import unknown
from accelsim.workload.importers.onnx.patterns import with_patterns
from accelsim.workload.importers.onnx.reading.model import read_model, refuse
from accelsim.workload.importers.onnx.table import BY_DOMAIN, KEEPING_REPEATS, OPERATORS, SOURCES
from accelsim.workload.importers.onnx.views import View, new_axes
from accelsim.workload.importers.options import ImportOptions
from accelsim.workload.network import INPUT

if TYPE_CHECKING:
    pass

LOSS_PARTS = frozenset({"Softmax", "LogSoftmax", "Sigmoid"})
"""Operators at the end of a graph that the loss contains."""

_KEEPING = frozenset(
    {"Identity", "Cast", "Dropout", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"}
    | {"QuantizeLinear", "DequantizeLinear"}
)


_STATES = ("present", "past_key", "cache", "h_n", "c_n", "state_out", "new_state")
"""Parts of names of outputs that are states."""


class Imported(NamedTuple):
    """``data`` of a workload; per layer the node that it comes from; notes for the reader."""

    data: dict[str, Any]
    sources: dict[str, Node]
    notes: tuple[str, ...]


def import_file(path: Path, options: ImportOptions) -> Imported:
    """The workload of an ONNX file. Raises InputError with one line for a file that cannot be
    read, or whose graph cannot be told.
    """
    model = read_model(path)
    notes: list[str] = []
    inputs = input_kinds(path, model.graph, options, notes)
    inference = Inference(path, model, inputs)
    outputs = [each.name for each in model.graph.output]
    wanted = _wanted(options, outputs)
    graph = Graph(inference.nodes, outputs).needed(wanted)
    graph = with_patterns(graph, inference)
    main = main_input(inference, graph, inputs)
    if main is None:
        raise refuse(path, "must have an input that its outputs depend on, got none")
    emitter = Emitter(path, inference, graph, options)
    _enter_input(emitter, main)
    for node in graph.nodes:
        _map(emitter, node)
    for name in wanted:
        if name in emitter.views:
            emitter.copied(name, graph.producers[name])
    losses = _losses(emitter, wanted)
    if not losses:
        raise refuse(path, _without_loss(wanted))
    layers = _needed(emitter, losses)
    others = tuple(name for name in losses if name != layers[-1]["name"])
    notes += _unknown_notes(emitter)
    data = {
        "name": _name(path),
        "description": f"imported from {path.name}",
        "input": _input(emitter, main),
        "batch": _batch(inference, main),
        **({"outputs": others} if others else {}),
        "layers": tuple(layers),
    }
    return Imported(data, emitter.sources, tuple(notes))


def _name(path: Path) -> str:
    """Name of the workload: the file's, but no built-in one, because traces go by the name."""
    return f"{path.stem}-onnx" if path.stem in catalog.names("workload") else path.stem


def _wanted(options: ImportOptions, outputs: Sequence[str]) -> list[str]:
    name = options.loss_output
    if name and name not in outputs:
        raise InputError(
            f"--loss-output must be one of the outputs {', '.join(outputs)}, got "
            f"{name}{did_you_mean(name, outputs)}"
        )
    return [name] if name else list(outputs)


# Input


def _enter_input(e: Emitter, main: MainInput) -> None:
    shape = e.inference.kinds[main.name].shape or ()
    batch, rows, columns, channels = main.layout
    axes = new_axes(shape, batch)
    if main.vocabulary:
        e.tokens[main.name] = axes
    else:
        view = View(INPUT, axes, ((), (), ()))
        groups = (rows, columns, channels)
        home = [tuple(a for n in group for a in view.sample_axis(n)) for group in groups]
        e.set(main.name, View(INPUT, axes, (home[0], home[1], home[2])))


def _input(e: Emitter, main: MainInput) -> dict[str, int]:
    shape = e.inference.kinds[main.name].shape or ()
    batch, rows, columns, channels = main.layout
    if main.vocabulary:
        tokens = prod(size for axis, size in enumerate(shape) if axis != batch)
        return {"tokens": tokens, "vocabulary": main.vocabulary}
    height, width, depth = (
        prod(shape[axis] for axis in group) for group in (rows, columns, channels)
    )
    if height == width == 1:
        return {"channels": depth}
    return {"height": height, "width": width, "channels": depth}


def _batch(inference: Inference, main: MainInput) -> int:
    shape = inference.kinds[main.name].shape or ()
    return 1 if main.layout.batch is None else shape[main.layout.batch]


# Nodes


def _map(e: Emitter, node: Node) -> None:
    source = SOURCES.get(node.op)
    if source is not None and source(e, node):
        return
    if not any(name in e.views for name in node.inputs):
        _beside(e, node)
        return
    if _in_loss(e, node):
        e.set(node.outputs[0], e.views[node.inputs[0]])
        return
    if node.op not in KEEPING_REPEATS:
        for name in node.inputs:
            if name in e.views:
                e.copied(name, node)
    function = BY_DOMAIN.get((node.standard, node.op), OPERATORS.get(node.op))
    if function is not None and function(e, node):
        return
    if node.domain == OWN:
        for part in node.parts:
            _map(e, part)
    else:
        unknown(e, node)


def _beside(e: Emitter, node: Node) -> None:
    """A node that reads no map: its outputs are values beside the maps; the tokens of the input
    stay tokens through nodes that only regroup them.
    """
    name = node.inputs[0] if node.inputs else ""
    if name in e.tokens and node.op in _KEEPING:
        axes = e.tokens[name]
        view = View(INPUT, axes, (tuple(a for atoms in axes for a in atoms if not a.batch), (), ()))
        shape = e.kind(node.outputs[0]).shape
        turned = (
            view.transposed(node.attributes.get("perm") or range(len(axes))[::-1])
            if node.op == "Transpose"
            else view.reshaped(shape)
            if shape is not None
            else None
        )
        if turned is not None:
            e.tokens[node.outputs[0]] = turned.axes
    elif any(name in e.learned for name in node.inputs) and all(
        e.fixed(name) or not e.kind(name).floating for name in node.inputs if name
    ):
        e.learned.update(name for name in node.outputs if name)


def _in_loss(e: Emitter, node: Node) -> bool:
    """True for a Softmax, or its like, that only outputs of the graph read."""
    return node.op in LOSS_PARTS and _ends(e.graph, node.outputs[0])


def _ends(graph: Graph, name: str) -> bool:
    """True if a value only goes to outputs of the graph, or to the largest of its elements."""
    waiting = [name]
    while waiting:
        each = waiting.pop()
        readers = graph.readers.get(each, [])
        if not readers and each not in graph.outputs:
            return False
        for reader in readers:
            if reader.op in _KEEPING:
                waiting.append(reader.outputs[0])
            elif reader.op not in ("ArgMax", "TopK"):
                return False
    return True


# Outputs


def _losses(e: Emitter, wanted: Sequence[str]) -> list[str]:
    """Layers whose maps get a loss, in the order of the layers. Outputs that are states, such as
    keys and values for the next token, get none if there are others.
    """
    found = [
        name
        for name in wanted
        if name in e.views
        and e.views[name].layer != INPUT
        and (e.kind(name).floating or e.kind(name).element in (0, 2, 3))
    ]
    chosen = [name for name in found if not _is_state(e.graph, name)] or found
    layers = {e.views[name].layer for name in chosen}
    return [layer["name"] for layer in e.layers if layer["name"] in layers]


def _is_state(graph: Graph, name: str) -> bool:
    """True for an output that is read as an input of the next step: by its name, or because a
    recurrent operator makes it beside its sequence.
    """
    if any(part in name.lower() for part in _STATES):
        return True
    maker = graph.producers.get(name)
    while maker is not None and maker.op in _KEEPING and maker.inputs:
        name = maker.inputs[0]
        maker = graph.producers.get(name)
    return maker is not None and maker.op in GATES and name in maker.outputs[1:]


def _without_loss(wanted: Sequence[str]) -> str:
    listed = ", ".join(wanted[:4])
    return (
        f"must have an output of floating-point numbers of known shape that depends on the input, "
        f"got {listed}"
    )


def _needed(e: Emitter, losses: Sequence[str]) -> list[Section]:
    """The layers on which a loss depends, with the inputs of each unless they are those of the
    layer above. The layer of the largest output comes last.
    """
    by_name = {layer["name"]: layer for layer in e.layers}
    wanted: set[str] = set()
    waiting = list(losses)
    while waiting:
        name = waiting.pop()
        if name not in wanted and name in by_name:
            wanted.add(name)
            waiting += by_name[name]["inputs"]
    kept = [layer for layer in e.layers if layer["name"] in wanted]
    read = {name for layer in kept for name in layer["inputs"]}
    sizes = {view.layer: prod(view.map_shape) for view in e.views.values()}
    ends = [layer for layer in kept if layer["name"] in losses and layer["name"] not in read]
    main = max(reversed(ends), key=lambda layer: sizes.get(layer["name"], 0))
    kept = [*(layer for layer in kept if layer is not main), main]
    above = INPUT
    result: list[Section] = []
    for layer in kept:
        plain = dict(layer)
        if plain["inputs"] == (above,):
            del plain["inputs"]
        result.append(plain)
        above = layer["name"]
    return result


def _unknown_notes(e: Emitter) -> list[str]:
    if not e.unknown:
        return []
    listed = "; ".join(
        f"{op} ({', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''})"
        for op, names in sorted(e.unknown.items())
    )
    return [f"operators without a kind of layer are vector work: {listed}"]
