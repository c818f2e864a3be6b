"""A network with every shape resolved. Workload files are resolved to it, and learning rules lower
it.

Shapes are channels last, without the batch: maps are ``(H, W, C)``; vectors, and one time step of a
sequence, are ``(1, 1, C)``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from accelsim.config.plugins.source import Plugin
from accelsim.listing import html_table
from accelsim.step.contraction import Nest
from accelsim.step.ops import Role, Tensor

if TYPE_CHECKING:
    import numpy as np

    from accelsim.workload.lowering import Lowering, Value

Shape = tuple[int, int, int]

INPUT = "input"
"""Name of the network's input in ``inputs``."""

Pair = tuple[int, int]


@dataclass(frozen=True)
class Layer(ABC):
    """One layer: the attributes that all kinds share, and the methods that each kind defines in its
    file of ``accelsim/layers``.

    ``inputs``: names of the producers (``"input"`` is the network's input). ``in_shapes``: shapes
    of their maps. The class variables describe a kind to the rest of the program. A kind that adds
    fields must be a frozen dataclass too, because `resized` copies fields.
    """

    name: str
    inputs: tuple[str, ...]
    in_shapes: tuple[Shape, ...]
    out_shape: Shape

    kind: ClassVar[str]
    """Name of the kind in workload files."""
    weighted: ClassVar[bool] = False
    """True if it has weights past which each learning rule carries errors in its own way."""
    recurrent: ClassVar[bool] = False
    """True if it passes a state from one time step to the next."""
    flattens: ClassVar[bool] = False
    """True if it reads its map as one vector, in (H, W, C) order."""
    traced: ClassVar[bool] = True
    """True if traces hold the zeros of its input and error; applies to weighted layers."""
    rectifies: ClassVar[bool] = False
    """True if a zero in its output means that f' is zero there. Its numbers say where else f' is
    zero (`LayerNumerics.passes`).
    """
    keeps_rectified: ClassVar[bool] = False
    """True if the values of a rectified input are the values of its output."""
    sums: ClassVar[bool] = False
    """True if the error at its output is also the error at each of its inputs."""
    gradients_at_weights: ClassVar[bool] = True
    """True if WG makes the gradient of a weight in the PEs that are the weight's home."""
    shifts_outputs: ClassVar[bool] = False
    """True if it only adds numbers per channel to the outputs of the layer before it."""
    attends: ClassVar[bool] = False
    """True if each token's output depends on other tokens through weights that the tokens make."""
    normalizes: ClassVar[bool] = False
    """True if it shifts and scales its input map to a common mean or size."""

    @property
    def in_shape(self) -> Shape:
        """Shape of its first input map."""
        return self.in_shapes[0]

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Shape of the weights that its products use, or ()."""
        return ()

    @property
    def learns(self) -> bool:
        """True if training updates its parameters."""
        return self.weighted

    @property
    def reach(self) -> tuple[Pair, Pair]:
        """(field, step): rows and columns of the input map on which one output depends, and the
        shift of that field between neighbouring outputs.
        """
        return (1, 1), (1, 1)

    @property
    def divisor(self) -> int:
        """Number that must divide the channels of its input and output."""
        return 1

    def weights(self, samples: int) -> tuple[Tensor, ...]:
        """Tensors that training updates, in a step of ``samples`` samples."""
        shape = self.weight_shape
        name = f"{self.name}.weight"
        return (
            (Tensor(name, Role.WEIGHT, shape, persistent=True, home_channels=shape[0]),)
            if shape
            else ()
        )

    def nest(self, samples: int) -> Nest:
        """Loop nest of its forward product. Raises TypeError if it has none."""
        raise TypeError(f"layer {self.name} must multiply with weights, got kind {self.kind}")

    def resized(self, in_shapes: tuple[Shape, ...], channels: int, vocabulary: int) -> Layer:
        """The layer with other input shapes, ``channels`` output channels and, for embeddings,
        another ``vocabulary``.
        """
        return replace(self, in_shapes=in_shapes, out_shape=(*self.out_shape[:2], channels))

    @abstractmethod
    def forward(self, low: Lowering) -> None:
        """Emit FF, and enter the output map in ``low.outputs``."""

    def local_errors(self, low: Lowering, error: Value) -> Value:
        """Error that WG of a weighted layer reads if no error crosses time steps, from the error at
        its output. Emits the ops that compute it.
        """
        return error

    @abstractmethod
    def backward(self, low: Lowering, error: Value) -> None:
        """Emit the backward ops that do not depend on the learning rule. A `weighted` layer emits
        WG. Other layers emit EP, which also makes the gradients of their own parameters.

        ``error`` is the error at the output, or for a weighted layer the result of the rule's EP.
        """

    @abstractmethod
    def numerics(self, dtype: np.dtype[Any], steps: int) -> Any:
        """Numbers of the layer, an `accelsim.layers.numerics.LayerNumerics`, for ``steps`` time
        steps.
        """


@dataclass(frozen=True, repr=False)
class Network:
    """Layers in topological order. Softmax and cross-entropy are applied to the output of the last
    one, at each of its positions.

    ``input_shape`` is (H, W, C). ``time_steps`` is 1 for feed-forward networks. ``vocabulary`` is 0
    for networks that read images or vectors. ``tokens``: tokens per sample of a network that reads
    all of them at once, as positions of a map (tokens, 1, 1); else 0. ``modules``: the last
    weighted layer of each module of the modular learning rules, in order; () selects the default of
    `accelsim.workload.modules`. ``importer``: suffix and plug-in of the importer that read
    the network, if a plug-in did. ``notes``: what the importer tells its reader.

    >>> import accelsim
    >>> network = accelsim.load_network("mnist-fc")
    >>> network.input_shape, network.output.out_shape
    ((28, 28, 1), (1, 1, 10))
    """

    name: str
    input_shape: Shape
    layers: tuple[Layer, ...]
    batch: int = 1
    time_steps: int = 1
    vocabulary: int = 0
    tokens: int = 0
    description: str = ""
    modules: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    importer: tuple[str, Plugin] | None = field(default=None, repr=False, compare=False)
    notes: tuple[str, ...] = field(default=(), repr=False, compare=False)
    _by_name: dict[str, Layer] = field(default_factory=dict, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        self._by_name.update({layer.name: layer for layer in self.layers})

    def __repr__(self) -> str:
        weighted, shape = len(self.weighted), " x ".join(map(str, self.input_shape))
        layers = f"{len(self.layers)} layers, {weighted} with weights"
        return f"Network({self.name}: {layers}, input {shape}, batch {self.batch})"

    def _repr_html_(self) -> str:
        return html_table(
            (each.name, each.kind, " x ".join(map(str, each.out_shape))) for each in self.layers
        )

    def layer(self, name: str) -> Layer:
        """The layer with this name. Raises KeyError if there is none."""
        return self._by_name[name]

    @cached_property
    def weighted(self) -> tuple[Layer, ...]:
        """Weighted layers, in order."""
        return tuple(layer for layer in self.layers if layer.weighted)

    @cached_property
    def consumers(self) -> dict[str, tuple[Layer, ...]]:
        """By producer (or ``"input"``): the layers that read its output."""
        readers: dict[str, list[Layer]] = {INPUT: [], **{layer.name: [] for layer in self.layers}}
        for layer in self.layers:
            for name in layer.inputs:
                readers[name].append(layer)
        return {name: tuple(layers) for name, layers in readers.items()}

    @property
    def output(self) -> Layer:
        return self.layers[-1]

    @property
    def unrolled(self) -> bool:
        """True if it reads one token per time step, as recurrent networks do."""
        return self.vocabulary > 0 and not self.tokens

    @property
    def classifier(self) -> Layer:
        """The layer that makes the outputs, before biases are added to them. The error at its map
        is the error at the output.
        """
        layer = self.output
        while layer.shifts_outputs and layer.inputs[0] != INPUT:
            layer = self.layer(layer.inputs[0])
        return layer

    @property
    def losses(self) -> tuple[Layer, ...]:
        """Layers whose outputs get a loss: `output`, and those named in ``outputs``."""
        others = (self.layer(name) for name in self.outputs)
        return (self.output, *(layer for layer in others if layer is not self.output))

    def rectifier(self, name: str) -> Layer | None:
        """The ReLU that the map comes from, directly or through max-pools, so that its zeros are
        positions where f' = 0; None if it comes from none.
        """
        if name == INPUT:
            return None
        layer = self.layer(name)
        if layer.rectifies:
            return layer
        return self.rectifier(layer.inputs[0]) if layer.keeps_rectified else None

    def rectified(self, name: str) -> bool:
        """True if the map has a `rectifier`."""
        return self.rectifier(name) is not None
