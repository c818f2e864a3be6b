"""Typer declarations of the options of train that do not change a run's numbers."""

from __future__ import annotations

from typing import Annotated

import typer

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
        help="Resume from the checkpoint in --out. The result equals that of an uninterrupted run.",
    ),
]
Threads = Annotated[
    str | None,
    typer.Option(
        "--threads",
        metavar="N",
        help="Number of threads; default: one per core. Results do not depend on it.",
    ),
]
