"""`accelsim plot`: plots and tables of saved results."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli import delivery, values
from accelsim.errors import Fault, InputError


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
    """Draw plots and tables of saved results.

    Writes plots and tables of comparisons, of any results side by side, and of each training run.
    Nothing is simulated, and
    a document that breaks a law (`accelsim check`) is refused.
    """
    from accelsim.report import files
    from accelsim.report.runs import Runs
    from accelsim.results import kinds
    from accelsim.results.comparison import Comparison
    from accelsim.results.laws import violations
    from accelsim.results.result import Result
    from accelsim.results.training import TrainingDocument

    folder = delivery.folder(out)
    faults = values.Faults()
    readable = (*kinds.SIMULATIONS, TrainingDocument)

    def lawful(path: Path) -> object:
        document = kinds.read(path, readable)
        broken = violations(document) if isinstance(document, Result | Comparison) else []
        if broken:
            raise InputError(Fault(str(path), 0, 0, f"{_laws(len(broken))}: {broken[0]}"))
        return document

    documents = [
        (path, faults.take(lambda path=path: lawful(path), None))  # type: ignore[misc]
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


def _laws(count: int) -> str:
    laws = "a law is broken" if count == 1 else f"{count} laws are broken"
    return f"must obey the laws of results (accelsim check), but {laws}"
