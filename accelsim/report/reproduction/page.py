"""A reproduction as one HTML page. Figures are files beside it; it loads nothing else.

If the document has the papers' sentences, their table opens the page, and everything else is folded
below.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from accelsim.report.reproduction.claims.html import claims_section
from accelsim.report.reproduction.claims.templates import say
from accelsim.report.reproduction.groups import Pivot, groups
from accelsim.report.reproduction.links import anchor, linked_figure
from accelsim.report.reproduction.page_style import STYLE
from accelsim.report.reproduction.tables import (
    NUMBERS,
    columns,
    match_words,
    matches,
    row,
    summary,
)
from accelsim.report.reproduction.words import words
from accelsim.results.reproduction import Item, ReproductionDocument, Target

TITLE = "Reproduction of the papers' tables and figures"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' file: data:"
"""Content security policy of the page: a browser may load the figures beside it, nothing else."""


def page(document: ReproductionDocument) -> str:
    """The page."""
    told = {each.target for each in document.sentences}
    claims = "\n".join(
        claims_section(document, target, _table)
        for target in document.targets
        if target.name in told
    )
    others = [target for target in document.targets if target.name not in told]
    sections = "\n".join(_target(document, target, not claims) for target in others)
    meanings = _words(f"{claims}{sections}")
    heading = "h2" if claims else "h1"
    made = say("made", command=document.command, version=document.version)
    rest = (
        f"<{heading}>{escape(TITLE)}</{heading}>\n{_overview(document, others)}\n"
        f"{_legend()}\n{sections}"
        if others
        else ""
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{escape(TITLE)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
{claims}
{rest}
{meanings}
<p class="soft">{escape(made)}</p>
</main>
</body>
</html>
"""


def _legend() -> str:
    return (
        "<details><summary>Matches</summary><p>"
        '<span class="good">exact</span>: the computed number, rounded, is the printed one. <span '
        'class="good">within-rounding</span>: it is, '
        'rounded as the paper rounds. <span class="bad">mismatch</span>: it is not; <span '
        'class="known">documented</span> where the note says why. '
        '<span class="none">not-printed</span>: the paper prints no such number.</p></details>'
    )


def _words(text: str) -> str:
    """Definitions of the words that occur in the text."""
    known = words(text)
    if not known:
        return ""
    entries = "\n".join(
        f"<dt><code>{escape(word)}</code></dt><dd>{_text(meaning)}</dd>"
        for word, meaning in known.items()
    )
    return f'<details id="words"><summary>Words</summary>\n<dl>\n{entries}\n</dl>\n</details>'


def _overview(document: ReproductionDocument, targets: Sequence[Target]) -> str:
    """A line per target: its link and how many printed cells match."""
    rows = []
    for target in targets:
        link = f'<a href="#{anchor(target)}">{escape(target.title)}</a>'
        counts = "; ".join(matches(document.of(target)[0])) or "-"
        rows.append(f"<tr><td>{link}</td><td>{escape(counts)}</td></tr>")
    return f'<div class="wide"><table>\n{"".join(rows)}\n</table></div>'


def _target(document: ReproductionDocument, target: Target, open_: bool) -> str:
    """A target, folded unless ``open_``."""
    items, figures = document.of(target)
    parts = [
        f'<details id="{anchor(target)}"{" open" if open_ else ""}>',
        f"<summary>{escape(target.title)}</summary>",
        f"<p>{_text(target.about)}</p>",
    ]
    if items:
        parts.append(f"<p><strong>{escape(summary(items))}</strong></p>")
    for group in groups(items):
        parts.append(f'<h3 id="{anchor(target, group.name)}">{escape(group.name)}</h3>')
        if group.rows:
            parts.append(_table(group.rows))
        parts += [_pivot(pivot) for pivot in group.pivots]
    for figure in figures:
        parts.append(
            f'<h3 id="{anchor(target, f"figure {figure.id}")}">{escape(figure.title)}</h3>'
        )
        parts.append(linked_figure(figure.id, figure.title, figure.caption))
        parts.append(f'<p class="soft">{_text(figure.caption)}</p>')
    return "\n".join([*parts, "</details>"])


def _table(items: Sequence[Item]) -> str:
    shown = columns(items)
    head = "".join(f'<th scope="col"{_class(column)}>{escape(column)}</th>' for column in shown)
    rows = []
    for item in items:
        said = row(item)
        cells = []
        for column in shown:
            if column == "match":
                cells.append(f'<td class="match {_colour(item)}">{escape(match_words(item))}</td>')
            elif column == "item":
                cells.append(f'<th scope="row">{escape(said[column])}</th>')
            else:
                cells.append(f"<td{_class(column)}>{_text(said[column])}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n'
        + "\n".join(rows)
        + "\n</tbody>\n</table></div>"
    )


def _pivot(pivot: Pivot) -> str:
    """A compact table with its title above and its notes below."""
    kinds = [' class="number"' if pivot.numeric(place) else "" for place in range(len(pivot.heads))]
    head = "".join(
        f'<th scope="col"{kind}>{escape(name)}</th>'
        for name, kind in zip(pivot.heads, kinds, strict=True)
    )
    head += "".join(f'<th scope="col" class="number">{escape(name)}</th>' for name in pivot.columns)
    rows = []
    for names, cells in pivot.lines:
        said = "".join(
            f'<th scope="row"{kind}>{escape(name)}</th>'
            for name, kind in zip(names, kinds, strict=True)
        )
        said += "".join(f'<td class="number">{escape(cell)}</td>' for cell in cells)
        rows.append(f"<tr>{said}</tr>")
    table = (
        f"<caption>{_text(pivot.title)}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n"
        + "\n".join(rows)
        + "\n</tbody>"
    )
    notes = "".join(f"<li>{_text(note)}</li>" for note in pivot.notes)
    return f'<div class="wide"><table class="pivot">\n{table}\n</table></div>' + (
        f'\n<ul class="soft">{notes}</ul>' if notes else ""
    )


def _class(column: str) -> str:
    return ' class="number"' if column in NUMBERS else ' class="note"' if column == "note" else ""


def _colour(item: Item) -> str:
    if item.surprising:
        return "bad"
    return "known" if item.documented else "none" if item.match == "not-printed" else "good"


def _text(text: str) -> str:
    """Text as HTML; text between backticks becomes code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
