"""`accelsim reproduce`: the papers' tables and figures, computed from executed ops and compared
with the printed numbers.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accelsim.cli import delivery, options
from accelsim.errors import InputError

if TYPE_CHECKING:
    from accelsim.results.reproduction import Item

NAMES = (
    "han2020-table2, han2020-table4, han2020-figures, crafton2019-table1, crafton2019-fig8, claims"
)


def reproduce(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"{NAMES} or all.")] = "all",
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Also write tables, drawings and one HTML page into this folder.",
            show_default=False,
        ),
    ] = None,
    tables: Annotated[
        bool, typer.Option("--tables", help="Print all tables, not only a summary.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Reproduce the papers' tables and figures.

    Sets the numbers printed by Crafton et al. 2019 and Han et al. 2020 beside those computed from
    the simulator's ops, and prints a summary. Exit status 1 if a number that should match does not,
    or if a documented mismatch now matches; each is one line on stderr.
    """
    from accelsim.cli.progress import bar
    from accelsim.config.suggest import did_you_mean
    from accelsim.studies.papers import items as papers

    known = (*papers.TARGETS, papers.ALL)
    if name not in known:
        raise InputError(
            f"reproduction must be one of {', '.join(known)}, got {name}{did_you_mean(name, known)}"
        )
    folder = delivery.folder(out, _names(name))
    _say_estimate(papers.estimates(name))
    with bar() as progress:
        document, surprises = papers.reproduce(name, progress, _command(name, out))
    delivery.deliver(document, as_json, folder, _write, _print_tables if tables else _print_summary)
    if folder is not None:
        print(
            f"wrote {folder / 'index.html'}, reproduction.json, tables and figures", file=sys.stderr
        )
    for item in surprises:
        print(_surprise(item), file=sys.stderr)
    if surprises:
        raise typer.Exit(1)


SILENT = 10.0
"""Seconds below which no estimate is given."""


def _say_estimate(parts: dict[str, float]) -> None:
    """Say how long the reproduction will take, part by part."""
    long = {name: seconds for name, seconds in parts.items() if seconds >= SILENT}
    if long:
        each = ", ".join(f"{name} {_minutes(seconds)}" for name, seconds in long.items())
        total = _minutes(sum(parts.values()))
        print(f"this takes about {total} (estimate: {each})", file=sys.stderr, flush=True)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _names(name: str) -> list[str]:
    """Files that a reproduction writes."""
    from accelsim.report.reproduction.claims.rows import FILE
    from accelsim.report.reproduction.files import DOCUMENT, PAGE
    from accelsim.studies.papers import items as papers

    targets = papers.TARGETS if name == papers.ALL else (name,)
    figures = [figure for target in targets for figure in papers.FIGURES.get(target, ())]
    tables = [f"{target}{suffix}" for target in targets for suffix in (".md", ".csv")]
    return [
        DOCUMENT,
        PAGE,
        *([FILE] if papers.CLAIMS in targets else []),
        *tables,
        *(f"{figure}{suffix}" for figure in figures for suffix in (".svg", ".png")),
    ]


def _command(name: str, out: str | None) -> str:
    """The command as it was run. The path of an output folder is relative to the working folder, or
    DIR if it lies elsewhere, so that documents contain no absolute path.
    """
    if out is None:
        return f"accelsim reproduce {name}"
    here, folder = Path.cwd(), Path(os.path.abspath(out))  # noqa: PTH100 - resolve() would follow links
    inside = folder.is_relative_to(here)
    shown = shlex.quote(folder.relative_to(here).as_posix()) if inside else "DIR"
    return f"accelsim reproduce {name} --out {shown}"


def _write(document: delivery.Document, out: Path, before: Callable[[], None]) -> None:
    """Write the files of a reproduction. Files of an earlier one that are no longer produced are
    removed, with one line on stderr.
    """
    from accelsim.report.reproduction.files import earlier_reproduction, write_reproduction

    earlier = earlier_reproduction(out)
    write_reproduction(document, out, before)
    gone = [path.name for path in earlier if not path.exists()]
    if gone:
        print(
            f"removed {len(gone)} file{'s' if len(gone) > 1 else ''} of an earlier reproduction: "
            f"{', '.join(gone)}",
            file=sys.stderr,
        )


def _surprise(item: Item) -> str:
    """The line for a cell that makes a reproduction fail."""
    from accelsim.report.reproduction.tables import number

    if item.match != "mismatch":
        return f"{item.id}: documented as a mismatch, but it matches now"
    return (
        f"{item.id}: printed {item.printed}, computed {number(item.computed)} (rounded "
        f"{'-' if item.rounded is None else item.rounded})"
    )


def _print_tables(document: delivery.Document) -> None:
    from accelsim.report import console
    from accelsim.report.reproduction.console import print_reproduction
    from accelsim.report.reproduction.files import read

    print_reproduction(read(document), console.stdout())


def _print_summary(document: delivery.Document) -> None:
    from accelsim.report import console
    from accelsim.report.reproduction.files import read
    from accelsim.report.reproduction.summary import print_summary

    print_summary(read(document), console.stdout())
