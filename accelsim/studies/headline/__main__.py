"""``python -m accelsim.studies.headline``: show what moved DFA against BP, cause by cause."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from accelsim.studies.headline.measure import today
from accelsim.studies.headline.report import write
from accelsim.studies.papers.progress import to_stderr

REPORTS = Path("reports/headline")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m accelsim.studies.headline",
        description="What moved the cost of feedback rules against that of BP, cause by cause.",
    )
    parser.add_argument(
        "--out", type=Path, default=REPORTS, metavar="DIR", help=f"where to (default {REPORTS})"
    )
    options = parser.parse_args(arguments)
    for name in write(today(to_stderr), options.out):
        print(f"wrote {options.out / name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
