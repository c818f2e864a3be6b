"""Figures 5 and 6 of Han et al. 2020: cost of error propagation by rule, and accuracy against that
cost.
"""

from __future__ import annotations

from collections.abc import Mapping

from accelsim.experiment.simulate import simulate
from accelsim.results.reproduction import Figure, Item, Panel, Series
from accelsim.studies.papers.counting import MEBIBYTE, MEGABYTE, Cost
from accelsim.studies.papers.han2020 import table2 as han2020_table2
from accelsim.studies.papers.han2020 import table4 as han2020_table4
from accelsim.studies.papers.han2020.accuracies import PRINTED_GRU, PRINTED_R50, trained
from accelsim.studies.papers.han2020.printed import (
    TABLE_2,
    TABLE_2_NETWORKS,
    TABLE_4,
    TABLE_4_NETWORKS,
)
from accelsim.studies.papers.outcome import Quantity, cell
from accelsim.studies.papers.progress import Progress

MACHINE = "near-memory"
REDUCED = (
    "ours trained at a reduced scale (CNNs at 1/8 of their width, 12 or 8 epochs; text with "
    "2,001 words, 4 epochs), cost of the full network"
)

CNN_RULES = {
    "BP": "bp",
    "DFA": "dfa",
    "Revised-G4": "revised:groups=4",
    "Revised-G8": "revised:groups=8",
    "HDFA-0.1-G4": "hdfa:p=0.1,groups=4",
    "HDFA-0.3-G4": "hdfa:p=0.3,groups=4",
}
"""Row to the rule that the study trained and that the simulator runs."""
CNN_COLUMNS = {
    "VGG16": ("vgg16-cifar10", "vgg16-cifar10@0.125"),
    "R-18": ("resnet18-cifar10", "resnet18-cifar10@0.125"),
}
"""Column to (workload, trained network)."""

RNN_RULES = {
    "BP": "bp",
    "DFA": "dfa:per_step=true",
    "Revised": "revised:init=bw",
    "HDFA-0.1-98%": "hdfa:p=0.1,init=bw,sparsity=0.98",
    "HDFA-0.2-98%": "hdfa:p=0.2,init=bw,sparsity=0.98",
}
RNN_COLUMNS = {
    name: (f"{name.lower()}-wikitext2", f"{name.lower()}-wikitext2") for name in TABLE_4_NETWORKS
}


def figure_5(target: str) -> Figure:
    """Figure of memory and operations by rule, computed beside printed, for R-50 as table 2 encodes
    it and for GRU.
    """
    panels: list[Panel] = []
    for letter, network, rows, tables, networks, unit in (
        ("(a)", "R-50", han2020_table2.costs("R-50"), TABLE_2, TABLE_2_NETWORKS, MEBIBYTE),
        ("(b)", "GRU", han2020_table4.costs("GRU"), TABLE_4, TABLE_4_NETWORKS, MEGABYTE),
    ):
        column = networks.index(network)
        names = list(tables["a"])
        for part, label in (("a", "EP memory (MB)"), ("b", "EP operations (GOP)")):
            computed = [
                float(rows[name].megabytes(unit) if part == "a" else rows[name].gop)
                for name in names
            ]
            printed = [float(tables[part][name][column]) for name in names]
            curves = (Series("computed", names, computed), Series("printed", names, printed))
            panels.append(Panel(f"{letter} {network}", "bars", "", label, curves, log_y=True))
    caption = (
        "Counterpart of figure 5: memory transactions and operations of error propagation "
        "for (a) the ResNet-50 that table 2 encodes and (b) GRU, computed from executed "
        "ops, beside the printed cells. R-50's DFA cells are not reproduced (table 2). "
        f"{_accuracies()}"
    )
    return Figure(
        target, "han2020-fig5", "Cost of error propagation by learning rule", caption, tuple(panels)
    )


def _accuracies() -> str:
    """Sentence about the rows of figure 5 that have accuracies: printed ones (tables 1 and 3), and
    ours.
    """
    said = []
    for network, rows, printed, ours in (
        ("R-50", TABLE_2["a"], PRINTED_R50, ()),
        (
            "GRU",
            TABLE_4["a"],
            PRINTED_GRU,
            [row for row, rule in RNN_RULES.items() if ("gru-wikitext2", rule) in trained()],
        ),
    ):
        lack = [row for row in rows if row not in printed]
        known = ", ".join(row for row in rows if row in ours) or "no row"
        most = f"all but {', '.join(lack)}" if lack else "all"
        said.append(f"{network}: {most} printed, {known} trained by us")
    return f"Every row of tables 2 and 4 is shown. Available accuracies: {'; '.join(said)}."


def figure_6(target: str, progress: Progress) -> tuple[list[Item], Figure]:
    """Cells and figure of test accuracy against EP memory, and against the energy of a whole step
    on a machine.
    """
    items: list[Item] = []
    cnn = _panels(target, "(a)", CNN_COLUMNS, CNN_RULES, items, progress)
    rnn = _panels(target, "(b)", RNN_COLUMNS, RNN_RULES, items, progress)
    printed = (
        _printed("(c) R-50", PRINTED_R50, TABLE_2["a"], TABLE_2_NETWORKS.index("R-50")),
        _printed("(d) GRU", PRINTED_GRU, TABLE_4["a"], TABLE_4_NETWORKS.index("GRU")),
    )
    caption = (
        "Counterpart of figure 6: test accuracy against cost. (a, b) "
        f"{REDUCED[0].upper()}{REDUCED[1:]}. Left: the weights that error propagation reads "
        f"(tables 2 and 4). Right: the energy of a whole training step on {MACHINE}, with "
        "the workload's batch and traces of real training. (c, d) Tables 1 to 4 of the "
        "paper. A name has the colour of its network. Absolute accuracies are not "
        "comparable between ours and the paper's. Recurrent revised feedback was trained "
        "with one matrix for all time steps, but its cost is that of one matrix per time "
        "step, as table 4 counts. Revised feedback of CNNs was trained with real values, "
        "but its cost is that of binary ones. There are one or two seeds (accuracy.csv). "
        "VGG16's hybrids cost more than BP because their second momentum crosses DRAM in "
        "every DFA step."
    )
    return items, Figure(
        target, "han2020-fig6", "Accuracy against cost", caption, (*cnn, *rnn, *printed)
    )


def _panels(
    target: str,
    letter: str,
    columns: Mapping[str, tuple[str, str]],
    rules: Mapping[str, str],
    items: list[Item],
    progress: Progress,
) -> list[Panel]:
    cnn = columns is CNN_COLUMNS
    memory: list[Series] = []
    energy: list[Series] = []
    for index, (column, (workload, network)) in enumerate(columns.items()):
        known: Mapping[str, Cost] = (
            han2020_table2.costs(column) if cnn else han2020_table4.costs(column)
        )
        rows = [row for row in rules if (network, rules[row]) in trained() and row in known]
        accuracy = [trained()[network, rules[row]] for row in rows]
        megabytes = [float(known[row].megabytes(MEBIBYTE if cnn else MEGABYTE)) for row in rows]
        joules: list[float] = []
        for row in rows:
            progress(index, len(columns), f"{workload} {row}")
            joules.append(
                simulate(workload, MACHINE, rule=_executed(rules[row], cnn)).energy_pj / 1e9
            )
        memory.append(Series(f"{column}, ours", megabytes, accuracy, names=rows))
        energy.append(Series(f"{column}, ours", joules, accuracy, names=rows))
        for row, percent, used in zip(rows, accuracy, joules, strict=True):
            id_ = f"{target}/fig6/{column}/{row}"
            items.append(
                cell(
                    Quantity(target, f"{id_}/accuracy", "%", "trained"),
                    None,
                    percent,
                    2,
                    note=REDUCED,
                )
            )
            relative = used / joules[0] if rows[0] == "BP" else None
            if relative is not None:
                note = f"energy of a step on {MACHINE}, relative to BP"
                items.append(
                    cell(
                        Quantity(
                            target, f"{id_}/step-energy", "x", "machine", {"machine": MACHINE}
                        ),
                        None,
                        relative,
                        4,
                        note=note,
                    )
                )
    kind = "CNN" if cnn else "RNN, LSTM, GRU"
    return [
        Panel(
            f"{letter} {kind}, EP memory",
            "scatter",
            "EP memory (MB)",
            "test accuracy (%)",
            tuple(memory),
            log_x=True,
        ),
        Panel(
            f"{letter} {kind}, whole step",
            "scatter",
            "energy of a step (mJ)",
            "test accuracy (%)",
            tuple(energy),
        ),
    ]


def _executed(rule: str, cnn: bool) -> str:
    """The rule as the tables count it: binary feedback for CNNs, one matrix per time step for
    recurrent networks.
    """
    if not rule.startswith(("revised", "hdfa")):
        return rule
    return f"{rule},binary=true" if cnn else f"{rule},per_step=true"


def _printed(
    network: str, accuracies: Mapping[str, float], table: Mapping[str, tuple[str, ...]], column: int
) -> Panel:
    """Panel of the paper's own points. They are separate because they come from other training runs
    and would overlap with ours.
    """
    rows = list(accuracies)
    series = Series(
        f"{network[4:]}, printed",
        [float(table[row][column]) for row in rows],
        [accuracies[row] for row in rows],
        names=rows,
    )
    return Panel(
        f"{network}, EP memory, as printed",
        "scatter",
        "EP memory (MB)",
        "test accuracy (%)",
        (series,),
        log_x=True,
    )
