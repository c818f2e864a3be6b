"""Traces: bit-packed masks of the non-zero operand elements of a real training step. docs/traces.md
describes the format for programs that write or read such files.

A trace file is an ``.npz`` without pickles. It holds ``meta`` (UTF-8 JSON as uint8) and one uint8
array per tensor, ``np.packbits(mask.reshape(-1, shape[-1]), axis=-1, bitorder="little")``. Shapes
are channels last: maps (N, H, W, C), vectors (N, C), weights (K, R, S, C) or (K, C), feedback (K,
E), sequences (T, N, C). Keys are ``"<layer>.<role>"``.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.config.plugins.names import names_code
from accelsim.config.reading.values import instance
from accelsim.errors import Fault, InputError
from accelsim.version import __version__

SCHEMA = "accelsim.trace/1"
ROLES = ("input", "error", "mask", "weight", "feedback")
_META = ("workload", "rule", "data", "step", "seed", "version", "tensors")


@dataclass(frozen=True)
class TraceTensor:
    """Non-zero mask of one tensor: its logical ``shape``, and ``packed`` uint8 (prod(shape[:-1]),
    ceil(shape[-1] / 8)) in little bit order.
    """

    shape: tuple[int, ...]
    packed: NDArray[np.uint8]

    @classmethod
    def from_mask(cls, mask: NDArray[np.bool_]) -> TraceTensor:
        """Pack a boolean mask of the tensor's shape."""
        rows = mask.reshape(-1, mask.shape[-1])
        return cls(
            tuple(int(extent) for extent in mask.shape),
            np.packbits(rows, axis=-1, bitorder="little"),
        )

    def mask(self) -> NDArray[np.bool_]:
        """The mask as booleans in its logical shape."""
        rows = np.unpackbits(self.packed, axis=-1, count=self.shape[-1], bitorder="little")
        return rows.reshape(self.shape).astype(np.bool_)

    @property
    def density(self) -> float:
        """Fraction of non-zero elements."""
        return float(np.bitwise_count(self.packed).sum()) / prod(self.shape)


@dataclass(frozen=True)
class Trace:
    """Masks of one or more samples of a training step, with their provenance. ``extra`` holds
    further entries of meta.

    >>> import numpy as np
    >>> import accelsim
    >>> masks = {"fc1.input": np.arange(784).reshape(1, 784) % 4 == 0}
    >>> trace = accelsim.Trace.from_masks("mnist-fc", "bp", "made up", 0, 0, masks)
    >>> trace.tensors["fc1.input"].density
    0.25
    >>> accelsim.simulate("mnist-fc", trace=trace).trace
    'in memory'
    """

    workload: str
    rule: str
    data: str
    step: int
    seed: int
    tensors: Mapping[str, TraceTensor]
    version: str = __version__
    extra: Mapping[str, object] = field(default_factory=dict)
    source: str = ""

    @classmethod
    def from_masks(
        cls,
        workload: str,
        rule: str,
        data: str,
        step: int,
        seed: int,
        masks: Mapping[str, NDArray[np.bool_]],
        **extra: object,
    ) -> Trace:
        """A trace from boolean masks in their logical shapes, by key."""
        return cls(
            workload,
            rule,
            data,
            step,
            seed,
            {key: TraceTensor.from_mask(mask) for key, mask in masks.items()},
            extra=extra,
        )

    def get(self, key: str) -> TraceTensor | None:
        """The tensor with this key, or None, which means dense."""
        return self.tensors.get(key)

    def write(self, path: str | Path) -> None:
        """Write the file. Its bytes depend only on the content."""
        meta = {
            "schema": SCHEMA,
            "workload": self.workload,
            "rule": self.rule,
            "data": self.data,
            "step": self.step,
            "seed": self.seed,
            "version": self.version,
            **self.extra,
            "tensors": {key: list(tensor.shape) for key, tensor in self.tensors.items()},
        }
        encoded = np.frombuffer(json.dumps(meta).encode(), np.uint8)
        with Path(path).open("wb") as stream:
            np.savez_compressed(
                stream,
                allow_pickle=False,
                meta=encoded,
                **{key: tensor.packed for key, tensor in self.tensors.items()},
            )

    @classmethod
    def read(cls, path: str | Path) -> Trace:
        """Read and verify a file. Raises InputError with every fault."""
        path = Path(instance("path", path, (str, Path), "a file"))
        arrays = _load_arrays(path)
        try:
            meta = _load_meta(path, arrays)
        except RecursionError:
            wrong = "meta must be JSON, got values that are nested too deep"
            raise InputError(Fault(str(path), 0, 0, wrong)) from None
        faults: list[Fault] = []
        tensors: dict[str, TraceTensor] = {}
        for key, extents in meta["tensors"].items():
            problem = _tensor_problem(key, extents, arrays)
            if problem:
                faults.append(Fault(str(path), 0, 0, problem))
            else:
                tensors[key] = TraceTensor(tuple(extents), np.ascontiguousarray(arrays[key]))
        faults += [
            Fault(str(path), 0, 0, f"tensor {key} has no shape in meta.tensors")
            for key in arrays
            if key != "meta" and key not in meta["tensors"]
        ]
        if faults:
            raise InputError(*faults)
        extra = {key: value for key, value in meta.items() if key not in (*_META, "schema")}
        return cls(
            workload=meta["workload"],
            rule=meta["rule"],
            data=meta["data"],
            step=meta["step"],
            seed=meta["seed"],
            tensors=tensors,
            version=meta["version"],
            extra=extra,
            source=str(path),
        )


def _load_arrays(path: Path) -> dict[str, NDArray[np.uint8]]:
    try:
        # Opened here, because numpy leaves a file that it opened itself open if the archive is bad.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except FileNotFoundError:
        raise InputError(Fault(str(path), 0, 0, "trace file does not exist")) from None
    except (
        OSError,
        ValueError,
        EOFError,
        KeyError,
        RuntimeError,
        MemoryError,
        zipfile.BadZipFile,
        zlib.error,
        AttributeError,
        TypeError,
    ):
        raise InputError(
            Fault(
                str(path),
                0,
                0,
                "trace must be a readable .npz archive of plain arrays, got a corrupt or foreign "
                "file",
            )
        ) from None


def _load_meta(path: Path, arrays: Mapping[str, NDArray[np.uint8]]) -> dict[str, Any]:
    def refuse(message: str) -> InputError:
        return InputError(Fault(str(path), 0, 0, message))

    if "meta" not in arrays:
        raise refuse("trace must have a meta entry, got none")
    try:
        meta = json.loads(arrays["meta"].tobytes().decode())
    except ValueError:
        raise refuse("meta must be UTF-8 JSON, got something else") from None
    if not isinstance(meta, dict) or meta.get("schema") != SCHEMA:
        got = meta.get("schema") if isinstance(meta, dict) else type(meta).__name__
        raise refuse(f'meta.schema must be "{SCHEMA}", got {json.dumps(got)}')
    missing = [key for key in _META if key not in meta]
    if missing:
        raise refuse(f"meta must have {', '.join(_META)}, got none of {', '.join(missing)}")
    if isinstance(meta["rule"], str) and names_code(meta["rule"]):
        raise refuse(
            f"meta.rule must be the name of a rule, got {meta['rule']}: a trace names no code"
        )
    if not isinstance(meta["tensors"], dict):
        raise refuse("meta.tensors must be a mapping of tensor names to shapes")
    for key, kind in (
        ("workload", str),
        ("rule", str),
        ("data", str),
        ("version", str),
        ("step", int),
        ("seed", int),
    ):
        if not isinstance(meta[key], kind):
            raise refuse(
                f"meta.{key} must be {'text' if kind is str else 'a whole number'}, got "
                f"{json.dumps(meta[key])}"
            )
    return meta


def _tensor_problem(
    key: str, extents: object, arrays: Mapping[str, NDArray[np.uint8]]
) -> str | None:
    """Message about a tensor's shape, role or array, or None if it is valid."""
    if (
        not isinstance(extents, list)
        or not extents
        or not all(isinstance(extent, int) and extent > 0 for extent in extents)
    ):
        return f"meta.tensors[{key}] must be a list of positive extents, got {json.dumps(extents)}"
    if key.rpartition(".")[2] not in ROLES:
        return f"tensor {key} must be named <layer>.<role> with a role of {', '.join(ROLES)}"
    if key not in arrays:
        return f"tensor {key} must be in the archive, got none"
    expected = (prod(extents[:-1]), -(-extents[-1] // 8))
    packed = arrays[key]
    if packed.dtype != np.uint8 or packed.shape != expected:
        return (
            f"tensor {key} must be uint8 of shape {expected}, got {packed.dtype} of shape "
            f"{packed.shape}"
        )
    spare = -extents[-1] % 8
    if spare and packed.size and int(packed[:, -1].max()) >> (8 - spare):
        return f"tensor {key} must have zero padding bits in its last byte"
    return None
