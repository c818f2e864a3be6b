"""Options of the commands that train, as typer declares them: those that both take, then those of
train alone.
"""

from __future__ import annotations

from typing import Annotated

import typer

Rule = Annotated[
    str,
    typer.Option(
        "--rule",
        metavar="R",
        help="Learning rule to train with, `name` or `name:key=value,key=value`; `FILE.py:name` is "
        "the rule of that name in a file of your own.",
    ),
]
Batch = Annotated[
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
Optimizer = Annotated[
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
Epochs = Annotated[
    str, typer.Option("--epochs", metavar="E", help="Times that every training sample is seen.")
]
Width = Annotated[
    str,
    typer.Option(
        "--width", metavar="X", help="Channels of hidden layers, as a multiple of NETWORK's."
    ),
]
Vocabulary = Annotated[
    str | None,
    typer.Option(
        "--vocabulary",
        metavar="N",
        help="Different words of a text, the others counting as one; by default NETWORK's.",
    ),
]
Schedule = Annotated[
    str,
    typer.Option(
        "--schedule", metavar="S", help="constant, or cosine: falls to zero over the epochs."
    ),
]
WeightDecay = Annotated[
    str,
    typer.Option(
        "--weight-decay", metavar="X", help="Multiple of each weight added to its gradient."
    ),
]
Augment = Annotated[bool, typer.Option("--augment", help="Random crops and flips of photographs.")]
HeldOut = Annotated[
    str,
    typer.Option(
        "--held-out",
        metavar="F",
        help="Fraction of the training set to score instead of training on it.",
    ),
]
Formats = Annotated[
    str,
    typer.Option(
        "--formats",
        metavar="LIST",
        help="Formats that tensors are stored in, as weight=bf16,activation=fp16,error=e5m2: "
        "fp32 (the default), fp16, bf16, e4m3, e5m2.",
        show_default=False,
    ),
]
TraceEvery = Annotated[
    str,
    typer.Option("--trace-every", metavar="N", help="Epochs between traces of zeros; 0 for none."),
]
Out = Annotated[
    str | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Folder for a checkpoint after every epoch, curves, plots and traces.",
        show_default=False,
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on from the checkpoint in --out, to the same end as without a stop.",
    ),
]
Threads = Annotated[
    str | None,
    typer.Option(
        "--threads",
        metavar="N",
        help="Threads to compute with; by default one a core. Results do not depend on it.",
    ),
]
