"""Results as compact HTML tables, which notebooks show."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from accelsim.report.runs import Runs, ratio
from accelsim.report.style import joules, percent, si, times
from accelsim.results.comparison import Comparison
from accelsim.results.op import PASSES
from accelsim.results.result import Result

_LEFT = 3
"""Columns of text before the numbers."""


def html(document: Result | Comparison) -> str:
    """A table with a row per run; for a single run, a row per pass follows."""
    runs = Runs.of([document])
    if isinstance(document, Result):
        return _table(_HEADINGS, [_cells(document)]) + _passes(document)
    headings = [*_HEADINGS, "cycles ratio", "energy ratio"]
    base = runs.baseline
    rows = [
        [
            *_cells(result),
            times(ratio(result.cycles, base.cycles)),
            times(ratio(result.energy_pj, base.energy_pj)),
        ]
        for result in runs.results
    ]
    return _table(headings, rows)


_HEADINGS = ("workload", "machine", "rule", "batch", "cycles", "time", "energy", "DRAM")


def _cells(result: Result) -> list[str]:
    return [
        result.workload,
        result.arch,
        result.rule,
        str(result.batch),
        f"{round(result.cycles):,}",
        si(result.seconds, "s"),
        joules(result.energy_pj),
        si(result.bytes.dram, "B"),
    ]


def _passes(result: Result) -> str:
    rows = []
    for name in PASSES:
        if name in result.passes:
            totals = result.passes[name]
            share = totals.energy_pj / result.energy_pj if result.energy_pj else 0.0
            rows.append(
                [
                    str(name),
                    f"{round(totals.cycles):,}",
                    joules(totals.energy_pj),
                    percent(share),
                    si(totals.bytes.dram, "B"),
                ]
            )
    return _table(("pass", "cycles", "energy", "of the step", "DRAM"), rows, left=1)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], left: int = _LEFT) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        sides = ["left" if index < left else "right" for index in range(len(cells))]
        shown = (
            f'<{tag} style="text-align:{side}">{escape(cell)}</{tag}>'
            for side, cell in zip(sides, cells, strict=True)
        )
        return f"<tr>{''.join(shown)}</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f"<table><thead>{line(headings, 'th')}</thead><tbody>{body}</tbody></table>"
