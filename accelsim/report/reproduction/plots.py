"""Figures of a reproduction, drawn from the document: bars, lines, points with their names,
timelines; for a paper's page, same input same bytes.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import (
    FixedFormatter,
    FixedLocator,
    FuncFormatter,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)

from accelsim.report.plots import CHARACTER, COLUMN_INCHES, DPI, LINE, PAGE_INCHES, STYLE
from accelsim.report.reproduction.document import Figure, Panel, ReproductionDocument, Series
from accelsim.report.reproduction.labels import Label, place_labels
from accelsim.report.style import si

# Okabe and Ito's palette without its yellow, of which lines and points are hard to see on paper; a
# grey makes up for it.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#000000", "#999999")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
HEIGHT = 2.0
"""Inches of a panel."""
MOST_ROWS = 18
"""Rows of a timeline that are named."""
UPRIGHT = 26
"""Characters along an axis of sizes."""
AROUND = 0.55
"""Inches beside a pair of axes: its scale and what is said of it."""
DIGIT = 0.047
"""Inches of a digit of a bar's value."""
MOST_BESIDE = 4
"""Panels in a row."""
DARKER = 0.65
"""Of a colour, as letters on white need it."""
SHORTEST = 1 / 180
"""Of the time axis: a shorter span is drawn so long."""
TURNED = 0.085
"""Inches beside each other that values take which are written upwards."""
MOST_MARKED = 30
"""Points of a line that are marked."""


def write_figures(document: ReproductionDocument, folder: Path) -> list[Path]:
    """Every figure as ``<id>.png`` and ``<id>.svg`` in ``folder``; the paths written."""
    written = []
    with rc_context(STYLE):
        for figure in document.figures:
            drawing = draw(figure)
            for suffix, metadata in (
                (".png", {"Software": None}),
                (".svg", {"Date": None, "Creator": None}),
            ):
                path = folder / f"{figure.id}{suffix}"
                drawing.savefig(path, dpi=DPI, metadata=metadata)
                written.append(path)
    return written


def draw(figure: Figure) -> Drawing:
    """The panels beside each other, in further rows where they are narrow; a single one takes a
    column of a page, or both where it holds much.
    """
    panels = figure.panels
    columns = _columns(panels)
    rows = -(-len(panels) // columns)
    narrow = len(panels) == 1 and panels[0].kind != "timeline" and _need(panels[0]) <= COLUMN_INCHES
    width = COLUMN_INCHES if narrow else PAGE_INCHES
    heights = [
        max(
            _height(panel, width / columns) for panel in panels[row * columns : (row + 1) * columns]
        )
        for row in range(rows)
    ]
    drawing = Drawing(figsize=(width, sum(heights)), layout="constrained")
    FigureCanvasAgg(drawing)
    places = list(drawing.subplots(rows, columns, squeeze=False, height_ratios=heights).flat)
    names = list(
        dict.fromkeys(series.label for panel in panels for series in panel.series if series.label)
    )
    looks = {name: index for index, name in enumerate(names)}
    texts: list[tuple[Axes, list[Label]]] = []
    for axes in places[len(panels) :]:
        axes.set_visible(False)
    for axes, panel in zip(places, panels, strict=False):
        texts.append((axes, _draw(axes, panel, looks)))
        title = textwrap.fill(panel.title, max(20, int(width / columns / CHARACTER) - 4))
        axes.set_title(title, pad=4, loc="left")
        axes.set_xlabel(panel.x_label)
        axes.set_ylabel(_upright(panel.y_label))
    _sizes(places, panels)
    _legend(drawing, places, panels)
    drawing.draw_without_rendering()  # labels of points are placed on the final layout
    for axes, labels in texts:
        place_labels(axes, labels)
    return drawing


def _draw(axes: Axes, panel: Panel, looks: dict[str, int]) -> list[Label]:
    """One pair of axes; the labels of points are returned, to be placed when the layout is
    settled.
    """
    axes.set_axisbelow(True)
    match panel.kind:
        case "bars":
            _bars(axes, panel, looks)
            return []
        case "timeline":
            _timeline(axes, panel, looks)
            return []
        case "lines" | "scatter":
            return _points(axes, panel, looks)


def _sizes(places: Sequence[Axes], panels: Sequence[Panel]) -> None:
    """Axes of sizes of lines and points: lines whose axes say the same have the same range; numbers
    on logarithmic ones.

    Where what lines show is relative to what costs 1, as the axis says, a line stands there.
    """
    alike: dict[tuple[str, bool], list[Axes]] = {}
    for axes, panel in zip(places, panels, strict=False):
        if panel.kind == "lines" and _drawn(axes):
            alike.setdefault((panel.y_label, panel.log_y), []).append(axes)
    for shared in alike.values():
        limits = [limit for axes in shared for limit in axes.get_ylim()]
        for axes in shared:
            axes.set_ylim(min(limits), max(limits))
    for axes, panel in zip(places, panels, strict=False):
        if panel.kind not in {"lines", "scatter"} or not _drawn(axes):
            continue
        if panel.log_y:
            _mark(axes.yaxis)
        low, high = axes.get_ylim()
        if panel.kind == "lines" and re.search(r"= 1(?!\.?\d)", panel.y_label) and low <= 1 <= high:
            axes.axhline(1, color="#808080", linewidth=0.6, zorder=1)


def _drawn(axes: Axes) -> bool:
    """Whether any point is shown."""
    return any(len(cast("Sequence[float]", line.get_xdata())) for line in axes.lines)


def _upright(label: str) -> str:
    """What is said of an axis of sizes, in lines that are no longer than it; broken after its first
    comma rather than elsewhere.
    """
    if len(label) <= UPRIGHT:
        return label
    return "\n".join(
        textwrap.fill(part, UPRIGHT) for part in label.replace(", ", ",\n", 1).split("\n")
    )


def _bars(axes: Axes, panel: Panel, looks: dict[str, int]) -> None:
    """Groups by x, a bar a series in each. Values at the ends where there is room. A bar that a
    logarithmic axis cannot show says so.
    """
    groups = list(dict.fromkeys(x for series in panel.series for x in series.x))
    width = 0.8 / len(panel.series) if len(panel.series) > 1 else 0.66
    values = [float(y) for series in panel.series for y in series.y if y is not None]
    above = [value for value in values if value > 0]
    bottom = (
        10 ** (math.floor(math.log10(min(above)) + 1e-9) - (1 if _near_power(min(above)) else 0))
        if panel.log_y and above
        else 0.0
    )
    pitch = _panel_width(axes) / max(1, len(groups)) * (width if len(panel.series) > 1 else 1)
    texts, upwards = _values(panel, pitch)
    for index, series in enumerate(panel.series):
        shift = (index - (len(panel.series) - 1) / 2) * width
        heights = {
            x: None if y is None else float(y) for x, y in zip(series.x, series.y, strict=True)
        }
        colour = COLOURS[looks.get(series.label, 0) % len(COLOURS)]
        places = [group + shift for group, x in enumerate(groups) if heights.get(x) is not None]
        sizes = [cast("float", heights[x]) for x in groups if heights.get(x) is not None]
        shown = [max(size, bottom) for size in sizes] if panel.log_y else sizes
        axes.bar(
            places,
            [size - bottom for size in shown],
            width * 0.94,
            bottom=bottom,
            color=colour,
            label=series.label,
            linewidth=0,
        )
        for place, size, end in zip(places, sizes, shown, strict=True):
            if texts or (panel.log_y and size <= 0):
                _write_value(axes, place, end, texts.get(size) or _number(size), size < 0, upwards)
    if panel.log_y and above:
        axes.set_yscale("log")
        top = max(above) * 3
        axes.set_ylim(bottom, top * (top / bottom) ** 0.14 if upwards else top)
        _mark(axes.yaxis)
    elif values:
        _headroom(axes, values, 0.26 if upwards else 0.12)
    axes.set_xlim(-0.6, len(groups) - 0.4)
    names, turned = _group_names(panel, _panel_width(axes))
    axes.set_xticks(range(len(groups)), labels=names)
    if turned:
        for label in axes.get_xticklabels():
            label.set(rotation=40, ha="right", rotation_mode="anchor")
    axes.grid(axis="y", color="#E6E6E6", linewidth=0.5)


def _group_names(panel: Panel, width: float) -> tuple[list[str], bool]:
    """Names under the groups of ``width`` inches of bars: in lines of whole words where those fit,
    turned where they do not.
    """
    names = [_number(x) for x in dict.fromkeys(x for series in panel.series for x in series.x)]
    room = int(width / max(1, len(names)) / CHARACTER)
    lines = [
        textwrap.wrap(name, max(1, room), break_long_words=False, break_on_hyphens=False) or [""]
        for name in names
    ]
    if all(len(line) <= room for name in lines for line in name):
        return ["\n".join(name) for name in lines], False
    return ["\n".join(textwrap.wrap(name, 18, break_long_words=False)) for name in names], True


def _values(panel: Panel, pitch: float) -> tuple[dict[float, str], bool]:
    """What is written at bars that are ``pitch`` inches apart, and whether upwards: as many digits,
    five at most, as tell those of a series apart.

    Nothing is written where there is no room for it.
    """
    curves = [{float(y) for y in series.y if y is not None} for series in panel.series]
    for digits, upwards in ((3, False), (2, False), (3, True), (4, True), (5, True)):
        texts = {value: _number(value, digits) for values in curves for value in values}
        apart = digits == 5 or all(
            len({texts[value] for value in values}) == len(values) for values in curves
        )
        if (
            apart
            and (TURNED if upwards else max(map(len, texts.values()), default=0) * DIGIT) <= pitch
        ):
            return texts, upwards
    return {}, False


def _write_value(
    axes: Axes, place: float, end: float, value: str, down: bool, upwards: bool = False
) -> None:
    """A bar's value beyond its end."""
    look: dict[str, Any] = {
        "ha": "center",
        "va": "top" if down else "bottom",
        "fontsize": 5.5,
        "rotation": 90 if upwards else 0,
    }
    axes.annotate(
        value, (place, end), (0, -1.5 if down else 1.5), textcoords="offset points", **look
    )


def _points(axes: Axes, panel: Panel, looks: dict[str, int]) -> list[Label]:
    """Lines or points of the series, and the names of points that have one. Numbers that a
    logarithmic axis cannot show are left out.

    The marks of a later line are smaller, so that those of one below it show around them; a name
    has its series' colour, darkened.
    """
    labels: list[Label] = []
    for place, series in enumerate(panel.series):
        index = looks.get(series.label, 0)
        known = [
            (x, y, name)
            for x, y, name in _known(series)
            if (x > 0 or not panel.log_x) and (y > 0 or not panel.log_y)
        ]
        xs, ys = [x for x, _, _ in known], [y for _, y, _ in known]
        look: dict[str, Any] = {
            "color": COLOURS[index % len(COLOURS)],
            "label": series.label,
            "marker": MARKERS[index % len(MARKERS)],
        }
        if panel.kind == "lines":
            size = max(2.0, 4.0 - 0.4 * place)
            axes.plot(
                xs,
                ys,
                **look | {"marker": look["marker"] if len(xs) <= MOST_MARKED else ""},
                linewidth=1.1,
                markersize=size,
            )
        else:
            axes.plot(
                xs,
                ys,
                **look,
                linestyle="none",
                markersize=4,
                markeredgewidth=0.4,
                markeredgecolor="white",
            )
        red, green, blue = to_rgb(look["color"])
        dark = to_hex((DARKER * red, DARKER * green, DARKER * blue))
        labels += [(x, y, name, dark) for x, y, name in known if name]
    if _drawn(axes):
        axes.margins(x=0.12 if labels else 0.05, y=0.12 if labels else 0.08)
        _scale(axes, panel)
    axes.tick_params(axis="x", size=2.5)
    axes.grid(axis="both" if panel.kind == "scatter" else "y", color="#E6E6E6", linewidth=0.5)
    return labels


def _timeline(axes: Axes, panel: Panel, looks: dict[str, int]) -> None:
    """A row a name of y, the first at the top; a colour a series. Equal names in several series
    share a row; of many rows some are named.
    """
    rows = list(dict.fromkeys(str(y) for series in panel.series for y in series.y))
    times = [float(time) for series in panel.series for time in (*series.x, *series.end)]
    whole = max(times, default=0.0) - min(times, default=0.0)
    for series in panel.series:
        colour = COLOURS[looks.get(series.label, 0) % len(COLOURS)]
        places = [rows.index(str(y)) for y in series.y]
        lengths = [
            max(end - float(start), whole * SHORTEST)
            for start, end in zip(series.x, series.end, strict=True)
        ]
        starts = [float(start) for start in series.x]
        edges = [
            "white" if length > whole / 100 and len(rows) <= MOST_ROWS else colour
            for length in lengths
        ]  # a hair of colour, if no more
        axes.barh(
            places,
            lengths,
            0.72,
            left=starts,
            color=colour,
            label=series.label,
            linewidth=0.3,
            edgecolor=edges,
        )
    step = max(1, math.ceil(len(rows) / MOST_ROWS))
    axes.set_yticks(range(0, len(rows), step), labels=rows[::step])
    axes.tick_params(axis="y", size=0)
    axes.tick_params(axis="x", size=2.5)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.margins(x=0)
    axes.set_xlim(left=min(0.0, *times) if times else None)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=max(3, int(_panel_width(axes) / 0.6))))
    axes.grid(axis="x", color="#E6E6E6", linewidth=0.5)


def _scale(axes: Axes, panel: Panel) -> None:
    """Linear or logarithmic axes, the latter for what there is to show, within the margins that are
    set.

    The numbers themselves are marked on a logarithmic x axis that has few of them; else decades, or
    more where there are hardly any.
    """
    if panel.log_x:
        axes.set_xscale("log")
    if panel.log_y:
        axes.set_yscale("log")
    xs = sorted({float(x) for series in panel.series for x in series.x})
    if panel.log_x and 2 <= len(xs) <= 10 and _apart(xs):
        axes.xaxis.set_major_locator(FixedLocator(xs))
        axes.xaxis.set_minor_locator(NullLocator())
        plain = all(x.is_integer() and x < 100_000 for x in xs)  # 8960 and 17920, not 17.9k
        names = [f"{x:.0f}" if plain else _number(x) for x in xs]
        axes.xaxis.set_major_formatter(FixedFormatter(names))
        whole = math.log(xs[-1] / xs[0])
        gaps = [
            _panel_width(axes) * math.log(after / before) / whole for before, after in pairwise(xs)
        ]
        if any(
            gap < CHARACTER * (len(one) + len(other) + 2) / 2
            for gap, (one, other) in zip(gaps, pairwise(names), strict=True)
        ):
            axes.tick_params(axis="x", labelsize=5.5, rotation=30)
    elif panel.log_x:
        _mark(axes.xaxis)


def _mark(axis: Axis) -> None:
    """Numbers on a logarithmic axis whose limits are set: of decades as powers, plain ones where
    fewer than two decades stand on it.
    """
    axis.set_minor_formatter(NullFormatter())
    low, high = axis.get_view_interval()
    if math.floor(math.log10(high) + 1e-9) - math.ceil(math.log10(low) - 1e-9) < 1:
        axis.set_major_locator(FixedLocator(_marks(low, high)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))


def _marks(low: float, high: float) -> list[float]:
    """Numbers between two that are less than two decades apart: as few digits of a decade as give
    three, else at even distances.
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 2, 3, 5), range(1, 10)):
        marks = [float(f"{digit}e{decade}") for decade in decades for digit in digits]
        inside = [mark for mark in marks if low <= mark <= high]
        if len(inside) >= 3:
            return inside
    return [mark for mark in MaxNLocator(nbins=5).tick_values(low, high) if low <= mark <= high]


def _apart(xs: Sequence[float]) -> bool:
    """Whether numbers can stand under all of these places of a logarithmic axis without
    touching.
    """
    if xs[0] <= 0:
        return False
    places = [math.log(x) for x in xs]
    return all(
        after - before >= 0.08 * (places[-1] - places[0]) for before, after in pairwise(places)
    )


def _legend(drawing: Drawing, places: Sequence[Axes], panels: Sequence[Panel]) -> None:
    """One for all panels, above them, where colours tell anything apart."""
    found: dict[str, Any] = {}
    for axes, panel in zip(places, panels, strict=False):
        if panel.kind == "bars" and len(panel.series) == 1:
            continue  # the panel's axis says what its only bars are
        drawn = {series.label for series in panel.series if any(y is not None for y in series.y)}
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            if name in drawn:
                found.setdefault(name, handle)
    if len(found) <= 1:
        return
    room = int(drawing.get_size_inches()[0] / (CHARACTER * (max(len(name) for name in found) + 4)))
    columns = max(1, min(room, len(found)))
    drawing.legend(
        found.values(),
        list(found),
        loc="outside upper center",
        ncols=columns,
        frameon=False,
        handlelength=1.2,
        columnspacing=1.2,
    )


def _columns(panels: Sequence[Panel]) -> int:
    """Panels in a row: as many as their needs allow, rows as even as they come."""
    widest = max(_need(panel) for panel in panels)
    most = max(1, min(MOST_BESIDE, len(panels), int(PAGE_INCHES / widest)))
    rows = -(-len(panels) // most)
    return -(-len(panels) // rows)


def _need(panel: Panel) -> float:
    """Inches that a panel takes at least."""
    if panel.kind == "timeline":
        return 2.3 if all(len(str(y)) <= 8 for series in panel.series for y in series.y) else 3.6
    if panel.kind == "bars":
        return max(1.7, 0.6 + sum(len(series.x) for series in panel.series) * 0.13)
    named = _named(panel)
    return 2.3 if not named else 3.4 if named <= 8 else 3.6


def _named(panel: Panel) -> int:
    """Points with a name."""
    return sum(bool(name) for series in panel.series for name in series.names)


def _height(panel: Panel, width: float) -> float:
    """Inches of a panel that is so wide, its title and names under bars included."""
    if panel.kind == "timeline":
        rows = len({str(y) for series in panel.series for y in series.y})
        return 0.75 + min(MOST_ROWS, max(4, rows)) * LINE * 1.2
    if panel.kind == "bars":
        names, turned = _group_names(panel, width - AROUND)
        lines = max((name.count("\n") + 1 for name in names), default=1)
        longest = max((len(line) for name in names for line in name.split("\n")), default=0)
        return HEIGHT - 0.15 + (0.65 * CHARACTER * longest if turned else LINE * lines)
    return HEIGHT + min(1.0, 0.06 * _named(panel))


def _panel_width(axes: Axes) -> float:
    """Inches of a pair of axes, near enough before the layout is settled."""
    figure = cast("Drawing", axes.figure)
    place = axes.get_subplotspec()
    columns = 1 if place is None else place.get_gridspec().ncols
    return float(figure.get_size_inches()[0]) / columns - AROUND


def _headroom(axes: Axes, values: Sequence[float], share: float) -> None:
    low, high = min(0.0, *values), max(0.0, *values)
    room = share * ((high - low) or 1.0)
    axes.set_ylim(low - (room if low < 0 else 0), high + room)
    if low < 0:
        axes.axhline(0, color="black", linewidth=0.6)


def _known(series: Series) -> list[tuple[float, float, str]]:
    names = series.names or [""] * len(series.x)
    return [
        (float(x), float(y), name)
        for x, y, name in zip(series.x, series.y, names, strict=True)
        if y is not None
    ]


def _near_power(value: float) -> bool:
    """Whether a bar of this height would hardly show above the next power of ten below it."""
    exponent = math.log10(value)
    return exponent - math.floor(exponent + 1e-9) < 0.15


def _number(value: float | str, digits: int = 3) -> str:
    """A number as short as it can be: ``0.75``, ``58.6M``, ``3e-05``."""
    if isinstance(value, str):
        return value
    if abs(value) >= 10_000:
        return si(value, digits=max(3, digits))
    return f"{value:.{digits}g}" if abs(value) < 10**digits else f"{value:.0f}"
