"""`accelsim dram`: a DRAM and its controller, without a machine, on a list of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from accelsim.cli import delivery, options, values

if TYPE_CHECKING:
    from accelsim.dram.requests import Requests
    from accelsim.dram.standard import DramSpec

LARGEST_LIMIT = 1 << 30
MOST_CHANNELS = 256


def dram(
    standard: Annotated[
        str,
        typer.Argument(
            metavar="STANDARD", help="Built-in DRAM standard or a file.", show_default=False
        ),
    ],
    requests: Annotated[
        str,
        typer.Argument(
            metavar="REQUESTS.csv",
            help="Requests in order, columns cycle,address,kind (R or W); others are ignored.",
            show_default=False,
        ),
    ],
    max_outstanding: Annotated[
        str | None,
        typer.Option(
            "--max-outstanding",
            metavar="N",
            help="Maximum number of outstanding reads of all channels; default: no limit.",
        ),
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(
            "--channels",
            metavar="N",
            help="Number of channels; default: that of the standard.",
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Simulate a DRAM on a list of requests.

    Cycles are clocks of the memory. Each channel takes its requests in order, at most one per
    clock, and none before its own cycle. STANDARD also states how the controller schedules them.
    """
    faults = values.Faults()
    limit = None
    if max_outstanding is not None:
        limit = faults.take(
            lambda: values.whole("--max-outstanding", max_outstanding, 1, LARGEST_LIMIT), None
        )
    number = None
    if channels is not None:
        number = faults.take(lambda: values.whole("--channels", channels, 1, MOST_CHANNELS), None)
    spec = faults.take(lambda: _standard(standard, number), None)
    listed = faults.take(lambda: _requests(requests, spec), None)
    faults.refuse()
    assert spec is not None
    assert listed is not None
    from accelsim.cli.progress import bar
    from accelsim.dram import run as dram_run
    from accelsim.results.dram import DramDocument

    with bar():
        run = dram_run.simulate(spec, listed, limit)
        document = DramDocument.of(run, number).to_json()
    delivery.show(document, as_json, _print_tables)


def _standard(name: str, channels: int | None) -> DramSpec:
    from accelsim.config.catalog import find
    from accelsim.config.loader import load_model
    from accelsim.dram.standard import DramSpec

    spec = load_model(find("dram", name), DramSpec)
    return spec if channels is None else spec.with_channels(channels)


def _requests(path: str, spec: DramSpec | None) -> Requests:
    """The requests of a file. If the DRAM is unknown because its own file is faulty, any address is
    accepted.
    """
    from accelsim.dram.requests import read_requests

    return read_requests(path, spec.organisation.capacity_bytes if spec is not None else 1 << 62)


def _print_tables(document: delivery.Document) -> None:
    from accelsim.report import console
    from accelsim.report.dram import print_dram
    from accelsim.results.dram import DramDocument

    print_dram(DramDocument.parse(document), console.stdout())
