"""Errors that arrive for a part of a map, and their places in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from accelsim.step.ops import Tensor


class Part(NamedTuple):
    """Error of the part of a map at ``places`` of the axis number ``axis``."""

    value: tuple[Tensor, ...]
    axis: int
    places: range


def side_by_side(parts: Iterable[Part]) -> list[list[Part]]:
    """Lists of parts that do not overlap, as few as a single pass finds, each in the order of their
    places.
    """
    found: list[tuple[set[int], list[Part]]] = []
    for part in sorted(parts, key=lambda part: (part.axis, part.places.start)):
        for taken, group in found:
            if group[0].axis == part.axis and taken.isdisjoint(part.places):
                taken.update(part.places)
                group.append(part)
                break
        else:
            found.append((set(part.places), [part]))
    return [group for _, group in found]
