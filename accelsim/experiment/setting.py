"""Everything that decides a result besides workload, machine and rule, and who watches the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

from accelsim.config.names import Schedule
from accelsim.errors import InputError
from accelsim.experiment.trace_choice import TraceArgument
from accelsim.sim.observers import Observer, ProgressObserver
from accelsim.step.ops import Pass, TrainingStep
from accelsim.workload.network import Network

Progress = Callable[[int, int, str], None]
"""Called with (ops done, ops in all, name of the run)."""
Transform = Callable[[TrainingStep], TrainingStep]
ALL_PASSES = tuple(Pass)


class SettingOptions(TypedDict, total=False):
    """Keyword arguments of `simulate` and `compare`: the fields of `Setting`."""

    batch: int | None
    trace: TraceArgument
    trace_any_rule: bool
    passes: Sequence[str]
    schedule: str
    optimizer: str
    seed: int
    transform: Transform | None


@dataclass(frozen=True)
class Setting:
    """What simulate, compare and map share.

    ``batch``: samples per step, None for the workload's own. ``trace``: "shipped", "dense",
    "random:DENSITY", files, one per rule family, or a Trace in memory; ``trace_any_rule`` accepts
    another family's. ``schedule``: "serial" or "unlocked". ``transform`` changes the lowered ops
    before they run; the result keeps the rule's name, and its hash is that of the changed ops.
    """

    batch: int | None = None
    trace: TraceArgument = "shipped"
    trace_any_rule: bool = False
    passes: Sequence[str] = ALL_PASSES
    schedule: str = "serial"
    optimizer: str = "momentum"
    seed: int = 0
    transform: Transform | None = None

    def of(self, network: Network) -> NetworkSetting:
        """The setting for a network, its batch resolved. InputError with every fault."""
        batch = network.batch if self.batch is None else self.batch
        names = [str(name).upper() for name in self.passes]
        known = {str(each) for each in Pass}
        unknown = [
            str(name) for name, upper in zip(self.passes, names, strict=True) if upper not in known
        ]
        schedules = [str(each) for each in Schedule]
        rules = (
            (
                self.schedule in schedules,
                f"schedule must be one of {', '.join(schedules)}, got {self.schedule}",
            ),
            (batch >= 1, f"batch must be >= 1, got {batch}"),
            (self.seed >= 0, f"seed must be >= 0, got {self.seed}"),
            (
                bool(names) and not unknown,
                (
                    f"passes must be one or more of {', '.join(Pass)}, got "
                    f"{', '.join(unknown) or 'none'}"
                ),
            ),
        )
        faults = [fault for holds, fault in rules if not holds]
        if faults:
            raise InputError(*faults)
        passes = tuple(Pass(name) for name in names)
        return NetworkSetting(replace(self, passes=passes), batch, passes)


@dataclass(frozen=True)
class NetworkSetting:
    """A setting whose values suit a network."""

    given: Setting
    batch: int
    passes: tuple[Pass, ...]


@dataclass(frozen=True)
class Watchers:
    """Who hears of a run: a progress bar, and observers."""

    progress: Progress | None = None
    observers: tuple[Observer, ...] = ()

    def of(self, shown: str) -> tuple[Observer, ...]:
        """The observers of one run; ``shown`` names it to the progress bar."""
        report = self.progress
        if report is None:
            return self.observers
        return (*self.observers, ProgressObserver(lambda done, of: report(done, of, shown)))
