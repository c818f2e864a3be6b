"""Resolved files that a machine names: its DRAM standard and its technology."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from accelsim.config import catalog
from accelsim.config.loader import load_model
from accelsim.cost.energy import EnergyTable
from accelsim.cost.ert import read_prices
from accelsim.cost.overlay import with_prices
from accelsim.cost.technology import Technology, load_technology, technology_files
from accelsim.dram.prices import DRAM_EVENTS, dram_prices
from accelsim.dram.standard import DramSpec
from accelsim.experiment.config_hash import digest, packed
from accelsim.machine.architecture import Machine


@dataclass(frozen=True)
class Tables:
    """DRAM standard and technology of a machine."""

    dram: DramSpec
    technology: Technology

    @cached_property
    def digest(self) -> str:
        """Digest of the content, without names and descriptions, and without the standard's number
        of channels, which a machine may override (`Configuration.channels`).
        """
        organisation = self.dram.organisation.model_copy(update={"channels": 1})
        dram = self.dram.model_copy(
            update={"name": "dram", "description": "", "organisation": organisation}
        )
        return digest(packed((dram, replace(self.technology, name=""))))


_Paths = tuple[Path, Path]
_MOST_LOADED = 8
_LOADED: dict[_Paths, tuple[Mapping[Path, bytes], Tables]] = {}
"""By the paths of DRAM standard and technology: the bytes of every file read, and the tables."""


def machine_tables(machine: Machine) -> Tables:
    """Tables of a machine. Files are read again only if their content has changed.

    Raises InputError with every fault of the files.
    """
    paths = (
        catalog.find("dram", machine.dram.standard),
        catalog.find("technology", machine.technology),
    )
    if paths in _LOADED:
        content, tables = _LOADED[paths]
        if content == _read(content):
            return tables
    tables = Tables(load_model(paths[0], DramSpec), load_technology(paths[1]))
    _LOADED[paths] = _read((paths[0], *technology_files(paths[1]))), tables
    while len(_LOADED) > _MOST_LOADED:
        del _LOADED[next(iter(_LOADED))]
    return tables


def energy_table(
    machine: Machine, tables: Tables, prices: Path | None = None
) -> tuple[EnergyTable, str]:
    """Prices of a machine, and a digest of the files that they come from. ``prices``: a file of
    prices that replace some (`read_prices`). InputError with its faults.
    """
    table = EnergyTable.build(
        machine, tables.technology, dram_prices(tables.dram, machine.dram.boundary)
    )
    if prices is None:
        return table, tables.digest
    given = read_prices(prices)
    further = [("dram", event) for event in DRAM_EVENTS]
    content = packed((tables.digest, [each.price() for each in given]))
    return with_prices(table, given, further), digest(content)


def _read(paths: Iterable[Path]) -> dict[Path, bytes]:
    """Bytes of the files that exist."""
    return {path: path.read_bytes() for path in paths if path.is_file()}
