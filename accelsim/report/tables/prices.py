"""Tables of areas, and of the prices and areas on which results are based."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from accelsim.config.names import Component
from accelsim.report.runs import Runs, ratio
from accelsim.report.style import COMPONENT_NAMES, component_columns, unsourced
from accelsim.report.table import Column, Table
from accelsim.results.machine import ListedPrice, PricesDocument
from accelsim.results.result import Result

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


@dataclass(frozen=True)
class _OnMachine(Generic[Entry]):
    """A price or an area, and the machine that has it."""

    arch: str
    entry: Entry


def sources_table(runs: Runs) -> Table:
    """Every energy price used on each machine, with its source and whether it was verified."""
    columns = _source_columns(
        "action",
        Column("pj", "price", "energy", lambda on: on.entry.pj),
        Column("low", "low", "energy", lambda on: on.entry.low),
        Column("high", "high", "energy", lambda on: on.entry.high),
    )
    prices = {
        (result.arch, each.component, each.action, each.pj): _OnMachine(result.arch, each)
        for result in runs.results
        for each in result.sources()
    }
    return Table.of("energy_sources", "Energy prices", columns, _in_order(prices))


def prices_table(document: PricesDocument) -> Table:
    """Every price of a machine with its bounds. The columns of the CSV file are those of an overlay
    (`--prices`), and the share of a run's energy if there is one.
    """
    run = document.result is not None
    columns: tuple[Column[ListedPrice], ...] = (
        Column("component", "component", "text"),
        Column("action", "action", "text"),
        Column("pj", "price", "energy"),
        Column("low", "low", "energy"),
        Column("high", "high", "energy"),
        *((Column("share", "share", "share"),) if run else ()),
        Column("source", "source", "text"),
        Column("verified", "verified", "text", lambda each: str(each.verified).lower()),
    )
    title = f"Prices of {document.machine} ({document.technology}, {document.dram})"
    notes: tuple[str, ...] = ()
    if document.unsourced is not None:
        share = unsourced(document.unsourced)
        notes = (f"shares are those of {document.result}; {share} of its energy is unsourced",)
    return Table.of("prices", title, columns, document.prices, notes)


def area_sources_table(runs: Runs) -> Table:
    """Every part's area, with its source and whether the source was verified."""
    columns = _source_columns("part", Column("mm2", "mm2", "number", lambda on: on.entry.mm2))
    areas = {
        (result.arch, each.component, each.part, each.mm2): _OnMachine(result.arch, each)
        for result in runs.results
        for each in result.area_sources
    }
    return Table.of("area_sources", "Areas of parts", columns, _in_order(areas))


def _source_columns(item: str, *values: Column[Any]) -> tuple[Column[Any], ...]:
    """Columns of a table of sources; ``item``: the field that names the action or part."""
    return (
        Column("arch", "machine", "text"),
        Column("component", "component", "text", lambda on: on.entry.component),
        Column(item, item, "text", lambda on: getattr(on.entry, item)),
        *values,
        Column("verified", "verified", "text", lambda on: _yes(on.entry.verified)),
        Column("source", "source", "text", lambda on: on.entry.source),
    )


def _yes(verified: bool) -> str:
    return "yes" if verified else "no"


def _in_order(entries: Mapping[Any, Entry]) -> list[Entry]:
    """Values in the order of their keys."""
    return [entries[key] for key in sorted(entries)]
