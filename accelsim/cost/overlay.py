"""Prices of a user's own: a CSV table that replaces prices of a machine.

One row per action, with the columns of `COLUMNS`. Prices with one source move together in a Monte
Carlo, since what is wrong with one is likely wrong with all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from accelsim.config.source import Place, read_text
from accelsim.config.suggest import did_you_mean
from accelsim.cost.counters import Action
from accelsim.cost.energy import EnergyTable
from accelsim.cost.price import Price, PricePart, bound_faults, relative, widened
from accelsim.errors import Fault, InputError

COLUMNS = ("component", "action", "pj", "low", "high", "source", "verified")
OPTIONAL = ("share",)
"""Columns that `accelsim prices --csv` may write further, and that are ignored here."""
_CELL = re.compile(r'("(?:[^"]|"")*"|[^,]*)(,|$)')


@dataclass(frozen=True)
class GivenPrice:
    """A price of an overlay. ``low`` and ``high``: pJ, or None. ``place``: its row in the file."""

    component: str
    action: str
    pj: float
    low: float | None
    high: float | None
    source: str
    verified: bool
    place: Place = field(compare=False)

    def price(self) -> Price:
        """The price as an energy table has it."""
        factors = relative(self.pj, self.low, self.high)
        part = PricePart(
            f"prices/{self.source}",
            self.pj,
            factors if self.verified else widened(factors),
            self.verified,
        )
        parts = (part,) if self.pj else ()
        return Price(self.component, self.action, self.pj, self.source, self.verified, parts)

    def faults(self, at: Callable[[str], Place]) -> Iterator[Fault]:
        """Faults of the bounds. ``at``: place of a key."""
        for key, rule, value in bound_faults(self.pj, self.low, self.high, self.verified):
            yield at(key).fault(f"{key} must be {rule}, got {value:g}")


def with_prices(
    table: EnergyTable, given: Iterable[GivenPrice], further: Iterable[Action] = ()
) -> EnergyTable:
    """The table with the given prices in place of its own. ``further``: actions that may have a
    price although the table has none.

    InputError for every price of an action that the machine does not have.
    """
    own = {(each.component, each.action): each for each in table.provenance()}
    known = {f"{component}.{action}" for component, action in (*own, *further)}
    faults = [
        each.place.fault(
            f"component and action must be those of a price that `accelsim prices` lists, got "
            f"{name}{did_you_mean(name, known)}"
        )
        for each in given
        for name in (f"{each.component}.{each.action}",)
        if name not in known
    ]
    if faults:
        raise InputError(*faults)
    own |= {(each.component, each.action): each.price() for each in given}
    return EnergyTable(own.values(), table.name)


def read_overlay(path: Path) -> tuple[GivenPrice, ...]:
    """Read a CSV overlay. Blank lines, and lines that begin with ``#``, are ignored. InputError
    with every fault.
    """
    rows = [
        (number, line)
        for number, line in enumerate(read_text(path).splitlines(), 1)
        if line.strip() and not line.startswith("#")
    ]
    number, head = rows[0] if rows else (1, "nothing")
    names = [cell for _, cell in _cells(head)]
    if tuple(each for each in names if each not in OPTIONAL) != COLUMNS:
        rule = f"the header must be {','.join(COLUMNS)}, got {head}"
        raise InputError(Fault(str(path), number, 1, rule))
    faults: list[Fault] = []
    given: dict[Action, GivenPrice] = {}
    for number, line in rows[1:]:
        row = _Row(str(path), number, names, line)
        price = row.price()
        faults += row.faults
        if price is None:
            continue
        action = (price.component, price.action)
        if action in given:
            faults.append(
                row.at("action").fault(f"action must be listed once, got {'.'.join(action)} again")
            )
        given[action] = price
    if faults:
        raise InputError(*faults)
    return tuple(given.values())


class _Row:
    """One row, and its faults."""

    def __init__(self, source: str, line: int, names: list[str], text: str) -> None:
        cells = _cells(text)
        self.source, self.line = source, line
        self.columns: Mapping[str, int] = {
            name: column for name, (column, _) in zip(names, cells, strict=False)
        }
        self.cells = {name: cell for name, (_, cell) in zip(names, cells, strict=False)}
        self.faults: list[Fault] = []
        if len(cells) != len(names):
            self.faults.append(
                Fault(source, line, 1, f"a row must have {len(names)} cells, got {len(cells)}")
            )

    def at(self, key: str) -> Place:
        return Place(self.source, self.line, self.columns.get(key, 1))

    def price(self) -> GivenPrice | None:
        if self.faults:
            return None
        component, action, source = (self._text(name) for name in ("component", "action", "source"))
        pj = self._number("pj", least=0.0)
        low, high = (
            self._number(name, least=None if pj else 0.0) if self.cells[name] else None
            for name in ("low", "high")
        )
        verified = self.cells["verified"] or "false"
        if verified not in ("true", "false"):
            self._fault("verified", "true or false")
        if self.faults:
            return None
        given = GivenPrice(
            component, action, pj, low, high, source, verified == "true", self.at("action")
        )
        self.faults += given.faults(self.at)
        return given

    def _text(self, name: str) -> str:
        if not self.cells[name]:
            self._fault(name, "given")
        return self.cells[name]

    def _number(self, name: str, least: float | None = None) -> float:
        try:
            number = float(self.cells[name])
        except ValueError:
            number = math.nan
        right = math.isfinite(number) and (number > 0 if least is None else number >= least)
        if not right:
            self._fault(name, "a number > 0" if least is None else f"a number >= {least:g}")
        return number

    def _fault(self, name: str, rule: str) -> None:
        got = self.cells[name] or "nothing"
        self.faults.append(self.at(name).fault(f"{name} must be {rule}, got {got}"))


def _cells(line: str) -> list[tuple[int, str]]:
    """(column from 1, text) of each cell of a line of CSV."""
    cells = []
    for match in _CELL.finditer(line):
        text = match[1].strip()
        if text.startswith('"'):
            text = text[1:-1].replace('""', '"')
        cells.append((match.start() + 1, text))
        if not match[2]:
            break
    return cells
