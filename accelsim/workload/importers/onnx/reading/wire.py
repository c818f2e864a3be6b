"""Protobuf bytes of an ONNX model without the contents of its large tensors.

Weights are not needed, and may be larger than memory. This module reads the wire format (tag, then
value) of a mapped file, copies everything except the data of large tensors, and corrects the
lengths of the messages around them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LARGEST_KEPT = 1 << 16
"""Bytes of the largest tensor whose contents are kept: shapes, axes, scales and small tables."""

LARGEST_MASK = 1 << 22
"""The same for truth values, which may be a mask that attention needs."""

DEEPEST = 24
"""Maximum nesting of messages. A graph in a branch of a branch takes 12."""

LARGEST_SKELETON = 1 << 28
"""Maximum bytes of a model without its tensors."""

_DATA_TYPE, _BOOL = 2, 9
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_TENSOR: dict[int, Any] = {}
_DATA = frozenset({4, 5, 6, 7, 9, 10, 11})
"""Fields of TensorProto that hold elements."""
_SPARSE: dict[int, Any] = {1: _TENSOR, 2: _TENSOR}
_ATTRIBUTE: dict[int, Any] = {5: _TENSOR, 10: _TENSOR, 22: _SPARSE, 23: _SPARSE}
_NODE: dict[int, Any] = {5: _ATTRIBUTE}
_GRAPH: dict[int, Any] = {1: _NODE, 5: _TENSOR, 15: _SPARSE}
_ATTRIBUTE.update({6: _GRAPH, 11: _GRAPH})
_FUNCTION: dict[int, Any] = {7: _NODE, 11: _ATTRIBUTE}
_MODEL: dict[int, Any] = {7: _GRAPH, 25: _FUNCTION}
"""By message: the fields whose messages contain tensors, with the message of each field."""


class WireError(ValueError):
    """The bytes are no protobuf message."""


def skeleton(model: memoryview) -> bytes:
    """The bytes of a ModelProto without the data of tensors of more than ``LARGEST_KEPT`` bytes.

    Raises WireError if the bytes end within a field, are nested too deeply or hold too much besides
    tensors.
    """
    return _copied(model, _MODEL, 0)


def _copied(message: memoryview, fields: Mapping[int, Any], depth: int) -> bytes:
    if depth > DEEPEST:
        raise WireError("messages are nested too deeply")
    parts: list[bytes] = []
    kept = LARGEST_KEPT
    total = position = 0
    while position < len(message):
        start = position
        tag, position = _varint(message, position)
        field, wire = tag >> 3, tag & 7
        if wire != _BYTES:
            if fields is _TENSOR and field == _DATA_TYPE and message[position] == _BOOL:
                kept = LARGEST_MASK
            position = _after(message, position, wire)
            parts.append(bytes(message[start:position]))
        else:
            length, position = _varint(message, position)
            end = position + length
            if end > len(message):
                raise WireError(f"a field of {length} bytes ends after the file")
            if fields is _TENSOR and field in _DATA and length > kept:
                position = end
                continue
            if field in fields:
                inner = _copied(message[position:end], fields[field], depth + 1)
                parts.append(_encoded(tag) + _encoded(len(inner)) + inner)
            else:
                parts.append(bytes(message[start:end]))
            position = end
        total += len(parts[-1])
        if total > LARGEST_SKELETON:
            raise WireError(f"more than {LARGEST_SKELETON} bytes besides weights")
    return b"".join(parts)


def _after(message: memoryview, position: int, wire: int) -> int:
    """Position after a value that is no sequence of bytes."""
    if wire == _VARINT:
        return _varint(message, position)[1]
    if wire not in (_FIXED64, _FIXED32):
        raise WireError(f"unknown wire type {wire}")
    position += 8 if wire == _FIXED64 else 4
    if position > len(message):
        raise WireError("the file ends within a number")
    return position


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(message) or shift > 63:
            raise WireError("the file ends within a number")
        byte = message[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
