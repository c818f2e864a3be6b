"""Arguments of `simulate` and `compare` (their own and every field of `Setting`), and the watchers
of a run.

Each function has one parameter, a dataclass of all its arguments. `taking` gives the function the
signature of that dataclass, so that types, defaults and tab completion come from the fields.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

from accelsim.config.suggest import did_you_mean
from accelsim.experiment.setting import MACHINE, RULE, Setting
from accelsim.machine.architecture import Machine
from accelsim.machine.loading import load_machine
from accelsim.rules.spelling import AnyRule
from accelsim.sim.observers import Observer, ProgressObserver
from accelsim.workload.loading import load_network
from accelsim.workload.network import Network

Parameters = ParamSpec("Parameters")
Arguments = TypeVar("Arguments")
Answer = TypeVar("Answer")
Progress = Callable[[int, int, str], None]
"""Called with (ops done, number of ops, name of the run)."""


@dataclass(frozen=True, repr=False)
class Simulation(Setting):
    """Arguments of `simulate`. ``observers`` watch the run of each kind of step."""

    workload: str | Path | Network
    machine: str | Path | Machine = MACHINE
    _: KW_ONLY
    rule: str | AnyRule = RULE
    progress: Progress | None = None
    observers: Sequence[Observer] = ()


@dataclass(frozen=True, repr=False)
class Comparing(Setting):
    """Arguments of `compare`."""

    workload: str | Path | Network
    machines: str | Path | Machine | Sequence[str | Path | Machine]
    rules: str | Sequence[str | AnyRule]
    _: KW_ONLY
    progress: Progress | None = None


def taking(
    arguments: Callable[Parameters, Arguments],
) -> Callable[[Callable[[Arguments], Answer]], Callable[Parameters, Answer]]:
    """A decorator that gives a function of one ``Arguments`` the signature of that dataclass. The
    function raises TypeError for an unknown argument, and suggests the name that may be meant.
    """
    declared = inspect.signature(arguments)
    own = inspect.get_annotations(arguments)  # those of the dataclass itself come first
    signature = declared.replace(
        parameters=sorted(
            declared.parameters.values(), key=lambda each: (each.kind, each.name not in own)
        )
    )
    known = signature.parameters

    def decorated(function: Callable[[Arguments], Answer]) -> Callable[Parameters, Answer]:
        @functools.wraps(function)
        def call(*given: Parameters.args, **named: Parameters.kwargs) -> Answer:
            for name in named:
                if name not in known:
                    raise TypeError(
                        f"{function.__name__}() has no argument {name}{did_you_mean(name, known)}"
                    )
            return function(arguments(*given, **named))

        returned = function.__annotations__.get("return", signature.empty)
        call.__signature__ = signature.replace(return_annotation=returned)  # type: ignore[attr-defined]  # what inspect reads
        call.__annotations__ = {
            **{name: each.annotation for name, each in known.items()},
            "return": returned,
        }
        return call

    return decorated


def as_network(workload: str | Path | Network) -> Network:
    """The given network, or the one of a built-in name or a file. InputError as `load_network`."""
    return workload if isinstance(workload, Network) else load_network(workload)


def as_machine(machine: str | Path | Machine) -> Machine:
    """The given machine, or the one of a built-in name or a file. InputError as `load_machine`."""
    return machine if isinstance(machine, Machine) else load_machine(machine)


@dataclass(frozen=True)
class Watchers:
    """The progress bar and the observers of a run; both are optional."""

    progress: Progress | None = None
    observers: tuple[Observer, ...] = ()

    def of(self, shown: str) -> tuple[Observer, ...]:
        """The observers of one run; ``shown`` is its name in the progress bar."""
        report = self.progress
        if report is None:
            return self.observers
        return (*self.observers, ProgressObserver(lambda done, of: report(done, of, shown)))
