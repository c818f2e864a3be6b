"""The option ``--plugin FILE`` of every command that looks up names which plug-ins can add."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from inspect import Parameter
from typing import Annotated, Any

import typer

from accelsim import plugin
from accelsim.config.plugins.faults import plugin_errors_told

_NAME = "plugins"
_OPTION = Annotated[
    list[str],
    typer.Option(
        "--plugin",
        metavar="FILE.py",
        help="Run this Python file and use the rules, layers, PE kinds and importers that it "
        "declares; may be repeated.",
        show_default=False,
    ),
]


def with_plugins(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the option added. The files are loaded before it runs. An error in a
    plug-in's code is reported as a one-line fault.
    """
    own = inspect.signature(command, eval_str=True)
    option = Parameter(_NAME, Parameter.KEYWORD_ONLY, default=[], annotation=_OPTION)
    parameters = [*own.parameters.values(), option]

    @functools.wraps(command)
    def call(**given: Any) -> None:
        with plugin_errors_told(), plugin.loaded(given.pop(_NAME)):
            command(**given)

    call.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # what typer reads
    call.__annotations__ = {each.name: each.annotation for each in parameters}
    return call
