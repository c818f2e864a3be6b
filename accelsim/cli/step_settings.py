"""Options of a training step, which simulate, compare and map share: one per field of
`accelsim.experiment.setting.Setting` that has one.

A command declares the parameter ``settings: StepSettings`` in their place.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import Annotated, Any

import typer

from accelsim.cli import values
from accelsim.experiment.setting import Option, default, options

_PLACE = "settings"


@dataclass(frozen=True)
class StepSettings:
    """The options of a step as texts, by field of `Setting`."""

    texts: Mapping[str, Any]

    def read(self) -> dict[str, Any]:
        """Keyword arguments of `simulate` and `compare`. InputError with every faulty option."""
        faults = values.Faults()
        settings = {
            name: faults.take(lambda name=name, option=option: self._read(name, option), None)  # type: ignore[misc]
            for name, option in options().items()
        }
        faults.refuse()
        return settings

    def _read(self, name: str, option: Option) -> Any:
        return option.read(_flag(name), self.texts[name])


def with_step_settings(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option per field in place of its parameter ``settings``."""
    own = inspect.signature(command, eval_str=True)
    parameters = [
        each
        for parameter in own.parameters.values()
        for each in (_parameters() if parameter.name == _PLACE else [parameter])
    ]

    @functools.wraps(command)
    def call(**given: Any) -> None:
        texts = {name: given.pop(name) for name in options()}
        command(**given, settings=StepSettings(texts))

    call.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # what typer reads
    call.__annotations__ = {each.name: each.annotation for each in parameters}
    return call


def _parameters() -> list[Parameter]:
    return [_parameter(name, option) for name, option in options().items()]


def _parameter(name: str, option: Option) -> Parameter:
    """A field as typer declares an option: a flag, a text, or a text that may be repeated."""
    usual = default(name)
    kind: Any = str
    if isinstance(usual, bool):
        kind = bool
    elif option.repeats:
        kind, usual = list[str], [usual]
    elif usual is None:
        kind = str | None
    else:
        usual = str(usual)
    metavar = option.metavar or None
    declared = typer.Option(_flag(name), metavar=metavar, help=option.help)
    return Parameter(
        name, Parameter.KEYWORD_ONLY, default=usual, annotation=Annotated[kind, declared]
    )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
