"""The SRAM table of a technology, and power laws between its points."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accelsim.errors import Fault, InputError


@dataclass(frozen=True)
class SramPoint:
    """One SRAM: energies in pJ per access of its whole width, leakage in mW, area in mm2.

    ``inside``: the point lies within the table, i.e. is not extrapolated.
    """

    size_bytes: int
    width_bits: int
    read_pj: float
    write_pj: float
    leakage_mw: float
    area_mm2: float
    inside: bool = True


def loglog(x: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    """Interpolate y at ``x`` (> 0) linearly in logarithmic scales; the end segments extrapolate.

    ``xs``: ascending.
    """
    if len(xs) == 1:
        return float(ys[0])
    upper = min(max(1, sum(known < x for known in xs)), len(xs) - 1)
    x0, x1, y0, y1 = xs[upper - 1], xs[upper], ys[upper - 1], ys[upper]
    if x == x1:
        return float(y1)
    return float(y0 * (y1 / y0) ** (math.log(x / x0) / math.log(x1 / x0)))


def read_srams(path: Path) -> dict[str, tuple[SramPoint, ...]]:
    """Read the SRAM table of a technology, by leakage class.

    InputError with the line of every row that is not a known class and six numbers > 0.
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
    """One row of the SRAM table, or None if it is invalid."""
    try:
        size, width, read, write, leakage, area = (float(cell) for cell in cells[1:])
    except ValueError:
        return None
    if cells[0] not in ("hp", "lstp") or not all(
        0 < value < math.inf for value in (size, width, read, write, leakage, area)
    ):
        return None
    return SramPoint(int(size), int(width), read, write, leakage, area)
