"""Placement of names beside the points of a plot. Each name is tried at places around its point,
near ones first, until no name can be moved to a better place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

SIZE = 5.8
"""Points."""
DISTANCES = (3.0, 7.0, 12.0, 18.0, 26.0, 36.0, 48.0)
"""Distances in typographic points between a name and its point. From the second distance on, a line
joins them.
"""
DIRECTIONS = 16
SWEEPS = 8
"""Maximum number of times that every name is moved to a better place."""
POINT = 2.2
"""Half the size of a point's mark, in typographic points."""
CROSSING = 150.0
"""Cost of a name on a point, and of a line across a name, a point or another line, in square
typographic points of covered area.
"""

Spot = tuple[float, float]


@dataclass(frozen=True)
class _Place:
    """A place for a name: its box, and the line to its point, in typographic points of the page."""

    box: Bbox
    distance: float
    point: Spot

    @property
    def line(self) -> tuple[Spot, Spot] | None:
        return None if self.distance == DISTANCES[0] else (self.point, _centre(self.box))


Label = tuple[float, float, str, str]
"""x, y, name, colour."""


def place_labels(axes: Axes, labels: Sequence[Label]) -> None:
    """Write each name where it overlaps other names, points and the frame least. The figure's
    layout is frozen first.
    """
    if not labels:
        return
    figure = cast("Figure", axes.figure)
    figure.set_layout_engine("none")
    unit = figure.dpi / 72
    (left, bottom), (right, top) = (axes.get_window_extent().get_points() / unit).tolist()
    frame = Bbox.from_extents(left, bottom, right, top)
    points = [
        cast("Spot", tuple((axes.transData.transform((x, y)) / unit).tolist()))
        for x, y, _, _ in labels
    ]
    sizes = [_size(figure, name, unit) for _, _, name, _ in labels]
    candidates = [_candidates(point, size) for point, size in zip(points, sizes, strict=True)]
    chosen: list[_Place | None] = [None] * len(labels)
    for _ in range(SWEEPS):
        before = list(chosen)
        for index, places in enumerate(candidates):
            others = [
                place for which, place in enumerate(chosen) if place is not None and which != index
            ]
            marks = [point for which, point in enumerate(points) if which != index]
            costs = [_cost(place, others, marks, frame) for place in places]
            chosen[index] = places[costs.index(min(costs))]
        if chosen == before:
            break
    for (x, y, name, colour), point, place in zip(labels, points, chosen, strict=True):
        assert place is not None
        across, up = _centre(place.box)
        line = (
            {
                "arrowstyle": "-",
                "linewidth": 0.4,
                "color": "#777777",
                "shrinkA": 0.5,
                "shrinkB": POINT,
            }
            if place.line
            else None
        )
        offset = (across - point[0], up - point[1])
        axes.annotate(
            name,
            (x, y),
            offset,
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=SIZE,
            color=colour,
            arrowprops=line,
        )


def _size(figure: Figure, name: str, unit: float) -> tuple[float, float]:
    """Width and height of a name, in typographic points."""
    text = figure.text(0, 0, name, fontsize=SIZE)
    box = text.get_window_extent()
    text.remove()
    return box.width / unit + 1, box.height / unit


def _candidates(point: Spot, size: tuple[float, float]) -> list[_Place]:
    places = []
    for distance in DISTANCES:
        for step in range(DIRECTIONS):
            angle = 2 * math.pi * step / DIRECTIONS
            across = point[0] + math.cos(angle) * (size[0] / 2 + distance)
            up = point[1] + math.sin(angle) * (size[1] / 2 + distance)
            places.append(
                _Place(
                    Bbox.from_bounds(across - size[0] / 2, up - size[1] / 2, *size), distance, point
                )
            )
    return places


def _cost(place: _Place, others: Sequence[_Place], marks: Sequence[Spot], frame: Bbox) -> float:
    box, line = place.box, place.line
    cost = place.distance + 6 * (box.width * box.height - _shared(box, frame))
    for mark in marks:
        around = Bbox.from_extents(
            mark[0] - POINT, mark[1] - POINT, mark[0] + POINT, mark[1] + POINT
        )
        cost += CROSSING * (_shared(box, around) > 0)
        if line is not None and mark != place.point and _crosses_box(line, around):
            cost += CROSSING
    for other in others:
        cost += 4 * _shared(box, other.box)
        if line is not None and _crosses_box(line, other.box):
            cost += CROSSING
        if other.line is not None:
            cost += CROSSING * (
                _crosses_box(other.line, box) + (line is not None and _cross(line, other.line))
            )
    return cost


def _centre(box: Bbox) -> Spot:
    return (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2


def _shared(one: Bbox, other: Bbox) -> float:
    """The area in both boxes."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return float(max(0.0, width) * max(0.0, height))


def _crosses_box(line: tuple[Spot, Spot], box: Bbox) -> bool:
    """True if a line crosses a box. A line that begins and ends outside does so if it crosses a
    diagonal.
    """
    corners = ((box.x0, box.y0), (box.x1, box.y1)), ((box.x0, box.y1), (box.x1, box.y0))
    return any(_cross(line, diagonal) for diagonal in corners)


def _cross(one: tuple[Spot, Spot], other: tuple[Spot, Spot]) -> bool:
    """True if two line segments cross between their ends."""

    def side(a: Spot, b: Spot, c: Spot) -> float:
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    return (
        side(*one, other[0]) * side(*one, other[1]) < 0
        and side(*other, one[0]) * side(*other, one[1]) < 0
    )
