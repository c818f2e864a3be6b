"""Cells of a reproduction grouped for readers: by the paper's table or by claim. Cells that form
lines and columns become compact tables.

Plain data; `tables.py` (Markdown), `console.py` and `page.py` show it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from accelsim.results.reproduction import Item

LEAST = 12
"""Minimum number of cells in a compact table; fewer are listed as rows."""
MOST = 10
"""Maximum number of columns of a compact table if two or more components of the ids name a column.
"""
CHANGES = {"%": "% saved (negative: costs more)", "x": "x (old over new)"}
"""Text for a unit in a comparison of two rules."""
REAL = "-real"
"""Suffix of cells about a real network, beside cells about the list of layers that the paper's
numbers encode.
"""
ELSEWHERE = "The notes of single cells are in CSV and JSON."
_CLAUSES = re.compile(r"(?<=[,:;]) |(?<=\.) (?=[A-Z])")


@dataclass(frozen=True)
class Pivot:
    """A compact table: cells by line and column. ``title``: unit, accounting and context as far as
    all cells share them. ``notes``: notes on whole columns.

    ``heads``: headings of the columns of names, empty if there is no word. Each line has one name
    per head, and one cell per column.
    """

    title: str
    heads: tuple[str, ...]
    columns: tuple[str, ...]
    lines: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    notes: tuple[str, ...]

    def numeric(self, place: int) -> bool:
        """True if the names at this place are whole numbers in all lines."""
        return all(names[place].isdigit() for names, _ in self.lines)


@dataclass(frozen=True)
class Group:
    """Cells under one heading. ``rows``: cells shown as rows. ``pivots``: compact tables of the
    other cells.
    """

    name: str
    rows: tuple[Item, ...]
    pivots: tuple[Pivot, ...]


def groups(items: Iterable[Item]) -> list[Group]:
    """The cells of a target grouped by `heading`, in order of first appearance.

    Only numbers without a printed counterpart are moved from the rows to compact tables.
    """
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(heading(item), []).append(item)
    return [_group(name, cells) for name, cells in found.items()]


def heading(item: Item) -> str:
    """The first component of the id, or the first two if the first only repeats the target's name
    and more than two exist.
    """
    parts = item.id.split("/")
    return "/".join(parts[:2]) if parts[0] == item.target and len(parts) > 2 else parts[0]


def tail(item: Item) -> str:
    """The id within its group, or the whole id if nothing is left."""
    return item.id.removeprefix(heading(item)).removeprefix("/") or item.id


def context(known: Mapping[str, str | int]) -> str:
    """``machine near-memory, batch 1``."""
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in known.items())


def alike(*rows: Sequence[str]) -> list[str]:
    """The elements that all rows have in common at their beginning."""
    return [
        same[0] for same in takewhile(lambda same: len(set(same)) == 1, zip(*rows, strict=False))
    ]


def _group(name: str, items: Sequence[Item]) -> Group:
    by_depth: dict[int, list[Item]] = {}
    for item in items:
        if _stands_alone(item):
            by_depth.setdefault(len(_parts(item)), []).append(item)
    pivoted: set[str] = set()
    pivots = []
    for depth, cells in by_depth.items():
        pivot = _pivot(cells, depth)
        if pivot is not None:
            pivots.append(pivot)
            pivoted.update(cell.id for cell in cells)
    pivots += _beside(items)
    rows = tuple(item for item in items if item.id not in pivoted)
    return Group(name, rows, tuple(pivots))


def _beside(items: Sequence[Item]) -> list[Pivot]:
    """Compact tables of quantities that have two cells: one on a list of layers, and ``NAME-real``
    on the real network. The two are set side by side.
    """
    known = {_parts(item): item for item in items}
    lines: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
    for parts, real in known.items():
        listed = known.get((parts[0].removesuffix(REAL), *parts[1:]))
        if parts[0].endswith(REAL) and listed is not None:
            cells = (listed.printed or "-", listed.rounded or "-", real.rounded or "-")
            lines.setdefault(parts[0].removesuffix(REAL), []).append(
                ((" / ".join(parts[1:]),), cells)
            )
    columns = ("printed", "layer list", "real network")
    return [
        Pivot(
            f"{name} twice: {items[0].unit}, of the layer list that the printed cells encode and "
            f"of the real network",
            ("",),
            columns,
            tuple(rows),
            (),
        )
        for name, rows in lines.items()
    ]


def _stands_alone(item: Item) -> bool:
    """True if the cell has no printed number and no documented mismatch, so that its rounded
    number, or a dash, is all there is to show.
    """
    return item.match == "not-printed" and not item.documented


def _pivot(items: Sequence[Item], depth: int) -> Pivot | None:
    """Compact table of cells whose ids have ``depth`` components below the group. The last ones
    name the column, the others the line.

    As many components as `_can_head` accepts name the column, at least one. None if the cells are
    few, would fill less than half of the table, or have different units in a column.
    """
    if depth < 2 or len(items) < LEAST or len({item.id for item in items}) < len(items):
        return None
    wide = max(
        (
            count
            for count in range(1, depth)
            if _can_head([_parts(item)[-count:] for item in items])
        ),
        default=1,
    )
    table: dict[tuple[str, ...], dict[tuple[str, ...], Item]] = {}
    columns: dict[tuple[str, ...], list[Item]] = {}
    for item in items:
        line, column = _parts(item)[:-wide], _parts(item)[-wide:]
        table.setdefault(line, {})[column] = item
        columns.setdefault(column, []).append(item)
    mixed = any(len({item.unit for item in cells}) > 1 for cells in columns.values())
    if mixed or min(len(table), len(columns)) < 2 or 2 * len(items) < len(table) * len(columns):
        return None
    shared = _shared(items)
    heads, names = _names(list(table), items[0])
    cells = [
        tuple(line[column].rounded or "-" if column in line else "-" for column in columns)
        for line in table.values()
    ]
    units = {
        column: "" if "unit" in shared or found[0].unit in column else f" ({found[0].unit})"
        for column, found in columns.items()
    }
    titles = tuple(f"{' / '.join(column)}{unit}" for column, unit in units.items())
    compared = all(" -> " in str(item.context.get("rules", "")) for item in items)
    return Pivot(
        _title(shared, compared),
        heads,
        titles,
        tuple(zip(names, cells, strict=True)),
        _notes(columns, shared),
    )


def _can_head(names: Sequence[tuple[str, ...]]) -> bool:
    """True if these names may head columns: they are not too many, and only the last component may
    be a setting such as ``batch=4``, because settings are read downwards.
    """
    return len(set(names)) <= MOST and not any("=" in part for name in names for part in name[:-1])


def _parts(item: Item) -> tuple[str, ...]:
    return tuple(tail(item).split("/"))


def _names(
    lines: Sequence[tuple[str, ...]], first: Item
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and names of the lines. If all names are settings such as ``batch=4`` with the same
    key, the key is the heading. Otherwise the heading is the key that has the first name as its
    value in the first cell's context.
    """
    heads, columns = [], []
    for column in zip(*lines, strict=True):
        keys = {name.partition("=")[0] if "=" in name else "" for name in column}
        key = keys.pop() if len(keys) == 1 else ""
        heads.append(
            key
            or next((key for key, value in first.context.items() if str(value) == column[0]), "")
        )
        columns.append([name.removeprefix(f"{key}=") if key else name for name in column])
    return tuple(heads), list(zip(*columns, strict=True))


def _shared(items: Sequence[Item]) -> Mapping[str, str | int]:
    """Unit, accounting and context, as far as all cells share them."""
    said: list[Mapping[str, str | int]] = [
        {"unit": item.unit, "counted:": item.accounting, **item.context} for item in items
    ]
    return {
        key: value
        for key, value in said[0].items()
        if all(other.get(key) == value for other in said)
    }


def _title(shared: Mapping[str, str | int], compared: bool) -> str:
    """Title of a compact table. ``compared``: every cell compares two rules, not necessarily the
    same two.
    """
    unit = str(shared.get("unit", ""))
    unit = CHANGES.get(unit, unit) if compared else unit
    return "; ".join(
        part
        for part in (
            unit,
            *(context({key: value}) for key, value in shared.items() if key != "unit"),
        )
        if part
    )


def _notes(
    columns: dict[tuple[str, ...], list[Item]], shared: Mapping[str, str | int]
) -> tuple[str, ...]:
    """Notes and context that the cells of a column share, without those in ``shared`` and in the
    column's name. Each text is listed once, with its columns.
    """
    holds: dict[str, list[str]] = {}
    for column, cells in columns.items():
        known = {
            key: value
            for key, value in _shared(cells).items()
            if key not in shared and key != "unit" and str(value) not in column
        }
        said = "; ".join(
            part for part in (_common([item.note for item in cells]), context(known)) if part
        )
        if said:
            holds.setdefault(said, []).append(" / ".join(column))
    found = [
        text if len(names) == len(columns) else f"{', '.join(names)}: {text}"
        for text, names in holds.items()
    ]
    differ = any(len({item.note for item in cells}) > 1 for cells in columns.values())
    return (*found, ELSEWHERE) if differ else tuple(found)


def _common(notes: Sequence[str]) -> str:
    """The clauses that all notes have in common at their beginning."""
    if len(set(notes)) == 1:
        return notes[0]
    return " ".join(alike(*(_CLAUSES.split(note) for note in notes))).rstrip(",:; ")
