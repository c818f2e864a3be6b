"""Vector after vector through the FIFOs of `broadcast`: tokens are found in packed masks, one
vector an output position (DESIGN 4).

A vector is the stream of one output position: its tokens are broadcast to all PEs that share the
output channels, and PEs meet at its end. A token names a column of the stationary operand, c, or ~c
where the moving word is a zero that is not skipped. What a column costs each PE is in a table,
int32 (columns, PEs); without rows, nothing is timed. ``totals`` int64 (columns, 4) are a column's
MACs, its non-zero words among them, PE cycles, and stored entries read.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from accelsim.kernels.bits.bitmaps import Counts, Cycles, Words
from accelsim.kernels.bits.intrinsics import popcount
from accelsim.kernels.bits.taps import Taps
from accelsim.kernels.jit import jit

TOKENS, EXECUTED, EFFECTUAL, SERVICE, WALKED, CYCLES = range(6)
"""Sums of a vector: its tokens; MACs executed, and effectual among them; cycles of all PEs in
service; stored entries read; cycles.
"""


@jit
def serve(costs: Cycles, done: Counts, tops: Counts, slot: int, issue: Any) -> Any:
    """Broadcast a token that costs the PEs int32 ``costs``: returns the cycle of its issue.

    done int64 (PEs): when each PE has served all tokens so far. tops int64 (depth): when the last
    PE has served each of the last tokens, of which the one that must leave its slot is at ``slot``;
    0 before there are as many.
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
    """Broadcast tokens in turn; returns the next slot and the cycle of the last issue."""
    for token in tokens:
        issue = serve(costs[token if token >= 0 else ~token], done, tops, slot, issue)
        slot = 0 if slot == tops.shape[0] - 1 else slot + 1
    return slot, issue


@jit
def serve_active(
    tokens: Cycles,
    costs: Cycles,
    walked: Cycles,
    active: Cycles,
    done: Counts,
    tops: Counts,
    sums: Counts,
) -> None:
    """A vector of which only PEs with ``active`` > 0 have needed outputs: the others drop each
    token in a cycle. Adds to SERVICE and WALKED.
    """
    own = np.empty(done.shape[0], np.int32)
    issue, slot = np.int64(-1), 0
    for token in tokens:
        column = token if token >= 0 else ~token
        for p in range(own.shape[0]):
            own[p] = costs[column, p] if active[p] else np.int32(1)
            sums[SERVICE] += own[p]
            if active[p]:
                sums[WALKED] += walked[column, p]
        issue = serve(own, done, tops, slot, issue)
        slot = 0 if slot == tops.shape[0] - 1 else slot + 1


@jit
def needed_outputs(needed: Words, outputs: int, counts: Cycles) -> Any:
    """Needed outputs of each PE, interleaved, by one position's mask uint64 (Kw): into counts int32
    (PEs); returns how many there are.
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
    """Set bits of a & b."""
    found = np.int64(0)
    for i in range(a.shape[0]):
        found += np.int64(popcount(a[i] & b[i]))
    return found


@jit
def count_all(tokens: Cycles, totals: Counts, times: int, sums: Counts) -> None:
    """Add all but the cycles of tokens that come ``times`` times, every output being needed."""
    sums[TOKENS] += tokens.shape[0] * times
    for token in tokens:
        total = totals[token if token >= 0 else ~token]
        sums[EXECUTED] += total[0] * times
        if token >= 0:
            sums[EFFECTUAL] += total[1] * times
        sums[SERVICE] += total[2] * times
        sums[WALKED] += total[3] * times


@jit
def count_needed(tokens: Cycles, macs: Words, nonzero: Words, needed: Words, sums: Counts) -> None:
    """Add tokens and the MACs of needed outputs: macs and nonzero uint64 (columns, Kw), needed
    uint64 (Kw).
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
    """Tokens of an FF or EP vector, by kernel row, kernel column, channel: image uint64 (H, W, Cw),
    taps of one position int32 (TR) and (TC).

    Column (i * TC + j) * channels + c is that of tap (i, j) and channel c. Returns how many there
    are.
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
    moving: Words,
    channels: int,
    skip_moving: bool,
    row_taps: Taps,
    col_taps: Taps,
    macs: Words,
    nonzero: Words,
    totals: Counts,
    outputs: int,
    needed: Words,
    costs: Cycles,
    walked: Cycles,
    depth: int,
    sums: Counts,
) -> None:
    """Sums of all FF, EP or feedback vectors, `TOKENS` to `CYCLES`: into int64 (S, Y*X, 6), zero at
    first.

    moving uint64 (S', H, W, Cw), S' dividing S; taps int32 (Y, TR) and (X, TC), REMOVED ones left
    out of the stream; macs and nonzero uint64 (columns, Kw): outputs that have a MAC in a column,
    and a non-zero word. needed uint64 (S'', Y*X, Kw), S'' dividing S, or of length 0, leaves
    outputs unscheduled: a vector without a needed one is nothing. walked int32 (columns, PEs):
    entries read.
    """
    samples, places = sums.shape[0], sums.shape[1]
    done, tops = np.empty(costs.shape[1], np.int64), np.empty(depth, np.int64)
    active = np.empty(costs.shape[1], np.int32)
    buffer = np.empty(row_taps.shape[1] * col_taps.shape[1] * channels, np.int32)
    for n in range(samples):
        for place in range(places):
            own = sums[n, place]
            if (
                needed.shape[0]
                and needed_outputs(needed[n % needed.shape[0], place], outputs, active) == 0
            ):
                continue
            rows, cols = row_taps[place // col_taps.shape[0]], col_taps[place % col_taps.shape[0]]
            tokens = buffer[
                : stream_tokens(
                    moving[n % moving.shape[0]], channels, skip_moving, rows, cols, buffer
                )
            ]
            done[:] = 0
            tops[:] = 0
            if needed.shape[0]:
                count_needed(tokens, macs, nonzero, needed[n % needed.shape[0], place], own)
                if costs.shape[0]:
                    serve_active(tokens, costs, walked, active, done, tops, own)
            else:
                count_all(tokens, totals, 1, own)
                if costs.shape[0]:
                    serve_all(tokens, costs, done, tops, 0, np.int64(-1))
            own[CYCLES] = done.max()


@jit
def state_of(done: Counts, tops: Counts, slot: int, issue: Any, state: Counts) -> None:
    """What the future depends on, relative to the last issue: into int64 (PEs + depth). Slots that
    are free anyway look alike.
    """
    depth, pes = tops.shape[0], done.shape[0]
    for p in range(pes):
        state[p] = max(done[p] - issue, np.int64(1))
    for i in range(depth):
        state[pes + i] = max(tops[(slot + i) % depth] - issue, np.int64(1))


@jit
def batch_sums(
    tokens: Cycles,
    ends: Counts,
    totals: Counts,
    costs: Cycles,
    batch: int,
    depth: int,
    sums: Counts,
) -> None:
    """Sums of one WG vector over a batch that repeats the samples, int64 (6), zero at first: sample
    n's tokens end at ends[n], int64 (L).

    Samples follow each other without a barrier. When a round of the samples leaves the FIFOs as the
    round before did, all further ones do.
    """
    samples = ends.shape[0]
    for n in range(samples):
        times = batch // samples + (1 if n < batch % samples else 0)
        count_all(tokens[0 if n == 0 else ends[n - 1] : ends[n]], totals, times, sums)
    if costs.shape[0] == 0:
        return
    done, tops = np.zeros(costs.shape[1], np.int64), np.zeros(depth, np.int64)
    state, before = (
        np.zeros(done.shape[0] + depth, np.int64),
        np.zeros(done.shape[0] + depth, np.int64),
    )
    slot, issue, passed, skipped = 0, np.int64(-1), np.int64(-1), np.int64(0)
    n = 0
    while n < batch:
        index = n % samples
        slot, issue = serve_all(
            tokens[0 if index == 0 else ends[index - 1] : ends[index]],
            costs,
            done,
            tops,
            slot,
            issue,
        )
        n += 1
        if n % samples == 0:
            state_of(done, tops, slot, issue, state)
            if (state == before).all():
                rounds = (batch - n) // samples
                skipped += rounds * (issue - passed)
                n += rounds * samples
            before[:] = state
            passed = issue
    sums[CYCLES] = done.max() + skipped


@jit
def gradient_sums(
    x: Words,
    channels: int,
    skip_moving: bool,
    row_taps: Taps,
    col_taps: Taps,
    totals: Counts,
    costs: Cycles,
    batch: int,
    depth: int,
    sums: Counts,
) -> None:
    """Sums of all WG vectors of a convolution: into int64 (R*S*C, 6), zero at first.

    x uint64 (S', H, W, Cw); taps int32 (P, R) and (Q, S). Vector (r, s, c) has an activation for
    each sample and error position (p, q), which names column (sample, p, q) of S'' * P * Q.
    """
    rows, cols = row_taps.shape[0], col_taps.shape[0]
    errors = totals.shape[0] // (rows * cols)
    samples = min(batch, max(errors, x.shape[0]))
    buffer, ends = np.empty(samples * rows * cols, np.int32), np.empty(samples, np.int64)
    for vector in range(sums.shape[0]):
        tap, c = vector // channels, vector % channels
        r, s = tap // col_taps.shape[1], tap % col_taps.shape[1]
        count = 0
        for n in range(samples):
            image, base = x[n % x.shape[0]], n % errors * rows * cols
            for p in range(rows):
                for q in range(cols):
                    row, col = row_taps[p, r], col_taps[q, s]
                    if (
                        row >= 0
                        and col >= 0
                        and (image[row, col, c // 64] >> np.uint64(c % 64)) & np.uint64(1)
                    ):
                        buffer[count] = base + p * cols + q
                        count += 1
                    elif not skip_moving:
                        buffer[count] = ~(base + p * cols + q)
                        count += 1
            ends[n] = count
        batch_sums(buffer[:count], ends, totals, costs, batch, depth, sums[vector])


@jit
def outer_sums(
    x: Words,
    channels: int,
    skip_moving: bool,
    segment: int,
    totals: Counts,
    costs: Cycles,
    batch: int,
    depth: int,
    sums: Counts,
) -> None:
    """Sums of an outer product whose moving vector, x uint64 (S', Cw), is cut into segments: into
    int64 (segments, 6), zero at first.

    Sample after sample, the words of a segment name column (sample) of S''.
    """
    errors = totals.shape[0]
    samples = min(batch, max(errors, x.shape[0]))
    buffer, ends = np.empty(samples * segment, np.int32), np.empty(samples, np.int64)
    for vector in range(sums.shape[0]):
        count = 0
        for n in range(samples):
            for c in range(vector * segment, min((vector + 1) * segment, channels)):
                if (x[n % x.shape[0], c // 64] >> np.uint64(c % 64)) & np.uint64(1):
                    buffer[count] = n % errors
                    count += 1
                elif not skip_moving:
                    buffer[count] = ~(n % errors)
                    count += 1
            ends[n] = count
        batch_sums(buffer[:count], ends, totals, costs, batch, depth, sums[vector])
