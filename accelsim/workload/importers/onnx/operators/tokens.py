"""Rows of tables: embeddings of the input's tokens, and learned rows that other indices select."""

from __future__ import annotations

from accelsim.workload.importers.onnx.emitter import Emitter
from accelsim.workload.importers.onnx.inference.graph import Node
from accelsim.workload.importers.onnx.operators.arithmetic import arithmetic
from accelsim.workload.importers.onnx.operators.functions import layer_norm
from accelsim.workload.importers.onnx.views import Atom, View


def lookup(e: Emitter, node: Node, table: str, indices: str) -> bool:
    """Rows of a table of weights. By the tokens of the input it is an embedding; by positions or
    segments it is a learned table, which whoever adds it reads as such.
    """
    if not (e.fixed(table) and e.kind(table).floating):
        return False
    shape = e.shape(node, table)
    output = node.outputs[0]
    if indices in e.tokens and len(shape) == 2:
        axes = e.tokens[indices]
        rows = tuple(atom for atoms in axes for atom in atoms if not atom.batch)
        layer = e.emit(node, "embedding", [e.input_name], dim=shape[1])
        channels = (Atom(shape[1]),) if shape[1] > 1 else ()
        e.set(output, View(layer, (*axes, channels), (rows, (), channels)))
        return True
    e.learned.add(output)
    return True


def embedding(e: Emitter, node: Node) -> bool:
    """Gather of rows of a table."""
    return node.attributes.get("axis", 0) == 0 and lookup(e, node, *node.inputs[:2])


def embeddings_and_norm(e: Emitter, node: Node) -> bool:
    """EmbedLayerNormalization: (tokens, segments, table, positions, segments' table, ...)."""
    word, total = f"{node.outputs[0]}/word", f"{node.outputs[0]}/sum"
    for name in (word, total):
        e.inference.kinds[name] = e.kind(node.outputs[0])
    if not lookup(e, Node("Gather", node.name, (), (word,)), node.inputs[2], node.inputs[0]):
        return False
    if word not in e.views:
        return False
    table = f"{node.outputs[0]}/table"
    e.inference.kinds[table] = e.kind(node.outputs[0])
    e.learned.add(table)
    arithmetic(e, Node("Add", f"{node.name}_positions", (word, table), (total,)))
    norm = Node("LayerNormalization", f"{node.name}_norm", (total,), node.outputs[:1])
    return layer_norm(e, norm)
