"""Command-line options that several commands share, as typer reads them: all of them text, judged
by `accelsim.cli.options`.
"""

from __future__ import annotations

from typing import Annotated

import typer

Network = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK",
        help="Built-in network (`accelsim list workloads`) or a file.",
        show_default=False,
    ),
]
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
TrainingRule = Annotated[
    str,
    typer.Option(
        "--rule",
        metavar="R",
        help="Learning rule to train with, `name` or `name:key=value,key=value`.",
    ),
]
TrainingBatch = Annotated[
    str,
    typer.Option(
        "--batch", metavar="N", help="Samples a training step; of text, parallel streams."
    ),
]
LearningRate = Annotated[
    str | None,
    typer.Option(
        "--learning-rate", metavar="X", help="Learning rate; by default 0.003, of text 0.002."
    ),
]
TrainingOptimizer = Annotated[
    str | None,
    typer.Option(
        "--optimizer",
        metavar="O",
        help="sgd, momentum or adam; by default momentum, of text adam, as in the papers.",
    ),
]
Samples = Annotated[
    str, typer.Option("--samples", metavar="N", help="Samples of a traced step to keep.")
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder of the published files of CIFAR-10, CIFAR-100, MNIST or Fashion-MNIST, or of "
        "WikiText-2; without it, scikit-learn's digits.",
        show_default=False,
    ),
]
