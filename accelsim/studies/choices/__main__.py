"""``python -m accelsim.studies.choices``: measure every choice that has a switch."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from accelsim.studies.choices.measure import ratios
from accelsim.studies.choices.report import write
from accelsim.studies.choices.variants import WORKLOADS
from accelsim.studies.papers.progress import to_stderr

REPORTS = Path("reports/choices")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m accelsim.studies.choices",
        description="Effect of modelling choices on the cost of DFA against that of BP.",
    )
    parser.add_argument("workloads", nargs="*", default=WORKLOADS, metavar="WORKLOAD")
    parser.add_argument(
        "--out", type=Path, default=REPORTS, metavar="DIR", help=f"where to (default {REPORTS})"
    )
    options = parser.parse_args(arguments)
    found = ratios(to_stderr, options.workloads)
    for name in write(found, options.out):
        print(f"wrote {options.out / name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
