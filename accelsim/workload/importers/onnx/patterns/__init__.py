"""Patterns: several nodes that stand for one operator, such as the parts of a layer norm.

Exporters write operators that their opset lacks as several nodes. Each pattern finds them and puts
one node of the domain "accelsim", or the operator of ONNX that says the same, in their place. May
import the importer's inference/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from accelsim.workload.importers.onnx.inference.graph import Graph, Node
from accelsim.workload.importers.onnx.inference.shapes import Inference
from accelsim.workload.importers.onnx.patterns.activations import gelu_by_erf, gelu_by_tanh, silu
from accelsim.workload.importers.onnx.patterns.attention import attention
from accelsim.workload.importers.onnx.patterns.finder import Finder
from accelsim.workload.importers.onnx.patterns.norms import layer_norm, rms_norm
from accelsim.workload.importers.onnx.patterns.padding import padded_windows
from accelsim.workload.importers.onnx.patterns.rotary import rotary

Pattern = Callable[[Finder, Node], tuple[Node, list[Node]] | None]

PATTERNS: dict[str, tuple[Pattern, ...]] = {
    "Erf": (gelu_by_erf,),
    "Tanh": (gelu_by_tanh,),
    "Sigmoid": (silu,),
    "HardSigmoid": (silu,),
    "Sqrt": (layer_norm, rms_norm),
    "Pow": (layer_norm, rms_norm),
    "Softmax": (attention,),
    "Pad": (padded_windows,),
    "Neg": (rotary,),
}
"""By the operator at which a search begins: the functions that search there. Each returns the new
node and the nodes for which it stands, or None.
"""


def with_patterns(graph: Graph, inference: Inference) -> Graph:
    """The graph with one node for each known pattern."""
    finder = Finder(graph, inference)
    instead: dict[int, Node] = {}
    taken: set[int] = set()
    for new, old in _matches(finder, taken):
        taken.update(map(id, old))
        instead[id(graph.producers[new.outputs[0]])] = new
    nodes = [instead.get(id(node), node) for node in graph.nodes]
    return Graph(nodes, graph.outputs).needed(graph.outputs)


def _matches(finder: Finder, taken: set[int]) -> Iterator[tuple[Node, list[Node]]]:
    """Patterns that share no node."""
    for node in finder.graph.nodes:
        for pattern in PATTERNS.get(node.op, ()) if node.standard else ():
            match = pattern(finder, node)
            if match is not None and not any(id(each) in taken for each in match[1]):
                yield match
                break
