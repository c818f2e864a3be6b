"""The command line: parse, call, print. Everything heavy is imported inside the command that needs
it.

Exit codes: 0 done, 1 a reproduced number does not come out as documented, 2 the input is wrong or a
result cannot be delivered (one line per fault on stderr), 130 interrupted, 141 the reader of stdout
went away. Results go to stdout; faults, progress and the names of written files to stderr.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import Annotated, NoReturn

import typer

from accelsim.cli.commands.files.check import check
from accelsim.cli.commands.files.import_ import import_
from accelsim.cli.commands.files.list import list_
from accelsim.cli.commands.files.plot import plot
from accelsim.cli.commands.files.prices import prices
from accelsim.cli.commands.files.schema import schema
from accelsim.cli.commands.files.show import show
from accelsim.cli.commands.simulation.compare import compare
from accelsim.cli.commands.simulation.dram import dram
from accelsim.cli.commands.simulation.map import show_mappings
from accelsim.cli.commands.simulation.reproduce import reproduce
from accelsim.cli.commands.simulation.simulate import simulate
from accelsim.cli.commands.training.trace import trace
from accelsim.cli.commands.training.train import train
from accelsim.cli.delivery import undelivered
from accelsim.cli.plugins import with_plugins
from accelsim.config.suggest import closest
from accelsim.errors import InputError
from accelsim.version import __version__

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

COMMANDS: tuple[tuple[str, Callable[..., None]], ...] = (
    ("simulate", simulate),
    ("compare", compare),
    ("plot", plot),
    ("check", check),
    ("import", import_),
    ("list", list_),
    ("show", show),
    ("prices", prices),
    ("schema", schema),
    ("trace", trace),
    ("train", train),
    ("reproduce", reproduce),
    ("dram", dram),
    ("map", show_mappings),
)
"""In the order of the help text."""
WITHOUT_PLUGINS = frozenset({"plot", "reproduce", "dram"})
"""Commands that look up no names which plug-ins can add."""
for _name, _command in COMMANDS:
    app.command(name=_name)(_command if _name in WITHOUT_PLUGINS else with_plugins(_command))


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
        code = _faults(f"accelsim: {_usage(error)}", code=error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except (BrokenPipeError, SystemExit):  # typer and rich turn a broken pipe into an exit
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
        code = _faults(undelivered(error))
    # Typer turns a KeyboardInterrupt into an exit, so it may also arrive as an exit code.
    if code == INTERRUPTED:
        print("interrupted", file=sys.stderr)
    sys.exit(code if isinstance(code, int) else 0)


def _usage(error: typer.TyperException) -> str:
    """The message of a wrong command line; for an unknown option with the one it resembles."""
    name = getattr(error, "option_name", "")
    meant = closest(name, getattr(error, "possibilities", None) or ())
    return f"No such option: {name}; did you mean {meant}?" if meant else error.format_message()


def _prepare_streams() -> None:
    """Make stderr safe to print to: characters that its encoding lacks are printed as ``?``.
    InputError when stdout is closed.
    """
    if sys.stderr is None:  # closed by the caller: print() would then write to stdout
        sys.stderr = io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if sys.stdout is None:
        raise InputError("standard output must be open, got a closed one")


def _discard_output() -> None:
    """Send buffered output to the null device; otherwise the interpreter reports at exit that it
    cannot write it.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _faults(*lines: str, code: int = 2) -> int:
    """Print one line per fault on stderr, and drop output that stdout did not take. Returns
    ``code``.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        _discard_output()
    for line in lines:
        print(line, file=sys.stderr)
    return code
