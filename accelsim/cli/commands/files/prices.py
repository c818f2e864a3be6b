"""`accelsim prices`: the prices of a machine, their bounds and their sources."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli import delivery, options
from accelsim.config.reading.values import written_file
from accelsim.errors import InputError


def prices(
    machine: Annotated[
        str,
        typer.Argument(
            metavar="MACHINE",
            help="Built-in machine (`accelsim list archs`) or a file.",
            show_default=False,
        ),
    ],
    *,
    result: Annotated[
        Path | None,
        typer.Option(
            "--result",
            metavar="R",
            help="A result.json of the machine: also list the share of its energy.",
            show_default=False,
        ),
    ] = None,
    given: Annotated[
        Path | None,
        typer.Option(
            "--prices",
            metavar="FILE",
            help="Prices that replace the machine's: a .csv overlay, or a .yaml map into an "
            "Accelergy ERT.",
            show_default=False,
        ),
    ] = None,
    ert: Annotated[
        str | None,
        typer.Option(
            "--ert",
            metavar="FILE",
            help="Also write the prices as an Accelergy ERT (YAML, version 0.4).",
            show_default=False,
        ),
    ] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV on stdout, which `--prices` reads.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """List the prices of a machine.

    Lists the energy of every action, the bounds between which it is drawn, whether its source was
    read, and the source.
    """
    if as_csv and as_json:
        raise InputError("--csv must be left out with --json, got both")
    ert_file = written_file("--ert", ert)
    if given is not None and not given.is_file():
        raise InputError(f"--prices must be a file of prices, got {given}: no such file")
    from accelsim.experiment.machine_facts import machine_prices
    from accelsim.results import kinds
    from accelsim.results.machine import PricesDocument
    from accelsim.results.result import Result

    run = None if result is None else kinds.read(result, (Result,))
    document, listed = machine_prices(machine, given, run)

    def printed(shown: delivery.Document) -> None:
        from accelsim.report import console
        from accelsim.report.table import write_csv
        from accelsim.report.tables.prices import prices_table

        table = prices_table(PricesDocument.parse(shown))
        if as_csv:
            sys.stdout.write(write_csv(table))
        else:
            console.print_table(table, console.stdout())

    delivery.show(document.to_json(), as_json, printed)
    if ert_file is not None:
        from accelsim.cost.ert import ert_text

        ert_file.parent.mkdir(parents=True, exist_ok=True)
        ert_file.write_text(ert_text(listed), encoding="utf-8")
        print(f"wrote {ert_file}", file=sys.stderr)
