"""Structural variants of a machine: the choices that an interval of prices does not cover.

`VARIANTS` is the registry. A variant is a line of data: its name, the keys that it changes, and the
machines to which it applies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from accelsim.config.describe import join
from accelsim.config.reading.values import comma_list, instance
from accelsim.config.suggest import did_you_mean
from accelsim.errors import Fault, InputError
from accelsim.machine.architecture import Machine

ALL = "all"
BUFFER_WORDS = 64
"""Words of an operand buffer for a machine that has none, as in `near-memory`."""


@dataclass(frozen=True)
class OfNominal:
    """A voltage as a share of the nominal one of the machine's technology."""

    share: float


Keys = Mapping[str, object]
"""Values by dotted key of a machine file."""


def value_at(machine: Machine, key: str) -> Any:
    """Value of a machine at a dotted key. AttributeError if its kind of PE array lacks the key."""
    part: Any = machine
    for name in key.split("."):
        part = getattr(part, name)
    return part


def _buffered(machine: Machine, buffered: bool) -> bool:
    """Whether the machine's PEs may have an operand buffer, and have one, or have none."""
    words = getattr(machine.pe_array, "operand_buffer", None)
    return words is not None and bool(words) == buffered


def _any(_machine: Machine) -> bool:
    return True


@dataclass(frozen=True)
class Variant:
    """A changed machine. ``applies``: the machines that have the choice; `differs` is asked too."""

    name: str
    keys: Keys
    applies: Callable[[Machine], bool] = _any

    def values(self, nominal: float) -> dict[str, object]:
        """The changed keys. ``nominal``: voltage of the machine's technology."""
        return {
            key: round(nominal * value.share, 6) if isinstance(value, OfNominal) else value
            for key, value in self.keys.items()
        }

    def differs(self, machine: Machine, nominal: float) -> bool:
        """False for a machine that is the variant already."""
        return any(value_at(machine, key) != value for key, value in self.values(nominal).items())

    def of(self, machine: Machine, nominal: float) -> Machine:
        """The changed machine, whose name lists the changes. InputError with the faults of the
        machine file, such as that of a key that its kind of PE array lacks.
        """
        sections: dict[str, Any] = {}
        for key, value in self.values(nominal).items():
            *above, last = key.split(".")
            place = sections
            for name in above:
                place = place.setdefault(name, {})
            place[last] = value
        return machine.replace(**sections)


VARIANTS = (
    Variant(
        "operand_buffer=off", {"pe_array.operand_buffer": 0}, partial(_buffered, buffered=True)
    ),
    Variant(
        "operand_buffer=on",
        {"pe_array.operand_buffer": BUFFER_WORDS},
        partial(_buffered, buffered=False),
    ),
    Variant("clock_gating=none", {"clock_gating": "none"}),
    Variant("clock_gating=pe", {"clock_gating": "pe"}),
    Variant("clock_gating=lane", {"clock_gating": "lane"}),
    Variant("boundary=core", {"dram.boundary": "core"}),
    Variant("boundary=core_and_io", {"dram.boundary": "core_and_io"}),
    Variant("voltage=0.7x", {"voltage": OfNominal(0.7)}),
)


def chosen(name: str, value: str | Iterable[str] | None) -> tuple[str, ...]:
    """Names of variants, each once and in the order of the registry, from a text with commas or a
    list; ``all`` selects every one, None and nothing select none. InputError with every unknown
    name. ``name``: what the faults call the value.
    """
    if value is None or value == ():
        return ()
    known = (*(each.name for each in VARIANTS), ALL)
    rule = f"a comma-separated list of {', '.join(known)}"
    given = (
        comma_list(name, value)
        if isinstance(value, str)
        else instance(name, value, (list, tuple), rule)
    )
    faults = [
        Fault("", 0, 0, f"{name} must be {rule}, got {each}{did_you_mean(each, known)}")
        for each in given
        if each not in known
    ]
    if faults:
        raise InputError(*faults)
    return tuple(each.name for each in VARIANTS if each.name in given or ALL in given)


def variants_of(
    machine: Machine, names: Sequence[str], nominal: float
) -> Iterator[tuple[Variant, Machine]]:
    """The named variants that apply to a machine and differ from it, with the changed machines."""
    for variant in VARIANTS:
        if variant.name in names and variant.applies(machine) and variant.differs(machine, nominal):
            yield variant, variant.of(machine, nominal)


def refuse_idle(names: Sequence[str], machines: Sequence[tuple[Machine, float]]) -> None:
    """InputError for named variants that apply to none of the machines, given with the nominal
    voltages: the fault of the machine file where a machine lacks the key.
    """
    faults: list[Fault] = []
    for variant in VARIANTS:
        if variant.name not in names:
            continue
        idle = [
            (machine, nominal)
            for machine, nominal in machines
            if not variant.applies(machine) or not variant.differs(machine, nominal)
        ]
        if len(idle) < len(machines):
            continue
        try:
            for machine, nominal in idle:
                variant.of(machine, nominal)
        except InputError as error:
            faults += error.faults
        else:
            has = join([machine.name for machine, _ in idle], "and")
            text = f"variants must change one of the machines, got {variant.name}, as {has} already"
            faults.append(Fault("", 0, 0, f"{text} {'is' if len(idle) == 1 else 'are'}"))
    if faults:
        raise InputError(*dict.fromkeys(faults))
