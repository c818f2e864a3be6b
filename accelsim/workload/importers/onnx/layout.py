"""The network's input: which input of the graph it is, and where its axes go in a map.

A network of accelsim has one input. A graph may have several: images or features, or tokens, beside
masks, states and positions, which are fed beside the maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from accelsim.workload.importers.onnx.inference.graph import Graph, Node
from accelsim.workload.importers.onnx.inference.shapes import Inference
from accelsim.workload.importers.onnx.inference.types import Kind

_BESIDE = ("mask", "past", "cache", "state", "hidden", "h0", "c0", "h_0", "c_0", "init_")
"""Parts of names of inputs that are fed beside the main one."""

_PASSING = frozenset(
    [
        "Identity",
        "Cast",
        "Add",
        "Sub",
        "Mul",
        "Div",
        "QuantizeLinear",
        "DequantizeLinear",
        "DynamicQuantizeLinear",
        "Pad",
        "Clip",
        "BatchNormalization",
        "Relu",
        "Dropout",
        "InstanceNormalization",
        "Concat",
        "Slice",
        "Neg",
        "Log",
        "Exp",
        "Sqrt",
        "Pow",
        "Abs",
        "Resize",
        "Where",
        "Max",
        "Min",
    ]
)
"""Operators that keep the order of axes."""

_CHANNELS_SECOND = frozenset(
    [
        "Conv",
        "ConvInteger",
        "QLinearConv",
        "FusedConv",
        "ConvTranspose",
        "MaxPool",
        "AveragePool",
        "GlobalAveragePool",
        "GlobalMaxPool",
        "DepthToSpace",
        "SpaceToDepth",
        "Upsample",
    ]
)
_RECURRENT = frozenset({"LSTM", "GRU", "RNN", "DynamicQuantizeLSTM"})
_TRACED_TOKENS = frozenset({"Identity", "Cast", "Reshape", "Unsqueeze", "Squeeze", "Flatten"})


class Layout(NamedTuple):
    """Axes of the main input: the one that counts samples (None if there is none), and those that
    become rows, columns and channels.
    """

    batch: int | None
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    channels: tuple[int, ...]


class MainInput(NamedTuple):
    """The input that becomes the network's. ``vocabulary``: rows of the table that its tokens
    choose from; 0 for images and features.
    """

    name: str
    layout: Layout
    vocabulary: int


def main_input(inference: Inference, graph: Graph, inputs: dict[str, Kind]) -> MainInput | None:
    """The input that becomes the network's, or None if there is none."""
    read = {name: kind for name, kind in inputs.items() if name in graph.readers and kind.size}
    initial = {name for node in graph.nodes if node.op in _RECURRENT for name in node.inputs[4:]}
    features = [
        name
        for name, kind in read.items()
        if (kind.floating or kind.element in (2, 3))
        and name not in initial
        and not any(part in name.lower() for part in _BESIDE)
    ]
    tables = _tables(inference, graph, read)
    largest = max(features, key=lambda name: read[name].size, default="")
    if tables and (not largest or len(read[largest].shape or ()) < 3):
        name = next(iter(tables))
        return MainInput(name, _layout(graph, name, read[name].shape or (), True), tables[name])
    if not largest:
        largest = max(read, key=lambda name: (read[name].floating, read[name].size), default="")
    if not largest:
        return None
    return MainInput(largest, _layout(graph, largest, read[largest].shape or (), False), 0)


def _tables(inference: Inference, graph: Graph, inputs: dict[str, Kind]) -> dict[str, int]:
    """By input of whole numbers that choose rows of a table of weights: the rows of the table."""
    tables: dict[str, int] = {}
    for node in graph.nodes:
        if node.op == "Gather":
            table, indices = node.inputs[:2]
        elif node.op == "EmbedLayerNormalization":
            table, indices = node.inputs[2], node.inputs[0]
        else:
            continue
        shape = inference.kinds[table].shape
        if table not in inference.fixed or shape is None or len(shape) != 2:
            continue
        if not inference.kinds[table].floating:
            continue
        maker = graph.producers.get(indices)
        while maker is not None and maker.op in _TRACED_TOKENS:
            indices = maker.inputs[0]
            maker = graph.producers.get(indices)
        if indices in inputs and not inputs[indices].floating:
            tables.setdefault(indices, shape[0])
    return dict(sorted(tables.items(), key=lambda item: -item[1]))


def _layout(graph: Graph, name: str, shape: Sequence[int], tokens: bool) -> Layout:
    """Layout of an input, from the first of its readers that tells axes apart."""
    rank = len(shape)
    found = _by_reader(graph, name, tuple(range(rank + tokens)))
    if found is None:
        found = _usual(rank + tokens)
    batch, rows, columns, channels = found
    if batch is not None and shape[batch] == 1:
        batch = None
    if tokens:
        rows = tuple(axis for axis in range(rank) if axis != batch)
        return Layout(batch, rows, (), ())
    taken = {*rows, *columns, *channels, batch}
    left = tuple(axis for axis in range(rank) if axis not in taken)
    return Layout(batch, (*left, *rows), columns, channels)


def _usual(rank: int) -> Layout:
    if rank == 4:
        return Layout(0, (2,), (3,), (1,))
    if rank <= 1:
        return Layout(None, (), (), tuple(range(rank)))
    return Layout(0, tuple(range(1, rank - 1)), (), (rank - 1,))


def _by_reader(graph: Graph, name: str, axes: tuple[int, ...], depth: int = 40) -> Layout | None:
    """Follow a value, whose axes are those of the input in the order ``axes`` (-1 for a new one),
    to an operator that tells which axis holds channels.
    """
    for node in graph.readers.get(name, ()):
        layout = _told(node, name, axes)
        if layout is not None:
            return layout
        following = _turned(node, axes)
        if following is not None and depth:
            layout = _by_reader(graph, node.outputs[0], following, depth - 1)
            if layout is not None:
                return layout
    return None


def _told(node: Node, name: str, axes: tuple[int, ...]) -> Layout | None:
    def real(*numbers: int) -> tuple[int, ...]:
        return tuple(axes[number] for number in numbers if axes[number] >= 0)

    rank = len(axes)
    if node.op in _CHANNELS_SECOND and rank in (3, 4, 5) and node.inputs[0] == name:
        batch = axes[0] if axes[0] >= 0 else None
        return Layout(
            batch,
            real(*range(2, max(3, rank - 1))),
            real(*range(3, rank)[-1:]) if rank > 3 else (),
            real(1),
        )
    if node.op in _RECURRENT and rank == 3 and node.inputs[0] == name:
        steps = int(node.attributes.get("layout", 0))
        batch = axes[1 - steps]
        return Layout(batch if batch >= 0 else None, real(steps), (), real(2))
    if node.op in ("MatMul", "Gemm", "LayerNormalization") and rank >= 2:
        batch = axes[0] if axes[0] >= 0 and (rank > 2 or axes[0] == 0) else None
        return Layout(batch, real(*range(1, rank - 1)), (), real(rank - 1))
    return None


def _turned(node: Node, axes: tuple[int, ...]) -> tuple[int, ...] | None:
    """Axes of a node's output, or None if it does not keep them apart."""
    if node.op in _PASSING:
        return axes
    if node.op == "Gather":
        return axes
    if node.op == "Transpose":
        order = node.attributes.get("perm") or range(len(axes))[::-1]
        return tuple(axes[number] for number in order) if len(order) == len(axes) else None
    return None
