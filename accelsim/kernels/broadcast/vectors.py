"""Vectors through the FIFOs of `broadcast`, one per output position, with tokens read from packed
masks (docs/pe-broadcast.md).

A vector is the stream of one output position. Its tokens are broadcast to all PEs that share the
output channels, and the PEs synchronize at its end. A token is the number c of a column of the
stationary operand, or ~c if the moving word is a zero that is not skipped. `Columns` gives the cost
of each column.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from accelsim.kernels.bits.bitmaps import Counts, Cycles, PackedMask, Words
from accelsim.kernels.bits.intrinsics import popcount
from accelsim.kernels.bits.taps import MapTaps, Taps
from accelsim.kernels.jit import jit

TOKENS, EXECUTED, EFFECTUAL, SERVICE, WALKED, LINES, CYCLES = range(7)
"""Indices of a vector's sums: tokens; MACs executed; effectual MACs among them; PE cycles in
service; stored entries read; lines of a PE's scratchpad that hold them; cycles.
"""


class Columns(NamedTuple):
    """Columns of the stationary operand, indexed by token."""

    outputs: int
    """Number of output channels, interleaved over the PEs."""
    macs: Words
    """uint64 (columns, Kw): outputs with a MAC in the column."""
    nonzero: Words
    """uint64 (columns, Kw): outputs with a non-zero word in the column."""
    totals: Counts
    """int64 (columns, 5): MACs, non-zero words among them, PE cycles, stored entries read, lines
    that hold them.
    """
    costs: Cycles
    """int32 (columns, PEs): cycles per PE. With no rows, nothing is timed."""
    walked: Cycles
    """int32 (columns, PEs): stored entries that each PE reads."""
    entry: int
    """Bits of a stored entry."""
    line: int
    """Bits of a line of the scratchpad."""


@jit
def serve(costs: Cycles, done: Counts, tops: Counts, slot: int, issue: Any) -> Any:
    """Broadcast a token that costs the PEs ``costs``, int32 (PEs). Returns the cycle of its issue.

    ``done``: int64 (PEs), cycle at which each PE has served all tokens so far. ``tops``: int64
    (depth), cycle at which the last PE has served each of the last ``depth`` tokens, 0 if there are
    fewer. ``slot``: index in ``tops`` of the token that must leave before this one enters.
    """
    issue = max(np.int64(issue + 1), tops[slot])
    top = np.int64(0)
    for p in range(done.shape[0]):
        end = max(done[p], issue) + costs[p]
        done[p] = end
        top = max(top, end)
    tops[slot] = top
    return issue


@jit
def serve_all(
    tokens: Cycles, costs: Cycles, done: Counts, tops: Counts, slot: int, issue: Any
) -> tuple[Any, Any]:
    """Broadcast tokens in turn. Returns the next slot and the cycle of the last issue."""
    for token in tokens:
        issue = serve(costs[token if token >= 0 else ~token], done, tops, slot, issue)
        slot = 0 if slot == tops.shape[0] - 1 else slot + 1
    return slot, issue


@jit
def serve_active(
    tokens: Cycles,
    costs: Cycles,
    walked: Cycles,
    entry: int,
    line: int,
    active: Cycles,
    done: Counts,
    tops: Counts,
    sums: Counts,
) -> None:
    """Broadcast a vector for which only PEs with ``active`` > 0 have needed outputs.

    The other PEs drop each token in one cycle. Adds to SERVICE, WALKED and LINES of ``sums``.
    """
    token_costs = np.empty(done.shape[0], np.int32)
    issue, slot = np.int64(-1), 0
    for token in tokens:
        column = token if token >= 0 else ~token
        for p in range(token_costs.shape[0]):
            token_costs[p] = costs[column, p] if active[p] else np.int32(1)
            sums[SERVICE] += token_costs[p]
            if active[p]:
                sums[WALKED] += walked[column, p]
                sums[LINES] += (walked[column, p] * entry + line - 1) // line
        issue = serve(token_costs, done, tops, slot, issue)
        slot = 0 if slot == tops.shape[0] - 1 else slot + 1


@jit
def needed_outputs(needed: Words, outputs: int, counts: Cycles) -> Any:
    """Count the needed outputs of each PE into ``counts``, int32 (PEs), and return their total.

    ``needed``: mask of one position, uint64 (Kw). Outputs are interleaved over the PEs.
    """
    counts[:] = 0
    pes = counts.shape[0]
    p = 0
    for output in range(outputs):
        counts[p] += np.int32((needed[output // 64] >> np.uint64(output % 64)) & np.uint64(1))
        p = 0 if p == pes - 1 else p + 1
    return counts.sum()


@jit
def common_ones(a: Words, b: Words) -> Any:
    """Number of common set bits of a and b."""
    total = np.int64(0)
    for i in range(a.shape[0]):
        total += np.int64(popcount(a[i] & b[i]))
    return total


@jit
def count_all(tokens: Cycles, totals: Counts, times: int, sums: Counts) -> None:
    """Add all sums except CYCLES for tokens that occur ``times`` times, with every output
    needed.
    """
    sums[TOKENS] += tokens.shape[0] * times
    for token in tokens:
        total = totals[token if token >= 0 else ~token]
        sums[EXECUTED] += total[0] * times
        if token >= 0:
            sums[EFFECTUAL] += total[1] * times
        sums[SERVICE] += total[2] * times
        sums[WALKED] += total[3] * times
        sums[LINES] += total[4] * times


@jit
def count_needed(tokens: Cycles, macs: Words, nonzero: Words, needed: Words, sums: Counts) -> None:
    """Add tokens and the MACs of needed outputs to ``sums``.

    ``macs``, ``nonzero``: uint64 (columns, Kw). ``needed``: uint64 (Kw).
    """
    sums[TOKENS] += tokens.shape[0]
    for token in tokens:
        sums[EXECUTED] += common_ones(macs[token if token >= 0 else ~token], needed)
        if token >= 0:
            sums[EFFECTUAL] += common_ones(nonzero[token], needed)


@jit
def stream_tokens(
    image: Words, channels: int, skip_moving: bool, rows: Taps, cols: Taps, tokens: Cycles
) -> Any:
    """Write the tokens of an FF or EP vector, by kernel row, kernel column and channel. Returns
    their number.

    ``image``: uint64 (H, W, Cw). ``rows``, ``cols``: taps of one position, int32 (TR) and (TC).
    Column (i * TC + j) * channels + c belongs to tap (i, j) and channel c.
    """
    count = 0
    for i in range(rows.shape[0]):
        for j in range(cols.shape[0]):
            if rows[i] == -2 or cols[j] == -2:
                continue
            inside = rows[i] >= 0 and cols[j] >= 0
            if skip_moving and not inside:
                continue
            base = (i * cols.shape[0] + j) * channels
            for c in range(channels):
                if inside and (image[rows[i], cols[j], c // 64] >> np.uint64(c % 64)) & np.uint64(
                    1
                ):
                    tokens[count] = base + c
                    count += 1
                elif not skip_moving:
                    tokens[count] = ~(base + c)
                    count += 1
    return count


@jit
def vector_sums(
    moving: PackedMask,
    skip_moving: bool,
    taps: MapTaps,
    columns: Columns,
    needed: Words,
    depth: int,
    sums: Counts,
) -> None:
    """Sums of all FF, EP or feedback vectors, `TOKENS` to `CYCLES`: into int64 (S, Y*X, 7),
    initially zero.

    ``moving``: (S', H, W, Cw), S' divides S. ``taps``: (Y, TR) and (X, TC); REMOVED taps are left
    out of the stream. ``needed``: uint64 (S'', Y*X, Kw), S'' divides S, or length 0 if all outputs
    are needed. Outputs that are not needed are unscheduled; a vector without needed outputs costs
    nothing.
    """
    words, channels = moving
    row_taps, col_taps = taps
    outputs, macs, nonzero, totals, costs, walked, entry, line = columns
    samples, places = sums.shape[0], sums.shape[1]
    done, tops = np.empty(costs.shape[1], np.int64), np.empty(depth, np.int64)
    active = np.empty(costs.shape[1], np.int32)
    buffer = np.empty(row_taps.shape[1] * col_taps.shape[1] * channels, np.int32)
    for n in range(samples):
        for place in range(places):
            vector = sums[n, place]
            if (
                needed.shape[0]
                and needed_outputs(needed[n % needed.shape[0], place], outputs, active) == 0
            ):
                continue
            rows, cols = row_taps[place // col_taps.shape[0]], col_taps[place % col_taps.shape[0]]
            tokens = buffer[
                : stream_tokens(
                    words[n % words.shape[0]], channels, skip_moving, rows, cols, buffer
                )
            ]
            done[:] = 0
            tops[:] = 0
            if needed.shape[0]:
                count_needed(tokens, macs, nonzero, needed[n % needed.shape[0], place], vector)
                if costs.shape[0]:
                    serve_active(tokens, costs, walked, entry, line, active, done, tops, vector)
            else:
                count_all(tokens, totals, 1, vector)
                if costs.shape[0]:
                    serve_all(tokens, costs, done, tops, 0, np.int64(-1))
            vector[CYCLES] = done.max()
