"""Typer declarations of options and arguments that several commands share. Most are texts, which
`accelsim.cli.values` parses and checks.
"""

from __future__ import annotations

from typing import Annotated

import typer

NETWORK_HELP = "Built-in network (`accelsim list workloads`) or a file."

Workload = Annotated[str, typer.Argument(metavar="WORKLOAD", help=NETWORK_HELP, show_default=False)]
Network = Annotated[str, typer.Argument(metavar="NETWORK", help=NETWORK_HELP, show_default=False)]
Machine = Annotated[
    str,
    typer.Option("--arch", metavar="A", help="Built-in machine (`accelsim list archs`) or a file."),
]
Rule = Annotated[
    str,
    typer.Option(
        "--rule",
        metavar="R",
        help="Learning rule: `name` or `name:key=value,key=value`, or `FILE.py:name` for a rule in "
        "a file of your own.",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout instead of tables.")
]
Tables = Annotated[
    str,
    typer.Option(
        "--tables",
        metavar="LIST",
        help="Tables to print below the summary: passes, energy, cycles, area, layers, ops, "
        "sources, ... or all.",
        show_default=False,
    ),
]
Out = Annotated[
    str | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Also write files into this folder: all of them, or none if anything fails.",
        show_default=False,
    ),
]
