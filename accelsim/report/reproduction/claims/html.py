"""The claims on the HTML page: the table of sentences, the assumptions, then a figure of each
sentence with its numbers folded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from accelsim.report.reproduction.claims.cells import HEADS, Line, number
from accelsim.report.reproduction.claims.rows import BEST, FILE, SCOPES, CostRow, rows
from accelsim.report.reproduction.claims.templates import say
from accelsim.report.reproduction.links import anchor, linked_figure
from accelsim.results.reproduction import Item, ReproductionDocument, Sentence, Target

READING = (
    "Percentages are savings; negative ones cost more. x: old cost over new. Two values: "
    "near-memory / von-neumann. Brackets: 5th to 95th percentile of the energy's gain, over both. "
    "Measured: the same counting of the measured network."
)
CLASSES = {"holds": "good", "only as counted": "known", "reversed": "bad"}
COLUMNS = ("workload", "machine", "setting", "feedback", "batch", "cost")
"""Keys of the folded tables; those that are empty in all rows of a claim are left out."""
RowsTable = Callable[[Sequence[Item]], str]


def claims_section(document: ReproductionDocument, target: Target, counted: RowsTable) -> str:
    """The section of a target that has sentences. ``counted`` makes the table of cells that are not
    measured by scope.
    """
    sentences = [each for each in document.sentences if each.target == target.name]
    items, _ = document.of(target)
    measured = rows(document, target)
    parts = [
        f'<section id="{anchor(target)}">',
        f"<h1>{escape(target.title)}</h1>",
        f'<p class="soft">{escape(marks(sentences))} {escape(READING)}</p>',
        _table(sentences),
        _assumptions(target),
    ]
    for sentence in sentences:
        of = [row for row in measured if row.key["claim"] == sentence.name]
        others = [
            item
            for item in items
            if item.id.split("/")[1] == sentence.name and item.context.get("scope") not in SCOPES
        ]
        parts.append(_claim(document, sentence, of, others, counted))
    return "\n".join([*parts, "</section>"])


def marks(sentences: Sequence[Sentence]) -> str:
    """Number of sentences by mark."""
    count = [sum(each.mark == mark for each in sentences) for mark in CLASSES]
    return say("marks", holds=count[0], counted=count[1], reversed=count[2])


def _table(sentences: Sequence[Sentence]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name, _ in HEADS)
    lines = []
    for sentence in sentences:
        cells = []
        for name, make in HEADS:
            kind = ' class="values"' if "batch" in name or name == "same counting" else ""
            kind = f' class="{CLASSES[sentence.mark]} mark"' if name == "mark" else kind
            cells.append(f'<td data-label="{escape(name)}"{kind}>{_lines(make(sentence))}</td>')
        says = f"{escape(sentence.says)} <small>{escape(sentence.source)}</small>"
        link = f'<a href="#{_place(sentence)}">{says}</a>'
        lines.append(f'<tr><th scope="row">{link}</th>{"".join(cells)}</tr>')
    return (
        f'<table class="sentences">\n<thead><tr><th scope="col">sentence</th>{head}</tr></thead>\n'
        "<tbody>\n" + "\n".join(lines) + "\n</tbody>\n</table>"
    )


def _lines(lines: Sequence[Line]) -> str:
    if not lines:
        return "-"
    return "<br>".join(
        f"<small>{escape(line.cost)}</small> {escape(line.text)}"
        if line.cost
        else f"<small>{escape(line.text)}</small>"
        if line.text.startswith("[")
        else escape(line.text)
        for line in lines
    )


def _assumptions(target: Target) -> str:
    if not target.assumptions:
        return ""
    entries = "".join(f"<li>{escape(each)}</li>" for each in target.assumptions)
    return f'<aside class="box"><strong>Assumptions and marks</strong><ul>{entries}</ul></aside>'


def _place(sentence: Sentence) -> str:
    return f"claim-{sentence.figure}"


def _claim(
    document: ReproductionDocument,
    sentence: Sentence,
    of: Sequence[CostRow],
    others: Sequence[Item],
    counted: RowsTable,
) -> str:
    caption = next(each.caption for each in document.figures if each.id == sentence.figure)
    best = [row for row in of if row.key["mapping"] == BEST] or of
    parts = [
        f'<h2 id="{_place(sentence)}">{escape(sentence.says)}</h2>',
        linked_figure(sentence.figure, sentence.says, caption),
    ]
    if best:
        numbers = escape(say("numbers", count=len(best)))
        parts.append(f"<details><summary>{numbers}</summary>\n{_numbers(best)}\n</details>")
    if others:
        cells = escape(say("others", count=len(others)))
        parts.append(f"<details><summary>{cells}</summary>\n{counted(others)}\n</details>")
    return "\n".join(parts)


def _numbers(of: Sequence[CostRow]) -> str:
    keys = [key for key in COLUMNS if any(row.key[key] for row in of)]
    head = "".join(f"<th>{escape(name)}</th>" for name in (*keys, *SCOPES))
    lines = []
    for row in of:
        names = "".join(f"<td>{escape(str(row.key[key]))}</td>" for key in keys)
        cells = "".join(f"<td>{escape(_value(row, scope))}</td>" for scope in SCOPES)
        lines.append(f"<tr>{names}{cells}</tr>")
    return (
        f'<p><a href="{FILE}">{FILE}</a></p>\n<div class="wide"><table class="numbers"><thead><tr>'
        f"{head}</tr></thead><tbody>\n" + "\n".join(lines) + "\n</tbody></table></div>"
    )


def _value(row: CostRow, scope: str) -> str:
    value, low, high = row.values.get(scope, (None, None, None))
    if value is None:
        return "-"
    text = number(value, row.unit)
    if low is None or high is None:
        return text
    return f"{text} {say('interval', low=number(low, row.unit), high=number(high, row.unit))}"
