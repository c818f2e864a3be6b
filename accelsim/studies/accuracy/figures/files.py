"""Files of the study's figures, in the size and fonts of a paper's column. Equal results give equal
bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from accelsim.report.figures.style import DPI, STYLE
from accelsim.studies.accuracy.figures.convolutional import angles_figure, curves_figure
from accelsim.studies.accuracy.figures.fully_connected import (
    fully_connected_figure,
    rank_figure,
    sparsity_figure,
)
from accelsim.studies.accuracy.figures.text import perplexity_figure
from accelsim.studies.accuracy.figures.transfer import filters_figure, transfer_figure
from accelsim.studies.accuracy.figures.transformer import transformer_figure
from accelsim.studies.accuracy.outcomes import Outcomes

VGG, RESNET = "vgg16-cifar10@0.125", "resnet18-cifar10@0.125"


def write_figures(outcomes: Outcomes, folder: Path) -> list[str]:
    """Write every figure that has data as SVG. Returns the names written."""
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
        "transformer": lambda: transformer_figure(outcomes),
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
    "transformer",
)
"""Names of all figures."""
