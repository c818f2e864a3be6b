"""`accelsim schema`: the JSON Schema of a kind of file."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def schema(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="arch|workload|dram|technology|result|reproduction|dram-result|machine",
            help="Kind of file.",
            show_default=False,
        ),
    ],
) -> None:
    """Print the JSON Schema of a file."""
    from accelsim.cli import file_kinds
    from accelsim.report.files import dump

    sys.stdout.write(dump(file_kinds.schema(kind)))
