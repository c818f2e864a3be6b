"""The claims as data: a row per claim, workload, rules, machine, batch, mapping and cost, with the
scopes as columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from accelsim.report.table import Cell, Column, Table, write_csv
from accelsim.results.reproduction import Item, ReproductionDocument, Sentence, Target

FILE = "claims-costs.csv"
SCOPES = ("EP", "EP+WG", "FF+EP+WG", "step")
BEST, CANONICAL = "edp", "canonical"
KEYS = ("claim", "workload", "rules", "feedback", "machine", "setting", "batch", "mapping", "cost")
SETTINGS = ("partitions", "lanes")
"""Keys of a context that tell apart machines of one name."""

Value = tuple[float | None, float | None, float | None]
"""Gain, and the 5th and 95th percentile over the bounds of the prices."""


@dataclass
class CostRow:
    """Gains of a rule in one cost, by scope, in ``unit``. ``printed``: the paper's number.
    ``counted``: the number by the paper's counting, of this workload.
    """

    key: dict[str, str | int]
    unit: str
    printed: str | None
    counted: str | None
    values: dict[str, Value] = field(default_factory=dict)


def rows(document: ReproductionDocument, target: Target) -> list[CostRow]:
    """All rows of a target, in the order of its cells; those of one place at both mappings are
    neighbours.
    """
    sentences = {each.name: each for each in document.sentences if each.target == target.name}
    items, _ = document.of(target)
    found: dict[tuple[str | int, ...], CostRow] = {}
    for item in items:
        for mapping, value in _values(item):
            key = _key(item, mapping)
            if key is None:
                continue
            row = found.setdefault((*key.values(),), _row(key, item, sentences))
            row.values[str(item.context["scope"])] = value
    return [*found.values()]


def _key(item: Item, mapping: str) -> dict[str, str | int] | None:
    """The key of a measured cell, or None for any other cell."""
    known = item.context
    if known.get("scope") not in SCOPES:
        return None
    return {
        "claim": item.id.split("/")[1],
        "workload": known["workload"],
        "rules": known.get("rules", ""),
        "feedback": known.get("feedback", ""),
        "machine": known["machine"],
        "setting": ", ".join(f"{name} {known[name]}" for name in SETTINGS if name in known),
        "batch": known["batch"],
        "mapping": mapping,
        "cost": known["cost"],
    }


def _values(item: Item) -> Iterator[tuple[str, Value]]:
    """The gains of a cell by mapping."""
    known = item.context
    computed = None if item.computed is None else float(item.computed)
    if "canonical mapping" not in known:
        yield CANONICAL, (computed, None, None)
        return
    yield BEST, (computed, _number(item, "low"), _number(item, "high"))
    yield (
        CANONICAL,
        (
            _number(item, "canonical mapping"),
            _number(item, "canonical low"),
            _number(item, "canonical high"),
        ),
    )


def _number(item: Item, key: str) -> float | None:
    try:
        return float(item.context[key])
    except (KeyError, ValueError):
        return None


def _row(key: dict[str, str | int], item: Item, sentences: dict[str, Sentence]) -> CostRow:
    sentence = sentences.get(str(key["claim"]))
    same = sentence is not None and sentence.workload == key["workload"]
    counted = (sentence.recounted or sentence.counted) if sentence and same else None
    return CostRow(key, item.unit, sentence.printed if sentence else None, counted)


def csv(document: ReproductionDocument, target: Target) -> str:
    """The rows as CSV: keys, unit, printed and counted number, then gain, low and high by scope."""
    columns: list[Column[CostRow]] = [
        *(Column(key, key, "text", partial(_of_key, key)) for key in KEYS),
        Column("unit", "unit", "text"),
        Column("printed", "printed", "text"),
        Column("counted", "counted", "text"),
    ]
    for scope in SCOPES:
        for place, end in enumerate(("", "_low", "_high")):
            columns.append(
                Column(f"{scope}{end}", f"{scope}{end}", "number", partial(_of_scope, scope, place))
            )
    return write_csv(Table.of("claims-costs", target.title, columns, rows(document, target)))


def _of_key(key: str, row: CostRow) -> Cell:
    return row.key[key]


def _of_scope(scope: str, place: int, row: CostRow) -> Cell:
    return row.values.get(scope, (None, None, None))[place]
