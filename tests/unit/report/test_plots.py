"""Figures: the same bytes every time, every run labelled, unverified prices said, and nothing cut
off.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from accelsim.report.figures import results as plots
from accelsim.report.figures.style import COLUMN_INCHES, PAGE_INCHES, STYLE
from accelsim.report.runs import Runs
from accelsim.report.style import CAUSE_COLOURS, CAUSE_NAMES, COMPONENT_COLOURS, COMPONENT_NAMES
from accelsim.results import kinds
from accelsim.results.op import CAUSES
from tests import synthetic

FIGURES = {
    "energy": plots.energy_figure,
    "data_movement": plots.data_movement_figure,
    "cycles": plots.cycles_figure,
}


def runs(*documents: dict[str, Any]) -> Runs:
    return Runs.of(
        [
            kinds.parse(document, kinds.SIMULATIONS)
            for document in documents or (synthetic.comparison(),)
        ]
    )


MANY = [
    synthetic.result(rule, arch)
    for arch in ("near-memory", "von-neumann")
    for rule in ("bp", "dfa", "revised:groups=8,binary=true")
]
ARCHS = ("near-memory", "von-neumann", "systolic-32x32")
RULES = ("bp", "dfa", "ssdfa", "sdfa:k=2", "revised:groups=8,binary=true", "mu", "fa", "half")
CASES = {
    "one": [synthetic.result()],
    "three": [synthetic.comparison()],
    "six": MANY,
    "six short": [synthetic.result(rule) for rule in RULES[:4] + RULES[5:7]],
    "twelve": [
        synthetic.result(rule, arch, 100_000 * (1 + 9 * place))
        for place, arch in enumerate(ARCHS)
        for rule in RULES[:4]
    ],
    "twenty-four": [synthetic.result(rule, arch) for arch in ARCHS for rule in RULES],
    "long names": [
        synthetic.result(rule, arch) for rule in RULES[:2] for arch in ("a" * 40, "machine_" * 8)
    ],
    "hybrid": [synthetic.result(), synthetic.hybrid()],
}


def texts(figure: Figure) -> list[str]:
    found = [
        text.get_text()
        for axes in figure.axes
        for text in [
            *axes.texts,
            *axes.get_xticklabels(),
            *axes.get_yticklabels(),
            axes.title,
            axes.yaxis.label,
        ]
    ]
    found += [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return [*found, *(text.get_text() for text in figure.texts), figure.get_supxlabel()]


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        plots.write_plots(runs(), folder)
    names = sorted(path.name for path in folders[0].iterdir())
    assert len(names) == 6
    for name in names:
        content = (folders[0] / name).read_bytes()
        assert content == (folders[1] / name).read_bytes()
        assert b"<dc:date>" not in content
        assert b"Matplotlib" not in content


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", FIGURES)
def test_everything_lies_inside_the_figure_and_no_labels_overlap(name: str, case: str) -> None:
    with rc_context(STYLE):
        figure = FIGURES[name](runs(*CASES[case]))
        plots.caption(figure, runs(*CASES[case]), "; the first 24 of 45 runs, all in totals.csv")
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        drawn = figure.get_tightbbox(canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert drawn.x0 >= -0.02
    assert drawn.y0 >= -0.02
    assert drawn.x1 <= width + 0.02
    assert drawn.y1 <= height + 0.02
    assert COLUMN_INCHES <= width <= PAGE_INCHES
    assert height <= 8
    shown = [axes for axes in figure.axes if axes.get_visible()]
    names = [
        label.get_window_extent()
        for axes in shown
        for label in [*axes.get_xticklabels(), *axes.get_yticklabels()]
        if label.get_visible()
    ]
    totals = [
        text.get_window_extent()
        for axes in shown
        for text in axes.texts
        if text.get_fontsize() >= 6
    ]
    titles = [axes.title.get_window_extent() for axes in shown if axes.get_title()]
    for boxes in (names, totals, titles):
        for left, right in combinations(boxes, 2):
            assert (
                left.x1 <= right.x0
                or right.x1 <= left.x0
                or left.y0 >= right.y1
                or right.y0 >= left.y1
            ), "labels overlap"


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", FIGURES)
def test_every_run_is_named(name: str, case: str) -> None:
    drawn = runs(*CASES[case])
    with rc_context(STYLE):
        named = {text.replace("\n", "") for text in texts(FIGURES[name](drawn))}
    assert set(drawn.labels) <= named


def test_bars_that_lie_add_up_too() -> None:
    documents = CASES["twelve"]
    with rc_context(STYLE):
        (axes,) = plots.energy_figure(runs(*documents)).axes
    for position, result in enumerate(documents):
        widths = [bars[position].get_width() for bars in axes.containers]
        assert sum(widths) == pytest.approx(result["energy_pj"] / documents[0]["energy_pj"])


def test_the_energy_figure_names_runs_totals_and_unverified_prices() -> None:
    with rc_context(STYLE):
        shown = texts(plots.energy_figure(runs()))
    star = "* under 0.1 to 8 % of the energy is unsourced"
    assert {"bp", "dfa", "ssdfa", "NoC*", star} <= set(shown)
    assert sum("J" in text for text in shown) == 3
    assert "energy of a step, bp = 1" in shown


def test_energy_bars_add_up_to_the_ratio_of_totals() -> None:
    document = synthetic.comparison()
    with rc_context(STYLE):
        (axes,) = plots.energy_figure(runs(document)).axes
    base = document["results"][0]["energy_pj"]
    for position, result in enumerate(document["results"]):
        heights = [bars[position].get_height() for bars in axes.containers]
        assert sum(heights) == pytest.approx(result["energy_pj"] / base)


def test_a_caption_names_what_the_runs_share() -> None:
    star = "* under 0.1 to 8 % of the energy is unsourced"
    with rc_context(STYLE):
        figure = plots.energy_figure(runs())
        plots.caption(figure, runs())
        assert figure.get_supxlabel() == f"two-layers on near-memory, batch 1\n{star}"
        figure = plots.cycles_figure(runs(*MANY))
        plots.caption(figure, runs(*MANY))
        assert figure.get_supxlabel() == "two-layers, batch 1"


def test_of_very_many_runs_the_first_are_drawn_and_the_caption_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    titles: list[str] = []

    def saved(figure: Figure, folder: Path, name: str) -> list[Path]:
        titles.append(figure.get_supxlabel().split("\n")[0])
        return [folder / name]

    monkeypatch.setattr(plots, "save_figure", saved)
    plots.write_plots(runs(*(synthetic.result(f"r{index}") for index in range(45))), tmp_path)
    assert set(titles) == {
        "two-layers on near-memory, batch 1; the first 24 of 45 runs, all in totals.csv"
    }


def test_the_whole_step_has_a_panel_beside_the_passes() -> None:
    document = synthetic.comparison()
    with rc_context(STYLE):
        axes = plots.cycles_figure(runs(document)).axes[0]
    assert axes.get_title() == plots.WHOLE
    for position, result in enumerate(document["results"]):
        heights = [bars[position].get_height() for bars in axes.containers]
        assert sum(heights) == pytest.approx(result["cycles"])


def test_colours_are_fixed_and_distinct() -> None:
    assert set(COMPONENT_COLOURS) == set(COMPONENT_NAMES)
    assert set(CAUSE_COLOURS) == set(CAUSE_NAMES) == set(CAUSES)
    assert len(set(COMPONENT_COLOURS.values())) == len(COMPONENT_COLOURS)
    assert len(set(CAUSE_COLOURS.values())) == len(CAUSE_COLOURS)


def test_a_step_without_energy_or_cycles_can_still_be_drawn(tmp_path: Path) -> None:
    assert len(plots.write_plots(runs(synthetic.result(scale=0, remote_ep=0)), tmp_path)) == 6


def test_the_caption_names_inputs_that_are_not_the_default() -> None:
    def said(*documents: dict[str, Any]) -> str:
        figure = Figure()
        plots.caption(figure, runs(*documents))
        return str(figure.get_supxlabel())

    usual = synthetic.result(optimizer="momentum", trace="abc")
    assert said(usual) == "two-layers on near-memory, batch 1"
    assert said(usual | {"optimizer": "sgd", "trace": "random:0.5"}) == (
        "two-layers on near-memory, batch 1, optimizer sgd, trace random:0.5"
    )
    assert said(usual, usual | {"optimizer": "adam"}).endswith(
        "batch 1, optimizer momentum or adam"
    )
