"""Results side by side, and ratios to a baseline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from accelsim.report.labels import labels
from accelsim.results.comparison import Comparison
from accelsim.results.result import Result


@dataclass(frozen=True)
class Runs:
    """Results side by side with their labels, and the one that the others are measured against."""

    results: tuple[Result, ...]
    labels: tuple[str, ...]
    baseline: Result

    @property
    def ratio(self) -> str:
        """Heading of the columns of ratios, which a single run has no use for."""
        return "ratio" if len(self.results) > 1 else ""

    @property
    def star(self) -> str:
        """Marks a total that rests on an unverified price."""
        return "*" if any(result.unverified() for result in self.results) else ""

    @property
    def area_star(self) -> str:
        """Marks an area that rests on an unverified one."""
        return "*" if any(result.unverified_areas() for result in self.results) else ""

    @classmethod
    def of(cls, documents: Iterable[Result | Comparison]) -> Runs:
        """All results of the documents, in order. The baseline is that of the first comparison,
        else the first result.
        """
        results: list[Result] = []
        baseline: Result | None = None
        for document in documents:
            if isinstance(document, Comparison):
                if baseline is None:
                    names = labels(document.results)
                    baseline = (
                        document.results[names.index(document.baseline)]
                        if document.baseline in names
                        else document.results[0]
                    )
                results += document.results
            else:
                results.append(document)
        return cls(tuple(results), tuple(labels(results)), baseline or results[0])


def ratio(value: float | None, baseline: float | None) -> float | None:
    """``value / baseline``; None when the baseline is zero, or one of them is not known."""
    return value / baseline if value is not None and baseline else None
