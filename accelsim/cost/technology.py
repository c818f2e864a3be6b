"""A technology: cited energies of primitive actions, and an SRAM table.

`energy.py` derives a machine's prices from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from accelsim.config.catalog import find
from accelsim.config.loader import load_model
from accelsim.cost.price import PLACES, UNKNOWN, Factors, PricePart, widened
from accelsim.cost.srams import SramPoint, loglog, read_srams
from accelsim.cost.technology_file import Entry, Scaling, Sram, TechnologyFile
from accelsim.errors import InputError

LeakageClass = Literal["hp", "lstp"]

PRIMITIVES = {
    ("mac", ""): "lane",
    ("control", ""): "lane",
    ("control", "select"): "select",
    ("gating", ""): "idle",
    ("noc", ""): "wire",
    ("noc", "mux_bit"): "mux",
}
"""Draw that moves an entry, by (component, action) or (component, ""); else the component's name.

MAC and lane control are one: EIE's combinational power, a measurement, is the sum of both.
"""


@dataclass(frozen=True)
class Primitive:
    """A number of a technology at a width.

    ``primitive``: name of the draw that moves it. ``factors``: its bounds, relative to ``value``.
    """

    primitive: str
    value: float
    factors: Factors
    source: str
    verified: bool

    def part(self, times: float = 1.0) -> PricePart:
        """The part of a price that has ``times`` the number."""
        return PricePart(self.primitive, self.value * times, self.factors, self.verified)


@dataclass(frozen=True)
class Technology:
    """A resolved technology.

    ``entries``: by (component, action), in order of width. ``srams``: points by leakage class.
    """

    name: str
    node: int
    entries: Mapping[tuple[str, str], tuple[Entry, ...]]
    srams: Mapping[str, tuple[SramPoint, ...]]
    sram_source: str
    sram_verified: bool
    voltage: float
    sram_factors: Factors = UNKNOWN

    def find(self, component: str, action: str) -> tuple[Entry, ...]:
        """The entries of an action, in order of width. InputError if there are none."""
        entries = self.entries.get((component, action))
        if not entries:
            raise InputError(
                f"technology {self.name} must have an entry for {component}.{action}, got none"
            )
        return entries

    def one(self, component: str, action: str) -> Entry:
        """The single entry of an action without widths. InputError if there is none."""
        return self.find(component, action)[0]

    def area(self, component: str, part: str) -> Entry:
        """The area entry of a part. InputError if there is none, or if the entry is not an area."""
        entry = self.one(component, part)
        if entry.area_mm2 is None:
            raise InputError(
                f"technology {self.name} must have an area_mm2 for {component}.{part}, got "
                f"another quantity"
            )
        return entry

    def at_bits(self, component: str, action: str, bits: float | None = None) -> Primitive:
        """The number of an action at a width; without ``bits``, its first entry.

        Value and bounds follow power laws between the nearest widths given. Beyond the widths the
        number has no source. InputError if the action has no entry.
        """
        entries = self.find(component, action)
        widths = [float(entry.bits or 1) for entry in entries]
        bits = widths[0] if bits is None else bits
        value = loglog(bits, widths, [entry.value for entry in entries])
        inside = widths[0] <= bits <= widths[-1]
        verified = inside and all(entry.verified for entry in entries)
        factors = (
            round(loglog(bits, widths, [entry.factors[0] for entry in entries]), PLACES),
            round(loglog(bits, widths, [entry.factors[1] for entry in entries]), PLACES),
        )
        return Primitive(
            self._primitive(component, action),
            value,
            factors if verified else widened(factors),
            entries[0].source,
            verified,
        )

    def multiple(self, component: str, action: str) -> Primitive:
        """A multiple of another price, with its bounds. InputError if there is none."""
        entry = self.one(component, action)
        name = self._primitive(component, action)
        return Primitive(name, entry.value, entry.factors, entry.source, entry.verified)

    def sram_part(self, pj: float, known: bool) -> PricePart:
        """The part of a price that an SRAM gives. ``known``: the SRAM is one of the table's kind
        and lies within it.
        """
        part = PricePart(f"{self.name}/sram", pj, self.sram_factors, True)
        return part.unsourced(not (known and self.sram_verified))

    def _primitive(self, component: str, action: str) -> str:
        """Name of the draw that moves an entry."""
        group = PRIMITIVES.get((component, action)) or PRIMITIVES.get((component, ""), component)
        return f"{self.name}/{group}"

    def sram(self, leakage: LeakageClass, size_bytes: int, width_bits: int) -> SramPoint:
        """An SRAM of any size and width, by power laws: in width within each size of the table,
        then in size.

        InputError if the technology has no SRAMs of the leakage class.
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
    """The values of ``xs`` between which to interpolate: ``x`` itself if present, else its two
    neighbours.

    Beyond an end of ``xs``, the two values at that end.
    """
    if x in xs or len(xs) == 1:
        return (int(x) if x in xs else xs[0],)
    upper = min(max(1, sum(known < x for known in xs)), len(xs) - 1)
    return (xs[upper - 1], xs[upper])


def load_technology(name_or_path: str | Path, *, beside: Path | None = None) -> Technology:
    """A built-in technology or a file, resolved. InputError with every fault of the files."""
    path = find("technology", name_or_path, beside=beside)
    file = load_model(path, TechnologyFile)
    entries_here = {(entry.component, entry.action, entry.bits): entry for entry in file.entries}
    if file.scaled_from is None:
        assert file.sram is not None
        return _technology(
            file,
            entries_here,
            read_srams(_table(path, file.sram)),
            file.sram,
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
    if file.sram is not None:
        here = read_srams(_table(path, file.sram))
        return _technology(file, inherited | entries_here, here, file.sram)
    sram = Sram(
        table="",
        source=base.sram_source
        + note.format(f"{scaling.energy} in energy, {scaling.area} in area"),
        verified=base.sram_verified and scaling.verified,
        low=scaling.widen(base.sram_factors)[0],
        high=scaling.widen(base.sram_factors)[1],
    )
    return _technology(file, inherited | entries_here, srams, sram)


def technology_files(name_or_path: str | Path) -> tuple[Path, ...]:
    """The files of a technology: its own, its SRAM table, and those of the technology that it is
    scaled from.

    InputError with the faults of files that are wrong.
    """
    path = find("technology", name_or_path)
    file = load_model(path, TechnologyFile)
    files = (path,) if file.sram is None else (path, _table(path, file.sram))
    if file.scaled_from is None:
        return files
    base = find("technology", file.scaled_from.technology, beside=path.parent)
    return (*files, *technology_files(base))


def _table(path: Path, sram: Sram) -> Path:
    table = path.parent / sram.table
    if not table.is_file():
        raise InputError(f"{path}: sram.table must be a file in the same folder, got {sram.table}")
    return table


def _scaled(entry: Entry, scaling: Scaling, note: str) -> Entry:
    """An entry of the original technology, scaled. A multiple stays; so does a leakage power, which
    then counts as a number without a source.
    """
    if entry.multiple is not None:
        return entry
    if entry.power is not None:
        low, high = (bound * entry.value for bound in widened(entry.factors))
        return entry.model_copy(
            update={
                "source": entry.source + "; not scaled",
                "verified": False,
                "low": low,
                "high": high,
            }
        )
    verified = entry.verified and scaling.verified
    if entry.area_mm2 is not None:
        return entry.model_copy(
            update={
                "area_mm2": entry.area_mm2 * scaling.area,
                "source": entry.source + note.format(scaling.area),
                "verified": verified,
            }
        )
    value = entry.value * scaling.energy
    low, high = (bound * value for bound in scaling.widen(entry.factors))
    return entry.model_copy(
        update={
            "energy": value,
            "low": low,
            "high": high,
            "source": entry.source + note.format(scaling.energy),
            "verified": verified,
        }
    )


def _technology(
    file: TechnologyFile,
    entries: Mapping[tuple[str, str, int | None], Entry],
    srams: Mapping[str, tuple[SramPoint, ...]],
    sram: Sram,
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
        sram.source,
        sram.verified,
        file.voltage,
        sram.factors,
    )
