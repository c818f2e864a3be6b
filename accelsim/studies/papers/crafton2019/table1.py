"""Table 1 of Crafton et al. 2019: formulas of reads, writes, MACs and data movement, beside counts
from the ops on AlexNet's layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from accelsim.results.reproduction import Item, Match, Target, Unit
from accelsim.studies.papers.crafton2019.stack import Stack, Symbols, symbols, traffic
from accelsim.studies.papers.outcome import Outcome, Quantity, cell
from accelsim.studies.papers.progress import Progress
from accelsim.workload.loading import load_network

TARGET = Target(
    "crafton2019-table1",
    "Crafton et al. 2019, table 1: cost of error assignment in symbols",
    "The backward pass of one example over AlexNet's fully connected layers. |W|: weights; "
    "|B|: feedback weights; |b|: the feedback weights that are kept; |A|: neurons; |E|: "
    "output errors; |e|: errors that reach a neuron, summed over all neurons. `printed` is "
    "a formula where the paper's text states one, and `exact` means that the ops give its "
    "value for the layers' sizes; the table's own cells are not available. All other "
    "formulas are derived here. Reads count each weight, each feedback weight and each "
    "neuron's error once, and the output error as the derivation does (in |A| and as |E|). "
    "`operand words` are all operands of each op, including activations, gradients and "
    "masks. Data movement is the paper's quantity: |A| times the words that a neuron "
    "receives. With feedback rules it is counted from the bounds of the lowered feedback "
    "op (neurons times its non-zeros), with BP from its weight tensors, and never on a "
    "machine. There, `exact` means that the lowered ops have the formula's size, not that "
    "an execution moved that many words; the claims audit has those numbers.",
)
NETWORK = "alexnet"
RULES = {"BP": "bp", "DFA": "dfa", "SDFA-k10": "sdfa:k=10", "SSDFA": "ssdfa"}
BOUNDS = "counted from the lowered ops' bounds and tensors, not from an execution"
K = {"BP": 0, "DFA": 1000, "SDFA-k10": 10, "SSDFA": 1}
"""Feedback weights per hidden neuron."""


@dataclass(frozen=True)
class Column:
    """A column of the table. ``formula``: text and value by row. ``stated``: rows whose formula is
    in the paper's text; the others are derived here.
    """

    unit: Unit
    stated: frozenset[str]
    formula: Mapping[str, tuple[str, Callable[[Symbols, int], int]]]

    def of(self, row: str) -> tuple[str, Callable[[Symbols, int], int]]:
        """Formula of a row. SSDFA uses that of SDFA."""
        return self.formula.get(row) or self.formula["SDFA"]


COLUMNS = {
    "reads": Column(
        "words",
        frozenset(),
        {
            "BP": ("|W|+|A|+|E|", lambda s, _: s.w + s.a + s.e),
            "DFA": ("|B|+|W|+|A|+|E|", lambda s, _: s.b + s.w + s.a + s.e),
            "SDFA": ("|b|+|W|+|A|+|E|", lambda s, _: s.b + s.w + s.a + s.e),
        },
    ),
    "writes": Column(
        "words", frozenset(), {name: ("|W|", lambda s, _: s.w) for name in ("BP", "DFA", "SDFA")}
    ),
    "MACs": Column(
        "MAC",
        frozenset({"BP", "SDFA-k10", "SSDFA"}),
        {
            "BP": ("2|W|", lambda s, _: 2 * s.w),
            "DFA": ("|W|+|B|", lambda s, _: s.w + s.b),
            "SDFA": ("|W|+|b|", lambda s, _: s.w + s.b),
        },
    ),
    "data movement": Column(
        "words",
        frozenset({"BP", "SSDFA"}),
        {
            "BP": ("|W|+|A|+|E|", lambda s, _: s.w + s.a + s.e),
            "DFA": ("|A||E|", lambda s, _: s.a * s.e),
            "SDFA": ("|e| = k|A|", lambda s, k: s.a * k),
        },
    ),
}


def items() -> list[Item]:
    """One cell per rule and column, and the words of all operands."""
    stack = Stack(load_network(NETWORK))
    cells: list[Item] = []
    for row, rule in RULES.items():
        ops = stack.ops(rule)
        known, moved, counted = symbols(stack, K[row]), traffic(stack, ops), stack.neuron(rule)
        measured = {
            "reads": moved.reads,
            "writes": moved.writes,
            "MACs": counted.macs,
            "data movement": counted.words,
        }
        for name, column in COLUMNS.items():
            text, value = column.of(row)
            expected = value(known, K[row])
            cells.append(
                _item(row, name, column.unit, text, row in column.stated, measured[name], expected)
            )
        note = "every operand of every op of EP, WG and WU (sgd)"
        cells.append(
            cell(
                Quantity(
                    TARGET.name, f"{TARGET.name}/{row}/operand words", "words", "all operands"
                ),
                None,
                moved.operands,
                0,
                note=note,
            )
        )
    return cells


def _item(
    row: str, name: str, unit: Unit, formula: str, stated: bool, measured: int, expected: int
) -> Item:
    """Cell compared with a formula's value."""
    match: Match = "not-printed" if not stated else "exact" if measured == expected else "mismatch"
    note = "; ".join(
        part
        for part in ("" if stated else "derived by us", BOUNDS if name == "data movement" else "")
        if part
    )
    context: dict[str, str | int] = {"formula": formula, "formula_value": expected}
    id_ = f"{TARGET.name}/{row}/{name}"
    return Item(
        TARGET.name,
        id_,
        unit,
        formula if stated else None,
        measured,
        str(measured),
        match,
        "neuron",
        note,
        context=context,
    )


def reproduce(progress: Progress) -> Outcome:
    """Cells of the table."""
    progress(0, 1, NETWORK)
    return Outcome(tuple(items()))
