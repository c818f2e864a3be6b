"""Small networks of layers that take maps apart, put them together and change their resolution."""

from __future__ import annotations

from typing import Any

from accelsim.workload.network import Network
from tests.random_networks import network_of

Keys = dict[str, Any]


def layer(name: str, kind: str, *inputs: str, **keys: Any) -> Keys:
    return {"name": name, "kind": kind, **({"inputs": list(inputs)} if inputs else {}), **keys}


def conv(name: str, channels: int, *inputs: str, **keys: Any) -> Keys:
    """A convolution with one tap, unless ``keys`` say otherwise."""
    return layer(name, "conv", *inputs, **{"out_channels": channels, "kernel": 1} | keys)


def up(name: str, channels: int, *inputs: str, **keys: Any) -> Keys:
    """A transposed convolution that doubles rows and columns, unless ``keys`` say otherwise."""
    doubled = {"out_channels": channels, "kernel": 2, "stride": 2}
    return layer(name, "conv_transpose", *inputs, **doubled | keys)


def shaped(name: str, *layers: Keys, side: int = 6, channels: int = 2) -> Network:
    """A network on maps of ``side`` x ``side``, with a classifier of 3 behind its last layer."""
    image = {"height": side, "width": side, "channels": channels}
    data = {"name": name, "input": image, "layers": [*layers, layer("fc", "fc", out_features=3)]}
    return network_of(data)


def structure_networks() -> dict[str, Network]:
    """The networks by name."""
    gated = shaped(
        "gated",
        conv("a", 4, kernel=3, padding=1),
        layer("relu", "relu"),
        layer("mean", "global_avg_pool"),
        conv("squeeze", 2),
        layer("tanh", "tanh"),
        conv("excite", 4),
        layer("gate", "sigmoid"),
        layer("scaled", "multiply", "relu", "gate"),
        conv("spatial", 1),
        layer("mask", "sigmoid"),
        layer("masked", "multiply", "mask", "scaled"),
        conv("c", 4, "relu"),
        layer("three", "multiply", "masked", "c", "gate"),
    )
    shuffled = shaped(
        "shuffled",
        conv("a", 6, kernel=3, padding=1),
        layer("left", "slice", stop=3),
        layer("right", "slice", "a", start=3),
        conv("b", 3, kernel=3, padding=1, groups=3),
        layer("both", "concat", "left", "b"),
        layer("apart", "reshape", height=36, width=2),
        layer("turned", "transpose", axes=["rows", "channels", "columns"]),
        layer("again", "reshape", height=6, width=6),
        layer("first", "slice", stop=4),
        layer("second", "slice", "again", start=2),
        layer("top", "slice", "again", axis="rows", stop=2),
        layer("odd", "slice", "again", axis="columns", start=1, step=2),
        conv("c", 4, "first"),
        layer("sum", "add", "c", "second"),
        layer("relu", "relu"),
        layer("t", "transpose", "top", axes=["columns", "rows", "channels"]),
        layer("row", "reshape", height=6, width=2),
        layer("wide", "reshape", "odd", height=6, width=3),
        conv("d", 6, "wide"),
        layer("rows", "concat", "d", "row", axis="columns"),
        conv("e", 4),
        layer("last", "concat", "e", "relu", axis="columns"),
    )
    enlarged = shaped(
        "enlarged",
        conv("a", 3, kernel=3, padding=1, stride=2),
        layer("relu", "relu"),
        layer("nearest", "resize", height=6, width=6),
        conv("b", 2, kernel=3, padding=1),
        layer("bilinear", "resize", height=4, width=9, mode="bilinear"),
        conv("c", 3),
        layer("fewer", "resize", height=3, width=4),
        layer("tanh", "tanh"),
        layer("more", "resize", height=5, width=4),
        conv("d", 2),
        layer("smooth", "resize", height=5, width=8, mode="bilinear"),
    )
    decoded = shaped(
        "decoded",
        conv("a", 4, kernel=3, padding=1, stride=2),
        layer("relu", "relu"),
        up("b", 4),
        layer("tanh", "tanh"),
        up("c", 6, kernel=3, padding=1, output_padding=1, groups=2),
        layer("relu2", "relu"),
        up("d", 2, kernel=[3, 2], stride=[1, 2], dilation=[2, 1], padding=[2, 0]),
        up("e", 3, kernel=3, stride=2, padding="same"),
        layer("pool", "avg_pool", kernel=4),
    )
    return {each.name: each for each in (gated, shuffled, enlarged, decoded)}
