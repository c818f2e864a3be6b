"""Table 2 of Han et al. 2020: memory transactions and operations of error propagation in CNNs on
CIFAR-10, batch 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from accelsim.results.reproduction import Item, Target
from accelsim.studies.papers.counting import (
    MEBIBYTE,
    Cost,
    convolutions,
    cost_of,
    fraction,
    mixed,
    propagating,
)
from accelsim.studies.papers.han2020.printed import TABLE_2, TABLE_2_NETWORKS
from accelsim.studies.papers.han2020.resnet50 import layer_list, revised_links
from accelsim.studies.papers.outcome import Outcome, Quantity, cell, cut, half_up
from accelsim.studies.papers.progress import Progress
from accelsim.workload.loading import load_network

TARGET = Target(
    "han2020-table2",
    "Han et al. 2020, table 2: cost of error propagation in CNNs",
    "Weights that error propagation reads (2^20 bytes) and its operations (10^9, two per "
    "MAC, over the whole loop nest), batch 1, from the ops that each rule lowers to. "
    "Backward weights are read once; those of BP and DFA have 32 bits, those of the "
    "Revised rows 1. Revised rows omit the fully connected link, as in the paper. A hybrid "
    "row is the mean over its kinds of step. R-50 appears twice: with the list of layers "
    "that the printed column encodes, whose maps do not chain, and, as R-50-real, with the "
    "real network (bottlenecks of expansion 4), for which the paper prints nothing. The "
    "rounding behind each cell (hybrid memory from rounded cells, hybrid operations from "
    "unrounded ones) was found by fitting. So was R-50's Revised rule (D2 only on the "
    "links into a block), with moderate confidence. R-50-real has the rule of VGG16 and "
    "R-18 on every link, D1 with 4 C channels on both sides.",
)
ACCOUNTING = "weights-once"
GROUPS = (4, 8)
PROBABILITIES = ("0.1", "0.3")
ROWS = tuple(TABLE_2["a"])
NETWORKS = {"VGG16": "vgg16-cifar10", "R-18": "resnet18-cifar10", "R-50-real": "resnet50-cifar10"}
LISTED = "R-50"

FITTED = "layer list found by fitting, moderate confidence"
"""Note on every cell of `LISTED` except DFA's, which have their own notes."""
_R50_DFA = (
    "Not reproduced. No sum of layer maps of a network with these widths at 32, 16, 8 and "
    "4 pixels prints as 149.83: each sum has a multiple of 512 neurons, and no such number "
    "gives 149.825 to 149.835 MB. Computed: the list of layers that R-50's other cells "
    "encode."
)
DOCUMENTED = {
    "han2020-table2a/R-50/DFA": _R50_DFA,
    "han2020-table2b/R-50/DFA": (
        "Not reproduced, because its memory is not. Computed: the list of layers that R-50's "
        "other cells encode."
    ),
    "han2020-table2a/VGG16/HDFA-0.1-G8": (
        "Misprint: 0.1 x 56.13 + 0.9 x 0.27 = 5.856. 5.87 would need a Revised cell of 0.280 "
        "to 0.291 MB, but 0.27 is printed."
    ),
    "han2020-table2b/R-50/HDFA-0.3-G4": (
        "Unrounded cells, from which all other hybrid operations come, give 0.3 x 1.5268 + 0.7 "
        "x 1.1660 = 1.274; the printed cells give 1.28 (1.278)."
    ),
}
"""Known mismatches, and their reasons."""


def costs(column: str) -> dict[str, Cost]:
    """Cost of every row of one column."""
    if column == LISTED:
        network = layer_list(reads_map_before=False)
        by_row = {
            "BP": cost_of(propagating(network, "bp")),
            "DFA": cost_of(propagating(network, "dfa")),
        }
        by_row |= {
            f"Revised-G{groups}": cost_of(convolutions(revised_links(groups))) for groups in GROUPS
        }
    else:
        network = load_network(NETWORKS[column])
        by_row = {
            "BP": cost_of(propagating(network, "bp")),
            "DFA": cost_of(propagating(network, "dfa")),
        }
        by_row |= {
            f"Revised-G{groups}": cost_of(
                convolutions(propagating(network, f"revised:groups={groups},binary=true"))
            )
            for groups in GROUPS
        }
    for p in PROBABILITIES:
        for groups in GROUPS:
            kinds = {"bp": by_row["BP"], "revised": by_row[f"Revised-G{groups}"]}
            by_row[f"HDFA-{p}-G{groups}"] = mixed(f"hdfa:p={p},groups={groups}", kinds)
    return by_row


CUT = {"han2020-table2b/VGG16/DFA": 3}
"""Cells printed with a number of decimals other than two; further decimals are cut off."""
SLACK = Fraction("0.01")
"""Maximum rounding error of a hybrid cell: two rounded cells and their rounded mean each contribute
up to half a hundredth.
"""


def memory(costs_: Mapping[str, Cost], row: str) -> tuple[Fraction, Decimal, str]:
    """(MB, MB rounded as in the paper, description of that rounding)."""
    computed = costs_[row].megabytes(MEBIBYTE)
    if not row.startswith("HDFA"):
        return computed, half_up(computed, 2), ""
    _, p, groups = row.split("-")
    bp, revised = (
        Fraction(half_up(costs_[name].megabytes(MEBIBYTE), 2))
        for name in ("BP", f"Revised-{groups}")
    )
    share = fraction(float(p))
    return (
        computed,
        half_up(share * bp + (1 - share) * revised, 2),
        "mean of the rounded BP and Revised cells",
    )


def operations(
    costs_: Mapping[str, Cost], column: str, row: str
) -> tuple[Fraction, int, Decimal, str]:
    """(GOP, decimals printed, GOP rounded as in the paper, description of that rounding)."""
    computed = costs_[row].gop
    places = CUT.get(f"{TARGET.name}b/{column}/{row}")
    if places:
        return (
            computed,
            places,
            cut(computed, places),
            "cut off after the third decimal, unlike all other cells",
        )
    return computed, 2, half_up(computed, 2), ""


def items(column: str) -> list[Item]:
    """Cells of one column in both tables."""
    cells: list[Item] = []
    known = costs(column)
    for row in ROWS:
        printed = {
            part: TABLE_2[part][row][TABLE_2_NETWORKS.index(column)]
            if column in TABLE_2_NETWORKS
            else None
            for part in "ab"
        }
        megabytes, rounded, how = memory(known, row)
        size = Quantity(TARGET.name, f"{TARGET.name}a/{column}/{row}", "MB", ACCOUNTING)
        cells.append(_item(size, column, row, printed["a"], megabytes, 2, rounded, how))
        gop, places, rounded, how = operations(known, column, row)
        work = Quantity(TARGET.name, f"{TARGET.name}b/{column}/{row}", "GOP", ACCOUNTING)
        cells.append(_item(work, column, row, printed["b"], gop, places, rounded, how))
    return cells


def _item(
    quantity: Quantity,
    column: str,
    row: str,
    printed: str | None,
    computed: Fraction,
    places: int,
    rounded: Decimal,
    how: str,
) -> Item:
    said = DOCUMENTED.get(quantity.id)
    note = said or how
    if column == LISTED and row != "DFA":
        if note.endswith("."):
            note = f"{note} {FITTED.capitalize()}"
        else:
            note = f"{note}; {FITTED}" if note else FITTED
    return cell(
        quantity,
        printed,
        computed,
        places,
        rounded=rounded,
        slack=SLACK,
        note=note,
        documented=said is not None,
    )


def reproduce(progress: Progress) -> Outcome:
    """All cells, table (a) before (b)."""
    columns = (*TABLE_2_NETWORKS, "R-50-real")
    cells: list[Item] = []
    for index, column in enumerate(columns):
        progress(index, len(columns), column)
        cells += items(column)
    return Outcome(tuple(sorted(cells, key=lambda item: item.id.partition("/")[0])))
