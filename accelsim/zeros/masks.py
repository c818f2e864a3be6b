"""Binds the operands of ops to the packed masks of a trace: what the timing models see of the data.

A trace that lacks a tensor, or no trace at all, means dense. Masks stay bit-packed; a batch larger
than the trace repeats its samples.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from accelsim.errors import Fault, InputError
from accelsim.kernels.bits.bitmaps import from_mask, to_mask, words
from accelsim.step.geometry import bounds_of
from accelsim.step.ops import Op, Operand, OpKind, Pass, TraceZeros, Use
from accelsim.workload.network import Layer, Network
from accelsim.zeros.feedback import feedback_random, sparse_feedback
from accelsim.zeros.trace import Trace, TraceTensor

Words = NDArray[np.uint64]


@dataclass(frozen=True)
class BoundMask:
    """``words``: uint64 (S, H, W, ceil(C / 64)) of ``samples`` S distinct samples; vectors have H =
    W = 1; weights have S = K, (H, W) = (R, S).
    """

    words: Words
    channels: int

    @property
    def samples(self) -> int:
        return int(self.words.shape[0])


def expected_shape(network: Network, layer: Layer, role: str, samples: int) -> tuple[int, ...]:
    """The shape that a trace tensor ``<layer>.<role>`` of ``samples`` samples must have; () where
    the role does not apply.
    """
    map_shape = {"input": layer.in_shape, "mask": layer.in_shape, "error": layer.out_shape}.get(
        role
    )
    if role == "weight":
        return layer.weight_shape
    if role == "feedback":
        return (prod(layer.in_shape), prod(network.output.out_shape))
    if map_shape is None or layer.kind == "embedding":
        return ()
    if network.vocabulary:
        return (network.time_steps, samples, map_shape[2])
    return (samples, *map_shape) if layer.kind == "conv" else (samples, prod(map_shape))


def check_trace(trace: Trace, network: Network) -> None:
    """InputError unless the trace belongs to this network: same workload, known layers, their
    shapes, one number of samples.
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
    for key, tensor in trace.tensors.items():
        name, _, role = key.rpartition(".")
        layer = known.get(name)
        if layer is None:
            faults.append(f"tensor {key} must be of a weighted layer of {network.name}, got {name}")
            continue
        count = tensor.shape[1 if network.vocabulary else 0] if len(tensor.shape) > 1 else 0
        expected = expected_shape(network, layer, role, count)
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
    extents = [str(extent) for extent in shape]
    if extents and role in ("input", "error", "mask"):
        extents[0 if len(shape) != 3 else 1] = "N"
    return f"({', '.join(extents)})" if extents else "none"


class MaskSource:
    """The masks of one run: trace tensors unpacked to 64-bit words once, handed out per operand."""

    def __init__(self, trace: Trace | None, network: Network, batch: int, seed: int = 0) -> None:
        if trace is not None:
            check_trace(trace, network)
        self._trace = trace
        self._batch = batch
        self._seed = seed
        self._time_steps = network.time_steps
        self._feedback: dict[tuple[str, int, int], NDArray[np.int64]] = {}
        self._bound: dict[tuple[TraceZeros, int], BoundMask] = {}

    def operand(self, op: Op, use: Use) -> BoundMask | None:
        """The mask of the op's operand of that use; None when it is dense (or the op has no such
        operand).
        """
        operand = op.operand(use)
        if self._trace is None or operand is None or not isinstance(operand.zeros, TraceZeros):
            return None
        tensor = self._trace.get(operand.zeros.key)
        if tensor is None:
            return None
        channels = self._channels(op, operand, tensor)
        # One vector of several time steps: triangular feedback reads them side by side.
        parts = dict.fromkeys(
            each.zeros
            for each in op.operands
            if each.use is use and isinstance(each.zeros, TraceZeros)
        )
        if len(parts) == 1:
            return self._one(tensor, operand.zeros, channels)
        masks = [to_mask(self._one(tensor, zeros, channels).words, channels) for zeros in parts]
        return BoundMask(from_mask(np.concatenate(masks, axis=-1)), channels * len(masks))

    def tensor(self, op: Op, operand: Operand) -> BoundMask | None:
        """The mask of the whole tensor that an operand is; None where the trace does not have it,
        or has it at another resolution.
        """
        zeros = operand.zeros
        found = (
            self._trace.get(zeros.key)
            if self._trace is not None and isinstance(zeros, TraceZeros) and zeros.resized is None
            else None
        )
        if (
            found is None
            or not isinstance(zeros, TraceZeros)
            or operand.use not in {Use.MOVING, Use.STATIONARY}
        ):
            return None
        return self._one(found, zeros, self._channels(op, operand, found))

    def _one(self, tensor: TraceTensor, zeros: TraceZeros, channels: int) -> BoundMask:
        key = (zeros, channels)
        if key not in self._bound:
            self._bound[key] = self._bind(tensor, zeros, channels)
        return self._bound[key]

    def _channels(self, op: Op, operand: Operand, tensor: TraceTensor) -> int:
        """Channels of the operand.

        A recurrent layer's moving vector is its input followed by the (dense) hidden state; a
        feedback matrix reads a map as one vector.
        """
        if op.kind is OpKind.FEEDBACK and operand.use is Use.MOVING and len(tensor.shape) == 4:
            return prod(tensor.shape[1:])
        if (
            len(tensor.shape) == 3
            and operand.use is Use.MOVING
            and op.bounds is not None
            and op.pass_ is not Pass.EP
        ):
            return max(tensor.shape[-1], op.bounds.c)
        return tensor.shape[-1]

    def _bind(self, tensor: TraceTensor, zeros: TraceZeros, channels: int) -> BoundMask:
        shape = tensor.shape
        packed = tensor.packed
        if len(shape) == 3:
            steps, samples, own = shape
            per_step = packed.reshape(steps, samples, -1)
            if zeros.step is not None:
                rows = per_step[zeros.step, : self._batch]
            else:
                rows = per_step[:, np.arange(self._batch) % samples].reshape(
                    steps * self._batch, -1
                )
            bound = _with_dense_tail(rows, own, channels)
            return BoundMask(bound.reshape(len(rows), 1, 1, -1), channels)
        is_weight = zeros.key.endswith((".weight", ".feedback"))
        samples = shape[0] if is_weight else min(shape[0], self._batch)
        height, width = (shape[1], shape[2]) if len(shape) == 4 else (1, 1)
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

    def feedback_indices(self, op: Op) -> NDArray[np.int64]:
        """The errors that each target neuron's row of a sparse B names: int64 (neurons in map
        order, nonzeros).

        A row of several blocks, one for each tensor that moves, names equally many of each.
        """
        b = bounds_of(op)
        key = (op.layer, b.k * b.p * b.q, b.nonzeros)
        if key not in self._feedback:
            random, blocks = (
                feedback_random(self._seed, op.layer),
                sum(operand.use is Use.MOVING for operand in op.operands),
            )
            size, found = b.c // blocks, []
            for block in range(blocks):
                drawn = sparse_feedback(key[1], size, b.nonzeros // blocks, 0, random)
                assert drawn.classes_read is not None
                found.append(drawn.classes_read + block * size)
            self._feedback[key] = np.concatenate(found, axis=1)
        return self._feedback[key]

    def dense_tensors(self, ops: Iterable[Op]) -> list[str]:
        """Trace keys that ops asked for and the trace lacks: the result lists them."""
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


def _with_dense_tail(rows: NDArray[np.uint8], own: int, channels: int) -> Words:
    """64-bit words of ``rows`` (own channels) followed by ones up to ``channels``."""
    if channels == own:
        return words(np.ascontiguousarray(rows), own)
    bits = np.ones((len(rows), channels), np.bool_)
    bits[:, :own] = np.unpackbits(rows, axis=-1, count=own, bitorder="little")
    return words(np.packbits(bits, axis=-1, bitorder="little"), channels)
