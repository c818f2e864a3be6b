"""Results side by side, and ratios to a baseline."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from accelsim.report.labels import labels
from accelsim.results.comparison import Comparison, ratio_intervals
from accelsim.results.result import Result

SAME_CLOCK = 1e-6
"""Maximum relative difference of two clock periods that come from one clock."""
LONGEST = 24
"""Maximum characters of a machine's name in a sentence."""
NEGLIGIBLE = 1e-3
"""Minimum share of a run's moved words for which a ratio is given."""


@dataclass(frozen=True)
class Runs:
    """Results side by side with their labels, and the baseline to which the others are compared."""

    results: tuple[Result, ...]
    labels: tuple[str, ...]
    baseline: Result

    @property
    def ratio(self) -> str:
        """Heading of columns of ratios; empty for a single run, which has no ratios."""
        return "ratio" if len(self.results) > 1 else ""

    @property
    def in_time(self) -> bool:
        """True if clocks differ: cycles then do not compare the runs, and time does."""
        periods = [each.seconds / each.cycles for each in self.results if each.cycles]
        return bool(periods) and max(periods) > min(periods) * (1 + SAME_CLOCK)

    def duration(self, result: Result) -> float:
        """Duration of a run's step: seconds if clocks differ, else cycles."""
        return result.seconds if self.in_time else result.cycles

    @property
    def star(self) -> str:
        """Mark of an energy that depends on a price without a source; empty if none does."""
        return "*" if self.unsourced() else ""

    def unsourced(self, component: str = "") -> float:
        """Largest share, over the runs, of a component's energy, or of the total, whose prices have
        no source.
        """
        return max(result.unsourced().get(component, 0.0) for result in self.results)

    def energy_ratio_interval(self, result: Result) -> tuple[float, float] | None:
        """Interval of a run's energy relative to the baseline's; None for the baseline itself, and
        for runs whose prices were not drawn alike.
        """
        if result is self.baseline:
            return None
        return ratio_intervals(result, self.baseline).get("energy_pj")

    @property
    def area_star(self) -> str:
        """Mark of an area that depends on an unverified one; empty if none does."""
        return "*" if any(result.unverified_areas() for result in self.results) else ""

    @property
    def baseline_label(self) -> str:
        """Label of the baseline."""
        pairs = zip(self.labels, self.results, strict=True)
        return next(label for label, result in pairs if result is self.baseline)

    def shortened(self) -> Runs:
        """The same runs with long names of machines cut in the labels, if labels stay distinct."""
        cut = [
            label.replace(name, f"{name[: LONGEST - 3]}...", 1) if len(name) > LONGEST else label
            for label, name in zip(self.labels, (each.arch for each in self.results), strict=True)
        ]
        distinct = len(set(cut)) == len(set(self.labels))
        return Runs(self.results, tuple(cut), self.baseline) if distinct else self

    def first_places(self, most: int) -> list[int]:
        """Indices of the first ``most`` runs. The baseline is among them, at least as the last."""
        places = list(range(min(most, len(self.results))))
        base = next(place for place, each in enumerate(self.results) if each is self.baseline)
        return places if base in places else [*places[:-1], base]

    def first(self, most: int) -> Runs:
        """The first ``most`` runs, with the same baseline, which is among them."""
        places = self.first_places(most)
        results = tuple(self.results[place] for place in places)
        return Runs(results, tuple(self.labels[place] for place in places), self.baseline)

    def shared(self, key: str) -> Any:
        """The value of a field if all results share it, else None."""
        values = [getattr(result, key) for result in self.results]
        return values[0] if all(each == values[0] for each in values) else None

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
    """``value / baseline``; None if the baseline is zero or either is unknown."""
    return value / baseline if value is not None and baseline else None


def compares(words: Callable[[Result], float], result: Result, base: Result) -> bool:
    """False if these words are a negligible part of all words both of the run and of the baseline,
    so that their ratio says nothing.
    """

    def matters(each: Result) -> bool:
        moved = each.words.local + each.words.remote + each.words.global_buffer + each.words.dram
        return words(each) >= NEGLIGIBLE * moved

    return matters(result) or matters(base)
