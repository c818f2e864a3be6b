"""The validation report: every check as Markdown, CSV and JSON, and figures."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from accelsim.studies.validation.check import Check
from accelsim.studies.validation.subjects import Subject
from accelsim.version import __version__

SCHEMA = "accelsim.validation/1"
COMMAND = "make validation"
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
    """The page, one section per part."""
    lines = [
        "# Validation",
        "",
        (
            f"Made by `{COMMAND}`, accelsim {__version__}. All numbers are computed by the program "
            f"when the page is made; *expected* numbers come from"
        ),
        (
            "the sources below each table. *Limit* is the requirement on a number; without one, "
            "readers can judge the deviation."
        ),
        (
            "The tests check the same; cycle counts of the PE models are also compared with "
            "SystemVerilog (`make test-rtl`, docs/rtl.md), and the whole"
        ),
        "machine against one that is stepped cycle by cycle (docs/machine-twin.md).",
        "",
        "part | numbers | with a limit | kept | not kept",
        "--- | --: | --: | --: | --:",
    ]
    for subject, rows in results:
        limited = [check for check in rows if check.holds is not None]
        within_limit = sum(check.holds is True for check in limited)
        lines.append(
            f"[{_plain(subject.heading)}](#{_anchor(subject.heading)}) | {len(rows)} | "
            f"{len(limited)} | {within_limit} | {len(limited) - within_limit}"
        )
    for subject, rows in results:
        lines += ["", f"## {subject.heading}", "", subject.about, ""]
        lines += [
            f"![{_plain(subject.heading)}]({name})\n"
            for name in figures
            if name.startswith(subject.name)
        ]
        lines += [
            "what | quantity | expected | measured | unit | deviation | limit | kept | note",
            "--- | --- | --: | --: | --- | --: | --- | --- | ---",
        ]
        lines += [_row(check) for check in rows]
        sources = dict.fromkeys(check.source for check in rows if check.source)
        lines += ["", "Sources:", "", *(f"- {source}" for source in sources)]
    return "\n".join(lines) + "\n"


def write(results: Results, folder: Path) -> list[str]:
    """Write README.md, checks.csv, validation.json, figures and the files of the parts. Returns the
    names of the files.
    """
    from accelsim.studies.validation.figures import write_figures

    folder.mkdir(parents=True, exist_ok=True)
    figures = write_figures(results, folder)
    texts = {
        "README.md": markdown(results, [name for name in figures if name.endswith(".svg")]),
        "checks.csv": table(results),
        "validation.json": json.dumps(document(results), indent=1, sort_keys=False) + "\n",
    }
    for subject, _ in results:
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
