"""The claims as Markdown: the table of sentences, the assumptions, and a figure of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from accelsim.report.reproduction.claims.cells import HEADS, Line
from accelsim.report.reproduction.claims.html import READING, marks
from accelsim.report.reproduction.claims.rows import FILE
from accelsim.results.reproduction import Sentence, Target


def claims_lines(
    target: Target,
    sentences: Sequence[Sentence],
    escaped: Callable[[str], str],
    row: Callable[[Iterable[str]], str],
) -> list[str]:
    """Lines of the page. ``escaped`` escapes a text, ``row`` joins cells."""
    heads = ["sentence", *(name for name, _ in HEADS)]
    lines = [f"{marks(sentences)} {READING}", "", row(heads), row(["---"] * len(heads))]
    for sentence in sentences:
        cells = [
            "<br>".join(escaped(_text(line)) for line in make(sentence)) or "-" for _, make in HEADS
        ]
        lines.append(row([f"{escaped(sentence.says)} ({escaped(sentence.source)})", *cells]))
    lines += ["", f"All measured numbers: [{FILE}]({FILE}). Assumptions and marks:", ""]
    lines += [f"* {escaped(each)}" for each in target.assumptions]
    for sentence in sentences:
        lines += ["", f"## {escaped(sentence.says)}", ""]
        lines.append(f"![{escaped(sentence.says)}]({sentence.figure}.svg)")
    return [*lines, ""]


def _text(line: Line) -> str:
    return f"{line.cost} {line.text}".strip()
