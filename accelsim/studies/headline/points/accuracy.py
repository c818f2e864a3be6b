"""Accuracy that a rule costs against BP, as the accuracy study has measured it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accelsim.rules.spelling import parse_rule

REPORTS = Path("reports/accuracy")
TABLES = ("convolutional.csv", "text.csv", "fully_connected.csv")


@dataclass(frozen=True)
class Accuracy:
    """Test accuracy of a rule less that of BP, in points. ``network``: the trained one, whose width
    follows its ``@``. ``rule``: as results spell it. ``interval``: half the 95-% interval, None for
    a single seed.
    """

    network: str
    rule: str
    gap: float
    interval: float | None
    seeds: str


def accuracies(folder: Path = REPORTS) -> list[Accuracy]:
    """The records of the accuracy study that have a difference to BP."""
    found = []
    for name in TABLES:
        text = (folder / name).read_text(encoding="utf-8")
        for row in csv.DictReader(text.splitlines()):
            if row["gap_to_bp_points"]:
                interval = row.get("gap_to_bp_interval_points")
                found.append(
                    Accuracy(
                        row["network"],
                        str(parse_rule(row["rule"])),
                        float(row["gap_to_bp_points"]),
                        float(interval) if interval else None,
                        row["seeds"],
                    )
                )
    return found


def accuracy_of(workload: str, rule: str, known: Sequence[Accuracy]) -> Accuracy | None:
    """The record of a rule, options included, on a workload at any width; None without one."""
    for each in known:
        if (each.network.partition("@")[0], each.rule) == (workload, rule):
            return each
    return None
