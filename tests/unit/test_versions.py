"""Documents of earlier versions stay readable; those of another format are refused in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from accelsim.errors import InputError
from accelsim.machine.loading import load_machine
from accelsim.report import files
from accelsim.report.runs import Runs
from accelsim.results import kinds
from accelsim.results.laws import violations
from accelsim.results.result import Result
from accelsim.version import __version__
from tests import synthetic

OLD = Path(__file__).parents[1] / "versions" / "result-0.1.0.json"
DO = "upgrade accelsim, or write the file again with this version"


def test_a_result_of_the_first_version_is_read_checked_and_reported(tmp_path: Path) -> None:
    document = kinds.read(OLD, kinds.SIMULATIONS)
    assert isinstance(document, Result)
    assert (document.version, document.machine) == ("0.1.0", None)
    assert violations(document) == []
    assert set(json.loads(OLD.read_text())) <= set(document.to_json())
    shutil.copy(OLD, tmp_path / "result.json")
    files.write_report(Runs.of([document]), tmp_path / "report")
    assert {path.name for path in (tmp_path / "report").iterdir()} >= {"ops.csv", "energy.png"}


def test_a_newer_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(json.loads(OLD.read_text()) | {"schema": "accelsim.result/2"}))
    with pytest.raises(InputError) as refused:
        kinds.read(path, kinds.SIMULATIONS)
    assert str(refused.value) == (
        f"{path}: schema must be accelsim.result/1, got accelsim.result/2: a newer accelsim wrote "
        f"this file; {DO}"
    )


def test_a_newer_result_in_a_comparison_is_refused_with_what_to_do() -> None:
    document = synthetic.comparison()
    document["results"][1]["schema"] = "accelsim.result/2"
    with pytest.raises(InputError) as refused:
        kinds.parse(document, kinds.SIMULATIONS)
    assert str(refused.value) == (
        "results.1.schema must be accelsim.result/1, got accelsim.result/2: a newer accelsim wrote "
        f"this file; {DO}"
    )


def test_an_older_format_is_refused_with_what_to_do() -> None:
    with pytest.raises(InputError) as refused:
        Result.parse({"schema": "accelsim.result/0"})
    assert str(refused.value) == (
        "schema must be accelsim.result/1, got accelsim.result/0: an older accelsim wrote this "
        "file; write the file again with this version"
    )


def test_a_newer_format_of_a_machine_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("schema: accelsim.arch/2\nname: m\nbase: near-memory\n")
    with pytest.raises(InputError) as refused:
        load_machine(path)
    assert str(refused.value) == (
        f"{path}:1:9: schema must be accelsim.arch/1, got accelsim.arch/2: a newer accelsim reads "
        "this format; upgrade accelsim, or write the file for this one"
    )


def test_the_page_names_every_schema_and_the_line_of_a_newer_format(root: Path) -> None:
    page = (root / "docs/versions.md").read_text()
    for kind in (*kinds.SIMULATIONS,):
        assert f"`{kind.schema_name()}`" in page
    assert DO in page


def test_the_changelog_is_headed_by_this_version(root: Path) -> None:
    heads = [line for line in (root / "CHANGELOG.md").read_text().splitlines() if line[:3] == "## "]
    assert heads[0].startswith(f"## [{__version__}]")
