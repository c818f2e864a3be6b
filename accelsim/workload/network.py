"""A network with every shape resolved: what workload files become and what learning rules lower.

Shapes are channels last and without the batch: maps are ``(H, W, C)``; vectors, and one time step
of a sequence, are ``(1, 1, C)``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import prod

Shape = tuple[int, int, int]

INPUT = "input"
"""Name that layers use for the network's own input."""

WEIGHTED_KINDS = ("conv", "fc", "embedding", "rnn", "lstm", "gru")
RECURRENT_GATES = {"rnn": 1, "lstm": 4, "gru": 3}
ACTIVATION_KINDS = ("relu", "tanh", "sigmoid")


@dataclass(frozen=True)
class Layer:
    """One layer.

    ``kind``: conv, fc, batch_norm, relu, tanh, sigmoid, max_pool, avg_pool, global_avg_pool, add,
    embedding, rnn, lstm, gru. ``inputs``: producers' names (``"input"`` is the network's).
    ``in_shape`` is the first input's. ``padding``: (top, bottom, left, right). A fully connected
    layer flattens its input map in (H, W, C) order. ``weight_shape``: conv (K, R, S, C/groups); fc
    (K, H*W*C); embedding (vocabulary, C); recurrent (gates*hidden, C + hidden); () when it has
    none.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    in_shape: Shape
    out_shape: Shape
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    vocabulary: int = 0

    @property
    def weighted(self) -> bool:
        return self.kind in WEIGHTED_KINDS

    @property
    def recurrent(self) -> bool:
        return self.kind in RECURRENT_GATES

    @property
    def weight_shape(self) -> tuple[int, ...]:
        channels_in, channels_out = self.in_shape[2], self.out_shape[2]
        if self.kind == "conv":
            return (channels_out, *self.kernel, channels_in // self.groups)
        if self.kind == "fc":
            return (channels_out, prod(self.in_shape))
        if self.kind == "embedding":
            return (self.vocabulary, channels_out)
        if self.recurrent:
            return (RECURRENT_GATES[self.kind] * channels_out, channels_in + channels_out)
        return ()


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
        return layer.kind == "relu" or (
            layer.kind == "max_pool" and self.rectified(layer.inputs[0])
        )
