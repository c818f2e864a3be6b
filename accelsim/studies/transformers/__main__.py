"""``python -m accelsim.studies.transformers``: what direct feedback leaves of a transformer's
backward pass.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from accelsim.studies.papers.progress import to_stderr
from accelsim.studies.transformers.measure import points
from accelsim.studies.transformers.report import write

REPORTS = Path("reports/transformers")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m accelsim.studies.transformers",
        description="Error propagation of a transformer under BP and direct feedback.",
    )
    parser.add_argument(
        "--out", type=Path, default=REPORTS, metavar="DIR", help=f"where to (default {REPORTS})"
    )
    options = parser.parse_args(arguments)
    for name in write(points(to_stderr), options.out):
        print(f"wrote {options.out / name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
