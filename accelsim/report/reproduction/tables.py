"""Tables of a reproduction: the texts of a cell, the summary of a target, Markdown pages and CSV
files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import partial

from accelsim.report.reproduction.claims.markdown import claims_lines
from accelsim.report.reproduction.claims.templates import say
from accelsim.report.reproduction.groups import Pivot, context, groups, tail
from accelsim.report.reproduction.words import words
from accelsim.report.table import Cell, Column, Table, write_csv
from accelsim.results.reproduction import Figure, Item, ReproductionDocument, Target

DIGITS = 6
"""Significant digits of computed numbers in tables for readers; files for programs have all digits.
"""
COLUMNS = (
    "item",
    "unit",
    "printed",
    "computed",
    "rounded",
    "match",
    "accounting",
    "context",
    "note",
)
"""Columns of a table for readers; `context` only if any cell has one."""
NUMBERS = ("printed", "computed", "rounded")
_CSV_COLUMNS: tuple[Column[Item], ...] = (
    Column("target", "target", "text"),
    Column("id", "id", "text"),
    Column("unit", "unit", "text"),
    Column("printed", "printed", "text"),
    Column("computed", "computed", "number"),
    Column("rounded", "rounded", "text"),
    Column("match", "match", "text"),
    Column("documented", "documented", "text", lambda item: "yes" if item.documented else "no"),
    Column("accounting", "accounting", "text"),
    Column("note", "note", "text"),
)


def number(value: int | float | None) -> str:
    """A computed number with `DIGITS` significant digits, without an exponent if it is an integer;
    a dash if there is none.
    """
    if value is None:
        return "-"
    if isinstance(value, int):
        return str(value)
    short = f"{value:.{DIGITS}g}"
    return f"{value:.0f}" if "e+" in short and abs(value) < 1e15 else short


def match_words(item: Item) -> str:
    """``exact``, ``mismatch, documented``, or a match followed by ``unexpected`` if it differs from
    its documentation.
    """
    if item.surprising:
        return f"{item.match}, unexpected"
    return f"{item.match}, documented" if item.documented else item.match


def row(item: Item) -> dict[str, str]:
    """The table's texts for a cell, by column."""
    return {
        "item": tail(item),
        "unit": item.unit,
        "printed": "-" if item.printed is None else item.printed,
        "computed": number(item.computed),
        "rounded": "-" if item.rounded is None else item.rounded,
        "match": match_words(item),
        "accounting": item.accounting,
        "context": context(item.context),
        "note": item.note,
    }


def columns(items: Iterable[Item]) -> tuple[str, ...]:
    """Column headings of a table of these cells."""
    named = any(item.context for item in items)
    return tuple(name for name in COLUMNS if named or name != "context")


def summary(items: Sequence[Item]) -> str:
    """``22 of 24 printed cells match; 2 do not, documented: a/b, a/c.``, and the number of
    cells without a printed counterpart.
    """
    printed = [item for item in items if item.printed is not None and item.match != "not-printed"]
    wrong = [item for item in printed if not item.comes_out]
    parts = [
        (
            f"{len(printed) - len(wrong)} of {_count(len(printed), 'printed cell')} "
            f"{'matches' if len(printed) == 1 else 'match'}"
        )
    ]
    for found, word in (
        ([item for item in wrong if item.documented], "documented"),
        ([item for item in wrong if not item.documented], "unexpected"),
    ):
        if found:
            parts.append(
                f"{len(found)} {'does' if len(found) == 1 else 'do'} not, {word}: "
                f"{', '.join(item.id for item in found)}"
            )
    said = [item.id for item in items if item.documented and item.match != "mismatch"]
    if said:
        parts.append(
            f"{_count(len(said), 'documented mismatch', 'es')} now "
            f"{'matches' if len(said) == 1 else 'match'}: {', '.join(said)}"
        )
    further = len(items) - len(printed)
    if further:
        parts.append(
            f"{_count(further, 'more number')} {'has' if further == 1 else 'have'} no printed "
            f"counterpart"
        )
    return ("; ".join(parts) if printed or said else parts[-1] if further else "no cells") + "."


def matches(items: Sequence[Item]) -> list[str]:
    """``22 of 24 printed cells match``, then the number of those that do not; [] if the paper
    prints none of the cells.
    """
    printed = [item for item in items if item.printed is not None]
    wrong = [item for item in printed if not item.comes_out]
    documented = sum(item.documented for item in wrong)
    if not printed:
        return []
    return [
        say("matched", matched=len(printed) - len(wrong), printed=len(printed)),
        *([say("documented", count=documented)] if documented else []),
        *([say("unexpected", count=len(wrong) - documented)] if len(wrong) > documented else []),
    ]


def markdown(document: ReproductionDocument, target: Target) -> str:
    """A target's page: its description, the number of matches, the tables of each group, its
    figures, and definitions of its words.
    """
    items, figures = document.of(target)
    lines = [
        f"# {_text(target.title)}",
        "",
        _text(target.about),
        "",
        f"Made by {_code(document.command)} (accelsim {_text(document.version)}).",
        "",
    ]
    sentences = [each for each in document.sentences if each.target == target.name]
    if sentences:
        return "\n".join([*lines, *claims_lines(target, sentences, _text, _line)])
    if items:
        lines += [_text(summary(items)), ""]
    for group in groups(items):
        lines += [f"## {_text(group.name)}", ""]
        if group.rows:
            lines += _markdown_rows(group.rows)
        for pivot in group.pivots:
            lines += _markdown_pivot(pivot)
    for figure in figures:
        lines += _markdown_figure(figure)
    known = words("\n".join(lines))
    if known:
        lines += [
            "## Words",
            "",
            *(f"* {_code(word)}: {_text(meaning)}" for word, meaning in known.items()),
            "",
        ]
    return "\n".join(lines)


def csv(document: ReproductionDocument, target: Target) -> str:
    """A target's cells with exact numbers. The keys of their contexts are the last columns."""
    items, _ = document.of(target)
    keys = list(dict.fromkeys(key for item in items for key in item.context))
    taken = {column.key for column in _CSV_COLUMNS}
    contexts: list[Column[Item]] = [
        Column(f"context_{key}" if key in taken else key, key, "text", partial(_context, key))
        for key in keys
    ]
    return write_csv(Table.of(target.name, target.title, [*_CSV_COLUMNS, *contexts], items))


def _context(key: str, item: Item) -> Cell:
    return item.context.get(key)


def _markdown_rows(items: Sequence[Item]) -> list[str]:
    shown = columns(items)
    lines = [_line(shown), _line(["---:" if column in NUMBERS else "---" for column in shown])]
    for item in items:
        said = {column: _text(text) for column, text in row(item).items()}
        if item.match == "mismatch" or item.surprising:
            said["match"] = f"**{said['match']}**"
        lines.append(_line([said[column] for column in shown]))
    return [*lines, ""]


def _markdown_pivot(pivot: Pivot) -> list[str]:
    heads = _line([_text(head) for head in (*pivot.heads, *pivot.columns)])
    lines = [_line([_text(text) for text in (*names, *cells)]) for names, cells in pivot.lines]
    notes = [f"* {_text(note)}" for note in pivot.notes]
    rule = _line(
        ["---:" if pivot.numeric(place) else "---" for place in range(len(pivot.heads))]
        + ["---:"] * len(pivot.columns)
    )
    return [_text(pivot.title), "", heads, rule, *lines, "", *notes, *([""] if notes else [])]


def _markdown_figure(figure: Figure) -> list[str]:
    return [
        f"## {_text(figure.title)}",
        "",
        f"![{_text(figure.title)}]({figure.id}.svg)",
        "",
        _text(figure.caption),
        "",
    ]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(text: str) -> str:
    """Text escaped for Markdown, on one line; text between backticks stays code."""
    pieces = re.split(r"(`[^`]+`)", re.sub(r"\s+", " ", text))
    return "".join(
        piece.replace("|", r"\|") if place % 2 else _plain(piece)
        for place, piece in enumerate(pieces)
    )


def _plain(text: str) -> str:
    """Escape Markdown's characters. An underscore within a word, or an asterisk between blanks,
    needs no escape.
    """
    plain = text.replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(
        r"([\\`|\[\]]|(?<![a-zA-Z0-9])_|_(?![a-zA-Z0-9])|\*(?! )|(?<! )\*)", r"\\\1", plain
    )


def _code(text: str) -> str:
    """A code span for a text that may contain backticks."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    plain = re.sub(r"\s+", " ", text)
    return f"{fence} {plain} {fence}" if "`" in plain else f"{fence}{plain}{fence}"


def _count(number: int, thing: str, ending: str = "s") -> str:
    return f"{number} {thing}{'' if number == 1 else ending}"
