"""Tables of areas, and of the prices and areas on which results are based."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from accelsim.config.names import Component
from accelsim.report.runs import Runs, ratio
from accelsim.report.style import COMPONENT_NAMES, component_columns
from accelsim.report.table import Column, Table
from accelsim.results.result import AreaSource, EnergySource, Result

Entry = TypeVar("Entry")


def area_table(runs: Runs) -> Table:
    """A row per machine: its area by component. Components with an unverified area are starred; the
    note lists them. No rows if no area is known.
    """
    machines = machines_of(runs)
    found = {name for result in machines for name in result.area_by_component_mm2 or {}}
    names = [name for name in component_columns(found) if name != Component.LEAKAGE]
    columns: tuple[Column[Result], ...] = (
        Column("arch", "machine", "text"),
        *(
            Column(
                f"{name}_mm2", _area_heading(name, machines), "number", partial(_area, name=name)
            )
            for name in names
        ),
        Column("total_mm2", f"total{runs.area_star}", "number", lambda each: each.area_mm2),
        Column(
            "area_ratio",
            "ratio" if len(machines) > 1 else "",
            "ratio",
            lambda each: ratio(each.area_mm2, runs.baseline.area_mm2),
        ),
    )
    weak = sorted(
        {
            f"{entry.component}.{entry.part}"
            for result in machines
            for entry in result.area_sources
            if not entry.verified
        }
    )
    notes = (f"* includes areas without a verified source: {', '.join(weak)}",) if weak else ()
    return Table.of("area", "Area by component in mm2", columns, machines, notes)


def machines_of(runs: Runs) -> list[Result]:
    """The first result of each machine with a known area."""
    first = {each.arch: each for each in reversed(runs.results) if each.area_mm2 is not None}
    return list(reversed(first.values()))


def _area(result: Result, name: str) -> float | None:
    return (result.area_by_component_mm2 or {}).get(name)


def _area_heading(name: str, results: Sequence[Result]) -> str:
    """Heading of a component's area; empty if the component is off the chip, or absent, in all
    machines.
    """
    if all(_area(result, name) is None for result in results):
        return ""
    star = "*" if any(name in result.unverified_areas() for result in results) else ""
    return COMPONENT_NAMES.get(name, name).replace(" ", "\n") + star


def sources_table(runs: Runs) -> Table:
    """Every energy price used on each machine, with its source and whether it was verified."""
    columns: tuple[Column[_MachinePrice], ...] = (
        Column("arch", "machine", "text"),
        Column("component", "component", "text", lambda each: each.price.component),
        Column("action", "action", "text", lambda each: each.price.action),
        Column("pj", "price", "energy", lambda each: each.price.pj),
        Column("verified", "verified", "text", lambda each: _yes(each.price.verified)),
        Column("source", "source", "text", lambda each: each.price.source),
    )
    entries = {
        (result.arch, entry.component, entry.action, entry.pj): _MachinePrice(result.arch, entry)
        for result in runs.results
        for entry in result.sources()
    }
    return Table.of("energy_sources", "Energy prices", columns, _in_order(entries))


@dataclass(frozen=True)
class _MachinePrice:
    arch: str
    price: EnergySource


@dataclass(frozen=True)
class _MachinePart:
    arch: str
    area: AreaSource


def area_sources_table(runs: Runs) -> Table:
    """Every part's area, with its source and whether the source was verified."""
    columns: tuple[Column[_MachinePart], ...] = (
        Column("arch", "machine", "text"),
        Column("component", "component", "text", lambda each: each.area.component),
        Column("part", "part", "text", lambda each: each.area.part),
        Column("mm2", "mm2", "number", lambda each: each.area.mm2),
        Column("verified", "verified", "text", lambda each: _yes(each.area.verified)),
        Column("source", "source", "text", lambda each: each.area.source),
    )
    entries = {
        (result.arch, entry.component, entry.part, entry.mm2): _MachinePart(result.arch, entry)
        for result in runs.results
        for entry in result.area_sources
    }
    return Table.of("area_sources", "Areas of parts", columns, _in_order(entries))


def _yes(verified: bool) -> str:
    return "yes" if verified else "no"


def _in_order(entries: Mapping[Any, Entry]) -> list[Entry]:
    """Values in the order of their keys."""
    return [entries[key] for key in sorted(entries)]
