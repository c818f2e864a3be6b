"""Size and fonts of figures for a paper's column, and how they are saved: the same figure gives the
same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

COLUMN_INCHES = 3.5
"""Width of one column of a two-column paper."""
PAGE_INCHES = 7.2
"""Width of both columns: no figure is wider."""
DPI = 300
CHARACTER, LINE = 0.058, 0.12
"""Inches of a character and of a line at 7 points."""

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
    """Write a figure as ``<name>.png`` and ``<name>.svg`` in ``folder``; the paths written."""
    written = []
    for suffix, metadata in (
        (".png", {"Software": None}),
        (".svg", {"Date": None, "Creator": None}),
    ):
        path = folder / f"{name}{suffix}"
        figure.savefig(path, dpi=DPI, metadata=metadata)
        written.append(path)
    return written
