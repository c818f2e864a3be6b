"""A reproduction on a terminal in at most `MOST_LINES` lines: matches per target, and a row per
sentence of the papers.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from accelsim.report.reproduction.claims.cells import STEP, measured, printed
from accelsim.report.reproduction.claims.html import marks
from accelsim.report.reproduction.claims.templates import say
from accelsim.report.reproduction.tables import matches
from accelsim.results.reproduction import ReproductionDocument, Sentence

MOST_LINES = 40
MORE = "More: --tables prints all tables; --out DIR writes pages, figures and CSV files."
READING = "Largest batch, near-memory / von-neumann. EP: error propagation; step: whole step."
COLOURS = {"holds": "green", "only as counted": "yellow", "reversed": "red"}


def print_summary(document: ReproductionDocument, console: Console) -> None:
    """Print the matches of each target, and the table of sentences if the document has them."""
    for target in document.targets:
        items, _ = document.of(target)
        counts = "; ".join(matches(items)) or say("cells", count=len(items))
        console.print(Text(f"{target.name}: {counts}"), soft_wrap=True)
    if document.sentences:
        console.print()
        console.print(Text(f"{marks(document.sentences)} {READING}"))
        console.print(_table(document.sentences), crop=False)
    console.print(Text(MORE))


def _table(sentences: Sequence[Sentence]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    for name in ("sentence", "printed", "counted", "EP", STEP, "mark"):
        table.add_column(
            name, justify="left" if name in ("sentence", "mark") else "right", no_wrap=True
        )
    for sentence in sentences:
        table.add_row(
            sentence.name,
            printed(sentence),
            sentence.counted,
            _last(sentence, sentence.scope),
            _last(sentence, STEP),
            Text(sentence.mark, style=COLOURS[sentence.mark]),
        )
    return table


def _last(sentence: Sentence, scope: str) -> str:
    """The first line of the cell of the largest batch: the sentence's own cost."""
    lines = measured(sentence, scope, 1) or measured(sentence, scope, 0)
    return next((line.text for line in lines if line.cost), "-")
