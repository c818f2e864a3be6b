"""Methods of results that show, save or convert them.

Reports stand above results, so the methods import `accelsim.report.notebook` when they are called,
by name.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from accelsim.config.reading.values import instance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

_VIEWS = "accelsim.report.notebook"
Per = Literal["run", "pass", "layer", "op"]


class Plots(Protocol):
    """Figures of a result or a comparison. Each method draws into ``ax``, or into new axes of
    `matplotlib.pyplot`, and returns the axes.
    """

    def energy(self, ax: Axes | None = None) -> Axes:
        """Energy of a step by component."""

    def cycles(self, ax: Axes | None = None) -> Axes:
        """Cycles of the PE array by cause: a bar per pass for a result, a bar per run for a
        comparison.
        """

    def movement(self, ax: Axes | None = None) -> Axes:
        """Words moved in a step by memory, on a logarithmic scale: a bar per run."""


class Shown:
    """A result or a comparison as data frame, files, figures and HTML."""

    __slots__ = ()

    def to_dataframe(self, per: Per | None = None) -> DataFrame:
        """A pandas DataFrame with exact numbers; units are in the names of the columns.

        ``per``: a row per ``"op"`` (the default of a result), ``"layer"``, ``"pass"`` or ``"run"``
        (the default of a comparison). The columns are those of the CSV tables. ImportError if
        pandas is not installed.
        """
        frame: DataFrame = view("frames").frame(self, per)
        return frame

    def save(self, path: str | Path) -> Path:
        """Write the JSON document to ``path`` if it ends in ``.json``. Otherwise write a folder
        with the files of ``--out``, which include tables and figures. Returns the path of the JSON
        document.

        All files are written, or none. InputError for a path with another suffix, unless it is a
        folder, and if the place cannot be written.
        """
        given = instance("path", path, (str, Path), "a folder or a file")
        written: Path = view("saving").save(self, Path(given))
        return written

    @property
    def plot(self) -> Plots:
        """Figures: ``plot.energy()``, ``plot.cycles()``, ``plot.movement()``."""
        plots: Plots = view("plots").RunPlots(self)
        return plots

    def _repr_html_(self) -> str:
        html: str = view("html").html(self)
        return html


def view(name: str) -> Any:
    """The module of `accelsim.report.notebook` with that name, imported."""
    return import_module(f"{_VIEWS}.{name}")
