"""``python -m accelsim.studies.headline``: show what moved DFA against BP, cause by cause."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from accelsim.studies.headline.measure import today
from accelsim.studies.headline.report import write

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
    for name in write(today(_say), options.out):
        print(f"wrote {options.out / name}", file=sys.stderr)
    return 0


def _say(done: int, of: int, what: str) -> None:
    print(f"{done} of {of}: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
