"""Which function maps which operator: one line each."""

from __future__ import annotations

from collections.abc import Callable

from accelsim.workload.importers.onnx.emitter import Emitter
from accelsim.workload.importers.onnx.inference.graph import Node
from accelsim.workload.importers.onnx.operators import (
    activation_products,
    arithmetic,
    functions,
    positions,
    products,
    recurrent,
    shaping,
    tokens,
    windows,
    work,
)

Mapping = Callable[[Emitter, Node], bool]

OPERATORS: dict[str, Mapping] = {
    # Windows
    "Conv": windows.convolution,
    "FusedConv": windows.convolution,
    "ConvInteger": windows.integer_convolution,
    "QLinearConv": windows.quantized_convolution,
    "ConvTranspose": windows.transposed_convolution,
    "MaxPool": windows.pool,
    "AveragePool": windows.pool,
    "LpPool": windows.pool,
    "GlobalAveragePool": windows.global_pool,
    "QLinearGlobalAveragePool": windows.global_pool,
    "GlobalMaxPool": windows.global_pool,
    # Products
    "Gemm": products.gemm,
    "MatMul": products.matmul,
    "MatMulInteger": products.matmul,
    "QLinearMatMul": products.quantized_matmul,
    "DynamicQuantizeMatMul": products.dynamic_matmul,
    "MatMulIntegerToFloat": products.float_matmul,
    "MatMulNBits": products.packed_matmul,
    "FusedMatMul": products.fused_matmul,
    **dict.fromkeys(recurrent.GATES, recurrent.recurrent),
    "MultiHeadAttention": activation_products.multi_head_attention,
    "GroupQueryAttention": activation_products.multi_head_attention,
    "QAttention": activation_products.packed_attention,
    "Rotary": positions.rotary,
    "RotaryEmbedding": positions.rotary_operator,
    "DotProductAttention": activation_products.dot_product_attention,
    # Arithmetic
    **dict.fromkeys(
        ("Add", "Sub", "Mul", "Div", "Pow", "Sum", "Mean", "Max", "Min", "Mod", "Where"),
        arithmetic.arithmetic,
    ),
    "QLinearAdd": arithmetic.quantized,
    "QLinearMul": arithmetic.quantized,
    # Functions
    **dict.fromkeys(functions.KINDS, functions.activation),
    **dict.fromkeys(("Gelu", "FastGelu", "BiasGelu"), functions.gelu),
    "Clip": functions.clip,
    "Softmax": functions.softmax,
    "LogSoftmax": functions.softmax,
    "BatchNormalization": functions.batch_norm,
    **dict.fromkeys(
        ("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization"),
        functions.layer_norm,
    ),
    "SkipLayerNormalization": functions.skip_norm,
    "SkipSimplifiedLayerNormalization": functions.skip_norm,
    "LRN": functions.local_response,
    **dict.fromkeys(work.OPERATIONS.keys() - functions.KINDS.keys() - {"Clip"}, work.elementwise),
    # Words that stay as they are
    **dict.fromkeys(("Identity", "Dropout"), functions.same),
    **dict.fromkeys(("Cast", "CastLike"), functions.cast),
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), shaping.reshape),
    "Transpose": shaping.transpose,
    "Expand": shaping.expand,
    "DepthToSpace": shaping.depth_to_space,
    "SpaceToDepth": shaping.space_to_depth,
    "Slice": shaping.slice_,
    "Split": shaping.split,
    "Gather": shaping.gather,
    "Concat": shaping.concat,
    "QLinearConcat": shaping.quantized_concat,
    **dict.fromkeys(("Resize", "Upsample"), shaping.resize),
    **dict.fromkeys(
        ("Pad", "Tile", "GatherElements", "GatherND", "Trilu", "ReverseSequence"),
        work.addressing,
    ),
    **dict.fromkeys(
        ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1",
         "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp", "ReduceLogSum"),
        work.reduction,
    ),
}  # fmt: skip
"""Operators of values that lie in maps."""

BY_DOMAIN: dict[tuple[bool, str], Mapping] = {
    (True, "Attention"): activation_products.attention_operator,
    (False, "Attention"): activation_products.packed_attention,
}
"""Operators whose name means another thing outside ONNX itself, by whether they are of ONNX."""

KEEPING_REPEATS = frozenset(
    {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Expand", "Identity", "Cast"}
    | {"DotProductAttention"}
)
"""Operators that read a value whose words are repeated without a copy."""

SOURCES: dict[str, Mapping] = {
    "Gather": tokens.embedding,
    "EmbedLayerNormalization": tokens.embeddings_and_norm,
}
"""Operators that make a map from the input's tokens."""
