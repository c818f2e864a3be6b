"""Size, fonts and saving of figures for a paper's column. Equal figures give equal bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

COLUMN_INCHES = 3.5
"""Width of one column of a two-column paper."""
PAGE_INCHES = 7.2
"""Width of both columns, the maximum width of a figure."""
DPI = 300
CHARACTER, LINE = 0.058, 0.12
"""Width of a character and height of a line at 7 points, in inches."""

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 0,
    "ytick.major.size": 2.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.4,
    "svg.hashsalt": "accelsim",
    "svg.fonttype": "path",
}


def save_figure(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as ``<name>.png`` and ``<name>.svg`` in ``folder``, and return the paths."""
    written = []
    for suffix, metadata in (
        (".png", {"Software": None}),
        (".svg", {"Date": None, "Creator": None}),
    ):
        path = folder / f"{name}{suffix}"
        figure.savefig(path, dpi=DPI, metadata=metadata)
        written.append(path)
    return written
