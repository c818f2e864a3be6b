"""`accelsim compare`: learning rules and machines side by side."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from accelsim.cli import delivery, options, values
from accelsim.cli.given_options import GivenOptions, with_options
from accelsim.cli.imports import with_import_options
from accelsim.errors import InputError
from accelsim.experiment.setting import MACHINE, RunSetting


@with_import_options("workload")
@with_options(RunSetting)
def compare(
    workload: options.Workload,
    *,
    arch: Annotated[
        str, typer.Option("--arch", metavar="A,B", help="Machines, separated by commas.")
    ] = MACHINE,
    rules: Annotated[
        str,
        typer.Option(
            "--rules",
            metavar="R,R",
            help="Learning rules, separated by commas; `;` separates the options of one rule.",
        ),
    ] = "bp,dfa,ssdfa",
    settings: GivenOptions,
    variants: Annotated[
        str | None,
        typer.Option(
            "--variants",
            metavar="LIST",
            help="Compare the rules again on structural variants of each machine: "
            "operand_buffer=off, operand_buffer=on, clock_gating=none, clock_gating=pe, "
            "clock_gating=lane, boundary=core, boundary=core_and_io, voltage=0.7x, or all.",
            show_default=False,
        ),
    ] = None,
    tables: options.Tables = "",
    out: options.Out = None,
    as_json: options.Json = False,
) -> None:
    """Compare learning rules and machines.

    Simulates one training step of WORKLOAD under each pair of machine and rule. The first pair is
    the baseline.
    """
    faults = values.Faults()
    machines = faults.take(lambda: values.comma_list("--arch", arch), ())
    parsed_rules = faults.take(lambda: values.rule_list("--rules", rules), ())
    names = faults.take(lambda: values.table_list("--tables", tables, as_json), ())
    step = settings.read(faults)
    if variants is not None:
        step["variants"] = faults.take(lambda: values.variant_list("--variants", variants), ())
    faults.refuse()
    printed = delivery.results_printer(names)
    folder = delivery.folder(out)
    _refuse_namesakes(machines)
    from accelsim.cli.progress import bar
    from accelsim.experiment import compare as experiment
    from accelsim.report import files

    with bar() as progress:
        comparison = experiment.compare(workload, machines, parsed_rules, **step, progress=progress)
        document = comparison.to_json()
    delivery.deliver(document, as_json, folder, files.write_comparison, printed)
    if folder is not None:
        print(f"wrote {folder / 'comparison.json'}, tables and plots", file=sys.stderr)


def _refuse_namesakes(archs: tuple[str, ...]) -> None:
    """InputError if two machines have the same name. Results are labelled by the names inside
    machine files, not by file names.
    """
    if len(set(archs)) < len(archs):
        raise InputError(f"--arch must be different machines, got {','.join(archs)}")
    if len(archs) < 2:
        return
    from accelsim.machine.loading import load_machine

    files: dict[str, str] = {}
    for arch in archs:
        name = load_machine(arch).name
        if name in files:
            raise InputError(
                f"--arch must be machines of different names, got {name} in {files[name]} and "
                f"{arch}: change `name` in one of them"
            )
        files[name] = arch
