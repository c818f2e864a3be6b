"""Output of a command's results: the folder of ``--out``, one JSON document or tables on stdout,
and a stdout that is closed early.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from accelsim.errors import InputError

Document = Mapping[str, Any]
Print = Callable[[Document], None]
"""Prints a document as tables on stdout."""


def folder(out: str | None, names: Iterable[str] = ()) -> Path | None:
    """The folder of --out. InputError, before a long run, if it cannot be created or cannot hold
    files with these names.
    """
    if out is None:
        return None
    if not out:
        raise InputError("--out must be a folder, got an empty name")
    from accelsim.report.files import refuse_unusable

    refuse_unusable(Path(out), names)
    return Path(out)


def results_printer(names: tuple[str, ...] = ()) -> Print:
    """Prints the summary of a result or a comparison, then the named tables."""

    def print_results(document: Document) -> None:
        from accelsim.report import console
        from accelsim.report.runs import Runs
        from accelsim.report.summary import printing
        from accelsim.report.tables.variants import variants_table
        from accelsim.results import kinds
        from accelsim.results.comparison import Comparison

        read, out = kinds.parse(document, kinds.SIMULATIONS), console.stdout()
        printing.print_results(Runs.of([read]), out, names)
        if isinstance(read, Comparison) and read.variants:
            out.file.write("\n")
            console.print_table(variants_table(read), out)

    return print_results


def deliver(
    document: Document,
    as_json: bool,
    out: Path | None,
    write: Callable[[Document, Path, Callable[[], None]], None],
    tables: Print,
) -> None:
    """Print a document, then write it into ``out`` if printing succeeded. If the reader of stdout
    closes it early, the files are still written.
    """
    stopped: list[BaseException] = []

    def shown() -> None:
        try:
            show(document, as_json, tables)
        except (BrokenPipeError, SystemExit) as error:
            stopped.append(error)

    if out is None:
        shown()
    else:
        write(document, out, shown)
    if stopped:
        raise stopped[0]


def show(document: Document, as_json: bool, tables: Print) -> None:
    """Print one JSON document, or its tables, on stdout. InputError if writing to stdout fails."""
    try:
        if as_json:
            from accelsim.report.files import dump

            sys.stdout.write(dump(document, ascii_only=not _unicode(sys.stdout)))
        else:
            tables(document)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(undelivered(error)) from None


def undelivered(error: OSError) -> str:
    """An operating system error as one line. An error without a file name comes from writing to
    stdout.
    """
    return f"{error.filename or 'standard output cannot be written'}: {error.strerror or error}"


def _unicode(stream: Any) -> bool:
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf")
