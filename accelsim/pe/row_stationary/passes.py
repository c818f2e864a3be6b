"""Contractions as convolutions on a row-stationary array, and their mapping (Chen et al., ISCA
2016, JSSC 2017).

- FF: the layer's own convolution.
- EP: a convolution of stride 1 at the resolution of the layer's input map. Stride zeros between
  errors are ordinary inputs, multiplied and gated, as padding is.
- WG: a convolution whose kernel is as large as the error map. Its filters are channels of the
  error, its images are channels of the activation, its channels are samples; its stride is the
  layer's dilation, and its dilation is the layer's stride.
- Matrix products: 1 x 1 convolutions.
- Sparse feedback: runs as a dense matrix, because the array cannot skip zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from accelsim.errors import InputError
from accelsim.kernels.dense.row_stationary import (
    Choice,
    Limits,
    Shape,
    best_choice,
    input_rows,
    total_cycles,
)
from accelsim.machine.architecture import Machine
from accelsim.machine.words import word_bits
from accelsim.pe.row_stationary.section import RowStationaryArray
from accelsim.step.contraction import Nest
from accelsim.step.ops import Contraction


@dataclass(frozen=True)
class RowMapping:
    """Mapping of one group of an op; the letters are those of the papers.

    - ``shape``: convolution of one group. ``groups`` run one after another; ``cycles`` is their
      total.
    - ``down`` x ``across``: kernel taps per pass.
    - A PE set has ``down`` x ``e`` PEs. ``r`` sets take different channels, ``t`` sets different
      filters.
    - ``p`` filters and ``q`` channels per PE, ``n`` images per pass.
    """

    shape: Shape
    groups: int
    cycles: int
    down: int
    across: int
    e: int
    r: int
    t: int
    p: int
    q: int
    n: int

    @property
    def active_pes(self) -> int:
        """PEs with work in a full pass."""
        return self.down * self.e * self.r * self.t

    @property
    def folds(self) -> tuple[int, int, int, int, int, int]:
        """Number of folds per axis: images, filters, channels, output strips, kernel rows, kernel
        columns.
        """
        images, filters, channels, rows = self.shape[:4]
        sizes = (
            (images, self.n),
            (filters, self.p * self.t),
            (channels, self.q * self.r),
            (rows, self.e),
        )
        kernel = ((self.shape[5], self.down), (self.shape[6], self.across))
        a, b, c, d, e, f = (-(-size // part) for size, part in (*sizes, *kernel))
        return a, b, c, d, e, f

    @property
    def passes(self) -> int:
        """Processing passes of the whole op."""
        images, filters, channels, strips, rows, columns = self.folds
        return self.groups * images * filters * channels * strips * rows * columns


def convolution_of(nest: Nest) -> tuple[Shape, int]:
    """Return (shape of one group, number of groups) of a contraction as a convolution (module
    docstring).
    """
    channels, depth = nest.channels // nest.groups, nest.depth // nest.groups
    if nest.unshared:
        neurons = channels * nest.map_positions
        return (nest.samples, neurons, depth, 1, 1, 1, 1, 1, 1, 1, 1), nest.groups
    images, reduced = (depth, nest.samples) if nest.sums_samples else (nest.samples, depth)
    rows, columns = nest.rows, nest.columns
    return (
        images,
        channels,
        reduced,
        rows.positions,
        columns.positions,
        rows.taps,
        columns.taps,
        rows.stride,
        columns.stride,
        abs(rows.dilation),
        abs(columns.dilation),
    ), nest.groups


def row_limits(architecture: Machine) -> Limits:
    """Registers, buses, and the bits of the global buffer beside the double buffer of DRAM
    transfers.
    """
    rows, buffer = RowStationaryArray.of(architecture.pe_array), architecture.global_buffer
    room = 8 * (buffer.capacity_bytes - 2 * buffer.staging_bytes)
    return (
        rows.filter_words,
        rows.input_words,
        rows.psum_words,
        rows.filter_bus,
        rows.input_bus,
        rows.psum_bus,
        room,
    )


def row_mapping(op: Contraction, architecture: Machine, pes: int) -> RowMapping:
    """The op's mapping onto ``pes`` PEs of the array.

    InputError if one image of one filter and channel does not fit the global buffer.
    """
    shape, groups = convolution_of(op.nest)
    bits = word_bits(op.moving.tensor, architecture)
    rows = min(architecture.pe_array.rows, pes)
    limits, psum = row_limits(architecture), architecture.precision.psum
    choice, cycles = _chosen(shape, limits, rows, pes // rows, bits, psum)
    if cycles < 0:
        down, across = choice[:2]
        width = (shape[4] - 1) * shape[8] + (across - 1) * shape[10] + 1
        need = -(-(input_rows(1, down, shape[7], shape[9]) * width * bits + shape[4] * psum) // 8)
        buffer = architecture.global_buffer
        raise InputError(
            f"global_buffer.capacity must be >= {2 * buffer.staging_bytes + need}B to hold a "
            f"row-stationary pass of {op.name} beside twice the "
            f"staging of {buffer.staging_bytes}B, got {buffer.capacity_bytes}B"
        )
    return RowMapping(shape, groups, groups * cycles, *choice)


@lru_cache(maxsize=4096)
def _chosen(
    shape: Shape, limits: Limits, rows: int, cols: int, input_bits: int, psum_bits: int
) -> tuple[Choice, int]:
    return best_choice(shape, limits, rows, cols, input_bits, psum_bits)


def mapped_cycles(shape: Shape, choice: Choice, architecture: Machine) -> int:
    """Cycles of one group under a given mapping."""
    return total_cycles(shape, choice, row_limits(architecture))
