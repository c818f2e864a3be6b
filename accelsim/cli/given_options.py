"""Options of commands made from the fields of a dataclass: `Setting` for simulate, compare and map,
`TrainingSetting` for train and trace.

A command declares one parameter ``settings: GivenOptions`` instead of these options.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter
from typing import Annotated, Any

import typer

from accelsim.config.reading.options import Option, Options, default, options
from accelsim.config.reading.values import Faults

_PLACE = "settings"


@dataclass(frozen=True)
class GivenOptions:
    """The texts of options, by field of the dataclass that declares them."""

    declaring: type[Options]
    texts: Mapping[str, Any]

    def read(self, noted: Faults | None = None, **instead: Any) -> dict[str, Any]:
        """The values, by field. InputError with every faulty option. If ``noted`` is given, faults
        are collected there instead, and a faulty option takes its value from ``instead``, or its
        default.
        """
        faults = Faults() if noted is None else noted
        known = options(self.declaring)
        values = {
            name: faults.take(
                functools.partial(known[name].read, flag_of(name), text),
                instead.get(name, default(self.declaring, name)),
            )
            for name, text in self.texts.items()
        }
        if noted is None:
            faults.refuse()
        return values


def with_options(
    declaring: type[Options], names: Sequence[str] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command one option per field in place of its parameter ``settings``. ``names``, if
    any, restricts the fields.
    """
    known = {name: each for name, each in options(declaring).items() if not names or name in names}

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        made = [_parameter(declaring, name, each) for name, each in known.items()]
        parameters = [
            each
            for parameter in own.parameters.values()
            for each in (made if parameter.name == _PLACE else [parameter])
        ]

        @functools.wraps(command)
        def call(**given: Any) -> None:
            texts = {name: given.pop(name) for name in known}
            command(**given, settings=GivenOptions(declaring, texts))

        call.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]  # what typer reads
        call.__annotations__ = {each.name: each.annotation for each in parameters}
        return call

    return decorated


def flag_of(name: str) -> str:
    """``trace_any_rule`` -> ``--trace-any-rule``."""
    return f"--{name.replace('_', '-')}"


def _parameter(declaring: type[Options], name: str, option: Option) -> Parameter:
    """A field as typer declares an option: a flag, a text, or a text that may be repeated."""
    usual, flag = default(declaring, name), flag_of(name)
    kind: Any = str
    if isinstance(usual, bool):
        kind = bool
        flag += f"/--no-{flag[2:]}" if usual else ""
    elif option.repeats:
        kind, usual = list[str], [usual]
    elif usual is None:
        kind = str | None
    else:
        usual = str(usual)
    declared = typer.Option(
        flag,
        metavar=option.metavar or None,
        help=option.help,
        show_default=option.shows_default,
    )
    return Parameter(
        name, Parameter.KEYWORD_ONLY, default=usual, annotation=Annotated[kind, declared]
    )
