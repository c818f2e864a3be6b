"""Files of a reproduction: all or nothing, the same bytes each time, drawings of every kind of
panel.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from accelsim.errors import InputError
from accelsim.report.figures.style import COLUMN_INCHES, PAGE_INCHES
from accelsim.report.reproduction import files as reproduction_files
from accelsim.report.reproduction.files import write_reproduction
from accelsim.report.reproduction.plots import drawing as reproduction_plots
from accelsim.results.document import checked
from accelsim.results.reproduction import Figure, ReproductionDocument
from tests import made_up_reproduction as made


def small(**changes: Any) -> dict[str, Any]:
    """A document with a single small figure."""
    figure = {
        "target": "tab",
        "id": "fig",
        "title": "f",
        "caption": "c",
        "panels": [made.panel("lines", made.series("a", [1, 2], [1, 2]))],
    }
    return made.document(figures=[figure]) | changes


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.check
def test_every_file_is_there_and_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    document = made.document()
    for figure in document["figures"]:
        del figure["panels"][1:]
    for folder in ("one", "two"):
        write_reproduction(document, tmp_path / folder)
    figures = {f"{name}{suffix}" for name in made.panels() for suffix in (".svg", ".png")}
    assert names(tmp_path / "one") == {
        "reproduction.json",
        "index.html",
        "tab.md",
        "tab.csv",
        "claims.md",
        "claims.csv",
        *figures,
    }
    for name in names(tmp_path / "one"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), (
            name
        )
    text = (tmp_path / "one" / "index.html").read_text(encoding="utf-8")
    assert set(re.findall(r'src="([^"]*)"', text)) == {f"{name}.svg" for name in made.panels()}
    assert "<svg" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert "@import" not in text


def test_an_earlier_reproduction_goes_and_files_of_others_stay(tmp_path: Path) -> None:
    write_reproduction(small(), tmp_path)
    assert "fig.png" in names(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    document = small(figures=[], items=[], targets=[{"name": "claims", "title": "", "about": ""}])
    write_reproduction(document, tmp_path)
    assert names(tmp_path) == {
        "reproduction.json",
        "index.html",
        "claims.md",
        "claims.csv",
        "notes.txt",
    }


def test_nothing_is_written_when_anything_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def fail() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_reproduction(small(), out, fail)
    with pytest.raises(InputError):
        write_reproduction(small(version=3), out)
    with pytest.raises(ValueError, match="Out of range float values"):
        write_reproduction(small(items=[made.item(computed=math.inf)]), out)
    monkeypatch.setattr(reproduction_files, "page", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        write_reproduction(small(), out)
    assert list(tmp_path.iterdir()) == []


def test_tuples_of_the_computing_side_are_read() -> None:
    panel = made.panel("lines", made.series("a", [1, 2], [1, 2]))
    panel["series"] = tuple(
        {**series, "x": tuple(series["x"]), "y": tuple(series["y"]), "end": (), "names": ()}
        for series in panel["series"]
    )
    document = small(
        figures=({"target": "tab", "id": "fig", "title": "f", "caption": "c", "panels": (panel,)},)
    )
    assert reproduction_files.read(document).figures[0].panels[0].series[0].x == [1.0, 2.0]


def drawn(*panels: dict[str, Any]) -> Any:
    figure = reproduction_plots.draw(
        checked(
            Figure, {"target": "t", "id": "f", "title": "f", "caption": "c", "panels": list(panels)}
        )
    )
    figure.draw_without_rendering()
    return figure


@pytest.mark.parametrize("kind", ["bars", "lines", "scatter", "timeline"])
def test_panels_without_anything_to_draw_are_drawn(kind: str) -> None:
    log = {} if kind == "timeline" else {"log_x": True, "log_y": True}
    drawn(
        made.panel(kind),
        made.panel(kind, made.series("none", [], [])),
        made.panel(kind, made.series("none", [], []), **log),
    )


def test_names_of_points_do_not_cover_each_other() -> None:
    figure = drawn(*made.panels()["scatter"])
    (axes,) = figure.axes
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in axes.texts if text.arrow_patch is None]
    assert len(boxes) >= 10
    frame = axes.get_window_extent(renderer)
    assert all(
        frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
        for box in boxes
    )
    pairs = [
        (one, other)
        for place, one in enumerate(boxes)
        for other in boxes[:place]
        if one.overlaps(other)
    ]
    shared = sum(
        (min(one.x1, other.x1) - max(one.x0, other.x0))
        * (min(one.y1, other.y1) - max(one.y0, other.y0))
        for one, other in pairs
    )
    assert shared < 0.02 * sum(box.width * box.height for box in boxes)


@pytest.mark.check
def test_figures_are_no_wider_than_a_page_and_rows_are_even() -> None:
    bars = made.panels()["bars"]
    for count in (1, 4, 6):
        figure = drawn(*(bars[index % 3] for index in range(count)))
        assert figure.get_size_inches()[0] <= PAGE_INCHES
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == 6
    assert drawn(bars[1]).get_size_inches()[0] == COLUMN_INCHES


def test_a_bar_that_a_logarithmic_axis_cannot_show_says_its_value() -> None:
    figure = drawn(made.panels()["bars"][1])
    assert "0" in [text.get_text() for text in figure.axes[0].texts]
    assert figure.axes[0].get_yscale() == "log"


def test_rows_of_a_timeline_stand_in_order_from_the_top() -> None:
    figure = drawn(*made.panels()["timeline"])
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["BP", "DFA"]
    assert axes.yaxis_inverted()
    assert [name.get_text() for name in figure.legends[0].get_texts()] == ["FF", "EP", "WG"]


def test_the_legend_names_what_is_drawn() -> None:
    curves = [
        made.series("a", [1, 2], [1, 2]),
        made.series("b", [1, 2], [2, 1]),
        made.series("none", [1, 2], [None, None]),
    ]
    figure = drawn(
        made.panel("lines", *curves), made.panel("bars", made.series("only", ["x"], [1]))
    )
    assert [name.get_text() for name in figure.legends[0].get_texts()] == ["a", "b"]


def test_one_look_stands_for_one_name_in_all_panels() -> None:
    panels = ReproductionDocument.parse(made.document()).figures[1].panels
    assert panels[0].series[0].label != panels[1].series[0].label
    again = made.panel("lines", made.series("DFA", [1, 2], [1, 2]))
    figure = drawn(*made.panels()["lines"], again)
    first, second, third = figure.axes[:3]
    assert third.lines[0].get_color() == first.lines[0].get_color() != second.lines[0].get_color()


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (2.6, 10.5, ["3", "5", "10"]),
        (1.3, 3.2, ["1.5", "2", "2.5", "3"]),
        (0.55, 0.82, ["0.6", "0.7", "0.8"]),
        (0.25, 1.9, ["0.5", "1", "2"]),
        (
            0.011,
            1.9,
            ["$\\mathdefault{10^{-2}}$", "$\\mathdefault{10^{-1}}$", "$\\mathdefault{10^{0}}$"],
        ),
    ],
)
def test_a_logarithmic_axis_has_numbers_however_narrow_it_is(
    low: float, high: float, marks: list[str]
) -> None:
    figure = drawn(
        made.panel("lines", made.series("a", [1, 2, 4], [low, high, low]), log_x=True, log_y=True)
    )
    (axes,) = figure.axes
    bottom, top = axes.get_ylim()
    shown = [
        label.get_text()
        for place, label in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True)
        if bottom <= place <= top
    ]
    assert shown == marks
    drawn(
        made.panel("bars", made.series("a", ["x"], [high]), log_y=True),
        made.panel("scatter", made.series("a", [high], [2]), log_x=True),
    )


@pytest.mark.parametrize(
    ("kind", "label", "low", "lines"),
    [
        ("lines", "cost, old rule = 1", 0.5, 1),
        ("lines", "cost, old rule = 1", 1.5, 0),
        ("lines", "cost, old rule = 10", 0.5, 0),
        ("lines", "cost", 0.5, 0),
        ("scatter", "cost, old rule = 1", 0.5, 0),
    ],
)
def test_what_is_relative_to_1_has_a_line_there(
    kind: str, label: str, low: float, lines: int
) -> None:
    figure = drawn(
        made.panel(kind, made.series("a", [1, 2, 4], [low, 3, 2]), y_label=label, log_y=True)
    )
    assert [list(line.get_ydata()) for line in figure.axes[0].lines[1:]] == [[1, 1]] * lines


def test_lines_beside_each_other_have_one_range_and_the_line_at_1_if_any_has() -> None:
    label = {"y_label": "cost, BP = 1", "log_y": True}
    low = made.panel("lines", made.series("a", [1, 2], [0.1, 0.5]), **label)
    high = made.panel("lines", made.series("a", [1, 2], [0.5, 20]), **label)
    other = made.panel("lines", made.series("a", [1, 2], [3, 4]), y_label="cycles")
    ranges = [axes.get_ylim() for axes in drawn(low, high, other).axes]
    assert ranges[0] == ranges[1] != ranges[2]
    assert [len(axes.lines) for axes in drawn(low, high, other).axes] == [2, 2, 1]


def test_numbers_under_an_axis_are_written_alike() -> None:
    figure = drawn(
        made.panel(
            "lines", made.series("a", [256, 1024, 4096, 8960, 17920], [1, 2, 3, 4, 5]), log_x=True
        )
    )
    figure.draw_without_rendering()
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == [
        "256",
        "1024",
        "4096",
        "8960",
        "17920",
    ]


def test_values_at_bars_are_told_apart() -> None:
    rules = ["BP", "k1", "k5", "k10", "k25", "k50", "k100", "DFA"]
    bars = made.panel(
        "bars",
        made.series("MACs", rules, [25.575, 12.792, 12.808, 12.829, 12.890, 12.993, 13.197, 13.3]),
    )
    figure = drawn(bars, bars, bars, bars)
    assert [text.get_text() for text in figure.axes[0].texts] == [
        "25.57",
        "12.79",
        "12.81",
        "12.83",
        "12.89",
        "12.99",
        "13.2",
        "13.3",
    ]


def test_a_short_span_is_long_enough_to_be_seen() -> None:
    spans = made.panel(
        "timeline",
        made.series("a", [0, 1000], ["x", "y"], end=[1000, 1001]),
        made.series("b", [1001], ["x"], end=[1002]),
    )
    widths = [patch.get_width() for patch in drawn(spans).axes[0].patches]
    assert widths[0] == 1000
    assert all(width >= 5 for width in widths)


def test_names_of_points_have_the_colour_of_their_series_and_cover_no_mark() -> None:
    xs, ys = [3.3, 4.2, 6.0, 6.8, 8.5], [24.23, 24.23, 24.41, 24.46, 24.18]
    said = [f"HDFA-0.1-9{place}%" for place in range(5)]
    points = made.panel(
        "scatter",
        made.series("a", xs, ys, names=said),
        made.series("b", [5.0], [24.3], names=["HDFA-0.1-98%"]),
    )
    figure = drawn(points)
    texts = figure.axes[0].texts
    assert len({text.get_color() for text in texts[:5]}) == 1
    assert texts[5].get_color() != texts[0].get_color()
    figure.draw_without_rendering()
    marks = figure.axes[0].transData.transform(list(zip([*xs, 5.0], [*ys, 24.3], strict=True)))
    assert not any(Text.get_window_extent(text).contains(*mark) for text in texts for mark in marks)
