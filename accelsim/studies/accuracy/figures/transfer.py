"""Figures of part (d), transfer."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from accelsim.report.figures.style import COLUMN_INCHES
from accelsim.studies.accuracy.figures.panels import dots, panels_in_a_row
from accelsim.studies.accuracy.outcomes import Outcomes

CONV = "cifar10-conv@0.25"


def transfer_figure(outcomes: Outcomes) -> Figure | None:
    """Test accuracy of whole networks, and of heads on frozen features."""
    found = [each for each in outcomes.part("transfer") if each.scores("test_accuracy")]
    names = {CONV: "whole network", "": "head on frozen BP features"}
    rows = {
        name: [each for each in found if (each.network == CONV) == (name == CONV)] for name in names
    }
    return dots(rows, names, "test_accuracy", "test accuracy in %", 100, share_x=True)


def filters_figure(outcomes: Outcomes) -> Figure | None:
    """Filters of the first layer as RGB tiles, each scaled to its own range (after Crafton et al.
    2019, figure 7).
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
    figure, panels = panels_in_a_row(len(mosaics), 2.0, COLUMN_INCHES * len(mosaics) / 1.4)
    figure.set_layout_engine("constrained", wspace=0.1)
    for axes, (rule, image) in zip(panels, mosaics, strict=True):
        axes.grid(visible=False)
        axes.imshow(image, interpolation="nearest")
        axes.set_axis_off()
        axes.set_title(f"first layer, trained by {rule}", pad=3)
    return figure


def mosaic(filters: NDArray[np.float64], columns: int = 6) -> NDArray[np.float64]:
    """Filters (K, R, S, 3) as one image with values from 0 to 1 and white lines between tiles. Each
    filter is scaled to its own range.
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
