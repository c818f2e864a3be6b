"""``python -m accelsim.studies.validation``: compute every check and write the report.

Exit status 1 if a limit is exceeded, with one line per check on stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from accelsim.studies.validation.report import stored, write
from accelsim.studies.validation.subjects import SUBJECTS

REPORTS = Path("reports/validation")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    names = [subject.name for subject in SUBJECTS]
    parser = argparse.ArgumentParser(
        prog="python -m accelsim.studies.validation",
        description="Comparison of the simulator with independent data and formulas.",
    )
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(names)}; all by default"
    )
    parser.add_argument(
        "--out", type=Path, default=REPORTS, metavar="DIR", help=f"where to (default {REPORTS})"
    )
    parser.add_argument(
        "--stored",
        action="store_true",
        help="take all parts but PART from the report in DIR; without PART only write its page",
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.parts if name not in names]
    if unknown:
        parser.error(f"PART must be one of {', '.join(names)}, got {', '.join(unknown)}")
    known = stored(options.out) if options.stored else {}
    chosen = options.parts or ([] if options.stored else names)
    results = []
    for subject in SUBJECTS:
        if subject.name in chosen:
            _say(f"checking {subject.name}")
            results.append((subject, subject.checks()))
        elif subject.name in known:
            results.append((subject, known[subject.name]))
    for name in write(results, options.out, chosen):
        _say(f"wrote {options.out / name}")
    broken = [check for _, checks in results for check in checks if check.holds is False]
    for check in broken:
        _say(
            f"{check.subject}: {check.quantity} must be {check.limit} of {check.expected} "
            f"{check.unit}, got {check.measured}"
        )
    return 1 if broken else 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
