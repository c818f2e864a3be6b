"""Cells of a reproduction as a reader meets them: by the paper's table or by claim, and what has
lines and columns as a small table.

Plain data; `tables.py` (Markdown), `console.py` and `page.py` show it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from accelsim.results.reproduction import Item

LEAST = 12
"""Cells that become a pivot; fewer are read as easily one below the other."""
MOST = 10
"""Columns of a pivot, where its ids have more than one component to spare for the names of lines.
"""
VERDICT = "verdict"
CHANGES = {"%": "% saved (negative: costs more)", "x": "x (old over new)"}
"""Meaning of a unit in a comparison of two rules."""
REAL = "-real"
"""Ends the name of what stands beside a list of layers that a paper's cells encode: the network
that exists.
"""
ELSEWHERE = "The notes of single cells are in CSV and JSON."
_CLAUSES = re.compile(r"(?<=[,:;]) |(?<=\.) (?=[A-Z])")


@dataclass(frozen=True)
class Pivot:
    """Cells by line and column. ``title``: unit, accounting and context as far as all cells share
    them. ``notes``: what is said of whole columns.

    ``heads`` are the headings of what names a line, empty where there is no word for it. A line is
    its names, as many as heads, and its cells, as many as ``columns``.
    """

    title: str
    heads: tuple[str, ...]
    columns: tuple[str, ...]
    lines: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    notes: tuple[str, ...]

    def numeric(self, place: int) -> bool:
        """True if the lines have whole numbers as their names at this place."""
        return all(names[place].isdigit() for names, _ in self.lines)


@dataclass(frozen=True)
class Group:
    """Cells under one heading: a sentence on them all (empty: none), those that are rows, and those
    that are cells of small tables.
    """

    name: str
    verdict: str
    rows: tuple[Item, ...]
    pivots: tuple[Pivot, ...]


def groups(items: Iterable[Item]) -> list[Group]:
    """The cells of a target by their `heading`, in order of first appearance.

    Only numbers without a printed counterpart are ever taken out of the rows.
    """
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(heading(item), []).append(item)
    return [_group(name, cells) for name, cells in found.items()]


def heading(item: Item) -> str:
    """The first component of the id; the first two (if more follow) where the first only repeats
    the target's name.
    """
    parts = item.id.split("/")
    return "/".join(parts[:2]) if parts[0] == item.target and len(parts) > 2 else parts[0]


def tail(item: Item) -> str:
    """The id within its group, or all of it where nothing is left."""
    return item.id.removeprefix(heading(item)).removeprefix("/") or item.id


def context(known: Mapping[str, str | int]) -> str:
    """``machine near-memory, batch 1``."""
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in known.items())


def alike(*rows: Sequence[str]) -> list[str]:
    """The common beginning of the rows."""
    return [
        same[0] for same in takewhile(lambda same: len(set(same)) == 1, zip(*rows, strict=False))
    ]


def _group(name: str, items: Sequence[Item]) -> Group:
    verdicts = [
        item for item in items if tail(item) == VERDICT and item.note and _stands_alone(item)
    ]
    by_depth: dict[int, list[Item]] = {}
    for item in items:
        if item not in verdicts and _stands_alone(item):
            by_depth.setdefault(len(_parts(item)), []).append(item)
    pivoted: set[str] = set()
    pivots = []
    for depth, cells in by_depth.items():
        pivot = _pivot(cells, depth)
        if pivot is not None:
            pivots.append(pivot)
            pivoted.update(cell.id for cell in cells)
    pivots += _beside(items)
    rows = tuple(item for item in items if item not in verdicts and item.id not in pivoted)
    return Group(name, " ".join(item.note for item in verdicts), rows, tuple(pivots))


def _beside(items: Sequence[Item]) -> list[Pivot]:
    """Of cells that stand twice, on a list of layers and as ``NAME-real`` on the real network, a
    small table with the two beside each other.
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
    """Whether there is nothing to hold it against, so that its rounded number, or that there is
    none, says it all.
    """
    return item.match == "not-printed" and not item.documented


def _pivot(items: Sequence[Item], depth: int) -> Pivot | None:
    """A table of cells whose ids have ``depth`` components below the group: the last ones name the
    column, the others the line.

    As many components name the column as `_can_head` it, one at least. None where the cells are
    few, would leave half of the table empty, or have different units in a column.
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
    """Whether there are not too many of them, and no setting like ``batch=4`` stands before the
    last component: settings are read downwards.
    """
    return len(set(names)) <= MOST and not any("=" in part for name in names for part in name[:-1])


def _parts(item: Item) -> tuple[str, ...]:
    return tuple(tail(item).split("/"))


def _names(
    lines: Sequence[tuple[str, ...]], first: Item
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and names of the lines: of ``batch=4`` the key heads the column if all have it, of
    others what the first cell's context calls it.
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
    """Unit, accounting and context as far as they are the same in all cells."""
    said: list[Mapping[str, str | int]] = [
        {"unit": item.unit, "counted:": item.accounting, **item.context} for item in items
    ]
    return {
        key: value
        for key, value in said[0].items()
        if all(other.get(key) == value for other in said)
    }


def _title(shared: Mapping[str, str | int], compared: bool) -> str:
    """``compared``: each of the cells compares two rules, not all of them the same two perhaps."""
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
    """Texts that the cells of a column have in common beyond ``shared`` and its name, each text
    once with the columns that it holds for.
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
    """The common beginning of the notes, up to a whole clause."""
    if len(set(notes)) == 1:
        return notes[0]
    return " ".join(alike(*(_CLAUSES.split(note) for note in notes))).rstrip(",:; ")
