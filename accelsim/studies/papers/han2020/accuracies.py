"""Test accuracies of the accuracy study (accuracy.csv, written by ``python -m
accelsim.studies.accuracy summary``), and those printed by Han et al. 2020.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

COMMAND = (
    "python -m accelsim.studies.accuracy summary > accelsim/studies/papers/han2020/accuracy.csv"
)

PRINTED_R50 = {
    "BP": 93.07,
    "DFA": 71.92,
    "Revised-G4": 80.4,
    "Revised-G8": 81.36,
    "HDFA-0.1-G4": 88.55,
    "HDFA-0.1-G8": 87.93,
    "HDFA-0.3-G4": 90.13,
    "HDFA-0.3-G8": 91.51,
}
"""Table 1, ResNet-50, test accuracy in percent, by row of table 2."""

PRINTED_GRU = {
    "BP": 24.52,
    "DFA": 18.15,
    "Revised": 21.35,
    "HDFA-0.1-0%": 23.80,
    "HDFA-0.1-80%": 24.18,
    "HDFA-0.1-95%": 24.23,
    "HDFA-0.1-98%": 24.23,
    "HDFA-0.2-0%": 24.22,
    "HDFA-0.2-80%": 24.42,
    "HDFA-0.2-95%": 24.46,
    "HDFA-0.2-98%": 24.41,
}
"""Table 3, GRU, test accuracy in percent, by row of table 4. Hybrid rows are those with binary
feedback.
"""


@cache
def trained() -> dict[tuple[str, str], float]:
    """Mean test accuracy in percent by (network, rule) of the study."""
    text = (
        files("accelsim.studies.papers.han2020")
        .joinpath("accuracy.csv")
        .read_text(encoding="utf-8")
    )
    return {
        (row["network"], row["rule"]): float(row["test_accuracy_percent"])
        for row in csv.DictReader(text.splitlines())
    }
