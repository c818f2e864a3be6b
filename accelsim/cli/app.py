"""The command line: parse, call, print. Everything heavy is imported inside the command that needs
it.

Exit codes: 0 done, 1 a check failed, 2 the input is wrong or a result cannot be delivered (one line
a fault on stderr), 130 interrupted, 141 the reader of stdout went away. Results go to stdout;
faults, progress and the names of written files to stderr.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from accelsim import __version__
from accelsim.cli import (
    delivery,
    options,
)
from accelsim.cli import (
    dram as dram_command,
)
from accelsim.cli import (
    map as mapping_command,
)
from accelsim.cli import (
    reproduce as reproduce_command,
)
from accelsim.cli import (
    training as training_commands,
)
from accelsim.cli.arguments import Json, Optimizer, Seed
from accelsim.errors import Fault, InputError

INTERRUPTED = 130
BROKEN_PIPE = 141  # 128 + SIGPIPE, as other tools of a pipeline report it

app = typer.Typer(
    name="accelsim",
    help="Cycle-level simulator of zero-skipping, near-memory training accelerators with the "
    "learning rule as a parameter.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

Workload = Annotated[
    str,
    typer.Argument(
        metavar="WORKLOAD",
        help="Built-in network (`accelsim list workloads`) or a file.",
        show_default=False,
    ),
]
Batch = Annotated[
    str | None,
    typer.Option("--batch", metavar="N", help="Samples a step; by default the workload's own."),
]
Traces = Annotated[
    list[str],
    typer.Option(
        "--trace",
        metavar="T",
        help="Where zeros come from: shipped, dense, random:DENSITY or a .npz; once a family of "
        "rules.",
    ),
]
AnyRule = Annotated[
    bool,
    typer.Option(
        "--trace-any-rule", help="Accept a trace of another family of rules; the result says so."
    ),
]
Passes = Annotated[str, typer.Option("--passes", metavar="LIST", help="Passes to simulate.")]
Schedule = Annotated[str, typer.Option("--schedule", metavar="S", help="serial or unlocked.")]
Out = Annotated[
    str | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Also write files into this folder; nothing is written unless all succeeds.",
        show_default=False,
    ),
]


@app.callback(invoke_without_command=True)
def _no_command(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        print(f"accelsim {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(2)


@app.command()
def simulate(
    workload: Workload,
    arch: Annotated[
        str,
        typer.Option(
            "--arch", metavar="A", help="Built-in machine (`accelsim list archs`) or a file."
        ),
    ] = "near-memory",
    rule: Annotated[
        str,
        typer.Option(
            "--rule", metavar="R", help="Learning rule, `name` or `name:key=value,key=value`."
        ),
    ] = "bp",
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
    folder = delivery.folder(out)
    from accelsim.cli.progress import bar
    from accelsim.experiment import simulate as experiment
    from accelsim.report import files

    with bar() as progress:
        document = experiment.simulate(
            workload, arch, rule, **settings, progress=progress
        ).to_json()
    delivery.deliver(document, as_json, folder, files.write_simulation)
    if folder is not None:
        print(f"wrote {folder / 'result.json'}", file=sys.stderr)


@app.command()
def compare(
    workload: Workload,
    arch: Annotated[
        str, typer.Option("--arch", metavar="A,B", help="Machines, separated by commas.")
    ] = "near-memory",
    rules: Annotated[
        str,
        typer.Option(
            "--rules",
            metavar="R,R",
            help="Learning rules, separated by commas; the options of one bind with `;`.",
        ),
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
    folder = delivery.folder(out)
    _refuse_namesakes(archs)
    from accelsim.cli.progress import bar
    from accelsim.experiment import simulate as experiment
    from accelsim.report import files

    with bar() as progress:
        document = experiment.compare(
            workload, archs, chosen, **settings, progress=progress
        ).to_json()
    delivery.deliver(document, as_json, folder, files.write_comparison)
    if folder is not None:
        print(f"wrote {folder / 'comparison.json'}, tables and plots", file=sys.stderr)


@app.command()
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

    The plots and tables of a comparison, of any results side by side, and of training runs, each by
    itself; nothing is simulated.
    """
    from accelsim.report import files
    from accelsim.report.tables import Runs
    from accelsim.report.training import TrainingDocument, load_any

    chosen = delivery.folder(out)
    faults = options.Faults()
    loaded = [(path, faults.take(lambda path=path: load_any(path), None)) for path in results]  # type: ignore[misc]
    trained = [
        (path, document) for path, document in loaded if isinstance(document, TrainingDocument)
    ]
    simulated = [
        document
        for _, document in loaded
        if document is not None and not isinstance(document, TrainingDocument)
    ]
    faults.check(
        len(trained) < 2 or chosen is None,
        f"--out must be left out where there is more than one training.json, got {out}",
    )
    faults.refuse()
    folders: list[Path] = []
    for path, run in trained:
        folders.append(chosen or path.parent)
        files.write_training(run, folders[-1])
    if simulated:
        folders.append(chosen or results[0].parent)
        files.write_report(Runs.of(simulated), folders[-1])
    print(
        f"wrote plots and tables in {', '.join(map(str, dict.fromkeys(folders)))}", file=sys.stderr
    )


@app.command()
def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Machines, workloads, DRAM standards, traces, results.",
            show_default=False,
        ),
    ],
) -> None:
    """Check files and name every fault.

    Each right file is named on stdout, every fault of the others on stderr.
    """
    from accelsim.cli.file_kinds import faults

    found: list[Fault] = []
    for path in files:
        wrong = faults(path)
        found += wrong
        if not wrong:
            print(f"{path}: ok")
    if found:
        raise InputError(*found)


@app.command(name="list")
def list_(
    kind: Annotated[
        str,
        typer.Argument(metavar="archs|workloads|rules", help="What to list.", show_default=False),
    ],
) -> None:
    """List machines, networks or rules."""
    from accelsim.cli import listing

    for line in listing.lines(kind):
        print(line)


@app.command()
def schema(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="arch|workload|dram|technology|result|reproduction|dram-result",
            help="Which kind of file.",
            show_default=False,
        ),
    ],
) -> None:
    """Print the JSON Schema of a file."""
    from accelsim.cli import file_kinds as files
    from accelsim.report.files import dump

    sys.stdout.write(dump(files.schema(kind)))


app.command()(training_commands.trace)
app.command()(training_commands.train)
app.command()(reproduce_command.reproduce)
app.command()(dram_command.dram)
app.command(name="map")(mapping_command.show_mappings)


def _settings(
    batch: str | None,
    trace: list[str],
    trace_any_rule: bool,
    passes: str,
    schedule: str,
    optimizer: str,
    seed: str,
) -> dict[str, Any]:
    return {
        "batch": None
        if batch is None
        else options.whole("--batch", batch, 1, options.LARGEST_BATCH),
        "trace": options.traces("--trace", trace),
        "trace_any_rule": trace_any_rule,
        "passes": options.pass_list("--passes", passes),
        "schedule": options.one_of("--schedule", schedule, options.SCHEDULES),
        "optimizer": options.one_of("--optimizer", optimizer, options.OPTIMIZERS),
        "seed": options.whole("--seed", seed, 0),
    }


def _refuse_namesakes(archs: tuple[str, ...]) -> None:
    """Results are told apart by the names inside machine files, not by those of the files."""
    if len(set(archs)) < len(archs):
        raise InputError(f"--arch must be different machines, got {','.join(archs)}")
    if len(archs) < 2:
        return
    from accelsim.machine.loading import load_architecture

    files: dict[str, str] = {}
    for arch in archs:
        name = load_architecture(arch).name
        if name in files:
            raise InputError(
                f"--arch must be machines of different names, got {name} in {files[name]} and "
                f"{arch}: change `name` in one of them"
            )
        files[name] = arch


def _prepare_streams() -> None:
    """Make stderr safe to print to; what an encoding lacks is printed as ``?``. InputError when
    stdout is closed.
    """
    if sys.stderr is None:  # closed by the caller: print() would then write to stdout
        sys.stderr = io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if sys.stdout is None:
        raise InputError("standard output must be open, got a closed one")


def _discard_output() -> None:
    """What is still buffered has nowhere to go: give it a place, or the interpreter complains on
    its way out.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def main() -> NoReturn:
    """Run the command line and exit."""
    code: object
    try:
        _prepare_streams()
        code = app(prog_name="accelsim", standalone_mode=False)
        sys.stdout.flush()
    except InputError as error:
        code = _faults(*map(str, error.faults))
    except typer.TyperException as error:  # the command line itself is wrong
        code = _faults(f"accelsim: {error.format_message()}", code=error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except (BrokenPipeError, SystemExit):  # typer and rich make an exit of a broken pipe
        _discard_output()
        code = BROKEN_PIPE
    except UnicodeEncodeError as error:
        code = _faults(f"names must be valid text, got {error.object!a}"[:200])
    except MemoryError as error:
        code = _faults(
            f"the input must be small enough for the memory of this "
            f"computer{f': {error}' if str(error) else ''}"
        )
    except OverflowError as error:
        code = _faults(f"the input must not make numbers beyond what can be counted: {error}")
    except OSError as error:
        code = _faults(delivery.undelivered(error))
    if (
        code == INTERRUPTED
    ):  # typer makes an exit of a KeyboardInterrupt, so it may come as a code too
        print("interrupted", file=sys.stderr)
    sys.exit(code if isinstance(code, int) else 0)


def _faults(*lines: str, code: int = 2) -> int:
    """One line a fault on stderr; what stdout could not take is dropped."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        _discard_output()
    for line in lines:
        print(line, file=sys.stderr)
    return code
