"""Tables of areas, and of the prices and areas that results rest on."""

from __future__ import annotations

from collections.abc import Sequence

from accelsim.report.runs import Runs, ratio
from accelsim.report.style import COMPONENT_NAMES, area_components
from accelsim.report.table import Column, Table
from accelsim.results.result import Result


def area_table(runs: Runs) -> Table:
    """A line a machine: its area by component. Components with an unverified area are starred; the
    note names them. No lines where none is known.
    """
    machines = {
        result.arch: result for result in reversed(runs.results) if result.area_mm2 is not None
    }
    names = area_components(list(machines.values()))
    unverified = set().union(*(result.unverified_areas() for result in machines.values()))
    columns = (
        Column("arch", "machine", "text"),
        *(
            Column(
                f"{name}_mm2" if name not in unverified else f"{name}_unverified_mm2",
                _area_heading(name, list(machines.values())) + ("*" if name in unverified else ""),
                "number",
            )
            for name in names
        ),
        Column("total_mm2", f"total{runs.area_star}", "number"),
        Column("area_ratio", "ratio" if len(machines) > 1 else "", "ratio"),
    )
    rows = tuple(
        (
            name,
            *((result.area_by_component_mm2 or {}).get(each) for each in names),
            result.area_mm2,
            ratio(result.area_mm2, runs.baseline.area_mm2),
        )
        for name, result in reversed(machines.items())
    )
    weak = sorted(
        {
            f"{entry.component}.{entry.part}"
            for result in machines.values()
            for entry in result.area_sources
            if not entry.verified
        }
    )
    notes = (f"* includes areas without a verified source: {', '.join(weak)}",) if weak else ()
    return Table("area", "Area by component in mm2", columns, rows, notes)


def _area_heading(name: str, results: Sequence[Result]) -> str:
    """Nothing for a component that is off the chip in all of them."""
    known = any((result.area_by_component_mm2 or {}).get(name) is not None for result in results)
    return COMPONENT_NAMES.get(name, name).replace(" ", "\n") if known else ""


def sources_table(runs: Runs) -> Table:
    """Every energy price used, with its source and whether that was verified."""
    columns = (
        Column("component", "component", "text"),
        Column("action", "action", "text"),
        Column("pj", "pJ", "energy"),
        Column("verified", "verified", "text"),
        Column("source", "source", "text"),
    )
    entries = {
        (entry.component, entry.action, entry.pj): entry
        for result in runs.results
        for entry in result.sources()
    }
    rows = tuple(
        (e.component, e.action, e.pj, "yes" if e.verified else "no", e.source)
        for _, e in sorted(entries.items())
    )
    return Table("energy_sources", "Energy prices", columns, rows)


def area_sources_table(runs: Runs) -> Table:
    """Every part's area, with its source and whether that was verified."""
    columns = (
        Column("arch", "machine", "text"),
        Column("component", "component", "text"),
        Column("part", "part", "text"),
        Column("mm2", "mm2", "number"),
        Column("verified", "verified", "text"),
        Column("source", "source", "text"),
    )
    entries = {
        (result.arch, entry.component, entry.part, entry.mm2): entry
        for result in runs.results
        for entry in result.area_sources
    }
    rows = tuple(
        (arch, e.component, e.part, e.mm2, "yes" if e.verified else "no", e.source)
        for (arch, *_), e in sorted(entries.items())
    )
    return Table("area_sources", "Areas", columns, rows)
