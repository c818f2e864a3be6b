"""`accelsim reproduce`: what is printed, filed and said of cells that surprise, on a made-up
outcome.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from accelsim.cli import app as cli
from accelsim.cli.commands.simulation import reproduce as reproduce_command
from accelsim.results.reproduction import Item
from accelsim.studies.papers import items as reproduce
from accelsim.studies.papers import outcome
from tests import made_up_reproduction as made


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["accelsim", "reproduce", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert isinstance(stop.value.code, int)
    return stop.value.code


def stand_in(monkeypatch: pytest.MonkeyPatch, *items: dict[str, Any]) -> list[str]:
    """Replaces what computes; records what it is asked for."""
    asked: list[str] = []

    def computed(name: str, progress: Any, _command: str) -> tuple[dict[str, Any], list[Item]]:
        progress(1, 2, name)
        asked.append(name)
        found = [Item(**item) for item in items]
        return made.document(figures=[], items=list(items)), outcome.surprises(found)

    monkeypatch.setattr(reproduce, "reproduce", computed)
    monkeypatch.setattr(reproduce, "estimates", lambda _: {})
    return asked


def test_all_is_reproduced_where_nothing_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = stand_in(monkeypatch, made.item())
    assert run(monkeypatch) == 0
    assert asked == ["all"]
    printed = capsys.readouterr()
    assert "tab: 1 of 1 printed cells match" in printed.out
    assert printed.err == ""


@pytest.mark.parametrize(
    ("out", "said"),
    [
        (None, ""),
        ("reports/x", " --out reports/x"),
        ("./a b/../a b", " --out 'a b'"),
        ("{here}/out", " --out out"),
        ("../elsewhere", " --out DIR"),
        ("/nowhere/at/all", " --out DIR"),
    ],
)
def test_a_document_says_how_it_was_made_and_not_where(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, out: str | None, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    given = None if out is None else out.format(here=tmp_path)
    assert reproduce_command._command("claims", given) == f"accelsim reproduce claims{said}"


def test_json_is_one_document_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stand_in(monkeypatch, made.item())
    assert run(monkeypatch, "all", "--json", "--out", str(tmp_path / "out")) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == made.document(figures=[], items=[made.item()])
    assert (
        printed.err
        == f"wrote {tmp_path / 'out' / 'index.html'}, reproduction.json, tables and figures\n"
    )
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {
        "reproduction.json",
        "index.html",
        "tab.md",
        "tab.csv",
        "claims.md",
        "claims.csv",
    }


def test_cells_that_surprise_are_named_after_all_is_delivered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wrong = made.item("a/b", printed="5.87", computed=5.8543701, rounded="5.85", match="mismatch")
    stand_in(
        monkeypatch,
        wrong,
        made.item("c", documented=True),
        made.item("d", rounded="56.12", match="mismatch", documented=True),
    )
    assert run(monkeypatch, "all", "--out", str(tmp_path / "out")) == 1
    printed = capsys.readouterr()
    assert "tab: 1 of 3 printed cells match; 1 not, documented; 1 not, unexpected" in printed.out
    assert printed.err.splitlines()[1:] == [
        "a/b: printed 5.87, computed 5.85437 (rounded 5.85)",
        "c: documented as a mismatch, but it matches now",
    ]
    assert (tmp_path / "out" / "index.html").is_file()


def test_an_unknown_name_is_refused_before_anything_is_computed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = stand_in(monkeypatch)
    known = ", ".join((*reproduce.TARGETS, "all"))
    assert run(monkeypatch, "han2020-tabel2") == 2
    assert capsys.readouterr() == (
        "",
        f"reproduction must be one of {known}, got han2020-tabel2; did you mean han2020-table2?\n",
    )
    assert run(monkeypatch, "?") == 2
    assert capsys.readouterr().err == f"reproduction must be one of {known}, got ?\n"
    assert asked == []


def test_a_folder_that_cannot_be_one_is_refused_before_anything_is_computed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked = stand_in(monkeypatch)
    (tmp_path / "taken").write_text("")
    assert run(monkeypatch, "all", "--out", str(tmp_path / "taken")) == 2
    assert (
        capsys.readouterr().err
        == f"--out must be a folder, got {tmp_path / 'taken'} ({tmp_path / 'taken'} is a file)\n"
    )
    assert asked == []


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("all", "index.html"),
        ("claims", "claims-parallel-35x.svg"),
        ("han2020-table2", "han2020-table2.csv"),
    ],
)
def test_a_file_that_cannot_have_its_place_is_refused_before_anything_is_computed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    name: str,
    taken: str,
) -> None:
    asked = stand_in(monkeypatch)
    (tmp_path / taken).mkdir()
    assert run(monkeypatch, name, "--out", str(tmp_path)) == 2
    assert (
        capsys.readouterr().err
        == f"--out must be a folder that can be written, got {tmp_path}: {tmp_path / taken} is a "
        f"directory\n"
    )
    assert asked == []


def test_the_figures_of_each_target_are_known_before_they_are_drawn() -> None:
    committed = json.loads(
        (Path(__file__).parents[3] / "reports" / "reproduction" / "reproduction.json").read_text()
    )
    drawn = {(figure["target"], figure["id"]) for figure in committed["figures"]}
    assert drawn == {
        (target, figure) for target, figures in reproduce.FIGURES.items() for figure in figures
    }


def test_files_of_an_earlier_reproduction_do_not_go_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    stand_in(monkeypatch, made.item())
    assert run(monkeypatch, "all", "--out", str(out)) == 0
    assert run(monkeypatch, "all", "--out", str(out)) == 0
    assert "removed" not in capsys.readouterr().err
    fewer = made.document(figures=[], items=[], targets=[{"name": "tab", "title": "", "about": ""}])
    monkeypatch.setattr(reproduce, "reproduce", lambda *_: (fewer, []))
    assert run(monkeypatch, "all", "--out", str(out)) == 0
    assert (
        capsys.readouterr().err.splitlines()[0]
        == "removed 2 files of an earlier reproduction: claims.md, claims.csv"
    )
    assert {path.name for path in out.iterdir()} == {
        "reproduction.json",
        "index.html",
        "tab.md",
        "tab.csv",
    }


@pytest.mark.parametrize("taken", ["index.html", "tab.csv"])
def test_a_folder_where_a_file_has_no_place_stays_as_it_was(
    taken: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stand_in(monkeypatch, made.item())
    (tmp_path / "bad" / taken).mkdir(parents=True)
    bad = tmp_path / "bad"
    assert run(monkeypatch, "all", "--out", str(bad)) == 2
    assert (
        capsys.readouterr().err
        == f"--out must be a folder that can be written, got {bad}: {bad / taken} is a directory\n"
    )
    assert [path.name for path in bad.iterdir()] == [taken]
    assert list(tmp_path.iterdir()) == [bad]


def test_a_reader_that_stops_gets_files_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in(monkeypatch, made.item())

    def broken(_: Any) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(reproduce_command, "_print_summary", broken)
    monkeypatch.setattr(cli, "_discard_output", lambda: None)
    assert run(monkeypatch, "all", "--out", str(tmp_path / "out")) == cli.BROKEN_PIPE
    assert (tmp_path / "out" / "reproduction.json").is_file()


def test_nothing_is_written_when_nothing_can_be_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in(monkeypatch, made.item())

    def full(_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reproduce_command, "_print_summary", full)
    assert run(monkeypatch, "all", "--out", str(tmp_path / "out")) == 2
    assert list(tmp_path.iterdir()) == []


def test_help_names_every_target() -> None:
    assert set(reproduce.TARGETS) <= set(reproduce_command.NAMES.split(", "))


def test_a_long_reproduction_says_beforehand_how_long_it_takes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reproduce_command._say_estimate({"a": 1.0, "b": 45.0, "c": 1500.0})
    reproduce_command._say_estimate({"a": 1.0})
    said = "this takes about 26 min (estimate: b 45 s, c 25 min)\n"
    assert capsys.readouterr() == ("", said)
    assert [*reproduce.estimates("all")] == [*reproduce.TARGETS]
    assert set(reproduce.CPU_SECONDS) <= set(reproduce.TARGETS)


def test_tables_are_printed_where_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in(monkeypatch, made.item())
    assert run(monkeypatch, "all", "--tables") == 0
    assert "tab: 1 of 1 printed cell matches." in capsys.readouterr().out
