"""The study's test accuracies as a small table, which `accelsim reproduce` draws beside the
simulator's counts.
"""

from __future__ import annotations

import csv
import io

from accelsim.studies.accuracy.outcomes import Outcomes, deviation, mean

COLUMNS = ("network", "rule", "test_accuracy_percent", "deviation_points", "seeds")


def summary(outcomes: Outcomes) -> str:
    """CSV with one line per rule and network that has finished runs."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in outcomes.part("cnn", "rnn", "fc", "transfer"):
        accuracies = each.percent("test_accuracy")
        if accuracies:
            writer.writerow(
                (each.network, each.rule, mean(accuracies), deviation(accuracies), len(accuracies))
            )
    return text.getvalue()
