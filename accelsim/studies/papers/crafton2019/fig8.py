"""Figure 8 of Crafton et al. 2019: MACs and data movement of a backward pass on ImageNet and
CIFAR-100, by non-zeros per neuron of the feedback.
"""

from __future__ import annotations

from accelsim.cost.accountings import Neuron
from accelsim.results.reproduction import Figure, Item, Panel, Series, Target
from accelsim.studies.papers.crafton2019.stack import Stack
from accelsim.studies.papers.outcome import Outcome, Quantity, cell
from accelsim.studies.papers.progress import Progress
from accelsim.workload.loading import load_network

TARGET = Target(
    "crafton2019-fig8",
    "Crafton et al. 2019, figure 8: MACs and data movement of a backward pass",
    "The backward pass of one example over the fully connected layers of AlexNet "
    "(9216-4096-4096-1000) and of the CIFAR-100 network (4096-2048-2048-100). For "
    "ImageNet, `printed` is what the authors' own plotting scripts draw, in words; nothing "
    "is printed for CIFAR-100. MACs count error propagation into the frozen features only "
    "for BP, and feedback into hidden neurons. Data movement also counts the output "
    "neurons, and sends e to each neuron separately. These are the paper's accountings; "
    "the claims audit shows the results of others. Both are counted from the ops that the "
    "rules lower to (MACs of their loop nests; neurons times the non-zeros of the feedback "
    "op), not on a machine: `exact` means that the numbers equal the script's, not that an "
    "execution moved that many words.",
)
NETWORKS = {"ImageNet": "alexnet", "CIFAR-100": "cifar100-conv"}
KEPT = (1, 5, 10, 25, 50, 100)
"""Non-zeros of the feedback per neuron."""
PRINTED = {
    "BP": (117_243_904, 58_632_144),
    "SDFA-k1": (58_630_144, 9_192),
    "SDFA-k5": (58_662_912, 45_960),
    "SDFA-k10": (58_703_872, 91_920),
    "SDFA-k25": (58_826_752, 229_800),
    "SDFA-k50": (59_031_552, 459_600),
    "SDFA-k100": (59_441_152, 919_200),
    "DFA": (66_813_952, 9_192_000),
}
"""(MACs, words) on ImageNet, from the plotting scripts plot_op_acc2.py and plot_op_acc3.py of
bcrafton/dfa (commit 32e8df49).
"""
RATIOS = {
    "BP to SSDFA, words": ("BP", "SDFA-k1", "words", "6400", -2),
    "DFA to SSDFA, words": ("DFA", "SDFA-k1", "words", "1000", 0),
    "BP to SSDFA, MACs": ("BP", "SDFA-k1", "macs", "2", 0),
}
"""Claims of the text about ImageNet: (numerator, denominator, count, printed number, decimals)."""
WORD_BYTES = 4


def counts(network: str) -> dict[str, Neuron]:
    """Words and MACs by row. For CIFAR-100, k = 100 of 100 outputs is dense."""
    stack = Stack(load_network(network))
    outputs = stack.shape[-1]
    sparse = {f"SDFA-k{k}": stack.neuron(f"sdfa:k={k}") for k in KEPT if k <= outputs}
    return {"BP": stack.neuron("bp"), **sparse, "DFA": stack.neuron("dfa")}


def items(neurons: dict[str, dict[str, Neuron]]) -> list[Item]:
    """Cells for every bar, then for the ratios of the text."""
    cells: list[Item] = []
    for place, rows in neurons.items():
        for row, counted in rows.items():
            macs, words = PRINTED[row] if place == "ImageNet" else (None, None)
            id_ = f"{TARGET.name}/{place}/{row}"
            cells.append(
                cell(
                    Quantity(TARGET.name, f"{id_}/MACs", "MAC", "neuron"),
                    _text(macs),
                    counted.macs,
                    0,
                )
            )
            cells.append(
                cell(
                    Quantity(TARGET.name, f"{id_}/words", "words", "neuron"),
                    _text(words),
                    counted.words,
                    0,
                )
            )
    for place, rows in neurons.items():
        for name, (over, under, count, printed, places) in RATIOS.items():
            value = getattr(rows[over], count) / getattr(rows[under], count)
            said = printed if place == "ImageNet" else None
            cells.append(
                cell(
                    Quantity(TARGET.name, f"{TARGET.name}/{place}/{name}", "x", "neuron"),
                    said,
                    value,
                    places if said else 2,
                    note=f"{value:,.4f}",
                )
            )
    return cells


def figure(neurons: dict[str, dict[str, Neuron]]) -> Figure:
    """Four panels as in the paper: MACs and megabytes for CIFAR-100 (A, B) and ImageNet (C, D)."""
    panels: list[Panel] = []
    for letters, place in (("AB", "CIFAR-100"), ("CD", "ImageNet")):
        rows = neurons[place]
        names = tuple(name.replace("SDFA-", "") for name in rows)
        macs = tuple(counted.macs / 1e6 for counted in rows.values())
        megabytes = tuple(counted.words * WORD_BYTES / 1e6 for counted in rows.values())
        panels.append(
            Panel(
                f"{letters[0]}  {place}",
                "bars",
                "",
                "MACs (millions)",
                (Series("MACs", names, macs),),
            )
        )
        panels.append(
            Panel(
                f"{letters[1]}  {place}",
                "bars",
                "",
                "data movement (MB)",
                (Series("data movement", names, megabytes),),
                log_y=True,
            )
        )
    caption = (
        "Counterpart of figure 8: MACs and data movement of the backward pass of one "
        "example over the fully connected layers, for BP, sparse DFA with k non-zeros of "
        "the feedback per neuron (k1 is SSDFA), and DFA. MACs hardly depend on k, because "
        "those of the weight gradient are the same under every rule. Words have 4 bytes "
        "(assumed; the authors' scripts draw words)."
    )
    return Figure(
        TARGET.name,
        "crafton2019-fig8",
        "MACs and data movement by learning rule",
        caption,
        tuple(panels),
    )


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def reproduce(progress: Progress) -> Outcome:
    """Cells and the figure."""
    neurons: dict[str, dict[str, Neuron]] = {}
    for index, (place, network) in enumerate(NETWORKS.items()):
        progress(index, len(NETWORKS), network)
        neurons[place] = counts(network)
    return Outcome(tuple(items(neurons)), (figure(neurons),))
