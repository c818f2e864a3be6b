"""`accelsim simulate`: one training step of a network on one machine."""

from __future__ import annotations

import sys

from accelsim.cli import delivery, options
from accelsim.cli.step_settings import step_settings


def simulate(
    workload: options.Workload,
    arch: options.Machine = "near-memory",
    rule: options.Rule = "bp",
    batch: options.Batch = None,
    trace: options.Traces = ["shipped"],  # noqa: B006  # typer copies the default of a repeatable option
    trace_any_rule: options.AnyRule = False,
    passes: options.Passes = "ff,ep,wg,wu",
    schedule: options.Schedule = "serial",
    optimizer: options.Optimizer = "momentum",
    seed: options.Seed = "0",
    out: options.Out = None,
    as_json: options.Json = False,
) -> None:
    """Simulate one training step.

    WORKLOAD under one learning rule on one machine.
    """
    settings = step_settings(batch, trace, trace_any_rule, passes, schedule, optimizer, seed)
    folder = delivery.folder(out)
    from accelsim.cli.progress import bar
    from accelsim.experiment import simulate as experiment
    from accelsim.report import files

    with bar() as progress:
        result = experiment.simulate(workload, arch, rule, **settings, progress=progress)
        document = result.to_json()
    delivery.deliver(document, as_json, folder, files.write_simulation)
    if folder is not None:
        print(f"wrote {folder / 'result.json'}", file=sys.stderr)
