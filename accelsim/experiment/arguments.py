"""Arguments of `simulate` and `compare` (their own and every field of `RunSetting`), and the
watchers of a run.

Each function has one parameter, a dataclass of all its arguments. `taking` gives the function the
signature of that dataclass, so that types, defaults and tab completion come from the fields.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from accelsim.config.reading.options import argument
from accelsim.config.reading.values import Faults, instance
from accelsim.config.reading.values import function as a_function
from accelsim.config.suggest import did_you_mean
from accelsim.dram.trace import TraceFile
from accelsim.experiment.setting import MACHINE, RULE, RunSetting
from accelsim.experiment.training_setting import RULE_RULE, one_rule
from accelsim.machine.architecture import Machine
from accelsim.machine.loading import load_machine
from accelsim.machine.variants import chosen
from accelsim.rules.declaration import RuleSpec
from accelsim.rules.spelling import AnyRule
from accelsim.sim.observers import DramTracer, Observer, ProgressObserver
from accelsim.workload.loading import load_network
from accelsim.workload.network import Network

Parameters = ParamSpec("Parameters")
Arguments = TypeVar("Arguments")
Answer = TypeVar("Answer")
Progress = Callable[[int, int, str], None]
"""Called with (ops done, number of ops, name of the run)."""


MACHINE_RULE = "a built-in name, a file or a Machine"


def _workload(name: str, value: Any) -> Any:
    return instance(name, value, (str, Path, Network), "a built-in name, a file or a Network")


def _machine(name: str, value: Any) -> Any:
    return instance(name, value, (str, Path, Machine), MACHINE_RULE)


def _each(read: Callable[[str, Any], Any], alone: tuple[type[Any], ...], rule: str) -> Any:
    """A reader of a list, of a single value, or of a text with commas, which stays a text."""

    def each(name: str, value: Any) -> Any:
        if isinstance(value, str):
            return value
        if isinstance(value, alone):
            return (value,)
        instance(name, value, (list, tuple), f"{rule}, or a list of them")
        faults = Faults()
        for at, one in enumerate(value):
            faults.take(partial(read, f"{name}[{at}]", one), None)
        faults.refuse()
        return tuple(value)

    return each


def _observers(name: str, value: Any) -> tuple[Observer, ...]:
    rule = "a list of Observer objects"
    return tuple(
        instance(name, each, Observer, rule) for each in instance(name, value, (list, tuple), rule)
    )


WORKLOAD = argument(_workload)


@dataclass(frozen=True, repr=False)
class Simulation(RunSetting):
    """Arguments of `simulate`. ``observers`` watch the run of each kind of step."""

    workload: str | Path | Network = field(metadata=WORKLOAD)
    machine: str | Path | Machine = field(default=MACHINE, metadata=argument(_machine))
    _: KW_ONLY
    rule: str | AnyRule = field(default=RULE, metadata=argument(one_rule))
    progress: Progress | None = field(default=None, metadata=argument(a_function))
    observers: Sequence[Observer] = field(default=(), metadata=argument(_observers))


@dataclass(frozen=True, repr=False)
class Comparing(RunSetting):
    """Arguments of `compare`. ``variants``: names of structural variants of each machine."""

    workload: str | Path | Network = field(metadata=WORKLOAD)
    machines: str | Path | Machine | Sequence[str | Path | Machine] = field(
        metadata=argument(_each(_machine, (Path, Machine), MACHINE_RULE))
    )
    rules: str | AnyRule | Sequence[str | AnyRule] = field(
        metadata=argument(_each(one_rule, (RuleSpec,), RULE_RULE))
    )
    _: KW_ONLY
    variants: str | Sequence[str] | None = field(default=None, metadata=argument(chosen))
    progress: Progress | None = field(default=None, metadata=argument(a_function))


def taking(
    arguments: Callable[Parameters, Arguments],
) -> Callable[[Callable[[Arguments], Answer]], Callable[Parameters, Answer]]:
    """A decorator that gives a function of one ``Arguments`` the signature of that dataclass. The
    function raises TypeError for an unknown argument, which suggests the name that may be meant,
    and for one too many or too few.
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
                    meant = did_you_mean(name, known) or _did_you_abbreviate(name, known)
                    raise TypeError(f"{function.__name__}() has no argument {name}{meant}")
            try:
                signature.bind(*given, **named)
            except TypeError as error:
                raise TypeError(f"{function.__name__}(): {error}") from None
            return function(arguments(*given, **named))

        returned = function.__annotations__.get("return", signature.empty)
        call.__signature__ = signature.replace(return_annotation=returned)  # type: ignore[attr-defined]  # what inspect reads
        call.__annotations__ = {
            **{name: each.annotation for name, each in known.items()},
            "return": returned,
        }
        return call

    return decorated


def _did_you_abbreviate(name: str, known: Iterable[str]) -> str:
    """A hint at ``learning_rate`` for ``lr``."""
    initials = {"".join(word[:1] for word in each.split("_")): each for each in known}
    return f"; did you mean {initials[name]}?" if len(name) > 1 and name in initials else ""


def as_network(workload: str | Path | Network) -> Network:
    """The given network, or the one of a built-in name or a file. InputError as `load_network`."""
    return workload if isinstance(workload, Network) else load_network(workload)


def as_machine(machine: str | Path | Machine) -> Machine:
    """The given machine, or the one of a built-in name or a file. InputError as `load_machine`."""
    return machine if isinstance(machine, Machine) else load_machine(machine)


@dataclass(frozen=True)
class Watchers:
    """The progress bar, the observers and the DRAM trace files of runs; all are optional.

    ``traces``: files by name of the run, see `run_name`. ``label``: label of the runs.
    """

    progress: Progress | None = None
    observers: tuple[Observer, ...] = ()
    traces: Mapping[str, TraceFile] = field(default_factory=dict)
    label: str = ""

    def of(self, shown: str, kind: str) -> tuple[Observer, ...]:
        """The observers of one run. ``shown``: its name in the progress bar. ``kind``: kind of
        step, empty if the rule has only one.
        """
        observers, report = list(self.observers), self.progress
        if self.traces:
            observers.append(DramTracer(self.traces[run_name(self.label, kind)].write))
        if report is not None:
            observers.append(ProgressObserver(lambda done, of: report(done, of, shown)))
        return tuple(observers)


def run_name(label: str, kind: str) -> str:
    """Name of a run's files: ``near-memory/hdfa`` and ``bp`` -> ``near-memory-hdfa-bp``."""
    from accelsim.report.files import folder_name

    return folder_name("/".join(each for each in (label, kind) if each))
