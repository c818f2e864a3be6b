"""Figures of part (b), convolutional networks."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from accelsim.studies.accuracy.figures.looks import DASHED, GREY, look, place
from accelsim.studies.accuracy.figures.panels import legend_beside, panels_in_a_row
from accelsim.studies.accuracy.outcomes import Outcome, Outcomes, mean


def curves_figure(outcomes: Outcomes, network: str) -> Figure | None:
    """Training accuracy at every epoch, and test accuracy at scored epochs, averaged over seeds."""
    drawn = [each for each in outcomes.part("cnn") if each.network == network and each.runs]
    drawn.sort(key=lambda each: place(each.rule))
    if not drawn:
        return None
    figure, panels = panels_in_a_row(2, 2.5, share_x=True)
    for axes, part in zip(panels, ("training", "test"), strict=True):
        for each in drawn:
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
    legend_beside(figure, panels)
    return figure


def _curve(outcome: Outcome, key: str) -> list[tuple[int, float]]:
    """(epoch, mean over seeds in percent) for epochs that all seeds have."""
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
    """Angle between the rule's update and backpropagation's by layer, after the last epoch. The
    dashed line marks 90 degrees.
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
    figure, panels = panels_in_a_row(1, 2.5)
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
    legend_beside(figure, panels)
    return figure
