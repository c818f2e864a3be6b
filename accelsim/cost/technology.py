"""A technology: cited energies of primitive actions and a table of SRAMs. `energy.py` derives a
machine's prices from it.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from accelsim.config.catalog import find
from accelsim.config.loader import load_model
from accelsim.config.problems import Problem, raise_problems
from accelsim.config.section import Bits, Positive, Section
from accelsim.config.units import Milliwatts, Picojoules
from accelsim.errors import Fault, InputError

Factor = Annotated[float, Field(gt=0)]
LeakageClass = Literal["hp", "lstp"]


class Entry(Section):
    """One cited number: an energy per action, a leakage power, or an area."""

    component: str = Field(description="Component that the number is of.")
    action: str = Field(description="Primitive action, or part, of that component.")
    bits: Bits | None = Field(
        default=None,
        description="Operand width that the number holds for; prices at other widths follow from "
        "the widths given.",
    )
    energy: Picojoules | None = Field(default=None, description="Energy per action.")
    power: Milliwatts | None = Field(default=None, description="Leakage power.")
    area_mm2: Factor | None = Field(default=None, description="Area in square millimetres.")
    node: Positive = Field(description="Node in nm at which the number was found.")
    voltage: Factor | None = Field(
        default=None, description="Supply voltage in volts; absent where the source gives none."
    )
    source: str = Field(description="Where the number comes from.")
    verified: bool = Field(
        description="Whether that source was read; false for recollection and assumption."
    )

    @model_validator(mode="after")
    def _one_quantity(self) -> Entry:
        given = [
            name for name in ("energy", "power", "area_mm2") if getattr(self, name) is not None
        ]
        if len(given) != 1:
            raise_problems(
                [
                    Problem(
                        ("energy",),
                        "given, or power, or area_mm2, and only one of them",
                        " and ".join(given) or "nothing",
                        (("power",), ("area_mm2",)),
                    )
                ]
            )
        return self

    @property
    def value(self) -> float:
        """The number in pJ, mW or mm2."""
        return next(
            value for value in (self.energy, self.power, self.area_mm2) if value is not None
        )


class Sram(Section):
    """The table of SRAMs that scratchpads and global-buffer banks are priced from."""

    table: str = Field(
        description="CSV file beside this one: class, size_bytes, width_bits, read_pj, write_pj, "
        "leakage_mw, area_mm2."
    )
    source: str = Field(description="What the table was made with.")
    verified: bool = Field(description="Whether the source was read.")


class Scaling(Section):
    """Another technology's numbers times a factor."""

    technology: str = Field(
        description="The technology scaled: a built-in one or a file, itself unscaled."
    )
    energy: Factor = Field(
        description="Factor of every energy on the chip. Leakage power is taken over unscaled."
    )
    area: Factor = Field(description="Factor of every area.")
    source: str = Field(description="Where the factors come from.")
    verified: bool = Field(
        description="Whether the scaled numbers are to be trusted like their originals."
    )


class TechnologyFile(Section):
    """A file of arch_configs/technology."""

    schema_: Literal["accelsim.technology/1"] = Field(
        default="accelsim.technology/1", alias="schema", description="Format of this file."
    )
    name: str = Field(description="Name in tables.")
    node: Positive = Field(description="Node in nm.")
    scaled_from: Scaling | None = Field(
        default=None,
        description="Start from another technology; the entries below replace those of the same "
        "component, action and bits.",
    )
    sram: Sram | None = Field(
        default=None, description="SRAM table; required without `scaled_from`."
    )
    entries: tuple[Entry, ...] = Field(default=(), description="Cited numbers.")

    @model_validator(mode="after")
    def _complete(self) -> TechnologyFile:
        problems = []
        if self.scaled_from is None and self.sram is None:
            problems.append(Problem(("sram",), "given where scaled_from is not", "nothing"))
        seen: set[tuple[str, str, int | None]] = set()
        for index, entry in enumerate(self.entries):
            key = (entry.component, entry.action, entry.bits)
            if key in seen:
                problems.append(
                    Problem(
                        ("entries", index, "action"),
                        "listed once for a component and width",
                        entry.action,
                    )
                )
            seen.add(key)
        raise_problems(problems)
        return self


@dataclass(frozen=True)
class SramPoint:
    """One SRAM: energies in pJ per access of its whole width, leakage in mW, area in mm2.
    ``inside``: not extrapolated beyond the table.
    """

    size_bytes: int
    width_bits: int
    read_pj: float
    write_pj: float
    leakage_mw: float
    area_mm2: float
    inside: bool = True


@dataclass(frozen=True)
class Technology:
    """A resolved technology: entries by (component, action), in order of width, and SRAM points by
    class.
    """

    name: str
    node: int
    entries: Mapping[tuple[str, str], tuple[Entry, ...]]
    srams: Mapping[str, tuple[SramPoint, ...]]
    sram_source: str
    sram_verified: bool

    def find(self, component: str, action: str) -> tuple[Entry, ...]:
        """The entries of an action by width. InputError when there is none."""
        entries = self.entries.get((component, action))
        if not entries:
            raise InputError(
                f"technology {self.name} must have an entry for {component}.{action}, got none"
            )
        return entries

    def one(self, component: str, action: str) -> Entry:
        """The single entry of an action without widths."""
        return self.find(component, action)[0]

    def area(self, component: str, part: str) -> Entry:
        """The area of a part. InputError when there is none, or a number of another kind in its
        place.
        """
        entry = self.one(component, part)
        if entry.area_mm2 is None:
            raise InputError(
                f"technology {self.name} must have an area_mm2 for {component}.{part}, got a "
                f"number of another kind"
            )
        return entry

    def at_bits(self, component: str, action: str, bits: float) -> tuple[float, Entry, bool]:
        """(value at a width by the power law between the nearest widths given, an entry for its
        source, whether the number is verified).
        """
        entries = self.find(component, action)
        widths = [float(entry.bits or 1) for entry in entries]
        value = loglog(bits, widths, [entry.value for entry in entries])
        inside = widths[0] <= bits <= widths[-1]
        return value, entries[0], inside and all(entry.verified for entry in entries)

    def sram(self, leakage: LeakageClass, size_bytes: int, width_bits: int) -> SramPoint:
        """An SRAM of any size and width: power laws in width within each size of the table, then in
        size.
        """
        points = self.srams.get(leakage, ())
        if not points:
            raise InputError(f"technology {self.name} must have SRAMs of class {leakage}, got none")
        sizes = sorted({point.size_bytes for point in points})
        inside = sizes[0] <= size_bytes <= sizes[-1]
        rows = {
            size: sorted((p for p in points if p.size_bytes == size), key=lambda p: p.width_bits)
            for size in _around(size_bytes, sizes)
        }
        for row in rows.values():
            inside = inside and row[0].width_bits <= width_bits <= row[-1].width_bits

        def at(quantity: str) -> float:
            columns = [
                loglog(width_bits, [p.width_bits for p in row], [getattr(p, quantity) for p in row])
                for row in rows.values()
            ]
            return loglog(size_bytes, list(rows), columns)

        return SramPoint(
            size_bytes,
            width_bits,
            at("read_pj"),
            at("write_pj"),
            at("leakage_mw"),
            at("area_mm2"),
            inside,
        )


def _around(x: float, xs: Sequence[int]) -> tuple[int, ...]:
    """The known value itself, or the two nearest that enclose ``x`` (the two at the end beyond
    it).
    """
    if x in xs or len(xs) == 1:
        return (int(x) if x in xs else xs[0],)
    upper = min(max(1, sum(known < x for known in xs)), len(xs) - 1)
    return (xs[upper - 1], xs[upper])


def loglog(x: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    """y at ``x`` (> 0) on the straight lines between the points (ascending) in logarithmic scales,
    the end lines prolonged.
    """
    if len(xs) == 1:
        return float(ys[0])
    upper = min(max(1, sum(known < x for known in xs)), len(xs) - 1)
    x0, x1, y0, y1 = xs[upper - 1], xs[upper], ys[upper - 1], ys[upper]
    if x == x1:
        return float(y1)
    return float(y0 * (y1 / y0) ** (math.log(x / x0) / math.log(x1 / x0)))


def read_srams(path: Path) -> dict[str, tuple[SramPoint, ...]]:
    """The SRAM table of a technology. InputError with the line of every row that is not seven
    numbers > 0 of a known class.
    """
    lines = [
        (number, line)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if line.strip() and not line.startswith("#")
    ]
    header = ["class", "size_bytes", "width_bits", "read_pj", "write_pj", "leakage_mw", "area_mm2"]
    if not lines or lines[0][1].split(",") != header:
        raise InputError(
            Fault(
                str(path),
                lines[0][0] if lines else 1,
                1,
                f"the header must be {','.join(header)}, got {lines[0][1] if lines else 'nothing'}",
            )
        )
    points: dict[str, list[SramPoint]] = {"hp": [], "lstp": []}
    faults = []
    for (number, line), cells in zip(
        lines[1:], csv.reader(line for _, line in lines[1:]), strict=True
    ):
        point = _point(cells)
        if point is None:
            faults.append(
                Fault(
                    str(path),
                    number,
                    1,
                    f"a row must be hp or lstp and six numbers > 0, got {line}",
                )
            )
        else:
            points[cells[0]].append(point)
    if faults:
        raise InputError(*faults)
    return {name: tuple(rows) for name, rows in points.items()}


def _point(cells: Sequence[str]) -> SramPoint | None:
    """One row of the SRAM table, None when it is none."""
    try:
        size, width, read, write, leakage, area = (float(cell) for cell in cells[1:])
    except ValueError:
        return None
    if cells[0] not in ("hp", "lstp") or not all(
        0 < value < math.inf for value in (size, width, read, write, leakage, area)
    ):
        return None
    return SramPoint(int(size), int(width), read, write, leakage, area)


def load_technology(name_or_path: str | Path, *, beside: Path | None = None) -> Technology:
    """A built-in technology or a file, resolved. InputError with every fault of the files."""
    path = find("technology", name_or_path, beside=beside)
    file = load_model(path, TechnologyFile)
    own = {(entry.component, entry.action, entry.bits): entry for entry in file.entries}
    if file.scaled_from is None:
        assert file.sram is not None
        return _technology(
            file, own, read_srams(_table(path, file.sram)), file.sram.source, file.sram.verified
        )
    scaling = file.scaled_from
    base_path = find("technology", scaling.technology, beside=path.parent)
    if load_model(base_path, TechnologyFile).scaled_from is not None:
        raise InputError(
            f"{path}: scaled_from.technology must be a technology that is not itself scaled, got "
            f"{scaling.technology}"
        )
    base = load_technology(base_path)
    note = f"; times {{}} ({scaling.source})"
    inherited = {}
    for entries in base.entries.values():
        for entry in entries:
            inherited[entry.component, entry.action, entry.bits] = _scaled(entry, scaling, note)
    srams = {
        name: tuple(
            replace(
                p,
                read_pj=p.read_pj * scaling.energy,
                write_pj=p.write_pj * scaling.energy,
                area_mm2=p.area_mm2 * scaling.area,
            )
            for p in points
        )
        for name, points in base.srams.items()
    }
    source, verified = (
        base.sram_source + note.format(f"{scaling.energy} in energy, {scaling.area} in area"),
        base.sram_verified and scaling.verified,
    )
    if file.sram is not None:
        srams, source, verified = (
            read_srams(_table(path, file.sram)),
            file.sram.source,
            file.sram.verified,
        )
    return _technology(file, inherited | own, srams, source, verified)


def _table(path: Path, sram: Sram) -> Path:
    table = path.parent / sram.table
    if not table.is_file():
        raise InputError(f"{path}: sram.table must be a file beside it, got {sram.table}")
    return table


def _scaled(entry: Entry, scaling: Scaling, note: str) -> Entry:
    if entry.power is not None:
        return entry.model_copy(
            update={
                "source": entry.source + "; not scaled",
                "verified": entry.verified and scaling.verified,
            }
        )
    factor = scaling.energy if entry.energy is not None else scaling.area
    name = "energy" if entry.energy is not None else "area_mm2"
    return entry.model_copy(
        update={
            name: entry.value * factor,
            "source": entry.source + note.format(factor),
            "verified": entry.verified and scaling.verified,
        }
    )


def _technology(
    file: TechnologyFile,
    entries: Mapping[tuple[str, str, int | None], Entry],
    srams: Mapping[str, tuple[SramPoint, ...]],
    source: str,
    verified: bool,
) -> Technology:
    grouped: dict[tuple[str, str], list[Entry]] = {}
    for entry in sorted(
        entries.values(), key=lambda entry: (entry.component, entry.action, entry.bits or 0)
    ):
        grouped.setdefault((entry.component, entry.action), []).append(entry)
    return Technology(
        file.name,
        file.node,
        {key: tuple(value) for key, value in grouped.items()},
        srams,
        source,
        verified,
    )
