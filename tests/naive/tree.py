"""Plain twin of the H-tree: nodes with places on the plane, and wires along rows and columns."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Node:
    """A node at the middle of its part of the array. ``pes``: PEs below it."""

    x: float
    y: float
    pes: list[int]
    below: list[Node] = field(default_factory=list)


def grow(x: float, y: float, width: float, height: float, pes: list[int], slots: int) -> Node:
    """The tree over a part of the array with room for ``slots`` PEs, which halves its longer
    side.
    """
    node = Node(x, y, pes)
    if slots > 1:
        half = slots // 2
        for sign, part in ((-1, pes[:half]), (1, pes[half:])):
            if part and width >= height:
                child = grow(x + sign * width / 4, y, width / 2, height, part, half)
            elif part:
                child = grow(x, y + sign * height / 4, width, height / 2, part, half)
            else:
                continue
            node.below.append(child)
    return node


def crossed(node: Node, receivers: set[int]) -> float:
    """Length of the wires from a node to the receivers below it, each once."""
    return sum(
        abs(node.x - child.x) + abs(node.y - child.y) + crossed(child, receivers)
        for child in node.below
        if receivers & set(child.pes)
    )


def tree(rows: int, cols: int) -> Node:
    """The tree over a whole array, whose PEs are numbered along its leaves."""
    slots = 1
    while slots < rows * cols:
        slots *= 2
    return grow(cols / 2, rows / 2, cols, rows, list(range(rows * cols)), slots)
