"""Masks of the operands of ops, bound to the packed masks of a trace. Timing models see the data
only through these masks.

If a trace lacks a tensor, or there is no trace, the operand is dense. Masks stay bit-packed. A
batch larger than the trace repeats its samples cyclically.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from accelsim.errors import Fault, InputError
from accelsim.kernels.bits.bitmaps import from_mask, to_mask, words
from accelsim.step.ops import Contraction, Op, Operand, Use
from accelsim.step.zero_sources import (
    Causal,
    Dense,
    Draw,
    IdentityFirst,
    Rows,
    SamplesFrom,
    TraceZeros,
)
from accelsim.workload.network import Layer, Network
from accelsim.zeros.patterns import DrawnRows
from accelsim.zeros.stored import stored_entries
from accelsim.zeros.trace import Trace, TraceTensor

Words = NDArray[np.uint64]


@dataclass(frozen=True)
class BoundMask:
    """Mask of an operand. ``words``: uint64 (S, H, W, ceil(C / 64)) with S distinct samples.
    Vectors have H = W = 1. For weights S = K and (H, W) = (R, S).
    """

    words: Words
    channels: int

    @property
    def samples(self) -> int:
        """Number of distinct samples."""
        return int(self.words.shape[0])


def expected_shape(network: Network, layer: Layer, role: str, samples: int) -> tuple[int, ...]:
    """Required shape of the trace tensor ``<layer>.<role>`` of ``samples`` samples; () if the layer
    has no such role.
    """
    map_shape = {"input": layer.in_shape, "mask": layer.in_shape, "error": layer.out_shape}.get(
        role
    )
    if role == "weight":
        return layer.weight_shape
    if role == "feedback":
        return (prod(layer.in_shape), prod(network.output.out_shape))
    if map_shape is None or not layer.traced:
        return ()
    if network.unrolled:
        return (network.time_steps, samples, map_shape[2])
    return (samples, prod(map_shape)) if layer.flattens else (samples, *map_shape)


def check_trace(trace: Trace, network: Network) -> None:
    """Raise InputError unless the trace belongs to this network: same workload, known layers,
    expected shapes, and one number of samples.
    """
    if trace.workload != network.name:
        raise InputError(
            Fault(
                trace.source or "trace",
                0,
                0,
                f"trace must be of workload {network.name}, got one of {trace.workload}",
            )
        )
    faults: list[str] = []
    known = {layer.name: layer for layer in network.weighted}
    samples: dict[int, str] = {}
    ends = {(prod(layer.out_shape),) for layer in network.weighted}
    for key, tensor in trace.tensors.items():
        name, _, role = key.rpartition(".")
        layer = known.get(name)
        if layer is None:
            faults.append(f"tensor {key} must be of a weighted layer of {network.name}, got {name}")
            continue
        count = tensor.shape[1 if network.unrolled else 0] if len(tensor.shape) > 1 else 0
        expected = expected_shape(network, layer, role, count)
        if role == "feedback" and tensor.shape[1:] in ends and tensor.shape[0] == expected[0]:
            continue  # fits some rule; `check_feedback` knows the run's
        if tensor.shape != expected:
            faults.append(
                f"tensor {key} must be of shape {_spell(expected, role)}, got "
                f"{_spell(tensor.shape, '')}"
            )
        elif role not in ("weight", "feedback"):
            samples.setdefault(count, key)
    if len(samples) > 1:
        counts = ", ".join(f"{count} ({key})" for count, key in sorted(samples.items()))
        faults.append(f"tensors of a trace must have one number of samples, got {counts}")
    if faults:
        raise InputError(*(Fault(trace.source or "trace", 0, 0, text) for text in faults))


def _spell(shape: tuple[int, ...], role: str) -> str:
    """A shape as text, with N for the number of samples."""
    extents = [str(extent) for extent in shape]
    if extents and role in ("input", "error", "mask"):
        extents[0 if len(shape) != 3 else 1] = "N"
    return f"({', '.join(extents)})" if extents else "none"


class MaskSource:
    """Masks of one run. Trace tensors are unpacked to 64-bit words once and handed out per operand.

    ``seed`` selects the rule's draw of sparse feedback. Raises InputError like `check_trace`.
    """

    def __init__(self, trace: Trace | None, network: Network, batch: int, seed: int = 0) -> None:
        if trace is not None:
            check_trace(trace, network)
        self._trace = trace
        self._batch = batch
        self._seed = seed
        self._time_steps = network.time_steps
        self._drawn: dict[Draw, DrawnRows] = {}
        self._bound: dict[tuple[TraceZeros, int], BoundMask] = {}
        self._identities: dict[tuple[int, int], BoundMask] = {}
        self._triangles: dict[Causal, BoundMask] = {}
        self._stored: dict[tuple[str, int], tuple[Rows, NDArray[np.bool_]]] = {}

    def moving(self, op: Contraction) -> BoundMask | None:
        """Mask of the op's moving operand, or None if it is dense."""
        return self._operand(op, Use.MOVING)

    def stationary(self, op: Contraction) -> BoundMask | None:
        """Mask of the op's stationary operand, or None if it is dense or stores only some entries
        (`feedback_indices`).
        """
        if isinstance(op.stationary.zeros, IdentityFirst):
            return self._identity(op)
        return self._operand(op, Use.STATIONARY)

    def needed(self, op: Contraction) -> BoundMask | None:
        """Mask of the needed outputs, or None if all are needed."""
        return self._operand(op, Use.NEEDED)

    def _operand(self, op: Contraction, use: Use) -> BoundMask | None:
        first = op.operand(use)
        if first is not None and isinstance(first.zeros, Causal):
            return self._triangle(first.zeros)
        parts = self._traced(op, use)
        if not parts:
            return None
        width = self._width(op, use, parts)
        if len(parts) == 1:
            mask = self._one(*parts[0], width)
            if op.nest.has_taps or (use is not Use.MOVING and op.nest.map_positions > 1):
                return mask
            # Positions of a map are rows of a matrix, or vectors that feedback carries one by one.
            return BoundMask(mask.words.reshape(-1, 1, 1, mask.words.shape[-1]), mask.channels)
        # Triangular feedback reads the vectors of two or more time steps as one vector.
        masks = [to_mask(self._one(*part, width).words, width) for part in parts]
        return BoundMask(from_mask(np.concatenate(masks, axis=-1)), width * len(masks))

    def _traced(self, op: Contraction, use: Use) -> list[tuple[TraceTensor, TraceZeros]]:
        """The distinct trace tensors of the operands with this use; [] if any is missing."""
        sources = dict.fromkeys(operand.zeros for operand in op.operands_of(use))
        parts = [
            (tensor, zeros)
            for zeros in sources
            if isinstance(zeros, TraceZeros)
            and self._trace is not None
            and (tensor := self._trace.get(zeros.key)) is not None
        ]
        return parts if len(parts) == len(sources) else []

    @staticmethod
    def _width(op: Contraction, use: Use, parts: list[tuple[TraceTensor, TraceZeros]]) -> int:
        """Channels of each part of an operand.

        Parts of the moving operand share its depth. A recurrent layer's vector is its input
        followed by the dense hidden state. A feedback matrix reads a map as one vector.
        """
        return op.nest.depth // len(parts) if use is Use.MOVING else parts[0][0].shape[-1]

    def tensor(self, op: Op, operand: Operand) -> BoundMask | None:
        """Mask of the whole tensor of an operand. None if the trace lacks it, or has it only at
        another resolution.
        """
        zeros = operand.zeros
        if isinstance(op, Contraction) and isinstance(zeros, IdentityFirst):
            return self._identity(op)
        if isinstance(zeros, Causal):
            # Of one sample, by query; the heads of a query lie side by side.
            heads = operand.tensor.shape[-1] // zeros.keys
            words_ = self._triangle(replace(zeros, matrices=heads, heads=1)).words
            return BoundMask(words_.reshape(1, zeros.queries, 1, -1), operand.tensor.shape[-1])
        if (
            self._trace is None
            or not isinstance(op, Contraction)
            or not isinstance(zeros, TraceZeros)
            or zeros.resized is not None
            or operand.use not in {Use.MOVING, Use.STATIONARY}
        ):
            return None
        tensor = self._trace.get(zeros.key)
        if tensor is None:
            return None
        return self._one(tensor, zeros, self._width(op, operand.use, self._traced(op, operand.use)))

    def _identity(self, op: Contraction) -> BoundMask:
        """Mask of a square identity beside blocks without zeros."""
        shape = op.nest.channels, op.nest.depth
        if shape not in self._identities:
            mask = np.ones(shape, np.bool_)
            mask[:, : shape[0]] = np.eye(shape[0], dtype=np.bool_)
            words_ = from_mask(mask).reshape(shape[0], 1, 1, -1)
            self._identities[shape] = BoundMask(words_, shape[1])
        return self._identities[shape]

    def _triangle(self, zeros: Causal) -> BoundMask:
        """Mask of causal attention: a row per head that shares keys, a column per query."""
        if zeros not in self._triangles:
            latest = np.arange(zeros.queries) + zeros.keys - zeros.queries
            matrix = np.arange(zeros.keys) <= latest[:, None]
            rows = from_mask(np.tile(matrix, (1, zeros.matrices)))
            words_ = np.tile(rows, (1, zeros.heads, 1, 1))
            self._triangles[zeros] = BoundMask(words_, zeros.matrices * zeros.keys)
        return self._triangles[zeros]

    def _one(self, tensor: TraceTensor, zeros: TraceZeros, channels: int) -> BoundMask:
        key = (zeros, channels)
        if key not in self._bound:
            self._bound[key] = self._bind(tensor, zeros, channels)
        return self._bound[key]

    def _bind(self, tensor: TraceTensor, zeros: TraceZeros, channels: int) -> BoundMask:
        """Unpack a trace tensor to a mask with ``channels`` channels."""
        shape = tensor.shape
        packed = tensor.packed
        first = zeros.first if isinstance(zeros, SamplesFrom) else 0
        if len(shape) == 3:
            steps, samples, traced = shape
            per_step = packed.reshape(steps, samples, -1)
            per_step = np.roll(per_step, -first, axis=1) if first else per_step
            if zeros.step is not None:
                rows = per_step[zeros.step, : self._batch]
            else:
                rows = per_step[:, np.arange(self._batch) % samples].reshape(
                    steps * self._batch, -1
                )
            bound = _with_dense_tail(rows, traced, channels)
            return BoundMask(bound.reshape(len(rows), 1, 1, -1), channels)
        is_weight = zeros.key.endswith((".weight", ".feedback"))
        samples = shape[0] if is_weight else min(shape[0], self._batch)
        height, width = (shape[1], shape[2]) if len(shape) == 4 else (1, 1)
        packed = np.roll(packed, -first * height * width, axis=0) if first else packed
        unpacked = words(
            np.ascontiguousarray(packed[: samples * height * width]), shape[-1]
        ).reshape(samples, height, width, -1)
        if channels != shape[-1]:
            return BoundMask(
                from_mask(to_mask(unpacked, shape[-1]).reshape(samples, 1, 1, channels)), channels
            )
        if zeros.resized:
            read_rows, read_cols = (
                np.arange(to) * extent // to
                for to, extent in zip(zeros.resized, (height, width), strict=True)
            )
            unpacked = np.ascontiguousarray(unpacked[:, read_rows][:, :, read_cols])
        return BoundMask(unpacked, channels)

    def feedback_indices(self, op: Contraction) -> NDArray[np.int64]:
        """Output errors that each target neuron's row of a sparse B reads: int64 (neurons in map
        order, nonzeros).

        Raises TypeError if B has no pattern.
        """
        return self._entries(op)[0]

    def feedback_nonzeros(self, op: Contraction) -> NDArray[np.bool_] | None:
        """Which of the entries that `feedback_indices` lists are not zero: bool (neurons,
        nonzeros), or None if all are. Raises TypeError if B has no pattern.
        """
        return self._entries(op)[1]

    def _entries(self, op: Contraction) -> tuple[Rows, NDArray[np.bool_] | None]:
        pattern = op.stationary.zeros
        if isinstance(pattern, TraceZeros | Dense | IdentityFirst | Causal):
            raise TypeError(f"{op.name} must read feedback with a pattern, got {pattern}")
        traced = self._trace.get(pattern.key) if self._trace is not None else None
        if traced is not None:
            key = pattern.key, op.nest.stored
            if key not in self._stored:
                self._stored[key] = stored_entries(traced, op.nest.stored)
            return self._stored[key]
        draw = pattern.draw
        if draw not in self._drawn:
            self._drawn[draw] = DrawnRows(draw, self._seed)
        rows = pattern.rows(self._drawn[draw].at)
        return rows, pattern.nonzero(rows)

    def dense_tensors(self, ops: Iterable[Op]) -> list[str]:
        """Trace keys that the ops use and the trace lacks, sorted. Weights and feedback are not
        listed. The result reports these keys.
        """
        if self._trace is None:
            return []
        asked = {
            operand.zeros.key
            for op in ops
            for operand in op.operands
            if isinstance(operand.zeros, TraceZeros)
        }
        return sorted(
            key
            for key in asked
            if self._trace.get(key) is None and not key.endswith((".weight", ".feedback"))
        )


def _with_dense_tail(rows: NDArray[np.uint8], traced: int, channels: int) -> Words:
    """64-bit words of ``rows``, which have ``traced`` channels, extended with ones to
    ``channels``.
    """
    if channels == traced:
        return words(np.ascontiguousarray(rows), traced)
    bits = np.ones((len(rows), channels), np.bool_)
    bits[:, :traced] = np.unpackbits(rows, axis=-1, count=traced, bitorder="little")
    return words(np.packbits(bits, axis=-1, bitorder="little"), channels)
