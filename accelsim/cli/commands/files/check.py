"""`accelsim check`: every fault of any file that accelsim reads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.imports import with_options_of_files
from accelsim.errors import Fault, InputError
from accelsim.workload.importers.options import ImportOptions


@with_options_of_files
def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Machines, workloads, DRAM standards, technologies, maps into an ERT and networks "
            "of importers; "
            "traces (.npz); result, comparison, training, reproduction, DRAM and machine documents "
            "(.json).",
            show_default=False,
        ),
    ],
    *,
    importing: ImportOptions | None = None,
) -> None:
    """Check files and report every fault.

    Lists valid files on stdout, and every fault of the others on stderr.
    """
    from accelsim.cli.file_kinds import faults, warnings

    all_faults: list[Fault] = []
    for path in files:
        faults_of_file = faults(path, importing)
        all_faults += faults_of_file
        if not faults_of_file:
            print(f"{path}: ok")
            for warning in warnings(path):
                print(f"{path}: warning: {warning}", file=sys.stderr)
    if all_faults:
        raise InputError(*all_faults)
