"""A network with every shape resolved: what workload files become and what learning rules lower.

Shapes are channels last and without the batch: maps are ``(H, W, C)``; vectors, and one time step
of a sequence, are ``(1, 1, C)``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from accelsim.step.contraction import Nest
from accelsim.step.ops import Role, Tensor

if TYPE_CHECKING:
    import numpy as np

    from accelsim.workload.lowering import Lowering, Value

Shape = tuple[int, int, int]

INPUT = "input"
"""Name that layers use for the network's own input."""

Pair = tuple[int, int]


@dataclass(frozen=True)
class Layer(ABC):
    """One layer: what all kinds have in common, and the verbs that each defines in its file of
    ``accelsim/layers``.

    ``inputs``: producers' names (``"input"`` is the network's); ``in_shapes``: their maps' shapes.
    The class variables are what the rest of the program asks of a kind. A kind with fields of its
    own is a frozen dataclass too: `resized` copies them.
    """

    name: str
    inputs: tuple[str, ...]
    in_shapes: tuple[Shape, ...]
    out_shape: Shape

    kind: ClassVar[str]
    """Its name in workload files."""
    weighted: ClassVar[bool] = False
    """Whether learning rules differ in how errors get past its weights."""
    recurrent: ClassVar[bool] = False
    """Whether it hands a state from time step to time step."""
    flattens: ClassVar[bool] = False
    """Whether it reads its map as one vector, in (H, W, C) order."""
    traced: ClassVar[bool] = True
    """Whether traces have the zeros of its input and error, where it is weighted."""
    rectifies: ClassVar[bool] = False
    """Whether a zero in its output means that f' is zero there."""
    keeps_rectified: ClassVar[bool] = False
    """Whether such zeros in its input have the same meaning in its output."""
    sums: ClassVar[bool] = False
    """Whether the error at its output is, unchanged, that at each of its inputs."""
    ends_networks: ClassVar[bool] = False
    """Whether it may be a network's output layer."""

    @property
    def in_shape(self) -> Shape:
        """Shape of the first map that it reads."""
        return self.in_shapes[0]

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Shape of the weights that its products use; () when it has none."""
        return ()

    @property
    def learns(self) -> bool:
        """Whether training updates words of its own."""
        return self.weighted

    @property
    def reach(self) -> tuple[Pair, Pair]:
        """Elements of the input map, by rows and columns, that one output depends on, and by how
        many its neighbour's are shifted.
        """
        return (1, 1), (1, 1)

    @property
    def divisor(self) -> int:
        """Number that must divide the channels of its input and output."""
        return 1

    def weights(self, samples: int) -> tuple[Tensor, ...]:
        """The tensors that training updates, in a step of so many samples."""
        shape = self.weight_shape
        name = f"{self.name}.weight"
        return (
            (Tensor(name, Role.WEIGHT, shape, persistent=True, home_channels=shape[0]),)
            if shape
            else ()
        )

    def nest(self, samples: int) -> Nest:
        """The loop nest of its product forward. TypeError where it has none."""
        raise TypeError(f"layer {self.name} must multiply with weights, got kind {self.kind}")

    def resized(self, in_shapes: tuple[Shape, ...], channels: int, vocabulary: int) -> Layer:
        """The layer of a network of other widths, with so many output channels."""
        return replace(self, in_shapes=in_shapes, out_shape=(*self.out_shape[:2], channels))

    @abstractmethod
    def forward(self, low: Lowering) -> None:
        """Emit FF, and put the output map into ``low.outputs``."""

    def local_errors(self, low: Lowering, error: Value) -> Value:
        """The error that WG of a weighted layer reads where no error crosses time, from that at the
        output, with the ops that make it.
        """
        return error

    @abstractmethod
    def backward(self, low: Lowering, error: Value) -> None:
        """Emit the backward work that is the same under all learning rules: WG, and EP unless the
        layer is `weighted`; the gradients of other layers' words come in their EP. ``error``: that
        at the output; of a weighted layer what the rule's EP returns.
        """

    @abstractmethod
    def numerics(self, dtype: np.dtype[Any], steps: int) -> Any:
        """Its numbers, an `accelsim.layers.numerics.LayerNumerics`, over so many time steps."""


@dataclass(frozen=True)
class Network:
    """Layers in topological order; the last one's output meets softmax and cross-entropy.
    ``time_steps`` is 1 for feed-forward networks.

    ``modules``: the last weighted layer of each module of the modular learning rules, in order; ()
    leaves them to `accelsim.workload.modules`.
    """

    name: str
    input_shape: Shape
    layers: tuple[Layer, ...]
    batch: int = 1
    time_steps: int = 1
    vocabulary: int = 0
    description: str = ""
    modules: tuple[str, ...] = ()
    _by_name: dict[str, Layer] = field(default_factory=dict, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        self._by_name.update({layer.name: layer for layer in self.layers})

    def layer(self, name: str) -> Layer:
        """The layer of that name; KeyError when there is none."""
        return self._by_name[name]

    @cached_property
    def weighted(self) -> tuple[Layer, ...]:
        """Layers with weights that a contraction uses, in order."""
        return tuple(layer for layer in self.layers if layer.weighted)

    @cached_property
    def consumers(self) -> dict[str, tuple[Layer, ...]]:
        """Producer's name (or ``"input"``) to the layers that read its output."""
        found: dict[str, list[Layer]] = {INPUT: [], **{layer.name: [] for layer in self.layers}}
        for layer in self.layers:
            for name in layer.inputs:
                found[name].append(layer)
        return {name: tuple(layers) for name, layers in found.items()}

    @property
    def output(self) -> Layer:
        return self.layers[-1]

    def rectified(self, name: str) -> bool:
        """True if the map comes from a ReLU, directly or through max-pools, so that a zero in it
        means f' = 0 all the way back.
        """
        if name == INPUT:
            return False
        layer = self.layer(name)
        return layer.rectifies or (layer.keeps_rectified and self.rectified(layer.inputs[0]))
