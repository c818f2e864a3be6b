"""Figures of runs in axes that the caller gives, or in new ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from accelsim.config.reading.values import instance
from accelsim.report.runs import Runs
from accelsim.results.comparison import Comparison
from accelsim.results.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class RunPlots:
    """Figures of a result or a comparison. Each method draws into ``ax``, or into new axes of
    `matplotlib.pyplot`, and returns the axes.
    """

    document: Result | Comparison

    def energy(self, ax: Axes | None = None) -> Axes:
        """Energy of a step by component, relative to the first run if there are two or more."""
        from accelsim.report.figures.axes import draw_energy

        return draw_energy(self._runs, _axes(ax))

    def cycles(self, ax: Axes | None = None) -> Axes:
        """Cycles of the PE array by cause: a bar per pass for a result, a bar per run for a
        comparison.
        """
        from accelsim.report.figures.axes import draw_cycles

        return draw_cycles(self._runs, _axes(ax))

    def movement(self, ax: Axes | None = None) -> Axes:
        """Words moved in a step by memory, on a logarithmic scale: a bar per run."""
        from accelsim.report.figures.axes import draw_movement

        return draw_movement(self._runs, _axes(ax))

    @property
    def _runs(self) -> Runs:
        return Runs.of([self.document])


def _axes(given: Axes | None) -> Axes:
    if given is not None:
        from matplotlib.axes import Axes  # slow to import

        return instance("ax", given, Axes, "axes of matplotlib")
    from matplotlib import pyplot as plt

    axes: Axes = plt.subplots(layout="constrained")[1]
    return axes
