"""Shapes and graph of a workload: every layer's input and output map, every fault at its place.

A layer that reads a faulty one has no shape and is checked no further, so that one slip is one
fault.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from accelsim.config.source import KeyPath, Place, dotted
from accelsim.config.suggest import did_you_mean
from accelsim.errors import Fault, InputError
from accelsim.workload.file import (
    Add,
    Conv,
    Embedding,
    FullyConnected,
    GlobalPool,
    Padding,
    Pointwise,
    Pool,
    Recurrent,
    Window,
    Workload,
)
from accelsim.workload.network import INPUT, Layer, Network, Shape

AnyLayer = Conv | FullyConnected | Pointwise | Pool | GlobalPool | Add | Embedding | Recurrent

LARGEST_TENSOR = 1 << 40
"""Elements of the largest map or weight tensor of one sample; beyond, counts of a training step
would leave 64 bits.
"""


def resolve(workload: Workload, place: Callable[[KeyPath], Place]) -> Network:
    """The network with every shape. ``place`` finds a key's place for faults. InputError with every
    fault, in order of the layers.
    """
    return _Resolver(workload, place).network()


def pair(value: Window) -> tuple[int, int]:
    """A number, or [rows, columns], as two numbers."""
    return (value, value) if isinstance(value, int) else value


def output_extent(
    size: int, kernel: int, stride: int, dilation: int, padding: Padding, axis: int
) -> tuple[int, int, int]:
    """(outputs, zeros before, zeros after) along one axis (0 rows, 1 columns); outputs is below 1
    where the kernel exceeds the padded map.
    """
    reach = dilation * (kernel - 1) + 1
    if padding == "same":
        outputs = -(-size // stride)
        total = max((outputs - 1) * stride + reach - size, 0)
        return outputs, total // 2, total - total // 2
    zeros = 0 if isinstance(padding, str) else pair(padding)[axis]
    return (size + 2 * zeros - reach) // stride + 1, zeros, zeros


class _Resolver:
    def __init__(self, workload: Workload, place: Callable[[KeyPath], Place]) -> None:
        self.workload = workload
        self.place = place
        self.faults: list[Fault] = []
        self.shapes: dict[str, Shape | None] = {INPUT: self._input_shape()}
        self.read: set[str] = set()
        self.layers: list[Layer] = []

    def _input_shape(self) -> Shape:
        given = self.workload.input
        return (
            (1, 1, 1)
            if given.sequence
            else (given.height or 1, given.width or 1, given.channels or 1)
        )

    def network(self) -> Network:
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
                    self.layers.append(layer)
                    shape = layer.out_shape
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
            description=workload.description,
            modules=workload.modules,
        )

    def _fault(self, index: int, key: str | tuple[str | int, ...], rule: str, got: object) -> None:
        path = ("layers", index, *((key,) if isinstance(key, str) else key))
        self.faults.append(self.place(path).fault(f"{dotted(path)} must be {rule}, got {got}"))

    # The graph

    def _inputs(self, index: int, spec: AnyLayer, above: str) -> tuple[str, ...]:
        """Names of the maps that the layer reads; () after a fault."""
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
        if isinstance(spec, Add):
            if len(set(names)) < 2 or len(set(names)) < len(names):
                self._fault(
                    index,
                    "inputs",
                    "two or more different layers",
                    ", ".join(spec.inputs) or "nothing",
                )
                right = False
        elif len(names) > 1:
            self._fault(index, "inputs", "one layer (only add reads several)", ", ".join(names))
            right = False
        self.read.update(names)
        return names if right else ()

    def _whole(self) -> None:
        """Checks of the whole network."""
        last = len(self.layers) - 1
        for index, layer in enumerate(self.layers):
            if index < last and layer.name not in self.read:
                self._fault(
                    index,
                    "name",
                    "read by a layer below (the last layer alone is the output)",
                    f"{layer.name}, which none reads",
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
        output = self.layers[last]
        if output.kind not in ("fc", "conv") or output.out_shape[:2] != (1, 1):
            height, width, channels = output.out_shape
            self._fault(
                last,
                "kind",
                "fc, or a conv with a 1x1 map, at the end of the network",
                f"{output.kind} with {height}x{width}x{channels}",
            )

    # The layers

    def _layer(self, index: int, spec: AnyLayer, inputs: tuple[str, ...]) -> Layer | None:
        known = [shape for shape in (self.shapes[name] for name in inputs) if shape is not None]
        if len(known) < len(inputs):
            return None
        before, source = len(self.faults), known[0]
        sequence = self.workload.input.sequence is not None
        if isinstance(spec, Embedding) != (sequence and inputs == (INPUT,)):
            rule = (
                "embedding where the layer reads a sequence of tokens"
                if sequence
                else "used with input.sequence and input.vocabulary"
            )
            if isinstance(spec, Embedding) and sequence:
                rule = "a layer that reads vectors (an embedding reads input)"
            self._fault(index, "kind", rule, spec.kind)
            return None
        if isinstance(spec, Recurrent) and not sequence:
            self._fault(index, "kind", "used with input.sequence and input.vocabulary", spec.kind)
            return None
        layer = self._shaped(index, spec, inputs, source, known)
        for what, shape in (("map", layer.out_shape), ("weights", layer.weight_shape)):
            if len(self.faults) == before and prod(shape) > LARGEST_TENSOR:
                self._fault(
                    index,
                    "name",
                    f"a layer whose {what} hold at most {LARGEST_TENSOR} elements",
                    f"{layer.name} with {prod(shape)}",
                )
        return layer if len(self.faults) == before else None

    def _shaped(
        self,
        index: int,
        spec: AnyLayer,
        inputs: tuple[str, ...],
        source: Shape,
        all_sources: list[Shape],
    ) -> Layer:
        name, kind = spec.name, spec.kind
        if isinstance(spec, Conv):
            return self._windowed(
                index,
                spec,
                inputs,
                source,
                spec.out_channels,
                pair(spec.dilation),
                self._groups(index, spec, source[2]),
            )
        if isinstance(spec, Pool):
            return self._windowed(index, spec, inputs, source, source[2], (1, 1), 1)
        if isinstance(spec, FullyConnected):
            return Layer(name, kind, inputs, source, (1, 1, spec.out_features))
        if isinstance(spec, GlobalPool):
            return Layer(
                name, kind, inputs, source, (1, 1, source[2]), kernel=source[:2], stride=source[:2]
            )
        if isinstance(spec, Embedding):
            return Layer(
                name,
                kind,
                inputs,
                source,
                (1, 1, spec.dim),
                vocabulary=self.workload.input.vocabulary or 0,
            )
        if isinstance(spec, Recurrent):
            if source[:2] != (1, 1):
                self._fault(
                    index,
                    "inputs",
                    "a layer whose map is 1x1",
                    f"{inputs[0]} with {'x'.join(map(str, source))}",
                )
            return Layer(name, kind, inputs, source, (1, 1, spec.hidden))
        if isinstance(spec, Add) and len(set(all_sources)) > 1:
            shapes = ", ".join(
                f"{each} {'x'.join(map(str, shape))}"
                for each, shape in zip(inputs, all_sources, strict=True)
            )
            self._fault(index, "inputs", "layers of one shape", shapes)
        return Layer(name, kind, inputs, source, source)

    def _groups(self, index: int, spec: Conv, channels: int) -> int:
        if channels % spec.groups:
            self._fault(index, "groups", f"a divisor of the {channels} input channels", spec.groups)
        if spec.out_channels % spec.groups:
            self._fault(
                index,
                "groups",
                f"a divisor of the {spec.out_channels} output channels",
                spec.groups,
            )
        return spec.groups

    def _windowed(
        self,
        index: int,
        spec: Conv | Pool,
        inputs: tuple[str, ...],
        source: Shape,
        channels: int,
        dilation: tuple[int, int],
        groups: int,
    ) -> Layer:
        kernel = pair(spec.kernel)
        stride = kernel if spec.stride is None else pair(spec.stride)
        rows = output_extent(source[0], kernel[0], stride[0], dilation[0], spec.padding, 0)
        columns = output_extent(source[1], kernel[1], stride[1], dilation[1], spec.padding, 1)
        padding = (rows[1], rows[2], columns[1], columns[2])
        if isinstance(spec, Pool) and (
            max(padding[:2]) >= kernel[0] or max(padding[2:]) >= kernel[1]
        ):
            self._fault(
                index,
                "padding",
                "smaller than the kernel",
                f"{padding[0]}x{padding[2]} for {kernel[0]}x{kernel[1]}",
            )
        elif rows[0] < 1 or columns[0] < 1:
            padded = f"{source[0] + padding[0] + padding[1]}x{source[1] + padding[2] + padding[3]}"
            reach = "x".join(str(d * (k - 1) + 1) for d, k in zip(dilation, kernel, strict=True))
            self._fault(index, "kernel", f"no larger than the padded map, {padded}", reach)
        out = (max(rows[0], 1), max(columns[0], 1), channels)
        return Layer(
            spec.name, spec.kind, inputs, source, out, kernel, stride, padding, dilation, groups
        )
