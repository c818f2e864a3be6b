"""The command line: parse, call, print. Everything heavy is imported inside the command that needs it.

Exit codes: 0 done, 1 a check failed, 2 the input is wrong (one line a fault on stderr), 130 interrupted, 141 the reader of stdout went away.
Results go to stdout; faults, progress and the names of written files to stderr.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from accelsim import __version__, options
from accelsim.errors import Fault, InputError

INTERRUPTED = 130
BROKEN_PIPE = 141  # 128 + SIGPIPE, as other tools of a pipeline report it

app = typer.Typer(
    name="accelsim",
    help="Cycle-level simulator of zero-skipping, near-memory training accelerators with the learning rule as a parameter.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

Workload = Annotated[str, typer.Argument(metavar="WORKLOAD", help="Built-in network (`accelsim list workloads`) or a file.", show_default=False)]
Batch = Annotated[str | None, typer.Option("--batch", metavar="N", help="Samples a step; by default the workload's own.")]
Traces = Annotated[
    list[str], typer.Option("--trace", metavar="T", help="Where zeros come from: shipped, dense, random:DENSITY or a .npz; once a family of rules.")
]
AnyRule = Annotated[bool, typer.Option("--trace-any-rule", help="Accept a trace of another family of rules; the result says so.")]
Passes = Annotated[str, typer.Option("--passes", metavar="LIST", help="Passes to simulate.")]
Schedule = Annotated[str, typer.Option("--schedule", metavar="S", help="serial or unlocked.")]
Optimizer = Annotated[str, typer.Option("--optimizer", metavar="O", help="What the weight update computes: sgd, momentum or adam.")]
Seed = Annotated[str, typer.Option("--seed", metavar="N", help="Seed of everything drawn at random.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Also write files into this folder; nothing is written unless all succeeds.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout instead of tables.")]


@app.callback(invoke_without_command=True)
def _no_command(context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        print(f"accelsim {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(2)


@app.command()
def simulate(
    workload: Workload,
    arch: Annotated[str, typer.Option("--arch", metavar="A", help="Built-in machine (`accelsim list archs`) or a file.")] = "near-memory",
    rule: Annotated[str, typer.Option("--rule", metavar="R", help="Learning rule, `name` or `name:key=value,key=value`.")] = "bp",
    batch: Batch = None,
    trace: Traces = ["shipped"],  # noqa: B006  # typer copies the default of a repeatable option
    trace_any_rule: AnyRule = False,
    passes: Passes = "ff,ep,wg,wu",
    schedule: Schedule = "serial",
    optimizer: Optimizer = "momentum",
    seed: Seed = "0",
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Simulate one training step.

    WORKLOAD under one learning rule on one machine.
    """
    settings = _settings(batch, trace, trace_any_rule, passes, schedule, optimizer, seed)
    _refuse(out)
    from accelsim import experiment
    from accelsim.progress import bar

    with bar() as progress:
        document = experiment.simulate(workload, arch, rule, **settings, progress=progress).to_json()
    if out is not None:
        from accelsim.report import files

        files.write_simulation(document, out)
        print(f"wrote {out / 'result.json'}", file=sys.stderr)
    _show(document, as_json)


@app.command()
def compare(
    workload: Workload,
    arch: Annotated[str, typer.Option("--arch", metavar="A,B", help="Machines, separated by commas.")] = "near-memory",
    rules: Annotated[
        str, typer.Option("--rules", metavar="R,R", help="Learning rules, separated by commas; the options of one bind with `;`.")
    ] = "bp,dfa,ssdfa",
    batch: Batch = None,
    trace: Traces = ["shipped"],  # noqa: B006  # typer copies the default of a repeatable option
    trace_any_rule: AnyRule = False,
    passes: Passes = "ff,ep,wg,wu",
    schedule: Schedule = "serial",
    optimizer: Optimizer = "momentum",
    seed: Seed = "0",
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Compare learning rules and machines.

    One training step of WORKLOAD under each; the first is the baseline.
    """
    archs = options.comma_list("--arch", arch)
    chosen = options.rule_list("--rules", rules)
    settings = _settings(batch, trace, trace_any_rule, passes, schedule, optimizer, seed)
    _refuse(out)
    from accelsim import experiment
    from accelsim.progress import bar

    with bar() as progress:
        document = experiment.compare(workload, archs, chosen, **settings, progress=progress).to_json()
    if out is not None:
        from accelsim.report import files

        files.write_comparison(document, out)
        print(f"wrote {out / 'comparison.json'}, tables and plots", file=sys.stderr)
    _show(document, as_json)


@app.command()
def plot(
    results: Annotated[list[Path], typer.Argument(metavar="RESULT...", help="result.json and comparison.json files.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder for plots and tables; by default that of the first RESULT.", show_default=False),
    ] = None,
) -> None:
    """Draw plots of saved results.

    The plots and tables of a comparison, of any results side by side; nothing is simulated.
    """
    from accelsim.report import document as documents
    from accelsim.report import files
    from accelsim.report.tables import Runs

    loaded: list[documents.ResultDocument | documents.ComparisonDocument] = []
    faults: list[Fault] = []
    for path in results:
        try:
            loaded.append(documents.load(path))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(*faults)
    folder = out if out is not None else results[0].parent
    files.write_report(Runs.of(loaded), folder)
    print(f"wrote plots and tables in {folder}", file=sys.stderr)


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Machines, workloads, DRAM standards, traces, results.", show_default=False)],
) -> None:
    """Check files and name every fault.

    Each right file is named on stdout, every fault of the others on stderr.
    """
    from accelsim.files import faults

    found: list[Fault] = []
    for path in files:
        wrong = faults(path)
        found += wrong
        if not wrong:
            print(f"{path}: ok")
    if found:
        raise InputError(*found)


@app.command(name="list")
def list_(kind: Annotated[str, typer.Argument(metavar="archs|workloads|rules", help="What to list.", show_default=False)]) -> None:
    """List machines, networks or rules."""
    from accelsim import listing

    for line in listing.lines(kind):
        print(line)


@app.command()
def schema(kind: Annotated[str, typer.Argument(metavar="arch|workload|result", help="Which kind of file.", show_default=False)]) -> None:
    """Print the JSON Schema of a file."""
    from accelsim import files
    from accelsim.report.files import dump

    sys.stdout.write(dump(files.schema(kind)))


@app.command()
def trace(
    network: Annotated[str, typer.Argument(metavar="NETWORK", help="Built-in network (`accelsim list workloads`) or a file.", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="T.npz", help="The trace to write.", show_default=False)],
    rule: Annotated[str, typer.Option("--rule", metavar="R", help="Learning rule to train with.")] = "bp",
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Folder of CIFAR-10's binary files; without it, scikit-learn's digits.", show_default=False),
    ] = None,
    steps: Annotated[str, typer.Option("--steps", metavar="N", help="Training steps before the one that is traced.")] = "200",
    batch: Annotated[str, typer.Option("--batch", metavar="N", help="Samples a training step.")] = "32",
    samples: Annotated[str, typer.Option("--samples", metavar="N", help="Samples of the traced step to keep.")] = "4",
    learning_rate: Annotated[float, typer.Option("--learning-rate", metavar="X", help="Learning rate.")] = 0.003,
    optimizer: Optimizer = "momentum",
    seed: Seed = "0",
) -> None:
    """Train, and record where zeros are.

    NETWORK is trained with real data in accelsim's own reference implementation; the trace holds the zeros of its next step.
    """
    counts = {
        "steps": options.whole("--steps", steps, 0),
        "batch": options.whole("--batch", batch, 1),
        "samples": options.whole("--samples", samples, 1),
        "seed": options.whole("--seed", seed, 0),
    }
    if output.suffix != ".npz":
        raise InputError(f"--output must be a file that ends in .npz, got {output}")
    from accelsim.networks import load_network
    from accelsim.progress import bar
    from accelsim.reference.training import train_and_trace
    from accelsim.report.files import staged
    from accelsim.rules import parse_rule

    with bar() as progress:
        made, losses = train_and_trace(
            load_network(network),
            parse_rule(rule),
            data,
            **counts,
            learning_rate=learning_rate,
            optimizer_name=optimizer,
            command=shlex.join(["accelsim", *sys.argv[1:]]),
            progress=(lambda done, of, loss: progress(done, of, f"loss {loss:.3f}")) if progress else None,
        )
    with staged(output.absolute().parent) as folder:
        made.write(folder / output.name)
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}; wrote {output}", file=sys.stderr)


def _settings(batch: str | None, trace: list[str], trace_any_rule: bool, passes: str, schedule: str, optimizer: str, seed: str) -> dict[str, Any]:
    return {
        "batch": None if batch is None else options.whole("--batch", batch, 1),
        "trace": options.one_or_all(trace),
        "trace_any_rule": trace_any_rule,
        "passes": options.pass_list("--passes", passes),
        "schedule": schedule,
        "optimizer": optimizer,
        "seed": options.whole("--seed", seed, 0),
    }


def _refuse(out: Path | None) -> None:
    if out is not None:
        from accelsim.report.files import refuse_unusable

        refuse_unusable(out)


def _show(document: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        from accelsim.report.files import dump

        sys.stdout.write(dump(document))
        return
    from accelsim.report import console
    from accelsim.report.document import parse
    from accelsim.report.tables import Runs

    console.print_results(Runs.of([parse(document)]), console.stdout())


def main() -> NoReturn:
    """Run the command line and exit."""
    code: object
    try:
        code = app(prog_name="accelsim", standalone_mode=False)
        sys.stdout.flush()
    except InputError as error:
        for fault in error.faults:
            print(fault, file=sys.stderr)
        code = 2
    except typer.TyperException as error:  # the command line itself is wrong
        print(f"accelsim: {error.format_message()}", file=sys.stderr)
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except (BrokenPipeError, SystemExit):  # typer and rich make an exit of a broken pipe
        # What is still buffered has nowhere to go: give it a place, or the interpreter complains on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = BROKEN_PIPE
    if code == INTERRUPTED:  # typer makes an exit of a KeyboardInterrupt, so it may come as a code too
        print("interrupted", file=sys.stderr)
    sys.exit(code if isinstance(code, int) else 0)
