"""`accelsim trace`: train a network, and record the zeros of one step."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli import values
from accelsim.cli.commands.training import options
from accelsim.cli.commands.training.defaults import recorded_command, usual_optimizer_and_rate
from accelsim.cli.options import Network, Seed
from accelsim.errors import InputError


def trace(
    network: Network,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="T.npz", help="The trace to write.", show_default=False
        ),
    ],
    rule: options.Rule = "bp",
    data: options.Data = None,
    steps: Annotated[
        str,
        typer.Option("--steps", metavar="N", help="Training steps before the one that is traced."),
    ] = "200",
    batch: options.Batch = "32",
    samples: options.Samples = "4",
    learning_rate: options.LearningRate = None,
    optimizer: options.Optimizer = None,
    seed: Seed = "0",
) -> None:
    """Train, and record where zeros are.

    NETWORK is trained with real data in accelsim's own reference implementation; the trace holds
    the zeros of its next step. Its input must fit the images, and it must have at least as many
    outputs as the data has classes. Recurrent networks are trained on text: --data must then be the
    folder of WikiText-2, and tensors of the trace are (time steps, samples, channels).
    """
    counts = {
        "steps": values.whole("--steps", steps, 0),
        "batch": values.whole("--batch", batch, 1, values.LARGEST_BATCH),
        "samples": values.whole("--samples", samples, 1),
        "seed": values.whole("--seed", seed, 0),
    }
    if counts["samples"] > counts["batch"]:
        raise InputError(
            f"--samples must be at most the --batch of {counts['batch']}, got {samples}"
        )
    rate = None if learning_rate is None else values.positive("--learning-rate", learning_rate)
    if optimizer is not None:
        values.one_of("--optimizer", optimizer, values.OPTIMIZERS)
    if output.suffix != ".npz":
        raise InputError(f"--output must be a file that ends in .npz, got {output}")
    folder = values.named_folder("--data", data)
    from accelsim.cli.progress import bar
    from accelsim.report.files import staged
    from accelsim.rules.registry import check_rule, parse_rule, step_rules
    from accelsim.training.tracing import TracedTraining, train_and_trace
    from accelsim.workload.loading import load_network

    chosen, workload = parse_rule(rule), load_network(network)
    if chosen.rule.kinds:
        raise InputError(
            f"--rule must be one whose steps are of one family, got {chosen.name}: trace "
            f"{step_rules(chosen)}, each by itself"
        )
    usual_optimizer, usual_rate = usual_optimizer_and_rate(workload)
    check_rule(workload, chosen, optimizer or usual_optimizer)
    with bar() as progress:
        recorded, losses = train_and_trace(
            workload,
            chosen,
            folder,
            TracedTraining(
                **counts,
                learning_rate=rate or usual_rate,
                optimizer=optimizer or usual_optimizer,
            ),
            recorded_command(),
            lambda done, of, loss: progress(done, of, f"loss {loss:.3f}"),
        )
    with staged(output.absolute().parent) as scratch:
        recorded.write(scratch / output.name)
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}; wrote {output}", file=sys.stderr)
