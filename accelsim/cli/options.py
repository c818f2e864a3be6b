"""Options and arguments that several commands share, as typer declares them. Most are texts, which
`accelsim.cli.values` reads and judges.
"""

from __future__ import annotations

from typing import Annotated

import typer

NETWORK_HELP = "Built-in network (`accelsim list workloads`) or a file."
TRACE_HELP = (
    "Where zeros come from: shipped, dense, random:DENSITY or a .npz; once a family of rules."
)

Workload = Annotated[str, typer.Argument(metavar="WORKLOAD", help=NETWORK_HELP, show_default=False)]
Network = Annotated[str, typer.Argument(metavar="NETWORK", help=NETWORK_HELP, show_default=False)]
Machine = Annotated[
    str,
    typer.Option("--arch", metavar="A", help="Built-in machine (`accelsim list archs`) or a file."),
]
Rule = Annotated[
    str,
    typer.Option(
        "--rule", metavar="R", help="Learning rule, `name` or `name:key=value,key=value`."
    ),
]
Batch = Annotated[
    str | None,
    typer.Option("--batch", metavar="N", help="Samples a step; by default the workload's own."),
]
Traces = Annotated[list[str], typer.Option("--trace", metavar="T", help=TRACE_HELP)]
AnyRule = Annotated[
    bool,
    typer.Option(
        "--trace-any-rule", help="Accept a trace of another family of rules; the result says so."
    ),
]
Passes = Annotated[str, typer.Option("--passes", metavar="LIST", help="Passes to simulate.")]
Schedule = Annotated[str, typer.Option("--schedule", metavar="S", help="serial or unlocked.")]
Optimizer = Annotated[
    str,
    typer.Option(
        "--optimizer", metavar="O", help="What the weight update computes: sgd, momentum or adam."
    ),
]
Seed = Annotated[
    str, typer.Option("--seed", metavar="N", help="Seed of everything drawn at random.")
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout instead of tables.")
]
Out = Annotated[
    str | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Also write files into this folder; nothing is written unless all succeeds.",
        show_default=False,
    ),
]
