"""Table 4 of Han et al. 2020: memory transactions and operations of error propagation in recurrent
networks on WikiText-2.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from accelsim.results.reproduction import Item, Target
from accelsim.studies.papers.counting import MEGABYTE, Cost, cost_of, fraction, mixed, propagating
from accelsim.studies.papers.han2020.printed import TABLE_4, TABLE_4_NETWORKS
from accelsim.studies.papers.outcome import Outcome, Quantity, cell, cut, half_up
from accelsim.studies.papers.progress import Progress
from accelsim.workload.loading import load_network

TARGET = Target(
    "han2020-table4",
    "Han et al. 2020, table 4: cost of error propagation in recurrent networks",
    "Weights that error propagation reads (10^6 bytes) and its operations (10^9, two per "
    "MAC) over 35 time steps, batch 20, vocabulary 33,278, embedding and state 200, from "
    "the ops that each rule lowers to. DFA and Revised have one matrix per time step, with "
    "32 bits per value, as the table counts. Backward weights of hybrid rows have 1 bit; "
    "only non-zeros count, without their positions. Each row of a sparse matrix keeps a "
    "whole number of entries here, unlike in the table; this changes no printed digit.",
)
ACCOUNTING = "weights-once"
NETWORKS = {"RNN": "rnn-wikitext2", "LSTM": "lstm-wikitext2", "GRU": "gru-wikitext2"}
PROBABILITIES = ("0.1", "0.2")
SPARSITIES = (0, 80, 95, 98)
"""Percentages of the backward weights that are zero."""
ROWS = tuple(TABLE_4["a"])


def costs(column: str) -> dict[str, Cost]:
    """Cost of every row of one column, and of the revised step at each sparsity
    (``sparse-80%``).
    """
    network = load_network(NETWORKS[column])

    def cost(rule: str) -> Cost:
        return cost_of(propagating(network, rule, network.batch))

    by_row = {
        "BP": cost("bp"),
        "DFA": cost("dfa:per_step=true"),
        "Revised": cost("revised:per_step=true"),
    }
    for sparsity in SPARSITIES:
        sparse = f"sparse-{sparsity}%"
        by_row[sparse] = cost(f"revised:per_step=true,binary=true,sparsity={sparsity / 100}")
        for p in PROBABILITIES:
            kinds = {"bp": by_row["BP"], "revised": by_row[sparse]}
            by_row[f"HDFA-{p}-{sparsity}%"] = mixed(
                f"hdfa:p={p},per_step=true,sparsity={sparsity / 100}", kinds
            )
    return by_row


def _slack(row: str, places: int, rounded_parts: bool) -> Fraction:
    """Maximum rounding error of a row. For hybrid rows it includes the errors of its parts,
    weighted by their shares.
    """
    unit = Fraction(10) ** -places
    if not row.startswith("HDFA"):
        return unit
    _, p, sparsity = row.split("-")
    share, density = fraction(float(p)), 1 - Fraction(int(sparsity.rstrip("%")), 100)
    return unit + share * unit + (1 - share) * (density / 2 * unit if rounded_parts else unit)


def memory(known: Mapping[str, Cost], row: str) -> tuple[Fraction, int, Decimal, str]:
    """(MB, decimals printed, MB rounded as in the paper, description of that rounding)."""
    computed = known[row].megabytes(MEGABYTE)
    if row.startswith("HDFA"):
        _, p, sparsity = row.split("-")
        share = fraction(float(p))
        revised = Fraction(cut(known[f"sparse-{sparsity}"].megabytes(MEGABYTE), 2))
        rounded = cut(share * known["BP"].megabytes(MEGABYTE) + (1 - share) * revised, 2)
        return (
            computed,
            2,
            rounded,
            ("the Revised part and the mean are cut off after the second decimal"),
        )
    places = 2 if row == "BP" else 1
    return computed, places, half_up(computed, places), ""


def operations(known: Mapping[str, Cost], row: str) -> tuple[Fraction, Decimal, str]:
    """(GOP, GOP rounded as in the paper, description of that rounding)."""
    computed = known[row].gop
    if row == "BP":
        return computed, cut(computed, 1), "cut off after the first decimal"
    if row.startswith("HDFA"):
        _, p, sparsity = row.split("-")
        share, density = fraction(float(p)), 1 - Fraction(int(sparsity.rstrip("%")), 100)
        bp, revised = Fraction(cut(known["BP"].gop, 1)), Fraction(half_up(known["Revised"].gop, 1))
        return (
            computed,
            cut(share * bp + (1 - share) * density * revised, 1),
            "mean of printed BP and the kept fraction of printed Revised, cut off",
        )
    return computed, half_up(computed, 1), ""


def items(column: str) -> list[Item]:
    """Cells of one column in both tables."""
    cells: list[Item] = []
    known = costs(column)
    index = TABLE_4_NETWORKS.index(column)
    for row in ROWS:
        printed = {part: TABLE_4[part][row][index] for part in "ab"}
        ids = {part: f"{TARGET.name}{part}/{column}/{row}" for part in "ab"}
        megabytes, places, rounded, how = memory(known, row)
        slack = _slack(row, places, rounded_parts=False)
        cells.append(
            cell(
                Quantity(TARGET.name, ids["a"], "MB", ACCOUNTING),
                printed["a"],
                megabytes,
                places,
                rounded=rounded,
                slack=slack,
                note=how,
            )
        )
        gop, rounded, how = operations(known, row)
        slack = _slack(row, 1, rounded_parts=True)
        cells.append(
            cell(
                Quantity(TARGET.name, ids["b"], "GOP", ACCOUNTING),
                printed["b"],
                gop,
                1,
                rounded=rounded,
                slack=slack,
                note=how,
            )
        )
    return cells


def reproduce(progress: Progress) -> Outcome:
    """All cells, table (a) before (b)."""
    cells: list[Item] = []
    for index, column in enumerate(TABLE_4_NETWORKS):
        progress(index, len(TABLE_4_NETWORKS), column)
        cells += items(column)
    return Outcome(tuple(sorted(cells, key=lambda item: item.id.partition("/")[0])))
