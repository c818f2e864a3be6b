"""`accelsim show`: a machine's merged file and key figures."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from accelsim.cli import delivery, options


def show(
    machine: Annotated[
        str,
        typer.Argument(
            metavar="MACHINE",
            help="Built-in machine (`accelsim list archs`) or a file.",
            show_default=False,
        ),
    ],
    as_json: options.Json = False,
) -> None:
    """Show a machine.

    Prints its file as YAML, inherited values included, then peak rates, memories, area and warnings
    of imbalance as comments.
    """
    from accelsim.experiment.machine_facts import show_machine
    from accelsim.report.summary.machine import text
    from accelsim.results.machine import MachineDocument

    def printed(document: delivery.Document) -> None:
        sys.stdout.write(text(MachineDocument.parse(document)))

    delivery.show(show_machine(machine).to_json(), as_json, printed)
