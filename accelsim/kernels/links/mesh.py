"""Words on the links of a 2-D mesh under XY routing: along the row first, then along the column.

PEs are nodes, numbered row by row. ``loads``, int64 (4 * rows * cols + 2 * ports), counts the words
on each link, in this order:

- links to the next column (`EAST`), to the previous column (`WEST`), to the next row (`SOUTH`) and
  to the previous row (`NORTH`), each numbered by the node that it leaves;
- links of the global buffer's ports into the mesh, then out of it.

``port_rows``: row of each port, whose link meets column 0. ``nearest``: port of each row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accelsim.kernels.jit import jit
from accelsim.kernels.links.servers import share

Ints = NDArray[np.int64]

EAST, WEST, SOUTH, NORTH = range(4)


@jit
def route(row: int, col: int, to_row: int, to_col: int, words: int, edges: Ints) -> None:
    """Add one route to ``edges``, int64 (4, rows + 1, cols + 1): words that begin minus words that
    end at each node, per direction.
    """
    if to_col > col:
        edges[EAST, row, col] += words
        edges[EAST, row, to_col] -= words
    elif to_col < col:
        edges[WEST, row, to_col + 1] += words
        edges[WEST, row, col + 1] -= words
    if to_row > row:
        edges[SOUTH, row, to_col] += words
        edges[SOUTH, to_row, to_col] -= words
    elif to_row < row:
        edges[NORTH, to_row + 1, to_col] += words
        edges[NORTH, row + 1, to_col] -= words


@jit
def settle(edges: Ints, rows: int, cols: int, loads: Ints) -> None:
    """Add the routes in ``edges`` to the links: running sums along rows (east, west) and columns
    (south, north).
    """
    for row in range(rows):
        east, west = 0, 0
        for col in range(cols):
            east += edges[EAST, row, col]
            west += edges[WEST, row, col]
            loads[(EAST * rows + row) * cols + col] += east
            loads[(WEST * rows + row) * cols + col] += west
    for col in range(cols):
        south, north = 0, 0
        for row in range(rows):
            south += edges[SOUTH, row, col]
            north += edges[NORTH, row, col]
            loads[(SOUTH * rows + row) * cols + col] += south
            loads[(NORTH * rows + row) * cols + col] += north


@jit
def unicast(sources: Ints, targets: Ints, words: Ints, rows: int, cols: int, loads: Ints) -> None:
    """``words[i]`` words from PE ``sources[i]`` to PE ``targets[i]``."""
    edges = np.zeros((4, rows + 1, cols + 1), np.int64)
    for flow in range(len(words)):
        source, target = sources[flow], targets[flow]
        route(source // cols, source % cols, target // cols, target % cols, words[flow], edges)
    settle(edges, rows, cols, loads)


@jit
def all_pairs(first: int, pes: int, words: int, rows: int, cols: int, loads: Ints) -> None:
    """``words`` dealt to all ordered pairs of the PEs ``first`` to ``first + pes - 1``.

    Pairs of a PE with itself are included. Pair q of n has floor((q + 1) words / n) - floor(q words
    / n) words.
    """
    pairs = pes * pes
    edges = np.zeros((4, rows + 1, cols + 1), np.int64)
    whole, rest = words // pairs, words % pairs
    if whole:
        in_row, in_col = np.zeros(rows, np.int64), np.zeros(cols, np.int64)
        for pe in range(first, first + pes):
            in_row[pe // cols] += 1
            in_col[pe % cols] += 1
        for source in range(first, first + pes):
            # Each column gets as many words as the range has PEs in it.
            for col in range(cols):
                route(
                    source // cols, source % cols, source // cols, col, whole * in_col[col], edges
                )
        for target in range(first, first + pes):
            for row in range(rows):
                route(row, target % cols, target // cols, target % cols, whole * in_row[row], edges)
    for word in range(rest):
        # The word's pair: the first q with floor((q + 1) rest / n) > word.
        pair = ((word + 1) * pairs + rest - 1) // rest - 1
        source, target = first + pair // pes, first + pair % pes
        route(source // cols, source % cols, target // cols, target % cols, 1, edges)
    settle(edges, rows, cols, loads)


@jit
def multicast(
    first: int,
    pes: int,
    receivers: int,
    words: int,
    port_rows: Ints,
    nearest: Ints,
    rows: int,
    cols: int,
    loads: Ints,
) -> None:
    """``words`` from the global buffer's ports, dealt to groups of ``receivers`` neighbouring PEs.

    All PEs of a group take each of the group's words. A word enters by the port of each row with a
    receiver, and crosses each link of the tree of XY routes from there once.
    """
    groups = pes // receivers
    top, bottom = np.empty(cols, np.int64), np.empty(cols, np.int64)
    edges = np.zeros((4, rows + 1, cols + 1), np.int64)
    for group in range(groups):
        amount = share(words, group, groups)
        start = first + group * receivers
        for port in range(len(port_rows)):
            at = port_rows[port]
            top[:], bottom[:] = at, at
            last = -1
            for pe in range(start, start + receivers):
                row, col = pe // cols, pe % cols
                if nearest[row] == port:
                    last = max(last, col)
                    top[col], bottom[col] = min(top[col], row), max(bottom[col], row)
            if last < 0:
                continue
            loads[4 * rows * cols + port] += amount
            route(at, 0, at, last, amount, edges)
            for col in range(last + 1):
                route(at, col, top[col], col, amount, edges)
                route(at, col, bottom[col], col, amount, edges)
    settle(edges, rows, cols, loads)


@jit
def gather(
    first: int,
    pes: int,
    words: int,
    port_rows: Ints,
    nearest: Ints,
    rows: int,
    cols: int,
    loads: Ints,
) -> None:
    """``words`` from PEs, an equal share from each, to the ports nearest to their rows."""
    edges = np.zeros((4, rows + 1, cols + 1), np.int64)
    for index in range(pes):
        amount, row, col = share(words, index, pes), (first + index) // cols, (first + index) % cols
        port = nearest[row]
        route(row, col, port_rows[port], 0, amount, edges)
        loads[4 * rows * cols + len(port_rows) + port] += amount
    settle(edges, rows, cols, loads)
