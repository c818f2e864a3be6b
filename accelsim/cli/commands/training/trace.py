"""`accelsim trace`: train a network, and record the zeros of one step."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli import values
from accelsim.cli.commands.training.recording import recorded_command
from accelsim.cli.given_options import GivenOptions, with_options
from accelsim.cli.imports import with_import_options
from accelsim.cli.options import Network
from accelsim.config.models.limits import LARGEST_BATCH
from accelsim.errors import InputError
from accelsim.experiment.training_setting import TrainingSetting

NAMES = ("rule", "data", "batch", "samples", "learning_rate", "optimizer", "seed")
"""Options that trace shares with train."""


@with_import_options("network")
@with_options(TrainingSetting, NAMES)
def trace(
    network: Network,
    *,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="T.npz", help="Trace file to write.", show_default=False
        ),
    ],
    steps: Annotated[
        str,
        typer.Option("--steps", metavar="N", help="Training steps before the traced step."),
    ] = "200",
    settings: GivenOptions,
) -> None:
    """Train, and record a trace of zeros.

    NETWORK is trained with real data in accelsim's own reference implementation; the trace holds
    the zeros of its next step. Its input must fit the images, and it must have at least as many
    outputs as the data has classes. Recurrent networks are trained on text: --data must then be the
    folder of WikiText-2, and tensors of the trace are (time steps, samples, channels).
    """
    faults = values.Faults()
    step_count = faults.take(lambda: values.whole("--steps", steps, 0), 0)
    given = settings.read(faults, batch=LARGEST_BATCH)
    faults.check(
        given["samples"] <= given["batch"],
        f"--samples must be at most the --batch of {given['batch']}, got {given['samples']}",
    )
    faults.check(
        output.suffix == ".npz", f"--output must be a file that ends in .npz, got {output}"
    )
    faults.refuse()
    from accelsim.cli.progress import bar
    from accelsim.experiment.arguments import as_network
    from accelsim.report.files import staged
    from accelsim.rules.registry import check_rule, parse_rule, step_rules
    from accelsim.training.defaults import usual_optimizer_and_rate
    from accelsim.training.tracing import TracedTraining, train_and_trace

    chosen, workload = parse_rule(given["rule"]), as_network(network)
    if chosen.rule.kinds:
        raise InputError(
            f"--rule must be one whose steps are of one family, got {chosen.name}: trace "
            f"{step_rules(chosen)} separately"
        )
    usual_optimizer, usual_rate = usual_optimizer_and_rate(workload)
    optimizer = given["optimizer"] or usual_optimizer
    check_rule(workload, chosen, optimizer)
    with bar() as progress:
        recorded, losses = train_and_trace(
            workload,
            chosen,
            given["data"],
            TracedTraining(
                step_count,
                given["batch"],
                given["samples"],
                given["learning_rate"] or usual_rate,
                optimizer,
                given["seed"],
            ),
            recorded_command(),
            lambda done, of, loss: progress(done, of, f"loss {loss:.3f}"),
        )
    with staged(output.absolute().parent) as scratch:
        recorded.write(scratch / output.name)
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}; wrote {output}", file=sys.stderr)
