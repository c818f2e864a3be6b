"""`accelsim import`: a workload file from a network of another program."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.imports import SUFFIX, with_options_of_files
from accelsim.errors import InputError
from accelsim.workload.importers.options import ImportOptions


@with_options_of_files
def import_(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL.onnx", help="ONNX file.", show_default=False)
    ],
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="NET.yaml",
            help="Workload file to write, instead of stdout.",
            show_default=False,
        ),
    ] = None,
    importing: ImportOptions | None = None,
) -> None:
    """Write a workload file from an ONNX file.

    The workload has a layer for each operator that costs something, with the name of its node. It
    describes the network that `simulate` and the other commands read from MODEL.onnx.
    """
    if model.suffix.lower() != SUFFIX:
        raise InputError(f"MODEL must be a file of {SUFFIX}, got {model}")
    if output is not None and output.suffix.lower() not in (".yaml", ".yml"):
        raise InputError(f"--output must be a file that ends in .yaml, got {output}")
    from accelsim.report.files import staged
    from accelsim.workload.importers.onnx.loading import imported_file
    from accelsim.workload.importers.onnx.writing import workload_text

    imported = imported_file(model, importing)
    for note in imported.notes:
        print(f"{model}: note: {note}", file=sys.stderr)
    text = workload_text(imported)
    if output is None:
        sys.stdout.write(text)
        return
    with staged(output.absolute().parent) as scratch:
        (scratch / output.name).write_text(text, encoding="utf-8")
    print(f"wrote {output}", file=sys.stderr)
