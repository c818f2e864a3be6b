"""Comparison of dense systolic arrays with SCALE-Sim's golden runs, which are numbers of another
simulator, not of a chip.
"""

from __future__ import annotations

import csv
from importlib.resources import files

from accelsim.kernels.dense.systolic import fold_cycles
from accelsim.studies.validation.check import Check

SIDE = 32
NAMES = {"os": "output stationary", "ws": "weight stationary", "is": "input stationary"}
SOURCE = "SCALE-Sim v3 (1d62b68a), test/general/golden_trace_*/COMPUTE_REPORT.csv"


def checks() -> list[Check]:
    """Compute cycles of every golden run."""
    return [_check(row) for row in rows("scalesim.csv")]


def rows(name: str) -> list[dict[str, str]]:
    """Rows of a table in validation/data, without its comment lines."""
    text = files("accelsim.studies.validation").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def _check(row: dict[str, str]) -> Check:
    m, n, k = (int(row[key]) for key in "mnk")
    cycles, _ = fold_cycles(m, n, k, SIDE, SIDE, row["dataflow"])
    last, golden = cycles - 1, int(row["compute_cycles"])
    subject = f"{row['name']} {m}x{k} by {k}x{n}, {NAMES[row['dataflow']]}, {SIDE}x{SIDE} PEs"
    note = f"SCALE-Sim reports the index of the last cycle; the count here is {cycles}, one more"
    return Check(
        subject, "last compute cycle", golden, last, "cycles", "equal", last == golden, SOURCE, note
    )
