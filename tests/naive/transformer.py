"""Plain twin of the products of transformers: linear layers and attention, from the definition.

A sample's attention is softmax(Q K^T / sqrt(d)) V for each head. It is written out here head by
head, query by query and key by key, without the lowering or its nests. Output channels and moving
channels are numbered sample by sample, then by head of keys; positions are the queries of each head
that shares those keys, head by head.
"""

from __future__ import annotations

from accelsim.layers.attention import Attention
from accelsim.workload.network import Layer
from tests.naive.machine import Stream, Twin, Work


def transformer_works(twin: Twin, layer: Layer) -> dict[str, Work]:
    """Every contraction of a linear layer or of attention."""
    if isinstance(layer, Attention):
        return attention(twin, layer, tuple(map(twin.propagated, layer.inputs)))
    found = {f"{layer.name}.{each}": linear(twin, layer, each) for each in ("FF", "WG")}
    if not twin.wanted(layer.inputs[0]):
        return found
    if twin.chained:
        return {**found, f"{layer.name}.EP": linear(twin, layer, "EP")}
    return found | twin.propagation(layer)


def linear(twin: Twin, layer: Layer, pass_: str) -> Work:
    """FF, EP or WG of a linear layer: a matrix times the vectors at all positions of all
    samples.
    """
    (h, w, c), k = layer.in_shape, layer.out_shape[2]
    places = range(twin.batch * h * w)

    def bit(role: str, m: int, channel: int) -> int:
        shape = layer.out_shape if role == "error" else layer.in_shape
        return twin.pixel(layer, role, shape, m // (h * w), m // w % h, m % w, channel)

    def forward(channel: int, m: int) -> Stream:
        return [
            (bit("input", m, each), twin.weight(layer, channel, each), True) for each in range(c)
        ]

    def backward(channel: int, m: int) -> Stream:
        return [
            (bit("error", m, each), twin.weight_backward(layer, each, channel), True)
            for each in range(k)
        ]

    def gradient(channel: int, each: int) -> Stream:
        return [(bit("input", m, each), bit("error", m, channel), True) for m in places]

    dense = len(places) * k * c
    if pass_ == "FF":
        return Work("FF", k, len(places), forward, dense, column_words=c)
    if pass_ == "EP":
        needed = twin.needed_pixels(layer)
        return Work("EP", c, len(places), backward, dense, needed, column_words=k)
    return Work("WG", k, c, gradient, dense, outer=c, column_words=c)


def attention(twin: Twin, layer: Attention, propagated: tuple[bool, ...]) -> dict[str, Work]:
    """The products of attention; ``propagated``: whether queries, keys and values need errors."""
    (h, w, c), (y, x, _), _ = layer.in_shapes
    queries, keys, heads, shared = h * w, y * x, layer.heads, layer.kv_heads
    size, wide = c // heads, layer.out_shape[2] // heads
    groups, sharing = twin.batch * shared, heads // shared
    rows = sharing * queries
    dense = groups * rows * keys

    def seen(position: int, key: int) -> int:
        """Whether the query at a position attends to a key. The last query's token is that of the
        last key.
        """
        return int(not layer.causal or key - (keys - 1) <= position % queries - (queries - 1))

    def shown(channel: int, position: int) -> bool:
        return bool(seen(position, channel % keys))

    needed = shown if layer.causal else None

    def over_width(depth: int) -> Work:
        """Scores or errors at probabilities: a channel per key; a row of words without zeros."""
        return Work(
            "",
            groups * keys,
            rows,
            lambda *_: [(1, 1, True)] * depth,
            dense * depth,
            needed,
            column_words=depth,
            groups=groups,
            apart=True,
        )

    def over_keys(width: int) -> Work:
        """Outputs or errors at queries: a sum over the keys that the query attends to."""
        return Work(
            "",
            groups * width,
            rows,
            lambda _, position: [(seen(position, key), 1, True) for key in range(keys)],
            dense * width,
            column_words=keys,
            groups=groups,
            apart=True,
        )

    def over_queries(width: int) -> Work:
        """Errors at keys or values: a channel per number of theirs, lanes are keys."""
        return Work(
            "",
            groups * width,
            keys,
            lambda _, key: [(seen(position, key), 1, True) for position in range(rows)],
            dense * width,
            column_words=keys,
            groups=groups,
            apart=True,
        )

    works = {"FF.scores": over_width(size), "FF": over_keys(wide)}
    if propagated[2]:
        works["EP.value"] = over_queries(wide)
    if propagated[0] or propagated[1]:
        works["EP.probabilities"] = over_width(wide)
    if propagated[0]:
        works["EP.query"] = over_keys(size)
    if propagated[1]:
        works["EP.key"] = over_queries(size)
    for part, work in works.items():
        work.pass_ = part[:2]
    return {f"{layer.name}.{part}": work for part, work in works.items()}
