"""Figures of the claims audit: cost of a new rule relative to an old one by batch, separately for
error propagation and the whole step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accelsim.results.reproduction import Figure, Item, Panel, Series
from accelsim.studies.papers.claims.costs import MACHINES
from accelsim.studies.papers.claims.counted.statements import CLAIMS, TARGET

COSTS = ("words moved", "DRAM bytes", "MACs executed", "cycles", "energy")
"""Costs that are drawn if a claim's items have them."""


@dataclass(frozen=True)
class Comparison:
    """Contents of a figure: the rules' names on its axes, the network's name in items
    (``workload``) and in titles (``network``), and the claims shown.
    """

    old: str
    new: str
    workload: str
    network: str
    claims: tuple[str, ...]


REVISED = ("memory-99.0%", "operations-60.1%")
COMPARISONS = {
    "claims-resnet50": Comparison(
        "BP", "revised DFA (G=8)", "resnet50-cifar10", "ResNet-50", REVISED
    ),
    "claims-vgg16": Comparison("BP", "revised DFA (G=8)", "vgg16-cifar10", "VGG16", REVISED),
    "claims-recurrent": Comparison(
        "BPTT", "hybrid DFA at 98 % sparsity", "rnn-wikitext2", "RNN", ("sparse-87.9%",)
    ),
    "claims-triangle": Comparison(
        "DFA", "the triangle", "rnn-wikitext2", "RNN", ("triangle-44.6%",)
    ),
    "claims-binary-vgg16": Comparison(
        "DFA", "binary DFA", "vgg16-cifar10", "VGG16", ("binary-96.9%",)
    ),
    "claims-binary-rnn": Comparison("DFA", "binary DFA", "rnn-wikitext2", "RNN", ("binary-96.9%",)),
    "claims-alexnet": Comparison(
        "BP",
        "SSDFA",
        "alexnet-fc",
        "AlexNet's fully connected layers",
        ("movement-6400x", "macs-2x"),
    ),
    "claims-alexnet-dfa": Comparison(
        "DFA", "SSDFA", "alexnet-fc", "AlexNet's fully connected layers", ("movement-1000x",)
    ),
}
"""Comparisons by the id of the figure."""
SCOPES = {"EP": True, "step": False}
"""Scopes of the rows of panels, and whether their axis is logarithmic. Ratios of whole steps are
close to 1 and need a linear axis to be distinguishable.
"""


def figures(items: Sequence[Item]) -> list[Figure]:
    """One figure per comparison. ``items``: measured cells with machine, workload, batch, scope and
    cost in their contexts.
    """
    return [_figure(id_, comparison, items) for id_, comparison in COMPARISONS.items()]


def _figure(id_: str, compared: Comparison, items: Sequence[Item]) -> Figure:
    panels: list[Panel] = []
    for scope, logarithmic in SCOPES.items():
        for machine in MACHINES:
            name = "EP" if scope == "EP" else "whole step"
            label = f"cost of {compared.new}, {compared.old} = 1"
            title = f"({'abcd'[len(panels)]}) {machine}, {name}"
            panels.append(
                Panel(
                    title,
                    "lines",
                    "batch",
                    label,
                    _curves(compared, machine, scope, items),
                    log_x=True,
                    log_y=logarithmic,
                )
            )
    said = "; ".join(CLAIMS[name].says for name in compared.claims)
    lengths = {len(series.x) for panel in panels for series in panel.series}
    caption = (
        f"The papers claim: {said}. Measured on two machines, for EP alone and for the "
        f"whole step: the cost of {compared.new} divided by that of {compared.old}, by "
        f"batch. Above 1, {compared.new} costs more."
    )
    if len(lengths) > 1:
        caption += " A batch at which one of the two moves less than a DRAM burst has no point."
    return Figure(
        TARGET,
        id_,
        f"{compared.network}, {compared.old} against {compared.new}",
        caption,
        tuple(panels),
    )


def _curves(
    compared: Comparison, machine: str, scope: str, items: Sequence[Item]
) -> tuple[Series, ...]:
    ratios: dict[str, dict[float, float]] = {}
    for item in items:
        known = item.context
        wanted = (known.get("workload"), known.get("machine"), known.get("scope")) == (
            compared.workload,
            machine,
            scope,
        )
        if (
            wanted
            and "feedback" not in known
            and item.id.split("/")[1] in compared.claims
            and item.computed is not None
        ):
            ratio = 1 - item.computed / 100 if item.unit == "%" else 1 / item.computed
            if ratio:  # zero cannot be drawn on a logarithmic axis
                ratios.setdefault(str(known["cost"]), {})[float(known["batch"])] = ratio
    return tuple(
        Series(cost, tuple(ratios[cost]), tuple(ratios[cost].values()))
        for cost in COSTS
        if cost in ratios
    )
