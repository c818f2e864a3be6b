"""`accelsim simulate`: one training step of a network on one machine."""

from __future__ import annotations

import sys

from accelsim.cli import delivery, options, values
from accelsim.cli.given_options import GivenOptions, with_options
from accelsim.cli.imports import with_import_options
from accelsim.experiment.setting import MACHINE, RULE, RunSetting


@with_import_options("workload")
@with_options(RunSetting)
def simulate(
    workload: options.Workload,
    *,
    arch: options.Machine = MACHINE,
    rule: options.Rule = RULE,
    settings: GivenOptions,
    tables: options.Tables = "",
    out: options.Out = None,
    as_json: options.Json = False,
) -> None:
    """Simulate one training step.

    Runs one step of WORKLOAD under one learning rule on one machine.
    """
    faults = values.Faults()
    names = faults.take(lambda: values.table_list("--tables", tables, as_json), ())
    step = settings.read(faults)
    faults.refuse()
    printed = delivery.results_printer(names)
    folder = delivery.folder(out)
    from accelsim.cli.progress import bar
    from accelsim.experiment import simulate as experiment
    from accelsim.report import files

    with bar() as progress:
        result = experiment.simulate(workload, arch, rule=rule, **step, progress=progress)
        document = result.to_json()
    delivery.deliver(document, as_json, folder, files.write_simulation, printed)
    if folder is not None:
        print(f"wrote {folder / 'result.json'}, tables and plots", file=sys.stderr)
