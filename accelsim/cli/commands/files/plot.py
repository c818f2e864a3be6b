"""`accelsim plot`: plots and tables of saved results."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli import delivery, values


def plot(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULT...",
            help="result.json, comparison.json and training.json files.",
            show_default=False,
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Folder for plots and tables; by default that of the first RESULT.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Draw plots of saved results.

    Draws plots and tables of comparisons, of any results side by side, and of each training run.
    Nothing is simulated.
    """
    from accelsim.report import files
    from accelsim.report.runs import Runs
    from accelsim.results import kinds
    from accelsim.results.comparison import Comparison
    from accelsim.results.result import Result
    from accelsim.results.training import TrainingDocument

    folder = delivery.folder(out)
    faults = values.Faults()
    readable = (*kinds.SIMULATIONS, TrainingDocument)
    documents = [
        (path, faults.take(lambda path=path: kinds.read(path, readable), None))  # type: ignore[misc]
        for path in results
    ]
    trained = [
        (path, document) for path, document in documents if isinstance(document, TrainingDocument)
    ]
    simulated = [document for _, document in documents if isinstance(document, Result | Comparison)]
    faults.check(
        len(trained) < 2 or folder is None,
        f"--out must be left out where there is more than one training.json, got {out}",
    )
    faults.refuse()
    written: list[Path] = []
    for path, run in trained:
        written.append(folder or path.parent)
        files.write_training(run, written[-1])
    if simulated:
        written.append(folder or results[0].parent)
        files.write_report(Runs.of(simulated), written[-1])
    print(
        f"wrote plots and tables in {', '.join(map(str, dict.fromkeys(written)))}", file=sys.stderr
    )
