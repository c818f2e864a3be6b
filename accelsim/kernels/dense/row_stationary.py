"""Cycles of the row-stationary dataflow (Chen et al., ISCA 2016 and JSSC 2017), and the choice of
its mapping.

A convolution runs as processing passes. In one pass, r x t sets of R x e PEs work on n images and e
rows of the output map. The sets multiply q channels each (r different groups) with p filters each
(t different groups). A step is one output column: every PE multiplies its filter rows with its
window of input rows, p * q * S MACs, while buses bring the words of the next steps. Letters are
those of the papers.
"""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

from accelsim.kernels.jit import jit

Limits = tuple[int, int, int, int, int, int, int]
"""Words of filters, inputs and sums per PE; words per cycle of their buses; bits of the buffer for
a pass's inputs and sums.
"""
Shape = tuple[int, int, int, int, int, int, int, int, int, int, int]
"""Images, filters, channels, output rows, output columns, kernel rows, kernel columns, row stride,
column stride, row dilation, column dilation.
"""


class Part(NamedTuple):
    """Extents of one pass."""

    images: int
    filters: int
    channels: int
    rows: int
    """Rows of the output map."""
    taps_down: int
    """Kernel rows."""
    taps_across: int
    """Kernel columns."""


Choice = tuple[int, int, int, int, int, int, int, int]
"""Kernel rows and kernel columns per pass, then e, r, t, p, q, n."""


@jit
def input_rows(outputs: int, taps: int, stride: int, dilation: int) -> int:
    """Number of distinct input rows i * stride + j * dilation, for ``outputs`` rows i and ``taps``
    rows j.

    Pairs (i, j) and (i + d', j - u') read the same row, where d' = dilation / g, u' = stride / g
    and g = gcd(stride, dilation).
    """
    common = gcd(stride, dilation)
    return outputs * taps - max(0, outputs - dilation // common) * max(0, taps - stride // common)


@jit
def pass_cycles(
    part: Part, sets_down: int, sets_across: int, first: bool, shape: Shape, limits: Limits
) -> int:
    """Cycles of one pass over a part of the convolution, over all sets.

    Buses start with the pass. A step begins when the previous step has ended and its words have
    arrived: its inputs, its partial sums (unless it is the ``first`` to sum them) and, for step 0,
    all filters. Its sums leave over a separate bus, after one hop per further PE of the column. The
    transfers of a step take whole cycles. Every term is linear in the step and in the image, so the
    maximum is at a corner.
    """
    images, filters, channels, rows, taps_down, taps_across = part
    columns, stride, dilation = shape[4], shape[8], shape[10]
    q = -(-channels // sets_down)
    macs = -(-filters // sets_across) * q * taps_across
    window = (taps_across - 1) * dilation + 1
    streams = channels * input_rows(rows, taps_down, shape[7], shape[9])
    head, later = -(-streams * window // limits[4]), -(-streams * min(stride, window) // limits[4])
    sums = -(-filters * rows // limits[5])
    steps = images * columns
    end = 0
    for image in (0, images - 1):
        for column in (0, columns - 1):
            step = image * columns + column
            ready = image * (head + (columns - 1) * later) + head + column * later
            if not first:
                ready = max(ready, (step + 1) * sums)
            if step == 0:
                ready = max(ready, -(-filters * channels * taps_down * taps_across // limits[3]))
            left = steps - step
            end = max(end, ready + max(left * macs + sums, macs + left * sums))
    return end + taps_down * -(-channels // q) - 1


@jit
def groups(size: int, part: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """(size, number) of the full groups of ``part``, and of the last group, which may be
    smaller.
    """
    full = (size - 1) // part
    return (part, full), (size - full * part, 1)


@jit
def total_cycles(shape: Shape, choice: Choice, limits: Limits) -> int:
    """Cycles of all passes of a convolution, run one after another. The last group of each loop may
    be smaller.
    """
    down, across, e, r, t, p, q, n = choice
    total = 0
    for images, image_groups in groups(shape[0], n):
        for filters, filter_groups in groups(shape[1], p * t):
            for rows, strips in groups(shape[3], e):
                outer = image_groups * filter_groups * strips
                fresh = outer
                for channels, channel_groups in groups(shape[2], q * r):
                    for taps_down, row_folds in groups(shape[5], down):
                        for taps_across, column_folds in groups(shape[6], across):
                            inner = outer * channel_groups * row_folds * column_folds
                            if inner == 0:
                                continue
                            part = Part(images, filters, channels, rows, taps_down, taps_across)
                            if fresh > 0:
                                total += fresh * pass_cycles(part, r, t, True, shape, limits)
                            again = pass_cycles(part, r, t, False, shape, limits)
                            total += (inner - fresh) * again
                            fresh = 0
    return total


@jit
def fits(shape: Shape, choice: Choice, limits: Limits, input_bits: int, psum_bits: int) -> bool:
    """Whether a PE holds its filters, windows and sums, and the buffer holds the pass's inputs and
    sums.
    """
    down, across, e, r, t, p, q, n = choice
    window = (across - 1) * shape[10] + 1
    if p * q * across > limits[0] or q * window > limits[1] or p > limits[2]:
        return False
    filters = min(p * t, shape[1])
    streams = min(q * r, shape[2]) * input_rows(e, down, shape[7], shape[9])
    inputs = streams * ((shape[4] - 1) * shape[8] + window)
    return n * (inputs * input_bits + filters * e * shape[4] * psum_bits) <= limits[6]


@jit
def places(down: int, e: int, rows: int, cols: int) -> int:
    """Number of sets of ``down`` x ``e`` PEs that fit on rows x cols PEs.

    A set wider than the array is folded over several rows of sets.
    """
    return rows // down * (cols // e) if e <= cols else rows // down // -(-e // cols)


@jit
def strips(shape: Shape, down: int, rows: int, cols: int) -> tuple[int, int]:
    """(minimum, maximum) output rows per set.

    Both are the whole map if such a set fits the array. Only otherwise is the map cut into strips.
    """
    if places(down, shape[3], rows, cols) > 0:
        return shape[3], shape[3]
    return 1, min(shape[3], rows // down * cols)


@jit
def best_choice(
    shape: Shape, limits: Limits, rows: int, cols: int, input_bits: int, psum_bits: int
) -> tuple[Choice, int]:
    """The mapping with the most active PEs, and its cycles.

    Ties go to the fewest cycles, then to the first in (e, r, t, p, q, n). Kernel rows beyond the
    array's rows, and kernel columns beyond a PE's words, are folded evenly in time. p, q and n are
    each the smallest for their number of groups. Cycles are -1 if no mapping fits.
    """
    down = -(-shape[5] // -(-shape[5] // rows))
    widest = min(shape[6], limits[0], (limits[1] - 1) // shape[10] + 1)
    across = -(-shape[6] // -(-shape[6] // widest))
    least, most = strips(shape, down, rows, cols)
    active = 0
    for e in range(least, most + 1):
        stand = places(down, e, rows, cols)
        for r in range(1, min(stand, shape[2]) + 1):
            t = min(stand // r, shape[1])
            while e * r * t > active and not fits(
                shape, (down, across, e, r, t, 1, 1, 1), limits, input_bits, psum_bits
            ):
                t -= 1
            active = max(active, e * r * t)
    cycles, best = -1, (down, across, 0, 0, 0, 0, 0, 0)
    for e in range(least, most + 1):
        stand = places(down, e, rows, cols)
        for r in range(1, min(stand, shape[2]) + 1):
            t = active // (e * r)
            if active == 0 or t * e * r != active or t > min(stand // r, shape[1]):
                continue
            start = (down, across, e, r, t, 1, 1, 1)
            if fits(shape, start, limits, input_bits, psum_bits):
                fewest, candidate = fewest_cycles(shape, limits, start, input_bits, psum_bits)
                if cycles < 0 or fewest < cycles:
                    cycles, best = fewest, candidate
    return best, cycles


@jit
def fewest_cycles(
    shape: Shape, limits: Limits, start: Choice, input_bits: int, psum_bits: int
) -> tuple[int, Choice]:
    """(cycles, choice) of the best p, q and n for a choice's e, r and t."""
    down, across, e, r, t = start[:5]
    cycles, best = total_cycles(shape, start, limits), start
    p = 1
    while p > 0:
        q = 1
        while q > 0 and fits(
            shape, (down, across, e, r, t, p, q, 1), limits, input_bits, psum_bits
        ):
            n = 1
            while n > 0 and fits(
                shape, (down, across, e, r, t, p, q, n), limits, input_bits, psum_bits
            ):
                total = total_cycles(shape, (down, across, e, r, t, p, q, n), limits)
                if total < cycles:
                    cycles, best = total, (down, across, e, r, t, p, q, n)
                n = next_part(shape[0], n)
            q = next_part(-(-shape[2] // r), q)
        p = next_part(-(-shape[1] // t), p) if p < limits[2] else 0
    return cycles, best


@jit
def next_part(size: int, part: int) -> int:
    """The smallest part that gives fewer groups of ``size`` than ``part`` does; 0 if one group is
    left.
    """
    count = -(-size // part)
    return -(-size // (count - 1)) if count > 1 else 0
