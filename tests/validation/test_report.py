"""The committed validation report is what the program says now."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest

from accelsim.studies.validation.__main__ import REPORTS, main
from accelsim.studies.validation.check import Check
from accelsim.studies.validation.report import COMMAND, markdown, stored, table
from accelsim.studies.validation.subjects import SUBJECTS, Subject
from accelsim.studies.validation.summary import HEAD, KINDS, RULE

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


def stored_results() -> list[tuple[Subject, list[Check]]]:
    known = stored(ROOT / REPORTS)
    return [(subject, known[subject.name]) for subject in SUBJECTS]


def test_the_page_has_every_check_and_says_what_is_not_kept() -> None:
    subject = next(subject for subject in SUBJECTS if subject.name == "systolic")
    checks = subject.checks()
    page = markdown([(subject, checks)], [])
    assert "4 of 4 limits are kept." in page
    assert (
        f"[Systolic arrays](#systolic-arrays): last compute cycle | SCALE-Sim v3, golden runs | "
        f"{len(checks)} | +0.0% | equal | all" in page
    )
    broken = [type(checks[0])("a", "b", 2.0, 3.0, "c", "equal", False, "d"), *checks[1:]]
    page = markdown([(subject, broken)], [])
    assert page.count("a | b | 2 | 3 | c | +50.0% | equal | **no** |") == 2
    assert "| 4 | +50.0% | equal | **3 of 4**" in page
    assert table([(subject, checks)]).count("\n") == len(checks) + 1


def test_the_page_opens_with_one_summary_table_and_folds_the_numbers() -> None:
    results = stored_results()
    page = markdown(results, [])
    assert (ROOT / REPORTS / "README.md").read_text(encoding="utf-8").split("\n## ")[0] == (
        page.split("\n## ")[0]
    )
    top = page.split("\n## ")[0]
    lines = [line for line in top.splitlines() if " | " in line]
    assert lines[:2] == [HEAD, RULE]
    counts = [int(line.split(" | ")[2]) for line in lines[2:]]
    assert sum(counts) == sum(len(checks) for _, checks in results)
    assert len(lines) - 2 == len(KINDS)
    assert page.count("<details>") == page.count("</details>") == len(SUBJECTS)


def test_simulators_of_a_stream_are_told_apart() -> None:
    notes = [check.note for check in stored(ROOT / REPORTS)["dram"] if "others: " in check.note]
    assert len(notes) > 60
    for note in notes:
        names = re.findall(r"(DRAMsim3|Ramulator 2.1 FRFCFS(?:-RowHit)?)\b", note)
        assert len(set(names)) == len(names) == 3, note


def test_the_page_is_made_from_the_stored_report(tmp_path: Path) -> None:
    (tmp_path / "validation.json").write_bytes((ROOT / REPORTS / "validation.json").read_bytes())
    assert main(["--stored", "--out", str(tmp_path)]) == 1  # a limit is not kept
    for name in ("README.md", "checks.csv", "validation.json"):
        assert (tmp_path / name).read_bytes() == (ROOT / REPORTS / name).read_bytes(), name
    assert not (tmp_path / "words_received.csv").exists()
