"""Figures of part (a), fully connected networks."""

from __future__ import annotations

from matplotlib.figure import Figure

from accelsim.studies.accuracy.figures.panels import Points, accuracy_and_angle, dots
from accelsim.studies.accuracy.outcomes import Outcome, Outcomes
from accelsim.studies.accuracy.tables.scores import CLASSES, rank_and_entries


def fully_connected_figure(outcomes: Outcomes) -> Figure | None:
    """Test accuracy by rule, one panel per network: seeds as dots, means with their deviation."""
    networks = list(dict.fromkeys(each.network for each in outcomes.part("fc")))
    rows = {
        network: [
            each
            for each in outcomes.part("fc")
            if each.network == network and each.scores("test_accuracy")
        ]
        for network in networks
    }
    return dots(rows, {name: name for name in networks}, "test_accuracy", "test accuracy in %", 100)


def _sweep(outcomes: Outcomes) -> list[tuple[int | None, int, Outcome]]:
    found = []
    for each in outcomes.part("sweep"):
        rank, entries = rank_and_entries(each.rule)
        if entries is not None and each.scores("test_accuracy"):
            found.append((rank, entries, each))
    return found


def rank_figure(outcomes: Outcomes) -> Figure | None:
    """Accuracy and angle against the feedback's rank, one line per number of entries per neuron
    (after Crafton et al. 2019, figure 5).
    """
    series: dict[str, Points] = {}
    for rank, entries, each in _sweep(outcomes):
        if rank is not None:
            dense = "k=0" in each.rule
            series.setdefault("dense" if dense else f"{entries} entries per neuron", []).append(
                (rank, each)
            )
    return accuracy_and_angle(series, "rank of B")


def sparsity_figure(outcomes: Outcomes) -> Figure | None:
    """Accuracy and angle against the feedback's sparsity, one line per rank (after Crafton et al.
    2019, figure 6).
    """
    series: dict[str, Points] = {}
    for rank, entries, each in _sweep(outcomes):
        if "k=0" not in each.rule:
            series.setdefault("rank not limited" if rank is None else f"rank {rank}", []).append(
                (100 * (1 - entries / CLASSES), each)
            )
    return accuracy_and_angle(series, "sparsity of B in %")
