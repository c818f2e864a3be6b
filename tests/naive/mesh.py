"""Plain twin of the mesh: every word travels from node to node, one link at a time."""

from __future__ import annotations

from collections import Counter

Node = tuple[int, int]
Link = tuple[object, object]
"""(from, to): nodes, or ("port", index)."""


def route(source: Node, target: Node) -> list[Link]:
    """Links of the XY route: along the row, then along the column."""
    links: list[Link] = []
    row, col = source
    while col != target[1]:
        step = 1 if target[1] > col else -1
        links.append(((row, col), (row, col + step)))
        col += step
    while row != target[0]:
        step = 1 if target[0] > row else -1
        links.append(((row, col), (row + step, col)))
        row += step
    return links


def nearest(row: int, port_rows: list[int]) -> int:
    """Nearest port of a row; the first one if there are ties."""
    best = 0
    for port, at in enumerate(port_rows):
        if abs(at - row) < abs(port_rows[best] - row):
            best = port
    return best


def node(pe: int, cols: int) -> Node:
    return pe // cols, pe % cols


def unicast(flows: list[tuple[int, int, int]], cols: int) -> Counter[Link]:
    """Words per link for flows (source PE, target PE, words)."""
    loads: Counter[Link] = Counter()
    for source, target, words in flows:
        for _ in range(words):
            loads.update(route(node(source, cols), node(target, cols)))
    return loads


def all_pairs(first: int, pes: int, words: int, cols: int) -> Counter[Link]:
    pairs = [(first + i, first + j) for i in range(pes) for j in range(pes)]
    n = len(pairs)
    return unicast(
        [(i, j, (q + 1) * words // n - q * words // n) for q, (i, j) in enumerate(pairs)], cols
    )


def multicast(
    first: int, pes: int, receivers: int, words: int, port_rows: list[int], cols: int
) -> tuple[Counter[Link], Counter[int]]:
    """(words per link, words received per PE)."""
    loads: Counter[Link] = Counter()
    received: Counter[int] = Counter()
    groups = pes // receivers
    for group in range(groups):
        members = [first + group * receivers + i for i in range(receivers)]
        for _ in range((group + 1) * words // groups - group * words // groups):
            crossed: set[Link] = set()
            for pe in members:
                at = node(pe, cols)
                port = nearest(at[0], port_rows)
                entry = (port_rows[port], 0)
                crossed |= {(("port", port), entry), *route(entry, at)}
                received[pe] += 1
            loads.update(crossed)
    return loads, received


def gather(first: int, pes: int, words: int, port_rows: list[int], cols: int) -> Counter[Link]:
    loads: Counter[Link] = Counter()
    for index in range(pes):
        at = node(first + index, cols)
        port = nearest(at[0], port_rows)
        leave = (port_rows[port], 0)
        for _ in range((index + 1) * words // pes - index * words // pes):
            loads.update([*route(at, leave), (leave, ("port", port))])
    return loads


def dealt(edges: list[tuple[int, int]], words: int) -> list[tuple[int, int, int]]:
    """Flows that distribute ``words`` evenly over the edges."""
    return [
        (source, target, (q + 1) * words // len(edges) - q * words // len(edges))
        for q, (source, target) in enumerate(edges)
    ]


def reduction(first: int, pes: int, shared: int, words: int) -> list[tuple[int, int, int]]:
    """Flows of a binary tree in each group: in each round, every second remaining PE sends to its
    left neighbour.
    """
    edges = []
    for group in range(pes // shared):
        left = list(range(first + group * shared, first + (group + 1) * shared))
        while len(left) > 1:
            edges += [(left[i], left[i - 1]) for i in range(1, len(left), 2)]
            left = left[::2]
    return dealt(edges, words)


def climb(first: int, pes: int, words: int, cols: int) -> list[tuple[int, int, int]]:
    """Flows from each PE to the PE above it, or within a single row to the previous one."""
    inside = range(first, first + pes)
    above = [(pe, pe - cols) for pe in inside if pe - cols in inside]
    return dealt(above or [(pe, pe - 1) for pe in inside if pe - 1 in inside], words)
