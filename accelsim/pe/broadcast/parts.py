"""Parts of an op on a broadcast array: ranges of output channels, and their vectors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.bits.bitmaps import Words, slice_channels, to_mask
from accelsim.kernels.broadcast.vectors import CYCLES, LINES, SERVICE, TOKENS, WALKED
from accelsim.machine.architecture import Machine
from accelsim.machine.words import value_bits
from accelsim.pe.broadcast.columns import Store
from accelsim.pe.broadcast.section import BroadcastArray
from accelsim.pe.mapping import Mapping
from accelsim.pe.skipping.setting import Skipped, keeps_zeros, skipped
from accelsim.step.contraction import Nest
from accelsim.step.ops import Contraction

Counts = NDArray[np.int64]
Rows = NDArray[np.int32]

NO_MASK = np.zeros((0, 1, 1), np.uint64)
"""Mask for an op all of whose outputs are needed."""


@dataclass(frozen=True)
class Part:
    """Output channels [first, end) of some groups, which the PEs reduce in one run.

    ``groups``: channel groups of the op. ``first``, ``end`` count from the first channel of these
    groups. ``store``: how PEs store them.
    """

    groups: range
    first: int
    end: int
    store: Store

    @property
    def outputs(self) -> int:
        """Number of output channels."""
        return self.end - self.first

    def depth(self, nest: Nest) -> int:
        """Number of moving channels that the part's groups reduce over."""
        return nest.depth // nest.groups * len(self.groups)

    def channels(self, nest: Nest) -> slice:
        """The part's output channels, as a slice of those of the op."""
        offset = self.groups[0] * (nest.channels // nest.groups)
        return slice(offset + self.first, offset + self.end)

    def moving(self, nest: Nest, words: Words) -> Words:
        """Moving words of the part's groups: uint64 (samples, H, W, Cw)."""
        if len(self.groups) == nest.groups:
            return words
        size = nest.depth // nest.groups
        return slice_channels(words, self.groups[0] * size, (self.groups[-1] + 1) * size)


@dataclass(frozen=True)
class Vectors:
    """Vectors of a part, one per distinct position.

    ``sums``: int64 (distinct positions, 7), the sums listed in `kernels.broadcast.vectors`.
    ``rows``: int32 (distinct positions, PEs), needed outputs of each PE.
    """

    sums: Counts
    rows: Rows

    @cached_property
    def needed(self) -> Counts:
        """Needed outputs: int64 (distinct positions)."""
        counts: Counts = self.rows.sum(axis=1, dtype=np.int64)
        return counts


def skipped_words(architecture: Machine, op: Contraction) -> Skipped:
    """Operands whose zeros are skipped. The stationary zeros of a sparse feedback matrix always
    are.
    """
    skip = skipped(architecture, op)
    return Skipped(skip.moving, skip.stationary or op.nest.stored > 0)


def joins_groups(architecture: Machine, op: Contraction) -> bool:
    """Whether zeros between channel groups are words, so that all groups form one matrix."""
    return keeps_zeros(architecture, op) and not op.nest.sums_samples


def parts_of(mapping: Mapping, architecture: Machine) -> list[Part]:
    """Split an op's output channels into parts.

    A part has at most as many channels as its PEs have accumulators. Channel groups are separate
    parts, unless structural zeros are kept: then the zeros between groups are words too, and all
    groups form one matrix.
    """
    nest, array = mapping.op.nest, BroadcastArray.of(architecture.pe_array)
    joined = nest.groups if joins_groups(architecture, mapping.op) else 1
    channels = mapping.channels // nest.groups * joined
    most = mapping.channels_per_tile * architecture.accumulators
    compressed = skipped_words(architecture, mapping.op).stationary
    entry = value_bits(mapping.op.stationary.tensor, architecture)
    entry += array.index_bits if compressed else 0
    line = architecture.scratchpad.width_bits
    parts = []
    for group in range(0, nest.groups, joined):
        for first in range(0, channels, most):
            end = min(first + most, channels)
            pes = min(mapping.channels_per_tile, end - first)
            store = Store(pes, array.lanes, array.index_bits, compressed, entry, line)
            parts.append(Part(range(group, group + joined), first, end, store))
    return parts


def needed_rows(part: Part, needed: Words, samples: int, places: int) -> Rows:
    """Number of needed outputs per PE: int32 (samples, places, PEs)."""
    pes = part.store.pes
    held = -(-part.outputs // pes)
    if not len(needed):
        places_held = (np.arange(held * pes) < part.outputs).reshape(1, 1, held, pes)
        return np.broadcast_to(places_held.sum(axis=2, dtype=np.int32), (samples, places, pes))
    mask = np.zeros((*needed.shape[:2], held * pes), np.bool_)
    mask[..., : part.outputs] = to_mask(needed, part.outputs)
    rows: Rows = mask.reshape(*needed.shape[:2], held, pes).sum(axis=2, dtype=np.int32)
    return np.take(rows, np.arange(samples) % len(rows), axis=0)


def add_equal_costs(part: Part, rows: Rows, sums: Counts) -> None:
    """Add the time of vectors whose tokens all cost a PE the same: the slowest PE determines it.

    Uncompressed, a PE addresses only its needed words. Compressed, it walks all of its words, or
    drops the token if it needs none of its outputs.
    """
    store = part.store
    if store.compressed:
        held = (part.outputs - np.arange(store.pes, dtype=np.int32) + store.pes - 1) // store.pes
        rows = np.where(rows > 0, held, 0)
        sums[..., WALKED] = sums[..., TOKENS] * rows.sum(axis=-1)
        lines = (-(-rows * store.entry // store.line)).sum(axis=-1)
        sums[..., LINES] = sums[..., TOKENS] * lines
    costs = np.maximum(1, -(-rows // store.lanes))
    sums[..., CYCLES] = sums[..., TOKENS] * costs.max(axis=-1)
    sums[..., SERVICE] = sums[..., TOKENS] * costs.sum(axis=-1)
