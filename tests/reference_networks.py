"""Small networks that together cover every trainable layer kind in every form, and values for their
parameters and inputs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from accelsim.layers.activations import FUNCTIONS
from accelsim.layers.add import Add
from accelsim.layers.attention import Attention
from accelsim.layers.batch_norm import BatchNorm
from accelsim.layers.bias import Bias
from accelsim.layers.concat import Concat, joined
from accelsim.layers.convolution import Convolution
from accelsim.layers.dropout import Dropout
from accelsim.layers.embedding import Embedding
from accelsim.layers.fully_connected import FullyConnected
from accelsim.layers.gelu import Gelu
from accelsim.layers.layer_norm import LayerNorm
from accelsim.layers.linear import Linear
from accelsim.layers.model import Model
from accelsim.layers.pooling import AveragePool, GlobalAveragePool, MaxPool
from accelsim.layers.positions import Positions
from accelsim.layers.recurrent import KINDS as CELLS
from accelsim.layers.rms_norm import RmsNorm
from accelsim.layers.rotary import Rotary
from accelsim.layers.silu import Silu
from accelsim.layers.slice import Slice, part_shape
from accelsim.layers.softmax import Softmax
from accelsim.workload.network import INPUT, Layer, Network, Shape
from tests.structure_networks import structure_networks

KINDS: dict[str, type[Layer]] = {
    "conv": Convolution,
    "fc": FullyConnected,
    "linear": Linear,
    "attention": Attention,
    "batch_norm": BatchNorm,
    "layer_norm": LayerNorm,
    "rms_norm": RmsNorm,
    "gelu": Gelu,
    "silu": Silu,
    "bias": Bias,
    "positions": Positions,
    "dropout": Dropout,
    "softmax": Softmax,
    "rotary": Rotary,
    "max_pool": MaxPool,
    "avg_pool": AveragePool,
    "global_avg_pool": GlobalAveragePool,
    "add": Add,
    "concat": Concat,
    "slice": Slice,
    "embedding": Embedding,
    **FUNCTIONS,
    **CELLS,
}

CLASSES = 3
SAMPLES = 2
STEPS = 3
WORDS = 5


class Builder:
    """Builds a network layer by layer. A layer reads the previous one unless ``inputs`` is given.
    ``words`` > 0: the network reads a sequence of tokens from that vocabulary.
    """

    def __init__(self, name: str, shape: Shape = (6, 5, 2), words: int = 0) -> None:
        self.name, self.shape = name, (1, 1, 1) if words else shape
        self.words = words
        self.layers: list[Layer] = []
        self.shapes: dict[str, Shape] = {INPUT: self.shape}

    def add(
        self, kind: str, channels: int = 0, inputs: tuple[str, ...] = (), **fields: object
    ) -> Builder:
        """Append a layer named after its kind and position."""
        inputs = inputs or (self.layers[-1].name if self.layers else INPUT,)
        before = self.shapes[inputs[0]]
        shapes = tuple(self.shapes[name] for name in inputs)
        layer = KINDS[kind](f"{kind}{len(self.layers)}", inputs, shapes, before, **fields)
        height, width = before[:2]
        if kind in ("conv", "max_pool", "avg_pool"):
            top, bottom, left, right = layer.padding
            rows, columns = layer.reach[0]
            height = (height + top + bottom - rows) // layer.stride[0] + 1
            width = (width + left + right - columns) // layer.stride[1] + 1
        elif kind in ("fc", "global_avg_pool"):
            height = width = 1
        shape = (height, width, channels or before[2])
        if kind == "concat":
            shape = joined(shapes, layer.axis)
        elif kind == "slice":
            shape = part_shape(before, layer.axis, layer.places)
        layer = replace(layer, out_shape=shape)
        self.layers.append(layer)
        self.shapes[layer.name] = layer.out_shape
        return self

    def conv(self, channels: int, side: int = 3, stride: int = 1, **fields: object) -> Builder:
        """Append a convolution whose padding keeps the map's size at stride 1."""
        return self.add(
            "conv",
            channels,
            **{
                "kernel": (side, side),
                "stride": (stride, stride),
                "padding": (side // 2,) * 4,
                **fields,
            },
        )

    def network(self) -> Network:
        layers = tuple(
            replace(layer, vocabulary=self.words) if isinstance(layer, Embedding) else layer
            for layer in self.layers
        )
        return Network(
            self.name,
            self.shape,
            layers,
            time_steps=STEPS if self.words else 1,
            vocabulary=self.words,
        )


def sequence_networks() -> dict[str, Network]:
    """Small recurrent networks by name."""
    networks = [
        Builder("words-rnn", words=WORDS).add("embedding", 4).add("rnn", 3).add("fc", CLASSES),
        Builder("words-rnn-deep", words=WORDS)
        .add("embedding", 4)
        .add("rnn", 4)
        .add("rnn", 4)
        .add("fc", CLASSES),
        Builder("words-lstm", words=WORDS).add("embedding", 2).add("lstm", 4).add("fc", CLASSES),
        Builder("words-lstm-deep", words=WORDS)
        .add("embedding", 3)
        .add("lstm", 3)
        .add("lstm", 3)
        .add("fc", 4)
        .add("tanh")
        .add("fc", CLASSES),
        Builder("words-gru", words=WORDS).add("embedding", 4).add("gru", 4).add("fc", CLASSES),
        Builder("words-gru-deep", words=WORDS)
        .add("embedding", 3)
        .add("gru", 3)
        .add("tanh")
        .add("gru", 3)
        .add("fc", CLASSES),
    ]
    return {builder.name: builder.network() for builder in networks}


def all_networks() -> dict[str, Network]:
    """Every network by name."""
    return small_networks() | sequence_networks()


def small_networks() -> dict[str, Network]:
    """Small image networks by name."""
    two, three = (2, 2), (3, 3)
    residual = Builder("residual").conv(3).add("batch_norm").add("relu")
    residual.conv(4, stride=2).add("batch_norm").add("relu").conv(4).add("batch_norm")
    residual.conv(4, side=1, stride=2, inputs=("relu2",)).add("batch_norm").add(
        "add", inputs=("batch_norm7", "batch_norm9")
    ).add("relu")
    residual.conv(4).add("relu").conv(4).add("add", inputs=("conv14", "relu11", "relu13")).add(
        "relu"
    ).add("global_avg_pool").add("fc", CLASSES)
    dense = Builder("dense-block").conv(3).add("relu").conv(2)
    dense.add("concat", inputs=("conv0", "conv2")).add("batch_norm").add("relu").conv(2)
    dense.add("concat", inputs=("concat3", "conv6"))
    dense.add("max_pool", kernel=two, stride=two).conv(3).add("relu")
    dense.conv(3, inputs=("max_pool8",)).add("relu")
    dense.add("concat", inputs=("relu12", "max_pool8", "relu10")).conv(3)
    dense.add("concat", inputs=("conv14", "relu10"), axis=0).conv(2, side=1)
    dense.add("tanh").add("concat", inputs=("tanh17", "conv16"), axis=1).add("fc", CLASSES)
    networks = [
        Builder("fc-tanh", (1, 1, 7))
        .add("fc", 6)
        .add("tanh")
        .add("fc", 5)
        .add("tanh")
        .add("fc", CLASSES),
        Builder("fc-linear", (1, 1, 7)).add("fc", 6).add("fc", 5).add("fc", CLASSES),
        Builder("plain")
        .conv(4)
        .add("relu")
        .conv(3, padding=(0, 0, 0, 0))
        .add("sigmoid")
        .add("fc", CLASSES),
        Builder("pointwise")
        .conv(4, side=1)
        .add("tanh")
        .conv(CLASSES, side=1)
        .add("global_avg_pool"),
        Builder("asymmetric")
        .conv(4, stride=2, padding=(0, 1, 2, 1))
        .add("relu")
        .conv(3, kernel=(2, 3), padding=(1, 0, 0, 2))
        .add("fc", CLASSES),
        Builder("dilated")
        .conv(4, dilation=(2, 1), padding=(2, 2, 1, 1))
        .add("relu")
        .conv(3, dilation=(3, 2), stride=2, padding=(3, 3, 2, 1))
        .add("fc", CLASSES),
        Builder("grouped")
        .conv(4, groups=2)
        .add("relu")
        .conv(4, groups=4, stride=2)
        .add("relu")
        .conv(6, side=1, groups=2)
        .add("fc", CLASSES),
        Builder("normalized")
        .conv(4)
        .add("batch_norm")
        .add("relu")
        .add("max_pool", kernel=two, stride=two)
        .conv(3)
        .add("batch_norm")
        .add("fc", CLASSES),
        Builder("overlapping")
        .conv(4)
        .add("max_pool", kernel=three, stride=two, padding=(1, 1, 1, 1))
        .add("relu")
        .conv(3)
        .add("max_pool", kernel=three, stride=(1, 1), padding=(0, 1, 1, 0))
        .add("fc", CLASSES),
        Builder("averaged")
        .conv(4)
        .add("relu")
        .add("avg_pool", kernel=three, stride=two, padding=(1, 0, 0, 1))
        .conv(3)
        .add("tanh")
        .add("avg_pool", kernel=two, stride=two)
        .add("fc", CLASSES),
        residual,
        Builder("normalized-positions")
        .conv(4)
        .add("layer_norm", epsilon=1e-3)
        .conv(5)
        .add("rms_norm", epsilon=1e-2)
        .add("relu")
        .conv(4)
        .add("rms_norm")
        .add("layer_norm")
        .add("fc", CLASSES),
        dense,
        Builder("smooth")
        .conv(4)
        .add("gelu")
        .conv(5)
        .add("gelu", form="tanh")
        .conv(4)
        .add("silu")
        .add("fc", CLASSES),
        Builder("shifted")
        .conv(4)
        .add("bias")
        .add("relu")
        .conv(4)
        .add("positions")
        .conv(3)
        .add("bias")
        .add("tanh")
        .add("fc", CLASSES)
        .add("bias"),
        Builder("attended")
        .conv(8)
        .add("linear", 8)
        .add("linear", 4, ("conv0",))
        .add("linear", 6, ("conv0",))
        .add("attention", 12, ("linear1", "linear2", "linear3"), heads=4, kv_heads=2, causal=True)
        .add("linear", 8)
        .add("add", inputs=("conv0", "linear5"))
        .add("relu")
        .add("fc", CLASSES),
        Builder("dropped")
        .conv(4)
        .add("dropout", rate=0.3)
        .conv(4)
        .add("relu")
        .add("dropout", rate=0.5)
        .add("fc", CLASSES),
        Builder("rotated")
        .conv(8)
        .add("rotary", heads=2, base=50.0)
        .conv(6)
        .add("softmax")
        .conv(6)
        .add("rotary", heads=1, pairs="interleaved")
        .add("fc", CLASSES),
        Builder("clipped")
        .conv(8)
        .add("relu6")
        .conv(8)
        .add("relu6")
        .conv(16, side=1)
        .add("relu6")
        .conv(16, groups=16)
        .add("relu6")
        .add("max_pool", kernel=two, stride=two)
        .conv(4, side=1)
        .add("fc", CLASSES),
    ]
    return {builder.name: builder.network() for builder in networks} | structure_networks()


def numbers(shape: tuple[int, ...], phase: float, size: float = 1.0) -> np.ndarray:
    """Distinct non-zero values between -size and size, independent of library versions."""
    return size * np.sin(1.7 * np.arange(1, np.prod(shape) + 1) ** 1.1 + phase).reshape(shape)


def filled_model(network: Network) -> Model:
    """A float64 model with parameters from `numbers`."""
    model = Model(network, dtype=np.float64)
    for index, array in enumerate(model.parameters().values()):
        array[...] = numbers(array.shape, index, 0.7) + (1.0 if array.ndim == 1 else 0.0)
    return model


def batch_of(network: Network) -> tuple[np.ndarray, np.ndarray]:
    """(images or tokens (T, N), labels)."""
    if network.vocabulary:
        rows = network.time_steps * SAMPLES
        return (3 * np.arange(rows) ** 2 % network.vocabulary).reshape(-1, SAMPLES), np.arange(
            rows
        ) % CLASSES
    return numbers((SAMPLES, *network.input_shape), 0.5), np.arange(SAMPLES) % CLASSES


def feedback_of(network: Network) -> dict[str, np.ndarray]:
    """A dense B (neurons, classes) for every weighted layer that does not read the
    network's input.
    """
    layers = [layer for layer in network.weighted if layer.inputs[0] != INPUT]
    return {
        layer.name: numbers((int(np.prod(layer.in_shape)), CLASSES), 2.0 + index)
        for index, layer in enumerate(layers)
    }
