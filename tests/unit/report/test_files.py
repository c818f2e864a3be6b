"""Report folders: everything or nothing, and files of others left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from accelsim.errors import InputError
from accelsim.report import files
from tests import synthetic

REPORT = set(files.REPORT_FILES) - {"notes.csv"}
"""Files of a report on runs without notes."""


def test_an_exception_leaves_no_trace(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    with pytest.raises(RuntimeError), files.staged(out) as folder:  # noqa: PT012  # the failure must come after a file was written
        (folder / "result.json").write_text("{}")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_an_exception_leaves_older_files_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text("old")
    with pytest.raises(RuntimeError), files.staged(tmp_path) as folder:  # noqa: PT012  # as above
        (folder / "result.json").write_text("new")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]
    assert (tmp_path / "result.json").read_text() == "old"


def test_success_replaces_ours_and_keeps_others(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text("old")
    (tmp_path / "notes.txt").write_text("mine")
    files.write_simulation(synthetic.result(), tmp_path)
    assert json.loads((tmp_path / "result.json").read_text())["rule"] == "bp"
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", "result.json", *REPORT}


def test_nothing_of_an_earlier_comparison_stays_beside_a_newer_run(tmp_path: Path) -> None:
    files.write_comparison(synthetic.comparison(), tmp_path)
    before = {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert {path for path in before if "/" not in path} == {"comparison.json", *REPORT}
    assert {"bp/result.json", "dfa/result.json", "ssdfa/result.json"} <= before
    (tmp_path / "dfa" / "notes.txt").write_text("mine")
    (tmp_path / "mine.csv").write_text("mine")
    files.write_comparison(
        synthetic.comparison(synthetic.result("bp"), synthetic.result("fa")), tmp_path
    )
    after = {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert after == {
        "comparison.json",
        "bp/result.json",
        "fa/result.json",
        "dfa/notes.txt",
        "mine.csv",
        *REPORT,
    }
    assert not (tmp_path / "ssdfa").exists()
    files.write_simulation(synthetic.result("fa"), tmp_path)
    after = {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert after == {"result.json", "dfa/notes.txt", "mine.csv", *REPORT}


def test_files_of_our_names_without_a_document_of_ours_stay(tmp_path: Path) -> None:
    for name in ("curves.png", "comparison.json"):
        (tmp_path / name).write_text("mine")
    files.write_simulation(synthetic.result(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "comparison.json",
        "curves.png",
        "result.json",
        *REPORT,
    }


def test_numbers_that_json_lacks_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range float values"):
        files.write_simulation(synthetic.result(seconds=float("inf")), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("taken", "fault"),
    [
        ("b.csv/", "b.csv is a directory"),
        ("c/d.json/", "c/d.json is a directory"),
        ("c", "c is a file"),
    ],
)
def test_nothing_is_moved_when_one_file_has_no_place(
    taken: str, fault: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "a.csv").parent.mkdir()
    (out / "a.csv").write_text("old")
    if taken.endswith("/"):
        (out / taken).mkdir(parents=True)
    else:
        (out / taken).write_text("")
    before = sorted(tmp_path.rglob("*"))
    with (  # noqa: PT012  # files come first
        pytest.raises(InputError) as refused,
        files.staged(out, lambda place: [place / "a.csv"]) as folder,
    ):
        (folder / "c").mkdir()
        for name in ("a.csv", "b.csv", "c/d.json"):
            (folder / name).write_text("new")
    assert (
        str(refused.value)
        == f"--out must be a folder that can be written, got {out}: {out}/{fault}"
    )
    assert sorted(tmp_path.rglob("*")) == before
    assert (out / "a.csv").read_text() == "old"


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError) as refused:
        files.refuse_unusable(tmp_path / "taken" / "out")
    assert (
        str(refused.value)
        == f"--out must be a folder, got {tmp_path / 'taken' / 'out'} ({tmp_path / 'taken'} is a "
        f"file)"
    )


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("bp", "bp"),
        ("near-memory/bp", "near-memory-bp"),
        ("revised:groups=8,binary=true", "revised-groups=8-binary=true"),
        ("../x", "x"),
        ("..", "run"),
    ],
)
def test_folder_names_hold_no_separators(label: str, name: str) -> None:
    assert files.folder_name(label) == name
