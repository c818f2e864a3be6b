"""Reading of an ONNX file: a model without weights, checked as far as its bytes go."""

from __future__ import annotations

import mmap
import os
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from accelsim.errors import Fault, InputError
from accelsim.workload.importers.onnx.reading.wire import WireError, skeleton

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnx import GraphProto, ModelProto, TensorProto

MOST_NODES = 200_000
"""Maximum number of nodes of a graph."""


def refuse(path: Path, message: str) -> InputError:
    """A fault of the whole file."""
    return InputError(Fault(str(path), 0, 0, message))


def read_model(path: Path) -> ModelProto:
    """The model of a file, without the contents of large tensors.

    Raises InputError if onnx is not installed, if the file is no ONNX model, or if its tensors lie
    in files outside its folder.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise refuse(
            path, "reading it needs the package onnx (pip install 'accelsim[onnx]')"
        ) from None
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise refuse(path, "must be an ONNX model, got an empty file")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            with mapped, memoryview(mapped) as whole:
                small = skeleton(whole)
    except FileNotFoundError:
        raise refuse(path, "no such file") from None
    except IsADirectoryError:
        raise refuse(path, "must be a file, got a directory") from None
    except OSError as error:
        raise refuse(path, f"cannot be read: {error.strerror or error}") from None
    except WireError as error:
        raise refuse(
            path, f"must be an ONNX model, got other bytes or a part of one: {error}"
        ) from None
    model = onnx.ModelProto()
    try:
        model.ParseFromString(small)
    except DecodeError:
        raise refuse(path, "must be an ONNX model, got other bytes") from None
    if not model.graph.node:
        raise refuse(path, "must be an ONNX model with a graph, got one without nodes")
    if len(model.graph.node) > MOST_NODES:
        raise refuse(path, f"must have at most {MOST_NODES} nodes, got {len(model.graph.node)}")
    for tensor in _tensors(model.graph):
        _check_place(path, tensor)
    if model.functions:
        model = _inlined(path, model)
    return model


def _inlined(path: Path, model: ModelProto) -> ModelProto:
    from onnx import inliner

    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # noqa: BLE001  # the C++ library raises errors of several types
        raise refuse(path, f"has functions that cannot be inlined: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _tensors(graph: GraphProto, depth: int = 0) -> Iterator[TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            if attribute.HasField("g") and depth < 8:
                yield from _tensors(attribute.g, depth + 1)


def _check_place(path: Path, tensor: TensorProto) -> None:
    """InputError for external data outside the folder of the model. The data is not read."""
    for entry in tensor.external_data:
        if entry.key != "location":
            continue
        parts = PurePosixPath(entry.value.replace("\\", "/")).parts
        absolute = entry.value.startswith(("/", "\\")) or PureWindowsPath(entry.value).drive
        if absolute or ".." in parts or not parts:
            raise refuse(
                path,
                f"data of {tensor.name!a} must be in the folder of the model, got {entry.value!a}",
            )
