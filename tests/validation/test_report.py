"""The committed validation report is what the program says now."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from accelsim.studies.validation.__main__ import REPORTS
from accelsim.studies.validation.report import COMMAND, markdown, table
from accelsim.studies.validation.subjects import SUBJECTS

ROOT = Path(__file__).parents[2]
QUICK = ("systolic", "area", "eie")
COMMITTED = json.loads((ROOT / REPORTS / "validation.json").read_text(encoding="utf-8"))


def committed(part: str) -> list[dict[str, object]]:
    return [check for check in COMMITTED["checks"] if check["part"] == part]


@pytest.mark.parametrize(
    "name",
    [
        subject.name
        if subject.name in QUICK
        else pytest.param(subject.name, marks=pytest.mark.nightly)
        for subject in SUBJECTS
    ],
)
def test_the_committed_report_is_current(name: str) -> None:
    subject = next(subject for subject in SUBJECTS if subject.name == name)
    fresh = [
        {"part": name, **asdict(check), "deviation": check.deviation} for check in subject.checks()
    ]
    assert json.loads(json.dumps(fresh)) == committed(name), f"made by `{COMMAND}`: run it again"
    for file, text in subject.files().items():
        assert (ROOT / REPORTS / file).read_text(encoding="utf-8") == text, f"{file} is old"


def test_the_page_has_every_check_and_says_what_is_not_kept() -> None:
    subject = next(subject for subject in SUBJECTS if subject.name == "systolic")
    checks = subject.checks()
    page = markdown([(subject, checks)], [])
    assert (
        f"[Systolic arrays](#systolic-arrays) | {len(checks)} | {len(checks)} | {len(checks)} | 0"
        in page
    )
    broken = [type(checks[0])("a", "b", 2.0, 3.0, "c", "equal", False, "d"), *checks[1:]]
    assert "a | b | 2 | 3 | c | +50.0% | equal | **no** |" in markdown([(subject, broken)], [])
    assert table([(subject, checks)]).count("\n") == len(checks) + 1
