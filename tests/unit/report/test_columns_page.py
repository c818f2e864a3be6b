"""docs/results.md lists the columns of every CSV file of a report."""

from __future__ import annotations

from pathlib import Path

from accelsim.report.runs import Runs
from accelsim.report.tables.registry import FILES, TABLES
from accelsim.results.result import Result
from tests import synthetic

PAGE = Path(__file__).parents[3] / "docs" / "results.md"


def rows() -> list[str]:
    """The rows of the page's table, from the tables of a run."""
    runs = Runs.of([Result.parse(synthetic.result())])
    return [
        f"| `{file}.csv` | {', '.join(f'`{column.key}`' for column in make(runs).columns)} |"
        for file, make in zip(FILES, TABLES.values(), strict=True)
    ]


def test_the_page_lists_every_column_of_every_file() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    first = lines.index("| file | columns |") + 2
    assert lines[first : first + len(FILES)] == rows()
