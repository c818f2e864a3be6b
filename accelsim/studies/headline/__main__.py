"""``python -m accelsim.studies.headline``: what feedback rules cost against BP, and how that cost
changed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from accelsim.studies.headline.page import write
from accelsim.studies.headline.points.accuracy import REPORTS as ACCURACY
from accelsim.studies.headline.points.accuracy import accuracies
from accelsim.studies.headline.points.measure import points
from accelsim.studies.headline.waterfall.measure import today
from accelsim.studies.papers.progress import to_stderr

REPORTS = Path("reports/headline")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m accelsim.studies.headline",
        description="Cost of feedback rules against that of BP: cycles, energy with its interval "
        "and accuracy, and what moved it.",
    )
    parser.add_argument(
        "--out", type=Path, default=REPORTS, metavar="DIR", help=f"where to (default {REPORTS})"
    )
    parser.add_argument(
        "--accuracy",
        type=Path,
        default=ACCURACY,
        metavar="DIR",
        help=f"report of the accuracy study (default {ACCURACY})",
    )
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="DIR",
        help="folder for the points of every finished setup, so that a stopped run continues; "
        "empty it after a change of the program",
    )
    options = parser.parse_args(arguments)
    known = accuracies(options.accuracy)
    found = points(to_stderr, kept=options.keep)
    for name in write(found, known, today(to_stderr), options.out):
        print(f"wrote {options.out / name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
