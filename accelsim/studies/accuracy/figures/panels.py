"""Panels side by side: rules as rows of dots, and scores against one quantity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from accelsim.report.figures.style import COLUMN_INCHES, PAGE_INCHES
from accelsim.studies.accuracy.figures.looks import (
    BLUE,
    GREEN,
    MARKERS,
    ORANGE,
    PINK,
    RED,
    SKY,
    WINE,
    look,
    place,
)
from accelsim.studies.accuracy.outcomes import Outcome, deviation, mean


def panels_in_a_row(
    count: int, height: float, width: float = PAGE_INCHES, share_x: bool = False
) -> tuple[Figure, list[Axes]]:
    """A figure of ``width`` by ``height`` inches with ``count`` panels side by side."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(1, count, squeeze=False, sharex=share_x).flat)
    for axes in panels:
        axes.tick_params(axis="x", size=2.5)
        axes.grid(axis="y", color="#E6E6E6", linewidth=0.5)
        axes.set_axisbelow(True)
    return figure, panels


def legend_beside(figure: Figure, panels: Sequence[Axes]) -> None:
    """Add a legend to the right of the panels."""
    handles: dict[str, Any] = {}
    for axes in panels:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(name, handle)
    figure.legend(
        list(handles.values()),
        list(handles),
        loc="outside right center",
        frameon=False,
        handlelength=1.8,
    )


def dots(
    rows: dict[str, list[Outcome]],
    titles: dict[str, str],
    key: str,
    label: str,
    factor: float,
    share_x: bool = False,
) -> Figure | None:
    """One panel per group, one row per rule: seeds as open dots, and the mean with its deviation in
    the rule's colour. None without data.
    """
    rows = {name: each for name, each in rows.items() if each}
    if not rows:
        return None
    rules = sorted(
        {each.rule for group in rows.values() for each in group},
        key=lambda rule: (place(rule), rule),
    )
    width = PAGE_INCHES if len(rows) > 1 else COLUMN_INCHES
    figure, panels = panels_in_a_row(len(rows), 0.75 + 0.17 * len(rules), width, share_x)
    for index, (axes, (name, group)) in enumerate(zip(panels, rows.items(), strict=True)):
        axes.grid(visible=False, axis="y")
        axes.grid(axis="x", color="#E6E6E6", linewidth=0.5)
        for each in group:
            line, values = rules.index(each.rule), [factor * value for value in each.scores(key)]
            colour = look(each.rule)["color"]
            axes.plot(
                values,
                [line] * len(values),
                "o",
                color=colour,
                markerfacecolor="none",
                markersize=3,
                markeredgewidth=0.5,
            )
            axes.errorbar(
                mean(values) or 0.0,
                line,
                xerr=deviation(values),
                fmt="D",
                color=colour,
                markersize=3.2,
                elinewidth=1,
                capsize=2,
            )
        axes.set_yticks(range(len(rules)), rules if index == 0 else [""] * len(rules))
        axes.set_ylim(len(rules) - 0.4, -0.6)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
        axes.set_xlabel(label)
        axes.set_title(titles[name], pad=3)
    return figure


Points = list[tuple[float, Outcome]]


def accuracy_and_angle(series: dict[str, Points], label: str) -> Figure | None:
    """Accuracy and angle against one quantity, one line per series, with bars of one deviation.
    None without data.
    """
    series = {
        name: sorted(points, key=lambda point: point[0])
        for name, points in series.items()
        if points
    }
    if not series:
        return None
    figure, panels = panels_in_a_row(2, 2.1)
    colours = (BLUE, RED, GREEN, ORANGE, PINK, SKY, WINE)
    for number, (axes, kind) in enumerate(zip(panels, ("accuracy", "angle"), strict=True)):
        for index, (name, points) in enumerate(series.items()):
            scored = [
                (
                    x,
                    each.percent("test_accuracy")
                    if kind == "accuracy"
                    else each.angles("feedback"),
                )
                for x, each in points
            ]
            known = [(x, mean(values), deviation(values) or 0.0) for x, values in scored if values]
            places, means, errors = ([row[column] or 0.0 for row in known] for column in range(3))
            drawn: dict[str, Any] = {
                "color": colours[index % 7],
                "marker": MARKERS[index % 7],
                "markersize": 3,
                "linewidth": 1,
            }
            axes.errorbar(
                places,
                means,
                yerr=errors,
                label=name if number == 0 else None,
                elinewidth=0.7,
                capsize=1.5,
                **drawn,
            )
        axes.set_xlabel(label)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True))
        axes.set_ylabel(
            "test accuracy in %" if kind == "accuracy" else "angle of B and W in degrees"
        )
    legend_beside(figure, panels)
    return figure
