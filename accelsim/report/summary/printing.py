"""Output of simulate and compare: the summary, and the requested tables."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from accelsim.report.console import print_lines, print_table
from accelsim.report.runs import Runs, ratio
from accelsim.report.style import plain, times, unsourced
from accelsim.report.summary.layout import laid_out
from accelsim.report.summary.sentences import sentences, subject
from accelsim.report.summary.table import summary_table
from accelsim.report.table import Table
from accelsim.report.tables.notes import notes
from accelsim.report.tables.registry import tables
from accelsim.results.result import Result

WIDTH, HEIGHT = 80, 30
"""Maximum columns of a summary, and its maximum lines unless there are too many runs."""
REST = "More: --tables passes,energy,cycles,ops,... or all; --out DIR writes all as CSV."
STAR = "* {} of the energy is unsourced, see --tables energy"
AREA_STAR = "* partly unverified, see --tables area"
DASH = "- ratio to a negligible number"


def print_results(runs: Runs, console: Console, names: Sequence[str] = ()) -> None:
    """Print the summary, then the tables in ``names`` (`registry.TABLES`)."""
    print_summary(runs, console)
    for table in tables(runs, names):
        print_lines([""], console)
        print_table(table, console)


def print_summary(runs: Runs, console: Console) -> None:
    """Print a headline, three sentences, one table, as many notes as fit, and where to find the
    rest.
    """
    width = min(console.width, WIDTH)
    head = [Text(line, style="bold") for line in _wrapped(headline(runs), width)]
    rest = ["", *_wrapped(REST, width)]
    foot = ["", *_footnotes(runs, _shown_table(runs, width), width)]
    around = len(head) + len(foot) + len(rest) - 1  # rest may lose its blank line
    room = HEIGHT - around - bool(notes(runs))
    said = _said(runs, width, room)
    lines = _table_lines(runs, width, room - len(said))
    print_lines([*head, *said], console)
    if lines is None:
        print_table(replace(_shown_table(runs, width), title="One training step"), console)
        lines = []
    print_lines(lines, console)
    used = around + 1 + len(said) + len(lines)
    if used + bool(notes(runs)) > HEIGHT:
        rest, used = rest[1:], used - 1
    print_lines([*foot, *_notes(runs, width, HEIGHT - used), *rest], console)


def _said(runs: Runs, width: int, room: int) -> list[str]:
    """The lines of the sentences, between blank lines. The last sentences are left out if a row for
    every run fits in ``room`` lines without them only.
    """
    texts = sentences(runs.shortened())
    rows = len(laid_out(_shown_table(runs, width), machine_lines(runs), width) or ())
    choices = [
        ["", *(line for text in texts[:most] for line in _wrapped(text, width)), ""]
        for most in range(len(texts), 0, -1)
    ]
    return next((lines for lines in choices if len(lines) + rows <= room), choices[0])


def _shown_table(runs: Runs, width: int) -> Table:
    """The summary's table, with the interval of the ratio of energies if that fits ``width``; the
    machines' names, if they head groups of rows, are left out of it.
    """
    groups = machine_lines(runs)

    def table(intervals: bool) -> Table:
        made = summary_table(runs, intervals)
        return _without_machines(made, runs) if any(groups) else made

    fits = len(runs.results) > 1 and laid_out(table(True), groups, width) is not None
    return table(fits)


def _table_lines(runs: Runs, width: int, room: int) -> list[str] | None:
    """As many runs as fit in ``room`` lines, and the number of those left out. None if the table
    does not fit ``width``.
    """
    every, table, groups = len(runs.results), _shown_table(runs, width), machine_lines(runs)
    for most in range(every, 0, -1):
        places = runs.first_places(most)
        part = replace(table, rows=tuple(table.rows[place] for place in places))
        lines = laid_out(part, [groups[place] for place in places], width)
        if lines is None:
            return None
        if most < every:
            left = every - most
            lines.append(f" {left} more run{'' if left == 1 else 's'}: --tables totals")
        if len(lines) <= room:
            break
    return lines


def headline(runs: Runs) -> str:
    """The inputs that all runs share, and the simulated parts of a step."""
    first = runs.results[0]

    def same(key: str) -> bool:
        return len({getattr(result, key) for result in runs.results}) == 1

    machine = f" on {first.arch}{_area(first, runs)}" if same("arch") else ""
    trace = "+".join(first.trace) if isinstance(first.trace, tuple) else first.trace
    words = [
        f"batch {first.batch}" if same("batch") else "",
        f"{first.schedule} schedule" if same("schedule") else "",
        first.optimizer if same("optimizer") and first.optimizer else "",
        f"trace {trace}" if same("trace") and trace else "",
    ]
    part = subject(runs)
    what = "one training step" if part == "a step" else part
    return f"{first.workload}{machine}: {', '.join([what, *filter(None, words)])}"


def machine_lines(runs: Runs) -> list[str]:
    """The machine and area of each run if machines differ, else empty texts."""
    if not all(
        label.startswith(f"{result.arch}/")
        for label, result in zip(runs.labels, runs.results, strict=True)
    ):
        return [""] * len(runs.results)
    return [f"{result.arch}{_area(result, runs)}" for result in runs.results]


def _area(result: Result, runs: Runs) -> str:
    """``, 36.7 mm2, 0.27x``, or an empty text if the area is unknown."""
    if result.area_mm2 is None:
        return ""
    star = "*" if result.unverified_areas() else ""
    part = ratio(result.area_mm2, runs.baseline.area_mm2)
    against = f", {times(part)}" if part is not None and result.arch != runs.baseline.arch else ""
    return f" ({plain(result.area_mm2)} mm2{star}{against})"


def _without_machines(table: Table, runs: Runs) -> Table:
    """The table with the machines' names removed from the runs' labels."""
    rows = zip(runs.results, table.rows, strict=True)
    return replace(
        table,
        rows=tuple((str(row[0]).removeprefix(f"{each.arch}/"), *row[1:]) for each, row in rows),
    )


def _footnotes(runs: Runs, table: Table, width: int) -> list[str]:
    share = runs.unsourced()
    upto = "up to " if len(runs.results) > 1 else ""
    stars = [STAR.format(upto + unsourced(share))] if share else []
    stars += [AREA_STAR.replace("*", "* area") if share else AREA_STAR] if runs.area_star else []
    dashed = len(runs.results) > 1 and any("-" in row[1:] for row in table.rows)
    texts = stars + ([DASH] if dashed else [])
    return _wrapped("; ".join(texts), width)


def _notes(runs: Runs, width: int, room: int) -> list[str]:
    """As many notes as fit in ``room`` lines, and the number of notes left out."""
    several = len(runs.results) > 1
    texts = [f"{each.run}: {each.note}" if several else each.note for each in notes(runs)]
    blocks = [_wrapped(f"Note: {text}", width) for text in texts]
    lines: list[str] = []
    left = len(blocks)
    for block in blocks:
        if len(lines) + len(block) + (left > 1) > room:
            break
        lines += block
        left -= 1
    if left:
        rest = "more note" if lines else "note"
        lines.append(f"{left} {rest}{'' if left == 1 else 's'}: --tables notes")
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` characters. Words break at hyphens only if one is too long."""
    too_long = any(len(word) > width for word in text.split())
    return textwrap.wrap(text, width, break_on_hyphens=too_long)
