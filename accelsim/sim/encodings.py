"""Storage size of a step's tensors in the machine's formats (bitmap, rle, csc).

Non-zeros are counted where the trace or the rule's own draw gives them; index bits are added.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.bitmaps import to_mask
from accelsim.kernels.bits.formats import entries_at, run_entries
from accelsim.machine.architecture import Machine
from accelsim.machine.words import value_bits
from accelsim.step.ops import Contraction, Op, Operand, Role, Tensor, TrainingStep, Use
from accelsim.zeros.masks import MaskSource

Mask = NDArray[np.bool_]
Row = TypeVar("Row", bound=np.generic)
FORMATTED = (Role.WEIGHT, Role.ACTIVATION, Role.ERROR, Role.FEEDBACK, Role.GRADIENT)


@dataclass(frozen=True)
class Encoding:
    """Size of a tensor that is stored in a compressed format.

    ``elements``: elements of the dense tensor. ``entries``: stored words, padding entries included.
    ``word_bits``: bits of one entry, its value and its own index. ``bits``: bits of the whole
    tensor, bitmap and column pointers included. ``pointer_bits``: those of the pointers.

    A part of the tensor takes a proportional share of entries and bits, rounded up.
    """

    elements: int
    entries: int
    word_bits: int
    bits: int
    pointer_bits: int = 0

    def words_of(self, elements: int) -> int:
        """Stored words of ``elements`` dense elements, which may exceed the tensor's if it is moved
        several times.
        """
        return -(-elements * self.entries // self.elements)

    def bits_of(self, elements: int) -> int:
        """Stored bits of ``elements`` dense elements."""
        return -(-elements * self.bits // self.elements)


@dataclass(frozen=True)
class Encodings:
    """Encodings of a step's tensors.

    ``of``: encoding by tensor name. ``dense``: names of tensors whose role has a compressed format
    but whose zeros are unknown, so that they are stored dense.
    """

    of: dict[str, Encoding]
    dense: tuple[str, ...] = ()

    def at_home(self, architecture: Machine) -> dict[str, int]:
        """Bits in home scratchpads by tensor name; pointers may have a memory of their own."""
        apart = architecture.pe_array.pointer_memory_bytes > 0
        return {name: each.bits - apart * each.pointer_bits for name, each in self.of.items()}


def encode(step: TrainingStep, architecture: Machine, masks: MaskSource) -> Encodings:
    """Count the size of every tensor of a step whose role has a compressed format on this machine.

    Feedback weights that a near-memory machine regenerates (``feedback: prng``) are left out: they
    are never stored.
    """
    sizes: dict[str, Encoding] = {}
    candidates: dict[str, None] = {}
    formats = architecture.format
    generated = architecture.generates_feedback
    for op, operand, tensor in _tensors(step):
        form = getattr(formats, str(tensor.role), "dense") if tensor.role in FORMATTED else "dense"
        if form == "dense" or tensor.name in sizes or (generated and tensor.role is Role.FEEDBACK):
            continue
        candidates[tensor.name] = None
        # Zeros of an operand with a prologue, or of a part of a tensor, are not those of the words
        # in memory.
        encoding = (
            _encoding(form, op, operand, architecture, masks)
            if operand and not operand.prologue and operand.words_read == tensor.elements
            else None
        )
        if encoding is not None:
            sizes[tensor.name] = encoding
    return Encodings(sizes, tuple(name for name in candidates if name not in sizes))


def _tensors(step: TrainingStep) -> Iterator[tuple[Op, Operand | None, Tensor]]:
    for op in step.ops:
        for operand in op.operands:
            yield op, operand, operand.tensor
        for tensor in op.outputs:
            yield op, None, tensor


def _encoding(
    form: str, op: Op, operand: Operand, architecture: Machine, masks: MaskSource
) -> Encoding | None:
    """The operand's encoding, or None if its zeros are not known element by element."""
    tensor, formats = operand.tensor, architecture.format
    value = value_bits(tensor, architecture)
    most = {"rle": (1 << formats.run_bits) - 1, "csc": (1 << formats.index_bits) - 1}.get(form, 0)
    counted = (
        _stored_entries(form, op, operand, most, masks)
        if tensor.stored >= 0
        else _mask_entries(form, op, operand, most, masks)
    )
    if counted is None:
        return None
    entries, columns = counted
    if form == "bitmap":
        return Encoding(tensor.elements, entries, value, prod(tensor.shape) + entries * value)
    field = formats.run_bits if form == "rle" else formats.index_bits
    pointers = columns * formats.pointer_bits if form == "csc" else 0
    bits = entries * (value + field) + pointers
    return Encoding(tensor.elements, entries, value + field, bits, pointers)


def _mask_entries(
    form: str, op: Op, operand: Operand, most: int, masks: MaskSource
) -> tuple[int, int] | None:
    """Return (entries, column pointers) of a tensor whose mask is in the trace, or None.

    A batch larger than the trace repeats the trace's samples cyclically. None: the trace has no
    mask of the tensor, or the mask's shape does not match the tensor's.
    """
    tensor = operand.tensor
    mask = masks.tensor(op, operand)
    if mask is None or len(tensor.shape) < 2 or tensor.elements % mask.channels:
        return None
    samples = to_mask(mask.words, mask.channels).reshape(mask.samples, -1)
    if tensor.role is Role.FEEDBACK and len(tensor.shape) == 4:
        samples = _by_channel(samples, tensor.shape[0])
        if form == "rle":
            samples = samples.reshape(tensor.shape[0], -1)
    if samples.shape[1] not in {tensor.shape[-1], prod(tensor.shape[1:])}:
        # The mask of a recurrent layer covers its input and its hidden state, side by side.
        return None
    outer = tensor.elements // samples.shape[1]
    if outer * samples.shape[1] != tensor.elements:
        return None
    channels = tensor.shape[-1]
    if tensor.role in (Role.WEIGHT, Role.FEEDBACK):
        if outer != len(samples):
            return None
        if form == "csc":
            return int(run_entries(np.ascontiguousarray(samples.T), most).sum()), samples.shape[
                1
            ] + 1
        return int(_counts(form, samples, most).sum()), 0
    if form == "csc":
        by_sample = (
            run_entries(samples.reshape(-1, channels), most).reshape(len(samples), -1).sum(axis=1)
        )
    else:
        by_sample = _counts(form, samples, most)
    return int(by_sample[np.arange(outer) % len(samples)].sum()), tensor.elements // channels + 1


def _by_channel(rows: NDArray[Row], channels: int) -> NDArray[Row]:
    """Rows (H * W * C, n) of neurons in map order, reordered channel by channel, as feedback is
    stored: (C * H * W, n).
    """
    length = rows.shape[-1]
    return rows.reshape(-1, channels, length).transpose(1, 0, 2).reshape(-1, length)


def _counts(form: str, rows: Mask, most: int) -> NDArray[np.int64]:
    return rows.sum(axis=1, dtype=np.int64) if form == "bitmap" else run_entries(rows, most)


def _stored_entries(
    form: str, op: Op, operand: Operand, most: int, masks: MaskSource
) -> tuple[int, int] | None:
    """Return (entries, column pointers) of sparse feedback (C, H, W, E) whose non-zeros the rule
    draws or the trace gives.

    The matrix has one row per target neuron. None if the operand is not stored sparse.
    """
    tensor = operand.tensor
    if operand.use is not Use.STATIONARY or not isinstance(op, Contraction) or not op.nest.stored:
        return None
    stored = op.nest.stored
    indices, nonzero = masks.feedback_indices(op), masks.feedback_nonzeros(op)
    if indices.size != tensor.elements:
        return None
    if nonzero is None:
        nonzero = np.ones(indices.shape, np.bool_)
    if form == "bitmap":
        return int(nonzero.sum()), 0
    errors = tensor.shape[-1]
    kept = _by_channel(nonzero, tensor.shape[0]).reshape(-1)
    rows = _by_channel(indices, tensor.shape[0]).reshape(-1)[kept]
    count = len(indices)
    neurons = np.repeat(np.arange(count), stored)[kept]
    if form == "rle":
        length = count // tensor.shape[0] * errors
        return entries_at(np.sort(neurons * errors + rows), length, most), 0
    return entries_at(np.sort(rows * count + neurons), count, most), errors + 1
