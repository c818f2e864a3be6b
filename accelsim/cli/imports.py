"""The options of an import, for every command that reads a network: ``--shape``, ``--strict`` and
``--loss-output``.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accelsim.errors import InputError

if TYPE_CHECKING:
    from accelsim.workload.importers.options import ImportOptions
    from accelsim.workload.network import Network

SUFFIX = ".onnx"

_OPTIONS: dict[str, tuple[Any, Any]] = {
    "shape": (
        Annotated[
            list[str],
            typer.Option(
                "--shape",
                metavar="NAME=1x3x224x224",
                help="Shape of an input of an ONNX file; may be repeated.",
                show_default=False,
            ),
        ],
        [],
    ),
    "strict": (
        Annotated[
            bool,
            typer.Option("--strict", help="Refuse an ONNX file with operators that are unknown."),
        ],
        False,
    ),
    "loss_output": (
        Annotated[
            str,
            typer.Option(
                "--loss-output",
                metavar="NAME",
                help="Output of an ONNX file that gets the loss.",
                show_default=False,
            ),
        ],
        "",
    ),
}


def with_import_options(place: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command the options of an import. Its argument ``place``, the name of a network,
    arrives as the network if it names an ONNX file.
    """

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        def call(given: dict[str, Any], options: ImportOptions | None) -> None:
            given[place] = read_network(given[place], options)
            command(**given)

        return _declared(command, call)

    return decorated


def with_options_of_files(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of an import as one argument ``importing``, None if none is
    given.
    """

    def call(given: dict[str, Any], options: ImportOptions | None) -> None:
        command(**given, importing=options)

    return _declared(command, call, hidden="importing")


def _declared(
    command: Callable[..., None],
    call: Callable[[dict[str, Any], ImportOptions | None], None],
    hidden: str = "",
) -> Callable[..., None]:
    own = inspect.signature(command, eval_str=True)
    made = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=usual, annotation=annotation)
        for name, (annotation, usual) in _OPTIONS.items()
    ]
    parameters = [each for each in own.parameters.values() if each.name != hidden]
    parameters += made

    @functools.wraps(command)
    def wrapped(**given: Any) -> None:
        texts = {name: given.pop(name) for name in _OPTIONS}
        call(given, _options(texts))

    wrapped.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # what typer reads
    wrapped.__annotations__ = {each.name: each.annotation for each in parameters}
    return wrapped


def _options(texts: dict[str, Any]) -> ImportOptions | None:
    """The options of an import; None if none is given. InputError for faulty shapes."""
    if not any(texts.values()):
        return None
    from accelsim.workload.importers.options import ImportOptions, parsed_shapes

    return ImportOptions(parsed_shapes(texts["shape"]), texts["strict"], texts["loss_output"])


def read_network(name: str, options: ImportOptions | None) -> str | Network:
    """The network of an ONNX file, with its notes printed on stderr; other names as they are.
    InputError for options with other files.
    """
    if Path(name).suffix.lower() != SUFFIX:
        if options is not None:
            raise InputError(
                f"--shape, --strict and --loss-output must be used with a file of {SUFFIX}, got "
                f"{name}"
            )
        return name
    from accelsim.workload.loading import load_network

    network = load_network(name, options)
    for note in network.notes:
        print(f"{name}: note: {note}", file=sys.stderr)
    return network
