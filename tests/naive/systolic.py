"""Plain-Python systolic arrays: registers are shifted cycle by cycle, and the product is checked as
it leaves.

A word is (value, index of its product), or None for a bubble in the pipeline. A PE multiplies only
the values in its registers, so words that do not meet in the right cycle give a wrong product.
"""

from __future__ import annotations

from itertools import product as pairs

import numpy as np

Word = tuple[int, int] | None
"""(value, index). The index is that of the reduction if outputs are stationary, else that of the
streamed row.
"""

Grid = list[list[Word]]
Seen = dict[tuple[int, int, int], str]
"""Activity of each PE by (cycle, row, column)."""


def empty(rows: int, cols: int) -> Grid:
    return [[None] * cols for _ in range(rows)]


def output_stationary(
    a: np.ndarray, b: np.ndarray, seen: Seen | None = None
) -> tuple[np.ndarray, int]:
    """(product, cycles until every PE has its K products). a (R, K) enters the rows and b (K, C)
    the columns, skewed by one cycle per row or column.

    ``seen`` records each PE's activity per cycle: the index of the product.
    """
    rows, depth = a.shape
    cols = b.shape[1]
    right, down = empty(rows, cols), empty(rows, cols)
    total, missing = np.zeros((rows, cols), dtype=np.int64), rows * cols * depth
    cycle = 0
    while missing:
        for i in range(rows):
            k = cycle - i
            right[i] = [(int(a[i, k]), k) if 0 <= k < depth else None, *right[i][:-1]]
        down = [
            [
                (int(b[cycle - j, j]), cycle - j) if 0 <= cycle - j < depth else None
                for j in range(cols)
            ],
            *down[:-1],
        ]
        for i, j in pairs(range(rows), range(cols)):
            x, y = right[i][j], down[i][j]
            if x is not None and y is not None:
                assert x[1] == y[1], "words of different products met"
                total[i, j] += x[0] * y[0]
                missing -= 1
                if seen is not None:
                    seen[cycle, i, j] = str(x[1])
        cycle += 1
    return total, cycle


def operand_stationary(
    stream: np.ndarray, held: np.ndarray, seen: Seen | None = None
) -> tuple[np.ndarray, int]:
    """(result, cycles until the last sum leaves). held (R, C) is shifted in row by row; then stream
    (M, R) flows to the right and sums flow down.

    Weight stationary: weights are held and activations streamed; input stationary: the reverse.
    ``seen`` records each PE's activity per cycle: w while words are shifted in, then the streamed
    row that it multiplies.
    """
    rows, cols = held.shape
    length = len(stream)
    own: list[list[int]] = [[0] * cols for _ in range(rows)]
    cycle = 0
    for i in range(rows):
        own = [[int(value) for value in held[rows - 1 - i]], *own[:-1]]
        if seen is not None:
            seen.update({(cycle, *place): "w" for place in pairs(range(rows), range(cols))})
        cycle += 1
    right, sums = empty(rows, cols), empty(rows, cols)
    out, left = np.zeros((length, cols), dtype=np.int64), length * cols
    step = 0
    while left:
        for i in range(rows):
            m = step - i
            right[i] = [(int(stream[m, i]), m) if 0 <= m < length else None, *right[i][:-1]]
        above, sums = [[None] * cols, *sums[:-1]], empty(rows, cols)
        for i, j in pairs(range(rows), range(cols)):
            x = right[i][j]
            if x is not None:
                before = above[i][j]
                assert i == 0 or (before is not None and before[1] == x[1]), (
                    "a sum met a word of another row"
                )
                sums[i][j] = ((before[0] if before else 0) + x[0] * own[i][j], x[1])
                if seen is not None:
                    seen[cycle + step, i, j] = str(x[1])
        for j in range(cols):
            leaving = sums[-1][j]
            if leaving is not None:
                out[leaving[1], j] = leaving[0]
                left -= 1
        step += 1
    return out, cycle + step


def matrix_product(
    a: np.ndarray, b: np.ndarray, rows: int, cols: int, dataflow: str
) -> tuple[np.ndarray, int, int]:
    """(a @ b, cycles, folds) on rows x cols PEs, fold after fold. An incomplete fold is filled with
    zeros and takes as long as a full one.
    """
    if dataflow == "is":
        transposed, cycles, folds = _held(b.T, a.T, rows, cols)
        return transposed.T, cycles, folds
    if dataflow == "ws":
        return _held(a, b, rows, cols)
    out = np.zeros((a.shape[0], b.shape[1]), np.int64)
    cycles = folds = 0
    for i, j in _corners(out.shape, rows, cols):
        fold, took = output_stationary(
            _padded(a[i : i + rows], rows, a.shape[1]),
            _padded(b[:, j : j + cols], b.shape[0], cols),
        )
        _add(out, fold, i, j)
        cycles, folds = cycles + took, folds + 1
    return out, cycles, folds


def _held(
    stream: np.ndarray, held: np.ndarray, rows: int, cols: int
) -> tuple[np.ndarray, int, int]:
    out = np.zeros((len(stream), held.shape[1]), np.int64)
    cycles = folds = 0
    for i, j in _corners(held.shape, rows, cols):
        fold, took = operand_stationary(
            _padded(stream[:, i : i + rows], len(stream), rows),
            _padded(held[i : i + rows, j : j + cols], rows, cols),
        )
        _add(out, fold, 0, j)
        cycles, folds = cycles + took, folds + 1
    return out, cycles, folds


def _corners(shape: tuple[int, ...], rows: int, cols: int) -> list[tuple[int, int]]:
    return list(pairs(range(0, shape[0], rows), range(0, shape[1], cols)))


def _padded(part: np.ndarray, rows: int, cols: int) -> np.ndarray:
    out = np.zeros((rows, cols), np.int64)
    out[: part.shape[0], : part.shape[1]] = part
    return out


def _add(out: np.ndarray, fold: np.ndarray, i: int, j: int) -> None:
    part = out[i : i + fold.shape[0], j : j + fold.shape[1]]
    part += fold[: part.shape[0], : part.shape[1]]
