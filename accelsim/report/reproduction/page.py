"""A reproduction as one self-contained HTML page: styles and drawings are inside it, and it makes
no requests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

from accelsim.report.reproduction.groups import Pivot, groups
from accelsim.report.reproduction.tables import NUMBERS, columns, match_words, row, summary
from accelsim.report.reproduction.words import words
from accelsim.results.reproduction import Figure, Item, ReproductionDocument, Target

TITLE = "Reproduction of the papers' tables and figures"
STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff;
  --soft: #57606a; --line: #d0d7de; --band: #f6f8fa;
  --good: #0b6b3a; --bad: #a40e26; --known: #7a4b00; --link: #0550ae; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --paper: #0d1117; --soft: #9aa4af; --line: #30363d; --band: #161b22;
    --good: #5fd38d; --bad: #ff8b93; --known: #f0b95a; --link: #79b8ff; }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 3.5rem; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--ink);
  background: var(--paper); }
header { position: sticky; top: 0; z-index: 2; background: var(--paper);
  border-bottom: 1px solid var(--line); padding: .5rem 1.5rem;
  display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; align-items: baseline; }
header strong { font-size: 1.05rem; }
header nav { display: flex; flex-wrap: wrap; gap: .2rem 1rem; }
main { max-width: 78rem; margin: 0 auto; padding: 0 1.5rem 4rem; }
a { color: var(--link); }
code { font: 0.9em ui-monospace, monospace; background: var(--band);
  padding: .1em .3em; border-radius: 3px; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--line); }
h3 { margin: 1.8rem 0 .4rem; }
p { max-width: 60rem; }
.soft { color: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
th { background: var(--band); font-weight: 600; white-space: nowrap; }
caption { text-align: left; padding: .3rem 0; color: var(--soft); }
table.pivot { margin-top: 1rem; }
td.number, th.number { text-align: right; white-space: nowrap; }
.pivot thead th { white-space: normal; vertical-align: bottom; }
td.note { min-width: 16rem; max-width: 34rem; }
td.match { white-space: nowrap; font-weight: 600; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.known { color: var(--known); }
.none { color: var(--soft); font-weight: 400 !important; }
figure { margin: 1.5rem 0; }
figure .drawing { background: #ffffff; border: 1px solid var(--line);
  border-radius: 4px; padding: .5rem; overflow-x: auto; }
figure svg { display: block; width: 100%; height: auto; max-width: 66rem; margin: 0 auto; }
figure.column svg { max-width: 34rem; }
figcaption { margin-top: .4rem; max-width: 60rem; color: var(--soft); }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Content security policy of the page: a browser may not load anything for it."""
_NARROW = 300
"""Width in points below which a drawing is shown in one column."""


def page(document: ReproductionDocument, drawings: Mapping[str, str]) -> str:
    """The page. ``drawings``: the SVG text of each figure, by its id. Ids inside the drawings are
    prefixed to make them unique.
    """
    targets = "\n".join(_target(document, target, drawings) for target in document.targets)
    meanings = _words(targets)
    links = " ".join(
        f'<a href="#{_anchor(target)}">{escape(target.name)}</a>' for target in document.targets
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
<header><strong>accelsim</strong> <nav>{links}</nav></header>
<main>
<h1>{escape(TITLE)}</h1>
<p>Made by <code>{escape(document.command)}</code>, accelsim {escape(document.version)}.
{_legend()}</p>
{_contents(document)}
{meanings and '<p><a href="#words">What the words mean</a></p>'}
{targets}
{meanings}
</main>
</body>
</html>
"""


def _legend() -> str:
    return (
        '<span class="good">exact</span>: the computed number, rounded, is the printed one. <span '
        'class="good">within-rounding</span>: it is, '
        'rounded as the paper rounds. <span class="bad">mismatch</span>: it is not; <span '
        'class="known">documented</span> where the note says why. '
        '<span class="none">not-printed</span>: the paper prints no such number.'
    )


def _words(text: str) -> str:
    """Definitions of the words that occur in the text."""
    known = words(re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL))
    if not known:
        return ""
    entries = "\n".join(
        f"<dt><code>{escape(word)}</code></dt><dd>{_text(meaning)}</dd>"
        for word, meaning in known.items()
    )
    return f'<section id="words">\n<h2>Words</h2>\n<dl>\n{entries}\n</dl>\n</section>'


def _contents(document: ReproductionDocument) -> str:
    entries = []
    for target in document.targets:
        items, figures = document.of(target)
        inner = [
            f'<a href="#{_anchor(target, group.name)}">{escape(group.name)}</a>'
            for group in groups(items)
        ]
        inner += [
            f'<a href="#{_anchor(target, f"figure {figure.id}")}">{escape(figure.title)}</a>'
            for figure in figures
        ]
        below = f'<br><span class="soft">{escape(summary(items))}</span>' if items else ""
        parts = f": {', '.join(inner)}" if inner else ""
        entries.append(
            f'<li><a href="#{_anchor(target)}">{escape(target.title)}</a>{parts}{below}</li>'
        )
    return "<nav><h2>Contents</h2><ol>\n" + "\n".join(entries) + "\n</ol></nav>"


def _target(document: ReproductionDocument, target: Target, drawings: Mapping[str, str]) -> str:
    items, figures = document.of(target)
    parts = [
        f'<section id="{_anchor(target)}">',
        f"<h2>{escape(target.title)}</h2>",
        f"<p>{_text(target.about)}</p>",
    ]
    if items:
        parts.append(f"<p><strong>{escape(summary(items))}</strong></p>")
    for group in groups(items):
        parts.append(f'<h3 id="{_anchor(target, group.name)}">{escape(group.name)}</h3>')
        if group.verdict:
            parts += [f"<p>{_text(paragraph)}</p>" for paragraph in group.verdict.split("\n")]
        if group.rows:
            parts.append(_table(group.rows))
        parts += [_pivot(pivot) for pivot in group.pivots]
    parts += [
        _figure(target, figure, drawings[figure.id], document.figures.index(figure))
        for figure in figures
    ]
    return "\n".join([*parts, "</section>"])


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


def _figure(target: Target, figure: Figure, drawing: str, number: int) -> str:
    svg, width = _inline(drawing, f"f{number}-", figure.title)
    kind = ' class="column"' if width < _NARROW else ""
    return (
        f'<figure id="{_anchor(target, f"figure {figure.id}")}"{kind}>\n'
        f'<h3>{escape(figure.title)}</h3>\n<div class="drawing">{svg}</div>\n'
        f"<figcaption>{_text(figure.caption)}</figcaption>\n</figure>"
    )


def _inline(drawing: str, prefix: str, title: str) -> tuple[str, float]:
    """An SVG file as an element of the page, and its width in points. The XML declaration is
    removed; ids and references to them are prefixed.
    """
    svg = drawing[drawing.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = re.sub(r'(\b(?:xlink:)?href="#|url\(#)', rf"\g<1>{prefix}", svg)
    width = re.search(r'viewBox="0 0 ([0-9.]+)', svg)
    svg = re.sub(r'(<svg\b[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg\b[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1).strip(), float(
        width[1]
    ) if width else 0.0


def _anchor(target: Target, part: str = "") -> str:
    """Anchor for links within the page."""
    return re.sub(
        r"[^\w.-]", "-", f"{target.name}--{part}" if part else target.name, flags=re.ASCII
    )


def _text(text: str) -> str:
    """Text as HTML; text between backticks becomes code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
