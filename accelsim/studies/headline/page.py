"""The folder of the headline: its page, and the tables and figures of both parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from accelsim.studies.headline.points import figure as points_figure
from accelsim.studies.headline.points import report as points_report
from accelsim.studies.headline.points.accuracy import Accuracy
from accelsim.studies.headline.points.measure import Point
from accelsim.studies.headline.waterfall import figure as waterfall_figure
from accelsim.studies.headline.waterfall import report as waterfall_report
from accelsim.studies.headline.waterfall.causes import (
    TODAY,
    Costs,
    past,
    past_causes,
    past_costs,
    waterfalls,
)
from accelsim.version import __version__

COMMAND = "make headline"


def write(
    found: Sequence[Point], known: Sequence[Accuracy], today: Costs, folder: Path
) -> list[str]:
    """Write page, tables and figures into a folder. Returns their names."""
    rows = past()
    causes = past_causes(rows) | TODAY
    costs = past_costs(rows) | dict(today)
    changes = waterfalls(costs, causes)
    page = [
        "# The headline",
        "",
        f"Made by `{COMMAND}`, accelsim {__version__}.",
        *points_report.section(found, known),
        "",
        "## How the headline changed",
        "",
        *waterfall_report.section(changes, rows, COMMAND),
    ]
    files = {
        "README.md": "\n".join(page) + "\n",
        "headline.csv": points_report.table(found, known),
        "waterfall.csv": waterfall_report.table(costs, causes),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [
        *files,
        *points_figure.write_figure(found, known, folder),
        *waterfall_figure.write_figure(changes, folder),
    ]
