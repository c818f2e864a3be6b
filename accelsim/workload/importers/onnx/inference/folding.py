"""Values of small constant subgraphs: the arithmetic on shapes that exporters leave in a graph.

Every function takes the node and its known inputs, and returns the outputs, or None if it cannot
tell them. Results above ``LARGEST`` elements are not computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.workload.importers.onnx.inference.graph import Node

LARGEST = 1 << 20
"""Maximum number of elements of a value that is computed."""

Array = NDArray[Any]
Inputs = Sequence[Array | None]
Fold = Callable[[Node, Inputs], Array | list[Array] | None]

_DTYPES = {
    1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64,
    9: np.bool_, 10: np.float32, 11: np.float64, 12: np.uint32, 13: np.uint64, 16: np.float32,
}  # fmt: skip
"""numpy's type by ONNX's number of it; 16-bit floats are computed in 32 bits."""


def fold(node: Node, inputs: Inputs) -> list[Array] | None:
    """Outputs of a node whose inputs are all known, or None."""
    function = FOLDS.get(node.op) if node.standard else None
    if function is None:
        return None
    try:
        with np.errstate(all="ignore"):
            result = function(node, inputs)
    except (ValueError, TypeError, IndexError, KeyError, ZeroDivisionError, OverflowError):
        return None
    if result is None:
        return None
    outputs = result if isinstance(result, list) else [result]
    return None if any(each.size > LARGEST for each in outputs) else outputs


def _axes(node: Node, inputs: Inputs, index: int = 1) -> list[int] | None:
    given = inputs[index] if index < len(inputs) else None
    if given is not None:
        return [int(each) for each in given.reshape(-1)]
    axes = node.attributes.get("axes")
    return None if axes is None else list(axes)


def _first(inputs: Inputs) -> Array:
    value = inputs[0]
    if value is None:
        raise ValueError
    return value


def _second(inputs: Inputs) -> Array:
    value = inputs[1]
    if value is None:
        raise ValueError
    return value


def _cast(node: Node, inputs: Inputs) -> Array:
    return np.asarray(_first(inputs).astype(_DTYPES[node.attributes["to"]]))


def _squeeze(node: Node, inputs: Inputs) -> Array:
    axes = _axes(node, inputs)
    return np.asarray(np.squeeze(_first(inputs), None if axes is None else tuple(axes)))


def _unsqueeze(node: Node, inputs: Inputs) -> Array:
    return np.expand_dims(_first(inputs), tuple(_axes(node, inputs) or ()))


def _reshape(node: Node, inputs: Inputs) -> Array:
    value, shape = _first(inputs), [int(each) for each in _second(inputs)]
    if not node.attributes.get("allowzero"):
        shape = [value.shape[i] if size == 0 else size for i, size in enumerate(shape)]
    return value.reshape(shape)


def _slice(node: Node, inputs: Inputs) -> Array:
    value = _first(inputs)
    starts, ends, axes, steps = slice_parts(node, inputs, value.ndim)
    index: list[slice] = [slice(None)] * value.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = value.shape[axis]
        index[axis] = slice(*slice_range(start, end, step, size))
    return value[tuple(index)]


def slice_parts(
    node: Node, inputs: Inputs, rank: int
) -> tuple[list[int], list[int], list[int], list[int]]:
    """(starts, ends, axes, steps) of a Slice. ValueError if they are not known."""

    def part(index: int, name: str, usual: list[int] | None) -> list[int]:
        given = inputs[index] if index < len(inputs) else None
        if given is not None:
            return [int(each) for each in given.reshape(-1)]
        value = node.attributes.get(name, usual)
        if value is None:
            raise ValueError(name)
        return list(value)

    starts, ends = part(1, "starts", None), part(2, "ends", None)
    axes = part(3, "axes", list(range(len(starts))))
    steps = part(4, "steps", [1] * len(starts))
    return starts, ends, [axis % rank for axis in axes], steps


def slice_range(start: int, end: int, step: int, size: int) -> tuple[int, int | None, int]:
    """Arguments of a Python slice for ONNX's start, end and step of an axis of ``size``."""
    if step > 0:
        begin, stop, _ = slice(max(start, -size), max(end, -size)).indices(size)
        return begin, stop, step
    begin = min(start, size - 1) if start >= 0 else max(start + size, 0)
    stop = end if end >= 0 else end + size
    return begin, None if stop < 0 else min(stop, size), step


def _gather(node: Node, inputs: Inputs) -> Array:
    return np.take(_first(inputs), _second(inputs), axis=node.attributes.get("axis", 0))


def _concat(node: Node, inputs: Inputs) -> Array:
    return np.concatenate([each for each in inputs if each is not None], node.attributes["axis"])


def _range(node: Node, inputs: Inputs) -> Array | None:
    start, limit, delta = (each.reshape(-1)[0] for each in inputs if each is not None)
    if delta == 0 or abs((limit - start) / delta) > LARGEST:
        return None
    return np.arange(start, limit, delta).astype(start.dtype)


def _filled(node: Node, inputs: Inputs) -> Array | None:
    from onnx import numpy_helper

    shape = [int(each) for each in _first(inputs).reshape(-1)]
    if min(shape, default=1) < 0 or prod(shape) > LARGEST:
        return None
    value = node.attributes.get("value")
    fill = np.zeros(1, np.float32) if value is None else numpy_helper.to_array(value)
    return np.full(shape, fill.reshape(-1)[0])


def _expand(node: Node, inputs: Inputs) -> Array | None:
    value, shape = _first(inputs), [int(each) for each in _second(inputs)]
    wide = np.broadcast_shapes(value.shape, tuple(shape))
    return np.broadcast_to(value, wide).copy() if prod(wide) <= LARGEST else None


def _tile(node: Node, inputs: Inputs) -> Array | None:
    value, times = _first(inputs), [int(each) for each in _second(inputs)]
    return np.tile(value, times) if value.size * prod(times) <= LARGEST else None


def _split(node: Node, inputs: Inputs) -> list[Array]:
    value, axis = _first(inputs), node.attributes.get("axis", 0)
    sizes = split_sizes(node, inputs, value.shape[axis])
    return list(np.split(value, np.cumsum(sizes)[:-1], axis))


def split_sizes(node: Node, inputs: Inputs, extent: int) -> list[int]:
    """Extents of the parts of a Split of an axis of ``extent``."""
    sizes = _axes(node, inputs) or node.attributes.get("split")
    if sizes:
        return [int(each) for each in sizes]
    count = int(node.attributes.get("num_outputs", len(node.outputs)))
    part = -(-extent // count)
    return [max(0, min(part, extent - index * part)) for index in range(count)]


def _divide(a: Array, b: Array) -> Array:
    if np.issubdtype(a.dtype, np.integer):
        return np.asarray(np.trunc(a / b).astype(a.dtype)) if np.all(b != 0) else a * 0
    return np.asarray(a / b)


def _reduced(function: Callable[..., Any]) -> Fold:
    def reduced(node: Node, inputs: Inputs) -> Array:
        axes, keep = _axes(node, inputs), bool(node.attributes.get("keepdims", 1))
        value = _first(inputs)
        which = tuple(axes) if axes else None
        return np.asarray(function(value, axis=which, keepdims=keep)).astype(value.dtype)

    return reduced


def _two(function: Callable[[Array, Array], Array]) -> Fold:
    def two(node: Node, inputs: Inputs) -> Array | None:
        a, b = _first(inputs), _second(inputs)
        wide = np.broadcast_shapes(a.shape, b.shape)
        return np.asarray(function(a, b)) if prod(wide) <= LARGEST else None

    return two


def _many(function: Callable[[Array, Array], Array]) -> Fold:
    def many(node: Node, inputs: Inputs) -> Array:
        result = _first(inputs)
        for each in inputs[1:]:
            if each is not None:
                result = function(result, each)
        return np.asarray(result)

    return many


def _one(function: Callable[[Array], Array]) -> Fold:
    return lambda node, inputs: np.asarray(function(_first(inputs))).astype(_first(inputs).dtype)


def _where(node: Node, inputs: Inputs) -> Array | None:
    chosen = inputs[2]
    return None if chosen is None else np.where(_first(inputs), _second(inputs), chosen)


FOLDS: dict[str, Fold] = {
    "Cast": _cast,
    "CastLike": lambda node, inputs: _first(inputs).astype(_second(inputs).dtype),
    "Identity": lambda node, inputs: _first(inputs),
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": _reshape,
    "Flatten": lambda node, inputs: _first(inputs).reshape(
        prod(_first(inputs).shape[: node.attributes.get("axis", 1)]), -1
    ),
    "Transpose": lambda node, inputs: np.transpose(_first(inputs), node.attributes.get("perm")),
    "Slice": _slice,
    "Gather": _gather,
    "Concat": _concat,
    "Split": _split,
    "Range": _range,
    "ConstantOfShape": _filled,
    "Expand": _expand,
    "Tile": _tile,
    "Where": _where,
    "Shape": lambda node, inputs: np.asarray(_first(inputs).shape, np.int64),
    "Size": lambda node, inputs: np.asarray(_first(inputs).size, np.int64),
    "Add": _two(np.add),
    "Sub": _two(np.subtract),
    "Mul": _two(np.multiply),
    "Div": _two(_divide),
    "Mod": _two(np.mod),
    "Pow": _two(lambda a, b: np.power(a, b.astype(a.dtype))),
    "Min": _many(np.minimum),
    "Max": _many(np.maximum),
    "Sum": _many(np.add),
    "Equal": _two(np.equal),
    "Greater": _two(np.greater),
    "GreaterOrEqual": _two(np.greater_equal),
    "Less": _two(np.less),
    "LessOrEqual": _two(np.less_equal),
    "And": _two(np.logical_and),
    "Or": _two(np.logical_or),
    "Not": lambda node, inputs: np.logical_not(_first(inputs)),
    "Neg": _one(np.negative),
    "Abs": _one(np.abs),
    "Sqrt": _one(np.sqrt),
    "Reciprocal": _one(np.reciprocal),
    "Floor": _one(np.floor),
    "Ceil": _one(np.ceil),
    "Round": _one(np.round),
    "Exp": _one(np.exp),
    "Log": _one(np.log),
    "ReduceProd": _reduced(np.prod),
    "ReduceSum": _reduced(np.sum),
    "ReduceMax": _reduced(np.max),
    "ReduceMin": _reduced(np.min),
}
"""Operators of shape arithmetic."""
