"""The settings that decide a result, apart from workload, machine and rule: `Setting`.

Each field states its name, type, default, help text and rule once. `simulate` and `compare` take
the fields as keyword arguments; the commands simulate, compare and map take them as options. The
command line reads this module before any heavy import, so the module itself imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelsim.config.models.limits import LARGEST_BATCH
from accelsim.config.names import OptimizerName, Schedule
from accelsim.config.reading.options import Options, argument, option
from accelsim.config.reading.values import (
    comma_list,
    flag,
    function,
    instance,
    one_of,
    shown,
    whole,
    written_file,
)
from accelsim.errors import InputError

if TYPE_CHECKING:
    from accelsim.experiment.trace_choice import TraceArgument
    from accelsim.step.ops import Pass, TrainingStep
    from accelsim.workload.network import Network

    Transform = Callable[[TrainingStep], TrainingStep]

MACHINE = "near-memory"
RULE = "bp"
"""Default machine and learning rule."""
SAMPLES, MOST_SAMPLES = 2000, 1_000_000
"""Default and maximum number of draws of the prices."""


def _batch(name: str, value: object) -> int | None:
    return None if value is None else whole(name, value, 1, LARGEST_BATCH)


def _seed(name: str, value: object) -> int:
    return whole(name, value, 0)


def _samples(name: str, value: object) -> int:
    return whole(name, value, 0, MOST_SAMPLES)


def _prices(name: str, value: object) -> Path | None:
    if value is None:
        return None
    path = Path(str(instance(name, value, (str, Path), "a file")))
    if not path.is_file():
        raise InputError(f"{name} must be a file of prices, got {path}: no such file")
    return path


def _schedule(name: str, value: object) -> str:
    return one_of(name, value, tuple(map(str, Schedule)))


def _optimizer(name: str, value: object) -> str:
    return one_of(name, value, tuple(map(str, OptimizerName)))


def _objective(name: str, value: object) -> str | None:
    from accelsim.machine.mapping_choice import OBJECTIVES  # imports pydantic

    return None if value is None else one_of(name, value, OBJECTIVES)


def _checkpoint(name: str, value: object) -> str | None:
    if value is None:
        return None
    form, _, number = str(value).partition("=")
    if form.strip() != "every" or not number.strip().isdecimal() or not int(number):
        raise InputError(f"{name} must be every=N with a whole N >= 1, got {shown(value)}")
    return f"every={int(number)}"


SEED = option("N", "Seed of everything drawn at random.", _seed)


def _passes(name: str, value: Any) -> tuple[Pass, ...]:
    """The passes, each once and in the order of a training step, from names in any
    order and case.
    """
    from accelsim.step.ops import Pass

    rule = "a comma-separated list of ff, ep, wg, wu"
    if isinstance(value, str):
        names = comma_list(name, value)
    else:
        names = tuple(map(str, instance(name, value, Iterable, rule)))
    known = [each.upper() for each in names]
    if not names or not set(known) <= set(Pass):
        got = value if isinstance(value, str) else ",".join(names) or "nothing"
        raise InputError(f"{name} must be {rule}, got {got}")
    return tuple(each for each in Pass if each in known)


_TRACE_WORDS = ("shipped", "dense")
_RANDOM = "random:"


def _trace(name: str, value: Any) -> TraceArgument:
    """A single value, or a tuple of several files."""
    if isinstance(value, list | tuple):
        if len(value) != 1:
            return _files(name, value)
        value = value[0]
    if not isinstance(value, str | Path):
        from accelsim.zeros.trace import Trace  # imports NumPy

        density = isinstance(value, float) and 0.0 <= value <= 1.0
        meant = f"; did you mean {_RANDOM}{value:g}?" if density else ""
        if not isinstance(value, Trace):
            raise InputError(f"{name} must be {_TRACE_RULE}, got {shown(value)}{meant}")
    elif str(value).startswith(_RANDOM):
        _density(name, str(value))
    kept: TraceArgument = value
    return kept


_TRACE_RULE = "shipped, dense, random:DENSITY, a file, a list of files or a Trace"


def _density(name: str, text: str) -> None:
    try:
        right = 0.0 <= float(text.removeprefix(_RANDOM)) <= 1.0
    except ValueError:
        right = False
    if not right:
        raise InputError(f"{name} random:DENSITY must have a density between 0 and 1, got {text}")


def _files(name: str, value: Sequence[Any]) -> tuple[str | Path, ...]:
    if not value:
        raise InputError(f"{name} must be {_TRACE_RULE}, got nothing")
    texts = [
        str(instance(f"{name}[{at}]", each, (str, Path), "a file")) for at, each in enumerate(value)
    ]
    if any(text in _TRACE_WORDS or text.startswith(_RANDOM) for text in texts):
        words = "shipped, dense and random:DENSITY cannot be combined with others"
        raise InputError(
            f"{name} must be files when there are several: {words}, got {', '.join(texts)}"
        )
    return tuple(value)


@dataclass(frozen=True, kw_only=True, repr=False)
class Setting(Options):
    """Settings of a training step, shared by `simulate`, `compare` and `accelsim map`.

    Every field is a keyword argument of `simulate` and `compare`; ``**setting`` passes all of them.
    InputError with every faulty field.

    ``batch``: samples per step; None for that of the workload. ``trace``: the source of zeros:
    ``"shipped"``, ``"dense"``, ``"random:DENSITY"``, a file, files of different rule families, or a
    `Trace`. ``trace_any_rule``: accept the trace of another rule family. ``passes``: passes to
    report; the whole step is simulated. ``schedule``: ``"serial"`` or ``"unlocked"``.
    ``optimizer``: ``"sgd"``, ``"momentum"``, ``"adam"``, ``"adamw"`` or ``"lion"``.
    ``checkpoint``: ``"every=N"`` keeps the maps between each N weighted layers and makes the others
    again in the backward walk; None keeps all. ``microbatch``: samples that are processed at once,
    a divisor of the batch; None for the whole batch.
    ``objective``: of the choice among mappings: ``"canonical"``, ``"cycles"``, ``"energy"`` or
    ``"edp"``; None for that of the machine, ``"edp"`` if its file states none. ``warm``: true for a
    step of the steady state, false for the first step, at whose beginning nothing is on the chip.
    ``prices``: a file of prices that replace those of the machine (docs/energy.md), or None.
    ``seed``: seed of everything drawn at random. ``transform``: changes the lowered ops before they
    run. The result keeps the rule's name, and its hash is that of the changed ops.

    >>> import accelsim
    >>> setting = accelsim.Setting(batch=4, trace="random:0.5")
    >>> setting
    Setting(batch=4, trace='random:0.5')
    >>> setting.replace(batch=8).batch
    8
    >>> accelsim.simulate("mnist-fc", **setting).batch
    4
    """

    batch: int | None = field(
        default=None,
        metadata=option("N", "Samples per step; default: that of the workload.", _batch),
    )
    trace: TraceArgument = field(
        default="shipped",
        metadata=option(
            "T",
            "Source of zeros: shipped, dense, random:DENSITY or a .npz file; repeat it for one "
            "file per rule family.",
            _trace,
            repeats=True,
        ),
    )
    trace_any_rule: bool = field(
        default=False,
        metadata=option(
            "", "Accept a trace of another rule family; the result has a note on it.", flag
        ),
    )
    passes: str | Sequence[str] = field(
        default="ff,ep,wg,wu",
        metadata=option("LIST", "Passes to report; the whole step is simulated.", _passes),
    )
    schedule: str = field(
        default="serial", metadata=option("S", "Order of ops: serial or unlocked.", _schedule)
    )
    optimizer: str = field(
        default="momentum",
        metadata=option(
            "O", "Optimizer of the weight update: sgd, momentum, adam, adamw or lion.", _optimizer
        ),
    )
    checkpoint: str | None = field(
        default=None,
        metadata=option(
            "every=N",
            "Keep the maps between each N weighted layers for the backward passes, and make the "
            "others again; default: keep all.",
            _checkpoint,
        ),
    )
    microbatch: int | None = field(
        default=None,
        metadata=option(
            "N", "Samples processed at once, before one update; default: the whole batch.", _batch
        ),
    )
    objective: str | None = field(
        default=None,
        metadata=option(
            "O",
            "Mappings and places: canonical, or the best found for cycles, energy or edp; default: "
            "the machine's own objective, else edp.",
            _objective,
        ),
    )
    warm: bool = field(
        default=True,
        metadata=option(
            "",
            "A step of the steady state, or the first one, which loads weights and all else that "
            "stays on the chip from DRAM.",
            flag,
        ),
    )
    prices: str | Path | None = field(
        default=None,
        metadata=option(
            "FILE",
            "Prices that replace the machine's: a .csv overlay, or a .yaml map into an Accelergy "
            "ERT.",
            _prices,
        ),
    )
    seed: int = field(default=0, metadata=SEED)
    transform: Transform | None = field(default=None, metadata=argument(function))

    def __repr__(self) -> str:
        usual = Setting()
        given = (
            f"{name}={getattr(self, name)!r}"
            for name in self.keys()
            if getattr(self, name) != getattr(usual, name)
        )
        return f"Setting({', '.join(given)})"

    def keys(self) -> Iterator[str]:
        """Names of the fields. ``**setting`` needs this method and ``__getitem__``."""
        return (each.name for each in fields(Setting))

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def of(self, network: Network) -> NetworkSetting:
        """The setting for one network, with its batch and passes resolved. InputError for a
        microbatch that does not divide the batch.
        """
        batch = network.batch if self.batch is None else self.batch
        if self.microbatch and batch % self.microbatch:
            raise InputError(f"microbatch must divide the batch of {batch}, got {self.microbatch}")
        return NetworkSetting(self, batch, _passes("passes", self.passes))


@dataclass(frozen=True, kw_only=True, repr=False)
class RunSetting(Setting):
    """A setting, the draws of the prices, and the files that `simulate` and `compare` write as they
    run.

    ``samples``: draws of the prices for the intervals of energies (docs/energy.md); 0 for no
    intervals. ``sample_seed``: seed of these draws, apart from ``seed``.
    ``dram_trace``: CSV file for every burst of the DRAM (docs/dram.md), or None. If there are
    several runs, each has a file of its own: ``t-dfa.csv`` instead of ``t.csv``.
    """

    samples: int = field(
        default=SAMPLES,
        metadata=option(
            "N", "Draws of the prices for the intervals of energies; 0 for none.", _samples
        ),
    )
    sample_seed: int = field(default=0, metadata=option("N", "Seed of these draws.", _seed))
    dram_trace: str | Path | None = field(
        default=None,
        metadata=option(
            "FILE.csv",
            "Also write every DRAM burst to this file, or to one file per run; `accelsim dram` "
            "can replay it.",
            written_file,
        ),
    )


@dataclass(frozen=True)
class NetworkSetting:
    """A setting for one network. ``batch``: samples per step. ``passes``: those to report, in the
    order of a step.
    """

    given: Setting
    batch: int
    passes: tuple[Pass, ...]

    @property
    def samples(self) -> int:
        """Samples processed at once: a microbatch, or the batch."""
        return self.given.microbatch or self.batch

    @property
    def checkpoint_every(self) -> int:
        """Weighted layers per checkpoint; 0 without checkpoints."""
        return int((self.given.checkpoint or "=0").partition("=")[2])

    @property
    def part(self) -> tuple[Pass, ...]:
        """The passes to report if they are not all, else ()."""
        from accelsim.step.ops import Pass

        return self.passes if len(self.passes) < len(Pass) else ()
