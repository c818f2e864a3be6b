"""The command line: parse, call, print. Everything heavy is imported inside the command that needs it.

Exit codes: 0 done, 1 a check failed, 2 the input is wrong or a result cannot be delivered (one line a fault on stderr), 130 interrupted, 141 the
reader of stdout went away. Results go to stdout; faults, progress and the names of written files to stderr.
"""

from __future__ import annotations

import io
import os
import shlex
import sys
from collections.abc import Callable, Mapping
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
    str | None,
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
    folder = _folder(out)
    from accelsim import experiment
    from accelsim.progress import bar
    from accelsim.report import files

    with bar() as progress:
        document = experiment.simulate(workload, arch, rule, **settings, progress=progress).to_json()
    _deliver(document, as_json, folder, files.write_simulation)
    if folder is not None:
        print(f"wrote {folder / 'result.json'}", file=sys.stderr)


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
    folder = _folder(out)
    _refuse_namesakes(archs)
    from accelsim import experiment
    from accelsim.progress import bar
    from accelsim.report import files

    with bar() as progress:
        document = experiment.compare(workload, archs, chosen, **settings, progress=progress).to_json()
    _deliver(document, as_json, folder, files.write_comparison)
    if folder is not None:
        print(f"wrote {folder / 'comparison.json'}, tables and plots", file=sys.stderr)


@app.command()
def plot(
    results: Annotated[list[Path], typer.Argument(metavar="RESULT...", help="result.json and comparison.json files.", show_default=False)],
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="DIR", help="Folder for plots and tables; by default that of the first RESULT.", show_default=False),
    ] = None,
) -> None:
    """Draw plots of saved results.

    The plots and tables of a comparison, of any results side by side; nothing is simulated.
    """
    from accelsim.report import document as documents
    from accelsim.report import files
    from accelsim.report.tables import Runs

    chosen = _folder(out)
    loaded: list[documents.ResultDocument | documents.ComparisonDocument] = []
    faults: list[Fault] = []
    for path in results:
        try:
            loaded.append(documents.load(path))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(*faults)
    folder = chosen if chosen is not None else results[0].parent
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
def schema(
    kind: Annotated[str, typer.Argument(metavar="arch|workload|dram|technology|result", help="Which kind of file.", show_default=False)],
) -> None:
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
    learning_rate: Annotated[str, typer.Option("--learning-rate", metavar="X", help="Learning rate.")] = "0.003",
    optimizer: Optimizer = "momentum",
    seed: Seed = "0",
) -> None:
    """Train, and record where zeros are.

    NETWORK is trained with real data in accelsim's own reference implementation; the trace holds the zeros of its next step. Networks without
    recurrent layers can be trained whose input fits the images and that have at least as many outputs as the data has classes (10).
    """
    counts = {
        "steps": options.whole("--steps", steps, 0),
        "batch": options.whole("--batch", batch, 1, options.LARGEST_BATCH),
        "samples": options.whole("--samples", samples, 1),
        "seed": options.whole("--seed", seed, 0),
    }
    if counts["samples"] > counts["batch"]:
        raise InputError(f"--samples must be at most the --batch of {counts['batch']}, got {samples}")
    rate = options.positive("--learning-rate", learning_rate)
    options.one_of("--optimizer", optimizer, options.OPTIMIZERS)
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
            learning_rate=rate,
            optimizer_name=optimizer,
            command=shlex.join(["accelsim", *sys.argv[1:]]),
            progress=lambda done, of, loss: progress(done, of, f"loss {loss:.3f}"),
        )
    with staged(output.absolute().parent) as folder:
        made.write(folder / output.name)
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}; wrote {output}", file=sys.stderr)


def _settings(batch: str | None, trace: list[str], trace_any_rule: bool, passes: str, schedule: str, optimizer: str, seed: str) -> dict[str, Any]:
    return {
        "batch": None if batch is None else options.whole("--batch", batch, 1, options.LARGEST_BATCH),
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
    from accelsim.spec.machine import load_architecture

    files: dict[str, str] = {}
    for arch in archs:
        name = load_architecture(arch).name
        if name in files:
            raise InputError(f"--arch must be machines of different names, got {name} in {files[name]} and {arch}: change `name` in one of them")
        files[name] = arch


def _folder(out: str | None) -> Path | None:
    """The folder of --out; refused before a long run, not after it, when it cannot be one."""
    if out is None:
        return None
    if not out:
        raise InputError("--out must be a folder, got an empty name")
    from accelsim.report.files import refuse_unusable

    refuse_unusable(Path(out))
    return Path(out)


def _deliver(
    document: Mapping[str, Any], as_json: bool, out: Path | None, write: Callable[[Mapping[str, Any], Path, Callable[[], None]], None]
) -> None:
    """Print a document, and write it into ``out`` if that worked. A reader that stops reading has had enough: the files are written all the same."""
    stopped: list[BaseException] = []

    def show() -> None:
        try:
            _show(document, as_json)
        except (BrokenPipeError, SystemExit) as error:
            stopped.append(error)
        except OSError as error:
            raise InputError(_undelivered(error)) from None

    if out is None:
        show()
    else:
        write(document, out, show)
    if stopped:
        raise stopped[0]


def _show(document: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        from accelsim.report.files import dump

        text = dump(document)
        sys.stdout.write(text if _unicode(sys.stdout) else dump(document, ascii_only=True))
    else:
        from accelsim.report import console
        from accelsim.report.document import parse
        from accelsim.report.tables import Runs

        console.print_results(Runs.of([parse(document)]), console.stdout())
    sys.stdout.flush()


def _unicode(stream: Any) -> bool:
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf")


def _undelivered(error: OSError) -> str:
    """An error of the operating system in one line; one that names no file comes from writing to stdout."""
    return f"{error.filename or 'standard output cannot be written'}: {error.strerror or error}"


def _prepare_streams() -> None:
    """Make stderr safe to print to; what an encoding lacks is printed as ``?``. InputError when stdout is closed."""
    if sys.stderr is None:  # closed by the caller: print() would then write to stdout
        sys.stderr = io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if sys.stdout is None:
        raise InputError("standard output must be open, got a closed one")


def _discard_output() -> None:
    """What is still buffered has nowhere to go: give it a place, or the interpreter complains on its way out."""
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
        code = _faults(f"the input must be small enough for the memory of this computer{f': {error}' if str(error) else ''}")
    except OverflowError as error:
        code = _faults(f"the input must not make numbers beyond what can be counted: {error}")
    except OSError as error:
        code = _faults(_undelivered(error))
    if code == INTERRUPTED:  # typer makes an exit of a KeyboardInterrupt, so it may come as a code too
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
