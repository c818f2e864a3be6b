"""Contractions by their definition, and the same written out as matrix products and as
row-stationary convolutions, one group at a time.

Moving maps are (N, H, W, C) in FF and WG, (N, P, Q, K) in EP, (N, C) for feedback. Weights are (K,
R, S, C / groups), feedback (neurons, C).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from accelsim.step.ops import Op, Pass
from tests.naive.bounds import Bounds, bounds

Tap = tuple[int, int, int, int, int, int, int, int, int]


def operands(op: Op, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Moving and stationary operand with small integers. Sparse feedback has ``nonzeros`` entries
    per row.
    """
    b = bounds(op)
    if op.kind == "feedback":
        rows = rng.integers(1, 10, (b.k * b.p * b.q, b.c))
        for row in rows if b.nonzeros else ():
            row[rng.permutation(b.c)[b.nonzeros :]] = 0
        return rng.integers(-9, 10, (b.n, b.c)), rows
    map_in, map_out, weights = (
        (b.n, b.h, b.w, b.c),
        (b.n, b.p, b.q, b.k),
        (b.k, b.r, b.s, b.c // b.groups),
    )
    shapes = {Pass.FF: (map_in, weights), Pass.EP: (map_out, weights), Pass.WG: (map_in, map_out)}[
        op.pass_
    ]
    return rng.integers(-9, 10, shapes[0]), rng.integers(-9, 10, shapes[1])


def taps(b: Bounds) -> Iterator[Tap]:
    """(n, p, q, k, r, s, channel in the group, h, w) of every multiplication inside the map."""
    own = b.c // b.groups
    for n, p, q, k, r, s, c in product(*map(range, (b.n, b.p, b.q, b.k, b.r, b.s, own))):
        h, w = (
            p * b.stride[0] - b.padding[0] + r * b.dilation[0],
            q * b.stride[1] - b.padding[1] + s * b.dilation[1],
        )
        if 0 <= h < b.h and 0 <= w < b.w:
            yield n, p, q, k, r, s, c, h, w


def result(op: Op, moving: np.ndarray, stationary: np.ndarray) -> np.ndarray:
    """Result of the op: FF (N, P, Q, K), EP (N, H, W, C), WG (K, R, S, C / groups), feedback (N,
    neurons).
    """
    b = bounds(op)
    if op.kind == "feedback":
        return moving @ stationary.T
    own = b.c // b.groups
    shapes = {
        Pass.FF: (b.n, b.p, b.q, b.k),
        Pass.EP: (b.n, b.h, b.w, b.c),
        Pass.WG: (b.k, b.r, b.s, own),
    }
    out = np.zeros(shapes[op.pass_], np.int64)
    for n, p, q, k, r, s, c, h, w in taps(b):
        channel = k // (b.k // b.groups) * own + c
        if op.pass_ is Pass.FF:
            out[n, p, q, k] += moving[n, h, w, channel] * stationary[k, r, s, c]
        elif op.pass_ is Pass.EP:
            out[n, h, w, channel] += moving[n, p, q, k] * stationary[k, r, s, c]
        else:
            out[k, r, s, c] += moving[n, h, w, channel] * stationary[n, p, q, k]
    return out


def matrices(
    op: Op, moving: np.ndarray, stationary: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(M x K matrix, K x N matrix, M x N result) of every group."""
    b = bounds(op)
    whole = result(op, moving, stationary)
    if op.kind == "feedback":
        return [(moving, stationary.T, whole)]
    c, k, groups = b.c // b.groups, b.k // b.groups, []
    for group in range(b.groups):
        channels, outputs = slice(group * c, (group + 1) * c), slice(group * k, (group + 1) * k)
        weights = stationary[outputs]
        if op.pass_ is Pass.FF:
            left = np.zeros((b.n, b.p, b.q, b.r, b.s, c), np.int64)
            right, out = (
                weights.transpose(1, 2, 3, 0).reshape(-1, k),
                whole[..., outputs].reshape(-1, k),
            )
        elif op.pass_ is Pass.EP:
            left = np.zeros((b.n, b.h, b.w, b.r, b.s, k), np.int64)
            right, out = (
                weights.transpose(1, 2, 0, 3).reshape(-1, c),
                whole[..., channels].reshape(-1, c),
            )
        else:
            left = np.zeros((b.r, b.s, c, b.n, b.p, b.q), np.int64)
            right, out = stationary[..., outputs].reshape(-1, k), whole[outputs].reshape(k, -1).T
        for n, p, q, kout, r, s, cin, h, w in taps(b):
            if kout // k != group:
                continue
            if op.pass_ is Pass.FF:
                left[n, p, q, r, s, cin] = moving[n, h, w, group * c + cin]
            elif op.pass_ is Pass.EP:
                left[n, h, w, r, s, kout % k] = moving[n, p, q, kout]
            else:
                left[r, s, cin, n, p, q] = moving[n, h, w, group * c + cin]
        groups.append((left.reshape(-1, right.shape[0]), right, out))
    return groups


def convolutions(
    op: Op, moving: np.ndarray, stationary: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(inputs (images, channels, rows, columns), filters, result (images, filters, ...)) of every
    group. Padding and stride zeros of the inputs are written out.
    """
    b = bounds(op)
    whole = result(op, moving, stationary)
    if op.kind == "feedback":
        return [(moving[:, :, None, None], stationary[:, :, None, None], whole[:, :, None, None])]
    c, k, found = b.c // b.groups, b.k // b.groups, []
    for group in range(b.groups):
        channels, outputs = slice(group * c, (group + 1) * c), slice(group * k, (group + 1) * k)
        if op.pass_ is Pass.EP:
            found.append((
                spread(moving[..., outputs].transpose(0, 3, 1, 2), b),
                stationary[outputs, ::-1, ::-1].transpose(3, 0, 1, 2),
                whole[..., channels].transpose(0, 3, 1, 2),
            ))  # fmt: skip
            continue
        padded = pad(moving[..., channels].transpose(0, 3, 1, 2), b)
        if op.pass_ is Pass.FF:
            found.append(
                (
                    padded,
                    stationary[outputs].transpose(0, 3, 1, 2),
                    whole[..., outputs].transpose(0, 3, 1, 2),
                )
            )
        else:
            found.append(
                (
                    padded.transpose(1, 0, 2, 3),
                    stationary[..., outputs].transpose(3, 0, 1, 2),
                    whole[outputs].transpose(3, 0, 1, 2),
                )
            )
    return found


def pad(maps: np.ndarray, b: Bounds) -> np.ndarray:
    """The part of the padded maps that windows cover."""
    reach = [
        (b.p - 1) * b.stride[0] + (b.r - 1) * b.dilation[0] + 1,
        (b.q - 1) * b.stride[1] + (b.s - 1) * b.dilation[1] + 1,
    ]
    out = np.zeros((*maps.shape[:2], *reach), np.int64)
    for y, x in product(*map(range, reach)):
        h, w = y - b.padding[0], x - b.padding[1]
        if 0 <= h < b.h and 0 <= w < b.w:
            out[..., y, x] = maps[..., h, w]
    return out


def spread(errors: np.ndarray, b: Bounds) -> np.ndarray:
    """Errors with their stride zeros, as the windows of the input map's pixels read them."""
    reach = [b.h + (b.r - 1) * b.dilation[0], b.w + (b.s - 1) * b.dilation[1]]
    out = np.zeros((*errors.shape[:2], *reach), np.int64)
    for y, x in product(*map(range, reach)):
        up, left = (
            y + b.padding[0] - (b.r - 1) * b.dilation[0],
            x + b.padding[1] - (b.s - 1) * b.dilation[1],
        )
        if (
            up % b.stride[0] == 0
            and left % b.stride[1] == 0
            and 0 <= up // b.stride[0] < b.p
            and 0 <= left // b.stride[1] < b.q
        ):
            out[..., y, x] = errors[..., up // b.stride[0], left // b.stride[1]]
    return out
