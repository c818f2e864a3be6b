"""Accelergy's energy reference tables (ERT, versions 0.3 and 0.4): prices of a machine from one,
through a map file, and a machine's prices as one.

An ERT names components of its own architecture, such as ``system.PE[1..168].weights_spad``, with
actions such as ``read``, ``update`` or ``leak``, in pJ per action. A map file says which of them
prices which action here, and by how many bits or words an energy is to be divided.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field

from accelsim.config.loader import validate_document
from accelsim.config.models.section import Section
from accelsim.config.source import Document, KeyPath, read_document
from accelsim.config.suggest import did_you_mean
from accelsim.cost.counters import Action
from accelsim.cost.overlay import GivenPrice, read_overlay
from accelsim.cost.price import Price
from accelsim.errors import Fault, InputError

VERSIONS = ("0.3", "0.4")
_RANGE = re.compile(r"\[\d+\.\.\d+\]")
_ROOT = "system"
Factor = Annotated[float, Field(gt=0)]


class MappedPrice(Section):
    """The price of one action, from an entry of the ERT."""

    component: str = Field(description="Component of the price, as `accelsim prices` lists it.")
    action: str = Field(description="Action of the price.")
    ert: str = Field(
        description="Name of the component in the ERT, with its ranges or without: "
        "`system.PE.weights_spad`."
    )
    ert_action: str = Field(description="Action of that component in the ERT.")
    arguments: str = Field(
        default="",
        description="Arguments of the ERT's action, where it has several entries: "
        "`address_delta=1,data_delta=1`.",
    )
    per: Factor = Field(
        default=1.0,
        description="Units in one action of the ERT: 16 for a price per bit of a 16-bit access.",
    )
    low: Factor | None = Field(default=None, description="Least the price may be, in pJ.")
    high: Factor | None = Field(default=None, description="Most the price may be, in pJ.")
    source: str = Field(
        default="", description="Source of the number; the ERT's entry if left out."
    )
    verified: bool = Field(default=False, description="Whether that source was read.")


class ErtMap(Section):
    """The format of a map file of `--prices`: an ERT, and the prices that it gives."""

    schema_: Literal["accelsim.ert-map/1"] = Field(
        alias="schema", description="Format of this file."
    )
    ert: str = Field(description="File of the ERT, relative to this one.")
    prices: tuple[MappedPrice, ...] = Field(description="Prices from the ERT.")


@dataclass(frozen=True)
class ErtEntry:
    """An action of an ERT. ``arguments``: texts by name."""

    action: str
    arguments: Mapping[str, str]
    pj: float


Ert = Mapping[str, tuple[ErtEntry, ...]]
"""Entries by the name of the component without ranges."""


def read_prices(path: Path) -> tuple[GivenPrice, ...]:
    """Prices of a CSV overlay, or, of a YAML file, those that a map file takes from an ERT.
    InputError with every fault.
    """
    if path.suffix.lower() in (".yaml", ".yml"):
        return mapped_prices(path)
    return read_overlay(path)


def mapped_prices(path: Path) -> tuple[GivenPrice, ...]:
    """Prices of a map file. InputError with every fault of it or of its ERT."""
    document = read_document(path)
    model = validate_document(document, ErtMap)
    file = path.parent / model.ert
    if not file.is_file():
        place = document.place(("ert",))
        raise InputError(place.fault(f"ert must be a file beside this one, got {model.ert}"))
    ert = read_ert(file)
    faults: list[Fault] = []
    given: dict[Action, GivenPrice] = {}
    for index, entry in enumerate(model.prices):
        at: KeyPath = ("prices", index)
        try:
            pj = _found(ert, entry, document, at) / entry.per
        except InputError as error:
            faults += error.faults
            continue
        source = entry.source or f"{Path(model.ert).name}: {entry.ert}.{entry.ert_action}"
        price = GivenPrice(
            entry.component,
            entry.action,
            pj,
            entry.low,
            entry.high,
            source,
            entry.verified,
            document.place((*at, "action")),
        )
        faults += price.faults(lambda key, at=at: document.place((*at, key)))  # type: ignore[misc]  # bound now
        if (entry.component, entry.action) in given:
            rule = f"action must be listed once, got {entry.component}.{entry.action} again"
            faults.append(price.place.fault(rule))
        given[entry.component, entry.action] = price
    if faults:
        raise InputError(*faults)
    return tuple(given.values())


def _found(ert: Ert, entry: MappedPrice, document: Document, at: KeyPath) -> float:
    """pJ of the single entry of the ERT that a mapped price means."""

    def fault(key: str, rule: str, got: str) -> InputError:
        return InputError(document.place((*at, key)).fault(f"{key} must be {rule}, got {got}"))

    entries = ert.get(_RANGE.sub("", entry.ert))
    if entries is None:
        meant = did_you_mean(entry.ert, ert)
        raise fault("ert", "a component of the ERT", f"{entry.ert}{meant}")
    of_action = [each for each in entries if each.action == entry.ert_action]
    if not of_action:
        names = ", ".join(dict.fromkeys(each.action for each in entries))
        raise fault("ert_action", f"one of {names}", entry.ert_action)
    texts = [each.strip() for each in entry.arguments.split(",") if each.strip()]
    wanted = [each.partition("=")[::2] for each in texts]
    right = [
        each
        for each in of_action
        if all(each.arguments.get(name) == value for name, value in wanted)
    ]
    if len({each.pj for each in right}) != 1:
        known = "; ".join(_arguments(each) for each in of_action)
        raise fault("arguments", f"those of one entry ({known})", entry.arguments or "nothing")
    return right[0].pj


def _arguments(entry: ErtEntry) -> str:
    return ",".join(f"{name}={value}" for name, value in entry.arguments.items()) or "none"


def read_ert(path: Path) -> Ert:
    """Read an ERT. InputError with every fault."""
    document = read_document(path)
    reader = _Reader(document)
    ert = reader.read()
    if document.faults or reader.faults:
        raise InputError(*document.faults, *reader.faults)
    return ert


class _Reader:
    """The parts of an ERT, and its faults. Keys beyond those that are read are ignored, because
    plug-ins of Accelergy add some.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.faults: list[Fault] = []

    def read(self) -> Ert:
        root = self.document.data
        tables = self._of(root, (), "ERT", dict, "a mapping")
        version = str(tables.get("version")) if tables else VERSIONS[0]
        if version not in VERSIONS:
            self._fault(("ERT", "version"), f"one of {', '.join(VERSIONS)}", version)
        ert: dict[str, list[ErtEntry]] = {}
        for at, table in self._items(tables, ("ERT",), "tables"):
            name = self._of(table, at, "name", str, "a text")
            entries = ert.setdefault(_RANGE.sub("", name or ""), [])
            for place, action in self._items(table, at, "actions"):
                entries += self._entry(action, place)
        return {name: tuple(entries) for name, entries in ert.items()}

    def _entry(self, action: Any, at: KeyPath) -> list[ErtEntry]:
        name = self._of(action, at, "name", str, "a text")
        energy = self._of(action, at, "energy", (int, float), "a number >= 0")
        if name is None or energy is None:
            return []
        if not 0 <= energy < math.inf:
            self._fault((*at, "energy"), "a number >= 0", str(energy))
            return []
        arguments = action.get("arguments") or {}
        if not isinstance(arguments, dict):
            self._fault((*at, "arguments"), "a mapping", str(arguments))
            return []
        return [ErtEntry(name, {key: str(each) for key, each in arguments.items()}, float(energy))]

    def _items(self, owner: Any, at: KeyPath, key: str) -> Iterator[tuple[KeyPath, Any]]:
        for index, each in enumerate(self._of(owner, at, key, list, "a list") or ()):
            yield (*at, key, index), each

    def _of(self, owner: Any, at: KeyPath, key: str, kind: Any, rule: str) -> Any:
        """The value of a key if it is of a kind, else None and a fault."""
        value = owner.get(key) if isinstance(owner, dict) else None
        if isinstance(value, bool) or not isinstance(value, kind):
            if owner is not None:
                got = "nothing" if value is None else str(value)
                self._fault((*at, key), rule, got)
            return None
        return value

    def _fault(self, at: KeyPath, rule: str, got: str) -> None:
        self.faults.append(self.document.place(at).fault(f"{at[-1]} must be {rule}, got {got}"))


def ert_text(prices: Iterable[Price]) -> str:
    """Prices as the text of an ERT of version 0.4: a component ``system.NAME`` per component here,
    in pJ per action.
    """
    tables: dict[str, list[dict[str, Any]]] = {}
    for price in prices:
        tables.setdefault(price.component, []).append(
            {"name": price.action, "arguments": {}, "energy": price.pj}
        )
    listed = [
        {"name": f"{_ROOT}.{component}", "actions": actions}
        for component, actions in tables.items()
    ]
    text: str = yaml.safe_dump({"ERT": {"version": 0.4, "tables": listed}}, sort_keys=False)
    return text
