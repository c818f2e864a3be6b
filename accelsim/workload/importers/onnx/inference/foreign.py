"""Shapes of operators of ONNX Runtime (domain com.microsoft), which the onnx package does not know.

Each function takes the node, the kinds of its inputs and their known values, and returns the kinds
of its outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.workload.importers.onnx.inference.graph import Node
from accelsim.workload.importers.onnx.inference.types import Kind

Kinds = Sequence[Kind]
Known = Sequence[NDArray[Any] | None]
Rule = Callable[[Node, Kinds, Known], list[Kind]]


def _shape(kind: Kind) -> tuple[int, ...]:
    if kind.shape is None:
        raise ValueError
    return kind.shape


def _same(node: Node, kinds: Kinds, known: Known) -> list[Kind]:
    return [kinds[0]]


def _skip_norm(node: Node, kinds: Kinds, known: Known) -> list[Kind]:
    """Normalized sum; the fourth output is the sum itself."""
    return [kinds[0], Kind(1, ()), Kind(1, ()), kinds[0]]


def _wide(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(each) for each in np.broadcast_shapes(*shapes))


def _product(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    if len(b) == 1:
        return a[:-1]
    return (*_wide(a[:-2], b[:-2]), *a[-2:-1], b[-1])


def _fused_product(node: Node, kinds: Kinds, known: Known) -> list[Kind]:
    a, b = _shape(kinds[0]), _shape(kinds[1])
    if node.attributes.get("transA"):
        a = (*a[:-2], a[-1], a[-2])
    if node.attributes.get("transB"):
        b = (*b[:-2], b[-1], b[-2])
    return [Kind(kinds[0].element or 1, _product(a, b))]


def _packed_product(node: Node, kinds: Kinds, known: Known) -> list[Kind]:
    """MatMulNBits: the weights are (N, blocks, bytes) of K by N."""
    return [Kind(kinds[0].element, (*_shape(kinds[0])[:-1], int(node.attributes["N"])))]


def _dynamic_product(node: Node, kinds: Kinds, known: Known) -> list[Kind]:
    return [Kind(1, _product(_shape(kinds[0]), _shape(kinds[1])))]


def _attention(node: Node, kinds: Kinds, known: Known) -> list[Kind]:
    """Attention: (N, T, C) by (C, 3 C')."""
    value = node.attributes.get("qkv_hidden_sizes")
    width = int(value[2]) if value else _shape(kinds[1])[1] // 3
    return [Kind(kinds[0].element or 1, (*_shape(kinds[0])[:2], width))]


def _grouped_attention(node: Node, kinds: Kinds, known: Known) -> list[Kind]:
    return [kinds[0]]


def _embeddings(node: Node, kinds: Kinds, known: Known) -> list[Kind]:
    """EmbedLayerNormalization: tokens (N, T) to (N, T, C)."""
    return [Kind(1, (*_shape(kinds[0]), _shape(kinds[2])[1])), Kind(6, _shape(kinds[0])[:1])]


def _sum(node: Node, kinds: Kinds, known: Known) -> list[Kind]:
    """QLinearAdd and its like: (a, scale, zero, b, ...)."""
    return [Kind(kinds[0].element, _wide(_shape(kinds[0]), _shape(kinds[3])))]


def _global_pool(node: Node, kinds: Kinds, known: Known) -> list[Kind]:
    shape = _shape(kinds[0])
    last = bool(node.attributes.get("channels_last"))
    ones = (1,) * (len(shape) - 2)
    return [Kind(kinds[0].element, (shape[0], *ones, shape[-1]) if last else (*shape[:2], *ones))]


FOREIGN: dict[str, Rule] = {
    "SkipLayerNormalization": _skip_norm,
    "SkipSimplifiedLayerNormalization": _skip_norm,
    "SimplifiedLayerNormalization": _same,
    "LayerNormalization": _same,
    "RMSNormalization": _same,
    "FastGelu": _same,
    "Gelu": _same,
    "BiasGelu": _same,
    "QuickGelu": _same,
    "FusedMatMul": _fused_product,
    "FusedGemm": _fused_product,
    "MatMulNBits": _packed_product,
    "DynamicQuantizeMatMul": _dynamic_product,
    "MatMulIntegerToFloat": _dynamic_product,
    "Attention": _attention,
    "QAttention": _attention,
    "MultiHeadAttention": _grouped_attention,
    "GroupQueryAttention": _grouped_attention,
    "RotaryEmbedding": _same,
    "EmbedLayerNormalization": _embeddings,
    "QLinearAdd": _sum,
    "QLinearMul": _sum,
    "QLinearSigmoid": _same,
    "QLinearLeakyRelu": _same,
    "QLinearSoftmax": _same,
    "QLinearGlobalAveragePool": _global_pool,
    "QuantizeLinear": lambda node, kinds, known: [Kind(2, kinds[0].shape)],
    "DequantizeLinear": lambda node, kinds, known: [Kind(1, kinds[0].shape)],
}
