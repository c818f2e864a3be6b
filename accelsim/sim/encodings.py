"""What the tensors of a step take in the formats of a machine: their non-zeros, counted where a
trace or the rule knows them, and their indices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.bitmaps import to_mask
from accelsim.kernels.bits.formats import entries_at, run_entries
from accelsim.machine.architecture import Architecture
from accelsim.machine.words import value_bits
from accelsim.step.ops import Contraction, Op, Operand, Role, Tensor, TrainingStep, Use
from accelsim.zeros.masks import MaskSource

Mask = NDArray[np.bool_]
FORMATTED = (Role.WEIGHT, Role.ACTIVATION, Role.ERROR, Role.FEEDBACK, Role.GRADIENT)


@dataclass(frozen=True)
class Encoding:
    """A tensor that is not stored dense: ``entries`` words, padding included, of ``word_bits``
    (value and its own index) and ``bits`` in all.

    A part of its ``elements`` takes its share of both, rounded up.
    """

    elements: int
    entries: int
    word_bits: int
    bits: int

    def words_of(self, elements: int) -> int:
        """Stored words of that many elements; more than there are when they pass several times."""
        return -(-elements * self.entries // self.elements)

    def bits_of(self, elements: int) -> int:
        """Their bits."""
        return -(-elements * self.bits // self.elements)


@dataclass(frozen=True)
class Encodings:
    """By tensor name; ``dense``: tensors that have a format but no zeros that anybody knows, so
    that they are stored dense.
    """

    of: dict[str, Encoding]
    dense: tuple[str, ...] = ()


def encode(step: TrainingStep, architecture: Architecture, masks: MaskSource) -> Encodings:
    """The encodings of a step's tensors on a machine."""
    found: dict[str, Encoding] = {}
    wanted: dict[str, None] = {}
    formats = architecture.format
    generated = (
        architecture.organization == "near_memory" and architecture.near_memory.feedback == "prng"
    )
    for op, operand, tensor in _tensors(step):
        form = getattr(formats, str(tensor.role), "dense") if tensor.role in FORMATTED else "dense"
        if form == "dense" or tensor.name in found or (generated and tensor.role is Role.FEEDBACK):
            continue
        wanted[tensor.name] = None
        encoding = None if operand is None else _encoding(form, op, operand, architecture, masks)
        if encoding is not None:
            found[tensor.name] = encoding
    return Encodings(found, tuple(name for name in wanted if name not in found))


def _tensors(step: TrainingStep) -> Iterator[tuple[Op, Operand | None, Tensor]]:
    for op in step.ops:
        for operand in op.operands:
            yield op, operand, operand.tensor
        for tensor in op.outputs:
            yield op, None, tensor


def _encoding(
    form: str, op: Op, operand: Operand, architecture: Architecture, masks: MaskSource
) -> Encoding | None:
    """The encoding, None where the operand's zeros are not known element by element."""
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
    return Encoding(tensor.elements, entries, value + field, entries * (value + field) + pointers)


def _mask_entries(
    form: str, op: Op, operand: Operand, most: int, masks: MaskSource
) -> tuple[int, int] | None:
    """(entries, pointers) of a tensor whose mask is in the trace; a batch repeats the trace's
    samples.
    """
    tensor = operand.tensor
    mask = masks.tensor(op, operand)
    if mask is None or len(tensor.shape) < 2 or tensor.elements % mask.channels:
        return None
    samples = to_mask(mask.words, mask.channels).reshape(mask.samples, -1)
    if samples.shape[1] not in {tensor.shape[-1], prod(tensor.shape[1:])}:
        # A recurrent layer's mask is that of its input and hidden state side by side.
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


def _counts(form: str, rows: Mask, most: int) -> NDArray[np.int64]:
    return rows.sum(axis=1, dtype=np.int64) if form == "bitmap" else run_entries(rows, most)


def _stored_entries(
    form: str, op: Op, operand: Operand, most: int, masks: MaskSource
) -> tuple[int, int] | None:
    """The same of a sparse feedback matrix (C, H, W, E), whose non-zeros the rule draws: one row of
    it a target neuron.
    """
    tensor = operand.tensor
    if operand.use is not Use.STATIONARY or not isinstance(op, Contraction) or not op.nest.stored:
        return None
    stored = op.nest.stored
    if form == "bitmap":
        return tensor.elements, 0
    indices = masks.feedback_indices(op)
    if indices.size != tensor.elements:
        return None
    errors = tensor.shape[-1]
    # Neurons are drawn in the order of the map (H, W, C), and stored channel by channel.
    rows = indices.reshape(-1, tensor.shape[0], stored).transpose(1, 0, 2).reshape(-1, stored)
    neurons = np.repeat(np.arange(len(rows)), stored)
    if form == "rle":
        places, length = neurons * errors + rows.reshape(-1), len(rows) // tensor.shape[0] * errors
        return entries_at(np.sort(places), length, most), 0
    return entries_at(np.sort(rows.reshape(-1) * len(rows) + neurons), len(rows), most), errors + 1
