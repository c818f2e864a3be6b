"""The validation report: every check as Markdown, CSV and JSON, and figures."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from accelsim.studies.validation.check import Check
from accelsim.studies.validation.subjects import Subject
from accelsim.studies.validation.summary import summary
from accelsim.version import __version__

SCHEMA = "accelsim.validation/1"
COMMAND = "make validation"
DOCUMENT = "validation.json"
HEAD = "what | quantity | expected | measured | unit | deviation | limit | kept | note"
RULE = "--- | --- | --: | --: | --- | --: | --- | --- | ---"
Results = Sequence[tuple[Subject, list[Check]]]


def document(results: Results) -> dict[str, Any]:
    """JSON document with every check and its deviation."""
    checks = [
        {"part": subject.name, **asdict(check), "deviation": check.deviation}
        for subject, rows in results
        for check in rows
    ]
    return {"schema": SCHEMA, "version": __version__, "command": COMMAND, "checks": checks}


def table(results: Results) -> str:
    """All checks as CSV."""
    text = io.StringIO()
    rows = document(results)["checks"]
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["part"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def markdown(results: Results, figures: Sequence[str]) -> str:
    """The page: a summary of all parts, then a section per part with its numbers folded."""
    limited = [check for _, rows in results for check in rows if check.holds is not None]
    kept = sum(check.holds is True for check in limited)
    lines = [
        "# Validation",
        "",
        f"{kept} of {len(limited)} limits are kept. Made by `{COMMAND}`, accelsim {__version__}.",
        "",
        *summary(
            [
                (subject.name, f"[{_plain(subject.heading)}](#{_anchor(subject.heading)})", rows)
                for subject, rows in results
            ]
        ),
        "",
        "Deviation: measured over expected, less 1. The tests check the same. Cycle counts of the",
        "PE models are also compared with SystemVerilog (`make test-rtl`, docs/rtl.md), and the",
        "whole machine with one that is stepped cycle by cycle (docs/machine-twin.md).",
    ]
    for subject, rows in results:
        lines += ["", f"## {subject.heading}", "", subject.about, ""]
        lines += [
            f"![{_plain(subject.heading)}]({name})\n"
            for name in figures
            if name.startswith(subject.name)
        ]
        broken = [check for check in rows if check.holds is False]
        if broken:
            lines += ["Not kept:", "", HEAD, RULE, *(_row(check) for check in broken), ""]
        lines += [f"<details><summary>{len(rows)} numbers and their sources</summary>", ""]
        lines += [HEAD, RULE, *(_row(check) for check in rows)]
        sources = dict.fromkeys(check.source for check in rows if check.source)
        lines += ["", "Sources:", "", *(f"- {source}" for source in sources), "", "</details>"]
    return "\n".join(lines) + "\n"


def stored(folder: Path) -> dict[str, list[Check]]:
    """Checks of the report in a folder, by part; {} without a report."""
    path = folder / DOCUMENT
    if not path.is_file():
        return {}
    known: dict[str, list[Check]] = {}
    for row in json.loads(path.read_text(encoding="utf-8"))["checks"]:
        part, _ = row.pop("part"), row.pop("deviation")
        known.setdefault(part, []).append(Check(**row))
    return known


def write(results: Results, folder: Path, made: Collection[str] | None = None) -> list[str]:
    """Write README.md, checks.csv, validation.json, figures and the files of the parts. Returns the
    names of the files. ``made``: parts whose further files are written; all by default.
    """
    from accelsim.studies.validation.figures import write_figures

    folder.mkdir(parents=True, exist_ok=True)
    figures = write_figures(results, folder)
    texts = {
        "README.md": markdown(results, [name for name in figures if name.endswith(".svg")]),
        "checks.csv": table(results),
        DOCUMENT: json.dumps(document(results), indent=1, sort_keys=False) + "\n",
    }
    for subject, _ in results:
        if made is None or subject.name in made:
            texts |= subject.files()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [*texts, *figures]


def _row(check: Check) -> str:
    deviation = "" if check.deviation is None else f"{check.deviation:+.1%}"
    verdict = {None: "", True: "yes", False: "**no**"}[check.holds]
    limit = "" if check.limit == "none" else check.limit
    cells = (
        check.subject,
        check.quantity,
        _number(check.expected),
        _number(check.measured),
        check.unit,
        deviation,
        limit,
        verdict,
        check.note,
    )
    return " | ".join(cell.replace("|", "/") for cell in cells)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.4g}"


def _plain(heading: str) -> str:
    return heading.replace("`", "")


def _anchor(heading: str) -> str:
    """Anchor that Markdown gives to a heading."""
    return "".join(
        letter for letter in heading.lower().replace(" ", "-") if letter.isalnum() or letter == "-"
    )
