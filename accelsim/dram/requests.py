"""DRAM requests, and the CSV files that hold them: columns cycle, address, kind (R or W), and any
others, which are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accelsim.config.source import read_text
from accelsim.config.suggest import did_you_mean
from accelsim.errors import Fault, InputError

COLUMNS = ("cycle", "address", "kind")
LAST_CYCLE = 1 << 36
"""Latest clock of a request: about a minute of DRAM time. Its refreshes alone take seconds to
simulate.
"""
_FIELD = re.compile(r"""(?:^|(?<=,))(?P<field>\s*"(?P<quoted>(?:[^"]|"")*)"\s*|[^,]*)(?=,|$)""")
_LONGEST = 20
"""Digits beyond which a number is not parsed, as it exceeds every limit."""


@dataclass(frozen=True)
class Requests:
    """Requests, in the order in which each channel takes its own.

    ``cycles``: int64 (N), earliest clock (tCK) of the hand-over. ``addresses``: int64 (N), in
    bytes; each request lies within one burst. ``writes``: bool (N).
    """

    cycles: NDArray[np.int64]
    addresses: NDArray[np.int64]
    writes: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.cycles)


def read_requests(path: str | Path, capacity_bytes: int) -> Requests:
    """Read a CSV file of requests for a DRAM of ``capacity_bytes`` bytes.

    The first line may name the columns, in any order, and further ones, which are ignored. Without
    such a line there are exactly three columns: cycle, address, kind. Cycles need not increase: a
    request waits for those before it in its channel. Addresses are decimal, or hexadecimal with 0x.
    InputError with every fault, each with its line and column.
    """
    source = str(path)
    lines = enumerate(read_text(path).splitlines(), start=1)
    first = next(((number, line) for number, line in lines if line.strip()), None)
    if first is None:
        raise InputError(
            Fault(
                source,
                1,
                1,
                f"the file must hold at least one request ({','.join(COLUMNS)}), got nothing",
            )
        )
    reader = _Reader(source, capacity_bytes)
    if _names_columns(first[1]):
        reader.name_columns(*first)
    else:
        reader.read(*first)
    for number, line in lines:
        if line.strip():
            reader.read(number, line)
    if not reader.cycles and not reader.faults:
        raise InputError(
            Fault(
                source,
                first[0],
                1,
                "the file must hold at least one request below its header line, got none",
            )
        )
    if reader.faults:
        raise InputError(*reader.faults)
    return Requests(
        np.array(reader.cycles, np.int64),
        np.array(reader.addresses, np.int64),
        np.array(reader.writes, np.bool_),
    )


def _names_columns(line: str) -> bool:
    """Whether a line names columns: one of them is known, or none begins with a digit."""
    names = [name for _, name in _fields(line)]
    return any(name in COLUMNS for name in names) or not any(name[:1].isdecimal() for name in names)


def _fields(line: str) -> Iterator[tuple[int, str]]:
    """Yield (column of the first character, counted from 1; text) of every field of a line.

    A field in quotes may contain commas, and quotes written twice.
    """
    for found in _FIELD.finditer(line):
        field, quoted = found["field"], found["quoted"]
        yield (
            found.start() + 1 + len(field) - len(field.lstrip()),
            field.strip() if quoted is None else quoted.replace('""', '"'),
        )


class _Reader:
    """Reads line by line; collects requests and faults."""

    def __init__(self, source: str, capacity_bytes: int) -> None:
        self.source = source
        self.last_address = capacity_bytes - 1
        self.order: tuple[int, int, int] | None = (0, 1, 2)
        """Fields of cycle, address and kind; None if the header line does not tell."""
        self.width = len(COLUMNS)
        self.cycles: list[int] = []
        self.addresses: list[int] = []
        self.writes: list[bool] = []
        self.faults: list[Fault] = []

    def _fault(self, line: int, column: int, message: str) -> None:
        self.faults.append(Fault(self.source, line, column, message))

    def name_columns(self, number: int, line: str) -> None:
        """Read the line that names the columns."""
        fields = list(_fields(line))
        names = [name for _, name in fields]
        before = len(self.faults)
        for place, (column, name) in enumerate(fields):
            if name in COLUMNS and name in names[:place]:
                self._fault(number, column, f"the column {name} must appear once, got it again")
        rule = f"the columns must include {','.join(COLUMNS)}, got"
        missing = [name for name in COLUMNS if name not in names]
        for column, name in fields:
            if name not in COLUMNS and did_you_mean(name, missing):
                self._fault(number, column, f"{rule} {name}{did_you_mean(name, missing)}")
        if missing and len(self.faults) == before:
            self._fault(number, 1, f"{rule} no {', no '.join(missing)}")
        if len(self.faults) == before:
            self.width = len(fields)
            self.order = (names.index("cycle"), names.index("address"), names.index("kind"))
        elif len(fields) > len(COLUMNS):
            self.order = None

    def read(self, number: int, line: str) -> None:
        """Read a line that holds a request."""
        if self.order is None:
            return
        texts = line.split(",")
        if len(texts) == self.width and line.isascii() and '"' not in line:
            at, of, what = self.order
            cycle, address, kind = texts[at], texts[of], texts[what]
            if (
                cycle.isdecimal()
                and address.isdecimal()
                and kind in {"R", "W"}
                and len(cycle) < _LONGEST
                and len(address) < _LONGEST
            ):
                when, where = int(cycle), int(address)
                if when <= LAST_CYCLE and where <= self.last_address:
                    self._keep(when, where, kind)
                    return
        self._read_slowly(number, line, self.order)

    def _keep(self, cycle: int, address: int, kind: str) -> None:
        self.cycles.append(cycle)
        self.addresses.append(address)
        self.writes.append(kind == "W")

    def _read_slowly(self, number: int, line: str, order: tuple[int, int, int]) -> None:
        """Read a line with blanks, quotes, hexadecimal addresses or faults."""
        fields, width = list(_fields(line)), self.width
        if len(fields) != width:
            column = fields[width][0] if len(fields) > width else len(line.rstrip()) + 1
            names = f" ({','.join(COLUMNS)})" if width == len(COLUMNS) else ", as the header line"
            self._fault(
                number, column, f"a request must be {width} fields{names}, got {len(fields)}"
            )
            return
        before = len(self.faults)
        (cycle_column, cycle), (address_column, address), (kind_column, kind) = (
            fields[place] for place in order
        )
        when, where = _number(cycle), _number(address, hexadecimal=True)
        if when is None or when > LAST_CYCLE:
            self._fault(
                number,
                cycle_column,
                f"cycle must be a whole number from 0 to {LAST_CYCLE}, got {cycle or 'nothing'}",
            )
        if where is None or where > self.last_address:
            rule = f"a whole number from 0 to {self.last_address}, the last byte of the DRAM"
            self._fault(
                number, address_column, f"address must be {rule}, got {address or 'nothing'}"
            )
        if kind not in {"R", "W"}:
            self._fault(number, kind_column, f"kind must be R or W, got {kind or 'nothing'}")
        self.faults[before:] = sorted(self.faults[before:])
        if len(self.faults) == before and when is not None and where is not None:
            self._keep(when, where, kind)


def _number(text: str, hexadecimal: bool = False) -> int | None:
    """A whole number without a sign, or None."""
    if len(text) > _LONGEST or not text.isascii():
        return None
    if hexadecimal and text[:2].lower() == "0x":
        try:
            return int(text, 16) if text[2:].isalnum() else None
        except ValueError:
            return None
    return int(text) if text.isdecimal() else None
