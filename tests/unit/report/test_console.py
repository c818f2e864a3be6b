"""How tables and remarks meet a terminal, a pipe, and the reader's patience."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from accelsim.report import console
from accelsim.report.runs import Runs
from accelsim.report.summary import printing
from accelsim.report.table import Column, Table
from accelsim.results import kinds
from tests import synthetic


def printed(*results: dict[str, object]) -> str:
    text = io.StringIO()
    printing.print_results(
        Runs.of([kinds.parse(result, kinds.SIMULATIONS) for result in results]),
        Console(file=text, width=console.WIDTH, highlight=False),
    )
    return text.getvalue()


@pytest.mark.parametrize(
    ("columns", "width"), [("", 120), ("80", 80), ("200", 200), ("0", 120), ("wide", 120)]
)
def test_a_pipe_is_as_wide_as_columns_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert console.stdout().width == width
    assert capsys.readouterr() == ("", "")


def test_no_line_ends_in_blanks() -> None:
    assert [
        line
        for line in printed(synthetic.result("bp"), synthetic.result("dfa")).splitlines()
        if line != line.rstrip()
    ] == []


def test_one_dense_tensor_is_one() -> None:
    assert "Note: 1 tensor that the trace lacks is dense: fc1.error\n" in printed(
        synthetic.result("bp", dense_tensors=["fc1.error"])
    )


def test_a_note_that_all_runs_share_is_said_once() -> None:
    note, own = "zeros are drawn at random", "the trace was made under bp"
    text = printed(synthetic.result("bp", notes=[note]), synthetic.result("dfa", notes=[note, own]))
    lines = [line for line in text.splitlines() if note in line or own in line]
    assert lines == [f"Note: all runs: {note}", f"Note: dfa: {own}"]
    assert f"Note: {note}" in printed(synthetic.result("bp", notes=[note]))


def test_a_row_of_texts_begins_on_one_line() -> None:
    columns: tuple[Column[dict[str, str]], ...] = (
        Column("name", "name", "text"),
        Column("source", "source", "text"),
    )
    table = Table.of("t", "Sources", columns, [{"name": "a", "source": "long words " * 12}])
    text = io.StringIO()
    console.print_table(table, Console(file=text, width=60, highlight=False))
    row = next(line for line in text.getvalue().splitlines() if line.startswith(" a "))
    assert "long words" in row
