"""Shapes and graph of a workload: every layer's input and output map, and the place of every fault.

A layer that reads a faulty layer has no shape and is not checked further, so that one mistake is
reported once.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from accelsim.config.describe import join
from accelsim.config.registries import LAYERS
from accelsim.config.source import KeyPath, Place, dotted
from accelsim.config.suggest import did_you_mean
from accelsim.errors import Fault, InputError
from accelsim.workload.file import Workload
from accelsim.workload.network import INPUT, Layer, Network, Shape
from accelsim.workload.section import LayerSection, Sources

LARGEST_TENSOR = 1 << 40
"""Maximum number of elements of a map or weight tensor of one sample. With more, counts of a
training step could exceed 64 bits.
"""


def resolve(workload: Workload, place: Callable[[KeyPath], Place]) -> Network:
    """The network with every shape. ``place`` gives the place of a key in the file, for faults.

    Raises InputError with every fault, in the order of the layers.
    """
    return _Resolver(workload, place).network()


def _kinds(property_: str) -> list[str]:
    """Layer kinds whose section has that class variable true; no plug-in's code is run for it."""
    names = LAYERS.names(unread=False)
    return [name for name in names if getattr(LAYERS.resolve(name), property_)]


class _Resolver:
    def __init__(self, workload: Workload, place: Callable[[KeyPath], Place]) -> None:
        self.workload = workload
        self.place = place
        self.faults: list[Fault] = []
        self.shapes: dict[str, Shape | None] = {INPUT: self._input_shape()}
        self.read: set[str] = set()
        self.stand_in: dict[str, str] = {}
        self.layers: list[Layer] = []

    def _input_shape(self) -> Shape:
        given = self.workload.input
        if given.sequence:
            return (1, 1, 1)
        if given.tokens:
            return (given.tokens, 1, 1)
        return (given.height or 1, given.width or 1, given.channels or 1)

    def network(self) -> Network:
        """Resolve all layers. Raises InputError with every fault."""
        workload = self.workload
        above = INPUT
        for index, spec in enumerate(workload.layers):
            inputs = self._inputs(index, spec, above)
            shape = None
            if spec.name in self.shapes:
                self._fault(index, "name", "unlike the names of the layers above", spec.name)
            elif inputs:
                layer = self._layer(index, spec, inputs)
                if layer is not None:
                    shape = layer.out_shape
                    if spec.is_bias and workload.biases == "left_out":
                        self.stand_in[spec.name] = inputs[0]
                    else:
                        self.layers.append(layer)
            self.shapes.setdefault(spec.name, shape)
            above = spec.name
        if not self.faults:
            self._whole()
        if self.faults:
            raise InputError(*self.faults)
        given = workload.input
        return Network(
            name=workload.name,
            input_shape=self._input_shape(),
            layers=tuple(self.layers),
            batch=workload.batch,
            time_steps=given.sequence or 1,
            vocabulary=given.vocabulary or 0,
            tokens=given.tokens or 0,
            description=workload.description,
            modules=workload.modules,
            outputs=self._outputs(),
        )

    def _outputs(self) -> tuple[str, ...]:
        """Names of the layers besides the last one that get a loss; the layer before a bias that
        is left out stands in for it.
        """
        names = (self.stand_in.get(name, name) for name in self.workload.outputs)
        last = self.layers[-1].name
        return tuple(dict.fromkeys(name for name in names if name not in (last, INPUT)))

    def _fault(self, index: int, key: str | tuple[str | int, ...], rule: str, got: object) -> None:
        """Record a fault of the key ``key`` of layer number ``index``."""
        path = ("layers", index, *((key,) if isinstance(key, str) else key))
        self.faults.append(self.place(path).fault(f"{dotted(path)} must be {rule}, got {got}"))

    # The graph

    def _inputs(self, index: int, spec: LayerSection, above: str) -> tuple[str, ...]:
        """Names of the maps that the layer reads; () after a fault. Those of layers that are left
        out are replaced.
        """
        names = spec.inputs or (above,)
        right = True
        for position, name in enumerate(names):
            if name not in self.shapes:
                later = any(other.name == name for other in self.workload.layers[index:])
                rule = (
                    "the name of a layer above, or input"
                    if later
                    else "the name of a layer, or input"
                )
                self._fault(
                    index, ("inputs", position), rule, f"{name}{did_you_mean(name, self.shapes)}"
                )
                right = False
        self.read.update(names)
        names = tuple(self.stand_in.get(name, name) for name in names)
        if spec.several_inputs:
            if len(names) < spec.least_inputs or len(set(names)) < len(names):
                self._fault(
                    index,
                    "inputs",
                    "two or more different layers" if spec.least_inputs > 1 else "different layers",
                    ", ".join(spec.inputs) or "nothing",
                )
                right = False
        elif len(names) > 1:
            several = _kinds("several_inputs")
            reads = "reads" if len(several) == 1 else "read"
            rule = f"one layer (only {join(several, 'and')} {reads} several)"
            self._fault(index, "inputs", rule, ", ".join(names))
            right = False
        return names if right else ()

    def _whole(self) -> None:
        """Check the network as a whole: unread layers, modules and the output layer."""
        last = len(self.workload.layers) - 1
        for index, spec in enumerate(self.workload.layers[:last]):
            if spec.name not in self.read and spec.name not in self.workload.outputs:
                self._fault(
                    index,
                    "name",
                    "read by a layer below (only the last layer is the output)",
                    f"{spec.name}, which none reads",
                )
        known = [layer.name for layer in self.layers if layer.weighted]
        after = -1
        for index, name in enumerate(self.workload.modules):
            if name not in known or known.index(name) <= after:
                path = ("modules", index)
                rule = "the name of a layer with weights, below that of the module before"
                self.faults.append(
                    self.place(path).fault(
                        f"{dotted(path)} must be {rule}, got {name}{did_you_mean(name, known)}"
                    )
                )
                continue
            after = known.index(name)
        kept = [spec.name for spec in self.workload.layers]
        for index, name in enumerate(self.workload.outputs):
            if name not in kept:
                path = ("outputs", index)
                rule, got = "the name of a layer", f"{name}{did_you_mean(name, kept)}"
                self.faults.append(
                    self.place(path).fault(f"{dotted(path)} must be {rule}, got {got}")
                )
        if not self.layers:
            rule = "unlike bias in at least one layer, where biases are left out"
            self._fault(last, "kind", rule, self.workload.layers[-1].kind)

    # The layers

    def _layer(self, index: int, spec: LayerSection, inputs: tuple[str, ...]) -> Layer | None:
        """The layer with its shapes, or None if it has a fault or reads a faulty layer."""
        known = [shape for shape in (self.shapes[name] for name in inputs) if shape is not None]
        if len(known) < len(inputs):
            return None
        before = len(self.faults)
        sequence = self.workload.input.sequence is not None
        words = sequence or self.workload.input.tokens is not None
        if spec.reads_tokens != (words and inputs == (INPUT,)):
            embeddings = _kinds("reads_tokens")
            rule = (
                f"{join(embeddings)} where the layer reads a sequence of tokens"
                if words
                else "used with input.vocabulary"
            )
            if spec.reads_tokens and words:
                rule = "a layer that reads vectors (an embedding reads input)"
            self._fault(index, "kind", rule, spec.kind)
            return None
        if spec.needs_sequence and not sequence:
            self._fault(index, "kind", "used with input.sequence and input.vocabulary", spec.kind)
            return None

        def fault(key: str, rule: str, got: object) -> None:
            self._fault(index, key, rule, got)

        vocabulary = self.workload.input.vocabulary or 0
        layer = spec.layer(Sources(inputs, tuple(known), vocabulary, fault))
        for what, shape in (("map", layer.out_shape), ("weights", layer.weight_shape)):
            if len(self.faults) == before and prod(shape) > LARGEST_TENSOR:
                self._fault(
                    index,
                    "name",
                    f"a layer whose {what} hold at most {LARGEST_TENSOR} elements",
                    f"{layer.name} with {prod(shape)}",
                )
        return layer if len(self.faults) == before else None
