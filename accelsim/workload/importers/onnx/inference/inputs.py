"""Shapes of the inputs of a graph: those of ``--shape``, the file's own, and usual ones for free
dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from accelsim.config.suggest import did_you_mean
from accelsim.errors import InputError
from accelsim.workload.importers.onnx.inference.types import LARGEST, Kind
from accelsim.workload.importers.onnx.reading.model import refuse
from accelsim.workload.importers.options import ImportOptions

if TYPE_CHECKING:
    from onnx import GraphProto, ValueInfoProto

SIDE = 224
"""Rows and columns of images where the file leaves them free."""
TOKENS = 128
"""Length of sequences where the file leaves it free."""
COLOURS = 3

_BATCH_NAMES = ("batch", "bsz", "bs", "b", "n", "unk__", "none")


def input_kinds(
    path: Path, graph: GraphProto, options: ImportOptions, notes: list[str]
) -> dict[str, Kind]:
    """The kind of every input that is no weight, in order. Raises InputError for options that do
    not fit the file, and for shapes that no tensor can have.
    """
    stored = {tensor.name for tensor in graph.initializer}
    inputs = [each for each in graph.input if each.name not in stored]
    names = [each.name for each in inputs]
    given = dict(options.shapes)
    if "" in given:
        if len(inputs) != 1:
            raise InputError(f"--shape must name one of the inputs {', '.join(names)}, got no name")
        given[names[0]] = given.pop("")
    for name in given:
        if name not in names:
            raise InputError(
                f"--shape must name one of the inputs {', '.join(names)}, got "
                f"{name}{did_you_mean(name, names)}"
            )
    symbols: dict[str, int] = {}
    for each in inputs:
        _bind(each, given.get(each.name), symbols)
    kinds: dict[str, Kind] = {}
    guessed: list[str] = []
    for each in inputs:
        tensor = each.type.tensor_type
        if not each.type.HasField("tensor_type"):
            kinds[each.name] = Kind(0, None)
            continue
        shape = given.get(each.name) or _usual(each, symbols, guessed)
        kind = Kind(tensor.elem_type, shape)
        if kind.absurd:
            raise refuse(
                path,
                f"input {each.name} must have a shape of at most {LARGEST} elements, got "
                f"{'x'.join(map(str, shape))}",
            )
        kinds[each.name] = kind
    if guessed:
        notes.append(f"free dimensions: {', '.join(guessed)}; --shape sets others")
    return kinds


def _bind(each: ValueInfoProto, shape: Sequence[int] | None, symbols: dict[str, int]) -> None:
    """Check a given shape against the declared one, and note the extents of its free names."""
    if shape is None:
        return
    dims = each.type.tensor_type.shape.dim
    declared = "x".join(
        str(d.dim_value) if d.HasField("dim_value") else d.dim_param or "?" for d in dims
    )
    fits = len(shape) == len(dims) or not each.type.tensor_type.HasField("shape")
    for dim, size in zip(dims, shape, strict=False):
        fits &= not dim.HasField("dim_value") or dim.dim_value in (size, 0, -1) or dim is dims[0]
        if dim.dim_param and symbols.setdefault(dim.dim_param, size) != size:
            raise InputError(
                f"--shape must give {dim.dim_param} one extent, got {symbols[dim.dim_param]} and "
                f"{size}"
            )
    if not fits:
        raise InputError(
            f"--shape must fit input {each.name}, {declared}, got {'x'.join(map(str, shape))}"
        )


def _usual(each: ValueInfoProto, symbols: dict[str, int], guessed: list[str]) -> tuple[int, ...]:
    """Extents of an input, with usual ones in free places."""
    dims = each.type.tensor_type.shape.dim
    shape: list[int] = []
    for axis, dim in enumerate(dims):
        size = dim.dim_value
        if dim.HasField("dim_value") and (size > 0 or size < -1):
            shape.append(size)
            continue
        name = dim.dim_param
        if name in symbols:
            shape.append(symbols[name])
            continue
        size = _guess(name.lower(), axis, len(dims))
        if name:
            symbols[name] = size
        if size != 1 or (axis and not _is_batch(name.lower())):
            guessed.append(f"{name or f'axis {axis}'} of {each.name} {size}")
        shape.append(size)
    return tuple(shape)


def _is_batch(name: str) -> bool:
    return name in _BATCH_NAMES or "batch" in name


def _guess(name: str, axis: int, rank: int) -> int:
    if _is_batch(name) or (axis == 0 and not ("seq" in name or "time" in name or "len" in name)):
        return 1
    if "past" in name:
        return 1
    if rank == 4:
        return COLOURS if axis == 1 else SIDE
    return TOKENS
