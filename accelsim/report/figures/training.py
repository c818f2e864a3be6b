"""Figures of a training run over its epochs, for a paper's page: loss and accuracy, angles to
backpropagation, densities of traced tensors.

Curves of layers are coloured by depth, from dark at the input to light at the output, which works
for any number of layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from accelsim.report.figures.style import PAGE_INCHES, STYLE, save_figure
from accelsim.results.training import TrainingDocument

HEIGHT = 2.3
"""Inches."""
TITLE = 7
"""Points."""
MOST_NAMED = 10
"""Maximum number of layers in a legend; with more layers, a colour bar replaces it."""
MOST_MARKED = 20
"""Epochs whose points are marked."""
PARTS = {
    "training": ("training", "#0072B2"),
    "held_out": ("held-out", "#E69F00"),
    "test": ("test", "#D55E00"),
}
"""Name and colour (Okabe and Ito's palette) by part of the data."""
ROLES = ("input", "error", "mask", "weight", "feedback")

Points = Sequence[tuple[int, float | None]]


def write_training_plots(run: TrainingDocument, folder: Path) -> list[Path]:
    """Write every figure that has data as PNG and SVG in ``folder``, and return the paths."""
    drawings: dict[str, Callable[[TrainingDocument], Figure] | None] = {
        "curves": curves_figure if run.epochs else None,
        "angles": angles_figure if run.angles else None,
        "densities": densities_figure if run.densities else None,
    }
    written = []
    with rc_context(STYLE):
        for name, draw in drawings.items():
            if draw is None:
                continue
            written += save_figure(draw(run), folder, name)
    return written


def curves_figure(run: TrainingDocument) -> Figure:
    """Loss and accuracy over epochs, and for text also perplexity. For text, training scores
    include the unknown word; the other scores leave it out.
    """
    has_perplexity = any(row.test_perplexity is not None for row in run.epochs)
    kinds = ["loss", "accuracy", *(["perplexity"] if has_perplexity else [])]
    figure, panels = _panels(len(kinds))
    for axes, kind in zip(panels, kinds, strict=True):
        for part, (name, colour) in PARTS.items():
            points = [(row.epoch, getattr(row, f"{part}_{kind}", None)) for row in run.epochs]
            _curve(
                axes,
                points,
                color=colour,
                label=f"{name} (unknown word included)"
                if has_perplexity and part == "training"
                else name,
            )
        axes.set_ylabel("cross-entropy loss" if kind == "loss" else kind)
        if kind == "accuracy":
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    handles, names = panels[0].get_legend_handles_labels()
    _title(figure, run, handles, names)
    return figure


def angles_figure(run: TrainingDocument) -> Figure:
    """A panel for update angles and, for direct feedback, one for feedback angles. The dashed line
    marks a right angle, which means unrelated directions.
    """
    kinds = [kind for kind in ("update", "feedback") if any(row.kind == kind for row in run.angles)]
    titles = {
        "update": "weight gradients and backpropagation's",
        "feedback": "feedback and forward weights",
    }
    layers = list(dict.fromkeys(row.layer for row in run.angles if row.layer != "all"))
    if "update" not in kinds:
        layers.reverse()  # feedback is measured from the output on
    figure, panels = _panels(len(kinds))
    for axes, kind in zip(panels, kinds, strict=True):
        axes.axhline(90, color="#999999", linewidth=0.6, linestyle=(0, (4, 3)))
        for layer, colour in _colours(layers).items():
            _curve(
                axes,
                [
                    (row.epoch, row.degrees)
                    for row in run.angles
                    if (row.kind, row.layer) == (kind, layer)
                ],
                color=colour,
                label=layer,
            )
        whole = [
            (row.epoch, row.degrees) for row in run.angles if (row.kind, row.layer) == (kind, "all")
        ]
        _curve(axes, whole, color="black", label="all weights", linewidth=1.6)
        largest = max((row.degrees for row in run.angles if row.degrees is not None), default=0.0)
        axes.set_ylim(-3, max(100.0, largest + 5))
        axes.set_yticks(range(0, int(max(100.0, largest + 5)) + 1, 30))
        axes.set_ylabel("angle in degrees")
        axes.set_title(titles[kind], pad=3)
    figure.suptitle(_said(run), fontsize=TITLE)
    _layer_legend(figure, panels, layers)
    return figure


def densities_figure(run: TrainingDocument) -> Figure:
    """One panel per role of tensor: the fraction of non-zero elements of each layer."""
    found = {row.role for row in run.densities}
    masks = [(row.epoch, row.layer, row.density) for row in run.densities if row.role == "mask"]
    inputs = {(row.epoch, row.layer, row.density) for row in run.densities if row.role == "input"}
    if set(masks) <= inputs:
        found.discard(
            "mask"
        )  # a ReLU's mask equals the map's non-zeros, so its panel would repeat that of inputs
    roles = [role for role in ROLES if role in found] + sorted(found - set(ROLES))
    layers = list(dict.fromkeys(row.layer for row in run.densities))
    figure, panels = _panels(len(roles))
    for axes, role in zip(panels, roles, strict=True):
        for layer, colour in _colours(layers).items():
            _curve(
                axes,
                [
                    (row.epoch, row.density)
                    for row in run.densities
                    if (row.role, row.layer) == (role, layer)
                ],
                color=colour,
                label=layer,
            )
        axes.set_ylim(-0.03, 1.03)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_ylabel(f"density of {role}s")
    figure.suptitle(_said(run), fontsize=TITLE)
    _layer_legend(figure, panels, layers)
    return figure


def _panels(count: int) -> tuple[Figure, list[Axes]]:
    """Panels side by side, as wide as both columns of a page; a single panel is nearly as wide as
    one column.
    """
    width = PAGE_INCHES if count > 1 else 0.6 * PAGE_INCHES
    figure = Figure(figsize=(width, HEIGHT), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(1, count, squeeze=False).flat)
    for axes in panels:
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
        axes.tick_params(axis="x", size=2.5)
        axes.grid(axis="y", color="#E6E6E6", linewidth=0.5)
        axes.set_axisbelow(True)
    return figure, panels


def _curve(axes: Axes, points: Points, **look: Any) -> None:
    """Draw a line through the points that have a value, if there are any."""
    known = [(epoch, value) for epoch, value in points if value is not None]
    if not known:
        return
    marker = {"marker": "o", "markersize": 2.2} if len(known) <= MOST_MARKED else {}
    axes.plot(
        [epoch for epoch, _ in known],
        [value for _, value in known],
        **{"linewidth": 1.0, **marker, **look},
    )


def _colours(layers: Sequence[str]) -> dict[str, Any]:
    """One colour per layer, by depth. The lightest tenth of the colour map is left out, because it
    is invisible on white paper.
    """
    scale = colormaps["viridis"]
    return {
        layer: scale(0.9 * index / max(1, len(layers) - 1)) for index, layer in enumerate(layers)
    }


def _layer_legend(figure: Figure, panels: Sequence[Axes], layers: Sequence[str]) -> None:
    """Add a legend beside the panels: the names of a few layers, or a colour bar from the first
    layer to the last.
    """
    found: dict[str, Any] = {}
    for axes in panels:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    if len(layers) <= MOST_NAMED:
        figure.legend(
            found.values(), list(found), loc="outside right center", frameon=False, handlelength=1.2
        )
        return
    colours = ListedColormap(list(_colours(layers).values()))
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, 1), colours), ax=list(panels), aspect=30, pad=0.01
    )
    bar.set_ticks([0, 1], labels=[layers[0], layers[-1]])
    cast("Any", bar.outline).set_visible(False)
    bar.ax.tick_params(size=0)
    if "all weights" in found:
        panels[0].legend(
            [found["all weights"]], ["all weights"], loc="best", frameon=False, handlelength=1.2
        )


def _title(
    figure: Figure, run: TrainingDocument, handles: Sequence[Any], names: Sequence[str]
) -> None:
    look: dict[str, Any] = {
        "frameon": False,
        "title": _said(run),
        "title_fontsize": TITLE,
        "handlelength": 1.2,
    }
    figure.legend(handles, names, loc="outside upper center", ncols=len(names), **look)


def _said(run: TrainingDocument) -> str:
    """Title of every figure: the network and how it was trained."""
    return f"{run.cause.workload} on {run.cause.data}, {run.cause.rule}"
