"""Words that a row-stationary array fetches over each bus, pass by pass (Chen et al., JSSC 2017,
section IV).

- Filters are fetched again per strip and per group of images. A filter word goes to the e PEs of a
  row of its set.
- Inputs are fetched again per group of filters, per strip, and per group of kernel rows and
  columns. An input word goes along the diagonals of t sets.
- Partial sums go to the buffer and return between passes over the same output.
- Every MAC that is not gated reads an input, a filter word and a sum from the PE's registers.
- Zeros of padding and stride take bus cycles but are not stored, and are not counted as words.
"""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.kernels.dense.row_stationary import groups, input_rows
from accelsim.pe.row_stationary.passes import RowMapping
from accelsim.step.contraction import Nest
from accelsim.step.window import Window


@dataclass(frozen=True)
class RowTraffic:
    """Words of each operand that leave the buffer.

    - ``*_taken``: the words, each counted once per PE that takes it.
    - ``*_passes``: fetches of each word from DRAM, if the operand lives there.
    - ``partial_sums``: sums written to the buffer and read back.
    - ``chain_sums``: sums passed up from one PE to the next.
    """

    input_words: int
    input_taken: int
    input_passes: int
    filter_words: int
    filter_taken: int
    filter_passes: int
    partial_sums: int
    chain_sums: int


def row_traffic(
    nest: Nest, mapping: RowMapping, input_bits: int, psum_bits: int, buffer_bits: int
) -> RowTraffic:
    """Traffic of all groups of the contraction.

    ``input_bits``, ``psum_bits``: bits per word. ``buffer_bits``: space for the inputs and sums of
    a pass.
    """
    images, filters, channels, rows, columns, kernel_rows, kernel_columns = mapping.shape[:7]
    image_groups, filter_groups, channel_groups, strips, row_folds, column_folds = mapping.folds
    # The array fills in the unstored zeros of a sparse feedback matrix itself.
    stored = filters * (nest.stored or channels) * kernel_rows * kernel_columns * mapping.groups
    outputs = images * filters * rows * columns * mapping.groups
    reductions = channel_groups * row_folds * column_folds
    inputs, (heights, widths) = images * channels * mapping.groups, _sides_of_map(nest, mapping)
    pairs = 1 if nest.unshared else nest.rows.pairs_inside
    groups_per_fetch = _filter_groups_per_fetch(mapping, input_bits, psum_bits, buffer_bits)
    return RowTraffic(
        input_words=inputs * filter_groups * heights * widths,
        input_taken=inputs * _filter_sets(mapping) * pairs * widths,
        input_passes=-(-filter_groups // groups_per_fetch),
        filter_words=stored * image_groups * strips,
        filter_taken=stored * image_groups * rows,
        filter_passes=image_groups * strips,
        partial_sums=outputs * (reductions - 1),
        chain_sums=outputs * _hops(mapping),
    )


def _filter_groups_per_fetch(
    mapping: RowMapping, input_bits: int, psum_bits: int, buffer_bits: int
) -> int:
    """Number of filter groups whose sums fit the buffer beside one pass's inputs: m / (p t) of the
    paper.

    Inputs are fetched from DRAM once for these groups.
    """
    images, filters, channels, _, columns = mapping.shape[:5]
    n, k = min(mapping.n, images), min(mapping.p * mapping.t, filters)
    width = (columns - 1) * mapping.shape[8] + (mapping.across - 1) * mapping.shape[10] + 1
    streams = min(mapping.q * mapping.r, channels) * input_rows(
        mapping.e, mapping.down, mapping.shape[7], mapping.shape[9]
    )
    inputs = n * streams * width * input_bits
    return max(1, (buffer_bits - inputs) // (n * k * mapping.e * columns * psum_bits))


def _hops(mapping: RowMapping) -> int:
    """Steps from PE to PE of one output's sums, over all of its passes.

    Each pass takes one step fewer than there are PEs in its column.
    """
    total = 0
    for channels, channel_groups in groups(mapping.shape[2], mapping.q * mapping.r):
        if channel_groups:
            sets = -(-channels // -(-channels // mapping.r))
            for down, row_folds in groups(mapping.shape[5], mapping.down):
                total += channel_groups * row_folds * mapping.folds[5] * (down * sets - 1)
    return total


def _filter_sets(mapping: RowMapping) -> int:
    """Sets with filters, over all groups of filters. An input word goes to each of them, there to
    the PEs of every pair of a kernel row and an output row that reads its row.
    """
    total = 0
    for filters, filter_groups in groups(mapping.shape[1], mapping.p * mapping.t):
        if filter_groups:
            total += filter_groups * -(-filters // -(-filters // mapping.t))
    return total


def _sides_of_map(nest: Nest, mapping: RowMapping) -> tuple[int, int]:
    """Rows and columns of one channel of one image that a group of filters fetches, without padding
    and stride zeros.

    Strips overlap, so some count more than once.
    """
    height, width, taps_down, taps_across, up, across, down, right = mapping.shape[3:]
    rows = sum(
        _real(nest.rows, {i * up + j * down for i in strip for j in taps})
        for strip in _parts(height, mapping.e)
        for taps in _parts(taps_down, mapping.down)
    )
    # A window takes all columns from its first tap to its last: with dilation, the columns between
    # taps belong to other outputs.
    columns = sum(
        _real(
            nest.columns,
            {
                i * across + j
                for i in range(width)
                for j in range(taps[0] * right, taps[-1] * right + 1)
            },
        )
        for taps in _parts(taps_across, mapping.across)
    )
    return rows, columns


def _parts(size: int, part: int) -> list[range]:
    return [range(start, min(start + part, size)) for start in range(0, size, part)]


def _real(window: Window, places: set[int]) -> int:
    """Number of ``places`` of the padded or spread moving map that hold real words."""
    first = -window.padding + min(0, (window.taps - 1) * window.dilation)
    return sum(
        (place + first) % window.spacing == 0
        and 0 <= (place + first) // window.spacing < window.size
        for place in places
    )
