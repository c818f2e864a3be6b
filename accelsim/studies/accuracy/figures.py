"""The study's figures, at the size and with the fonts of a paper's column; the same results give
the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from accelsim.report.plots import COLUMN_INCHES, DPI, PAGE_INCHES, STYLE
from accelsim.studies.accuracy.outcomes import Outcome, Outcomes, deviation, mean
from accelsim.studies.accuracy.tables import CLASSES, rank_and_entries

BLACK, GREY = "#000000", "#999999"
BLUE, SKY, GREEN, ORANGE, RED, PINK, WINE = (
    "#0072B2",
    "#56B4E9",
    "#009E73",
    "#E69F00",
    "#D55E00",
    "#CC79A7",
    "#882255",
)
SOLID, DASHED, DOTTED = "-", (0, (4, 2)), (0, (1, 1.2))

LOOKS: dict[str, tuple[str, Any]] = {
    "bp": (BLACK, SOLID),
    "bp-only:p=0.3": (BLACK, DASHED),
    "bp-only:p=0.1": (BLACK, DOTTED),
    "hdfa:p=0.5,groups=4": (WINE, SOLID),
    "hdfa:p=0.3,groups=4": (WINE, DASHED),
    "hdfa:p=0.1,groups=4": (WINE, DOTTED),
    "hdfa:p=0.2,init=bw,sparsity=0.98": (WINE, SOLID),
    "hdfa:p=0.1,init=bw,sparsity=0.98": (WINE, DOTTED),
    "dfa:per_step=true": (RED, DASHED),
    "triangular:per_step=true": (GREEN, DASHED),
    "fa": (GREEN, SOLID),
    "dfa": (RED, SOLID),
    "bdfa": (ORANGE, SOLID),
    "ssdfa": (PINK, SOLID),
    "conv-dfa": (ORANGE, SOLID),
    "modular": (SKY, SOLID),
    "dilated": (GREEN, SOLID),
    "triangular": (GREEN, SOLID),
    "revised:groups=4": (BLUE, SOLID),
    "revised:groups=8": (BLUE, DASHED),
    "revised:init=bw": (BLUE, SOLID),
    "revised:init=bw,sparsity=0.8,binary=true": (SKY, SOLID),
    "revised:init=bw,sparsity=0.95,binary=true": (SKY, DASHED),
    "revised:init=bw,sparsity=0.98,binary=true": (SKY, DOTTED),
    "frozen": (GREY, SOLID),
}
"""Rule to colour (Okabe and Ito's palette) and line, in the order of legends; controls are black
and grey.
"""
MARKERS = "osD^vPX"
VGG, RESNET = "vgg16-cifar10@0.125", "resnet18-cifar10@0.125"
CONV = "cifar10-conv@0.25"
TEXT_CELLS = {"rnn-wikitext2": "RNN", "lstm-wikitext2": "LSTM", "gru-wikitext2": "GRU"}


def look(rule: str) -> dict[str, Any]:
    """Colour and line of a rule."""
    colour, line = LOOKS.get(rule, (ORANGE, DOTTED))
    return {"color": colour, "linestyle": line}


def place(rule: str) -> int:
    """Where a rule stands in a legend; those that have no look of their own come last."""
    return [*LOOKS, rule].index(rule)


def write_figures(outcomes: Outcomes, folder: Path) -> list[str]:
    """Every figure for which there are numbers, as SVG; the names written."""
    drawings: dict[str, Callable[[], Figure | None]] = {
        "fully_connected": lambda: fully_connected_figure(outcomes),
        "rank": lambda: rank_figure(outcomes),
        "sparsity": lambda: sparsity_figure(outcomes),
        "curves_vgg16": lambda: curves_figure(outcomes, VGG),
        "curves_resnet18": lambda: curves_figure(outcomes, RESNET),
        "angles_vgg16": lambda: angles_figure(outcomes, VGG),
        "angles_resnet18": lambda: angles_figure(outcomes, RESNET),
        "perplexity": lambda: perplexity_figure(outcomes),
        "transfer": lambda: transfer_figure(outcomes),
        "filters": lambda: filters_figure(outcomes),
    }
    assert tuple(drawings) == FIGURES
    written = []
    with rc_context(STYLE):
        for name, draw in drawings.items():
            figure = draw()
            if figure is not None:
                figure.savefig(
                    folder / f"{name}.svg", dpi=DPI, metadata={"Date": None, "Creator": None}
                )
                written.append(name)
    return written


FIGURES = (
    "fully_connected",
    "rank",
    "sparsity",
    "curves_vgg16",
    "curves_resnet18",
    "angles_vgg16",
    "angles_resnet18",
    "perplexity",
    "transfer",
    "filters",
)
"""Names of all figures."""


def _panels(
    count: int, height: float, width: float = PAGE_INCHES, share_x: bool = False
) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(1, count, squeeze=False, sharex=share_x).flat)
    for axes in panels:
        axes.tick_params(axis="x", size=2.5)
        axes.grid(axis="y", color="#E6E6E6", linewidth=0.5)
        axes.set_axisbelow(True)
    return figure, panels


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """Names beside the panels on the right."""
    found: dict[str, Any] = {}
    for axes in panels:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    figure.legend(
        list(found.values()),
        list(found),
        loc="outside right center",
        frameon=False,
        handlelength=1.8,
    )


# Of part a, fully connected networks.


def fully_connected_figure(outcomes: Outcomes) -> Figure | None:
    """Test accuracy by rule, a panel a network: seeds as dots, means with their deviation."""
    networks = list(dict.fromkeys(each.network for each in outcomes.part("fc")))
    rows = {
        network: [
            each
            for each in outcomes.part("fc")
            if each.network == network and each.scores("test_accuracy")
        ]
        for network in networks
    }
    return _dots(
        rows, {name: name for name in networks}, "test_accuracy", "test accuracy in %", 100
    )


def _dots(
    rows: dict[str, list[Outcome]],
    titles: dict[str, str],
    key: str,
    label: str,
    factor: float,
    share_x: bool = False,
) -> Figure | None:
    """A panel a group; rules below each other, seeds as open dots, the mean with its deviation in
    the rule's colour.
    """
    rows = {name: each for name, each in rows.items() if each}
    if not rows:
        return None
    rules = sorted(
        {each.rule for group in rows.values() for each in group},
        key=lambda rule: (place(rule), rule),
    )
    width = PAGE_INCHES if len(rows) > 1 else COLUMN_INCHES
    figure, panels = _panels(len(rows), 0.75 + 0.17 * len(rules), width, share_x)
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


def _sweep(outcomes: Outcomes) -> list[tuple[int | None, int, Outcome]]:
    found = []
    for each in outcomes.part("sweep"):
        rank, entries = rank_and_entries(each.rule)
        if entries is not None and each.scores("test_accuracy"):
            found.append((rank, entries, each))
    return found


Points = list[tuple[float, Outcome]]


def _two_panels(series: dict[str, Points], label: str) -> Figure | None:
    """Accuracy and angle over one quantity, a line a series, bars of one deviation."""
    series = {
        name: sorted(points, key=lambda point: point[0])
        for name, points in series.items()
        if points
    }
    if not series:
        return None
    figure, panels = _panels(2, 2.1)
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
    _legend(figure, panels)
    return figure


def rank_figure(outcomes: Outcomes) -> Figure | None:
    """After Crafton et al. 2019, figure 5: accuracy and angle over the feedback's rank, a line a
    number of entries a neuron.
    """
    series: dict[str, Points] = {}
    for rank, entries, each in _sweep(outcomes):
        if rank is not None:
            dense = "k=0" in each.rule
            series.setdefault("dense" if dense else f"{entries} entries a neuron", []).append(
                (rank, each)
            )
    return _two_panels(series, "rank of B")


def sparsity_figure(outcomes: Outcomes) -> Figure | None:
    """After Crafton et al. 2019, figure 6: accuracy and angle over the feedback's sparsity, a line
    a rank.
    """
    series: dict[str, Points] = {}
    for rank, entries, each in _sweep(outcomes):
        if "k=0" not in each.rule:
            series.setdefault("rank not limited" if rank is None else f"rank {rank}", []).append(
                (100 * (1 - entries / CLASSES), each)
            )
    return _two_panels(series, "sparsity of B in %")


# Of part b, convolutional networks.


def curves_figure(outcomes: Outcomes, network: str) -> Figure | None:
    """Training accuracy every epoch, test accuracy where it was scored; means over the seeds."""
    found = [each for each in outcomes.part("cnn") if each.network == network and each.runs]
    found.sort(key=lambda each: place(each.rule))
    if not found:
        return None
    figure, panels = _panels(2, 2.5, share_x=True)
    for axes, part in zip(panels, ("training", "test"), strict=True):
        for each in found:
            points = _curve(each, f"{part}_accuracy")
            mark: dict[str, Any] = {"marker": "o", "markersize": 2.4} if part == "test" else {}
            axes.plot(
                [x for x, _ in points],
                [y for _, y in points],
                linewidth=1,
                label=each.rule,
                **mark,
                **look(each.rule),
            )
        axes.set_xlabel("epoch")
        axes.set_ylabel(f"{part} accuracy in %")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    panels[0].set_title(network, pad=3, loc="left")
    _legend(figure, panels)
    return figure


def _curve(outcome: Outcome, key: str) -> list[tuple[int, float]]:
    """Mean over the seeds at each epoch that all of them have."""
    by_epoch: dict[int, list[float]] = {}
    for run in outcome.runs:
        for row in run.document.epochs:
            value = getattr(row, key)
            if value is not None:
                by_epoch.setdefault(row.epoch, []).append(100 * value)
    return [
        (epoch, mean(values) or 0.0)
        for epoch, values in sorted(by_epoch.items())
        if len(values) == len(outcome.runs)
    ]


def angles_figure(outcomes: Outcomes, network: str) -> Figure | None:
    """The update's angle to backpropagation's layer by layer after the last epoch; the dashed line
    is a right angle.
    """
    found = [
        each for each in outcomes.part("cnn") if each.network == network and each.angles("update")
    ]
    found = [each for each in found if each.rule != "bp" and not each.rule.startswith("bp-only")]
    found.sort(key=lambda each: place(each.rule))
    if not found:
        return None
    layers = list(
        dict.fromkeys(
            row.layer
            for each in found
            for run in each.runs
            for row in run.document.angles
            if row.kind == "update"
        )
    )
    layers = [layer for layer in layers if layer != "all"]
    figure, panels = _panels(1, 2.5)
    axes = panels[0]
    axes.axhline(90, color=GREY, linewidth=0.6, linestyle=DASHED)
    for each in found:
        points = [(place, mean(each.angles("update", layer))) for place, layer in enumerate(layers)]
        known = [(x, y) for x, y in points if y is not None]
        axes.plot(
            [x for x, _ in known],
            [y for _, y in known],
            marker="o",
            markersize=2.4,
            linewidth=1,
            label=each.rule,
            **look(each.rule),
        )
    axes.set_xticks(range(len(layers)), layers, rotation=60, ha="right", rotation_mode="anchor")
    axes.set_ylabel("angle to bp in degrees")
    axes.set_title(network, pad=3, loc="left")
    _legend(figure, panels)
    return figure


# Of part c, language models.


def perplexity_figure(outcomes: Outcomes) -> Figure | None:
    """Perplexity without the unknown word, by rule, a panel a kind of cell."""
    rows = {
        network: [
            each
            for each in outcomes.part("rnn")
            if each.cell.setting.network == network and each.scores("test_perplexity")
        ]
        for network in TEXT_CELLS
    }
    return _dots(rows, TEXT_CELLS, "test_perplexity", "perplexity", 1)


# Of part d, transfer.


def transfer_figure(outcomes: Outcomes) -> Figure | None:
    """Test accuracy of whole networks, and of heads on frozen features."""
    found = [each for each in outcomes.part("transfer") if each.scores("test_accuracy")]
    names = {CONV: "whole network", "": "head on frozen BP features"}
    rows = {
        name: [each for each in found if (each.network == CONV) == (name == CONV)] for name in names
    }
    return _dots(rows, names, "test_accuracy", "test accuracy in %", 100, share_x=True)


def filters_figure(outcomes: Outcomes) -> Figure | None:
    """After Crafton et al. 2019, figure 7: filters of the first layer as RGB tiles, each scaled to
    its own range.
    """
    mosaics = []
    for rule in ("bp", "dfa"):
        outcome = outcomes.find(CONV, rule, "transfer")
        filters = (
            next((run.filters for run in outcome.runs if run.filters and not run.diverged), None)
            if outcome
            else None
        )
        if filters:
            mosaics.append((rule, mosaic(np.array(filters, np.float64))))
    if not mosaics:
        return None
    figure, panels = _panels(len(mosaics), 2.0, COLUMN_INCHES * len(mosaics) / 1.4)
    figure.set_layout_engine("constrained", wspace=0.1)
    for axes, (rule, image) in zip(panels, mosaics, strict=True):
        axes.grid(visible=False)
        axes.imshow(image, interpolation="nearest")
        axes.set_axis_off()
        axes.set_title(f"first layer, trained by {rule}", pad=3)
    return figure


def mosaic(filters: NDArray[np.float64], columns: int = 6) -> NDArray[np.float64]:
    """(K, R, S, 3) filters as one image of values 0 to 1, a white line between tiles; each filter
    over its own range.
    """
    count, high, wide, _ = filters.shape
    low = filters.min(axis=(1, 2, 3), keepdims=True)
    span = filters.max(axis=(1, 2, 3), keepdims=True) - low
    tiles = (filters - low) / np.where(span > 0, span, 1)
    rows = -(-count // columns)
    image = np.ones((rows * (high + 1) - 1, columns * (wide + 1) - 1, 3))
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        image[
            row * (high + 1) : row * (high + 1) + high,
            column * (wide + 1) : column * (wide + 1) + wide,
        ] = tile
    return image
