"""Figures of the claims audit, one per sentence: cost of the new rule relative to the old one by
batch, for error propagation and for the whole step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accelsim.results.reproduction import Figure, Item, Panel, Series
from accelsim.studies.papers.claims import dilation as claims_dilation
from accelsim.studies.papers.claims.costs import MACHINES
from accelsim.studies.papers.claims.counted.statements import CLAIMS, TARGET
from accelsim.studies.papers.claims.dilation import MODES

NETWORKS = {
    "resnet50-cifar10": "ResNet-50",
    "vgg16-cifar10": "VGG16",
    "rnn-wikitext2": "RNN",
    "alexnet-fc": "AlexNet's fully connected layers",
}


@dataclass(frozen=True)
class Comparison:
    """Contents of a figure: names of the rules on its axes, workloads, costs that are drawn if a
    claim's items have them, and the scope beside the step.
    """

    old: str
    new: str
    workloads: tuple[str, ...]
    costs: tuple[str, ...]
    scope: str = "EP"


MOVED, WORKED = ("words moved", "energy"), ("MACs executed", "cycles")
REVISED = "revised DFA (G=8)"
IMAGES = ("resnet50-cifar10", "vgg16-cifar10")
COMPARISONS = {
    "memory-99.0%": Comparison("BP", REVISED, IMAGES, MOVED),
    "operations-60.1%": Comparison("BP", REVISED, IMAGES, WORKED),
    "triangle-44.6%": Comparison("DFA", "the triangle", ("rnn-wikitext2",), (*MOVED, *WORKED)),
    "sparse-87.9%": Comparison(
        "BPTT", "hybrid DFA at 98 % sparsity", ("rnn-wikitext2",), (*MOVED, *WORKED)
    ),
    "binary-96.9%": Comparison(
        "DFA", "binary DFA", ("rnn-wikitext2", "vgg16-cifar10"), ("DRAM bytes", "energy")
    ),
    "movement-6400x": Comparison("BP", "SSDFA", ("alexnet-fc",), (*MOVED, "DRAM bytes")),
    "movement-1000x": Comparison("DFA", "SSDFA", ("alexnet-fc",), (*MOVED, "DRAM bytes")),
    "macs-2x": Comparison("BP", "SSDFA", ("alexnet-fc",), WORKED, "EP+WG"),
}
"""Comparisons by claim."""
STEP = "step"
DILATION = {
    "EP": ("executed MACs", "lane cycles", "cycles"),
    "step": ("cycles",),
}
"""Costs of the figure of dilation, by scope."""


def figure_id(claim: str) -> str:
    """Id of a claim's figure, which is a file name."""
    return f"{TARGET}-{claim.replace('%', '')}"


def figures(items: Sequence[Item]) -> list[Figure]:
    """One figure per comparison. ``items``: measured cells with machine, workload, batch, scope and
    cost in their contexts.
    """
    return [_figure(claim, comparison, items) for claim, comparison in COMPARISONS.items()]


def _figure(claim: str, compared: Comparison, items: Sequence[Item]) -> Figure:
    panels: list[Panel] = []
    for scope in (compared.scope, STEP):
        for machine in MACHINES:
            name = "whole step" if scope == STEP else scope
            title = f"({'abcd'[len(panels)]}) {machine}, {name}"
            panels.append(
                Panel(
                    title,
                    "lines",
                    "batch",
                    f"cost of {compared.new}, {compared.old} = 1",
                    _curves(claim, compared, machine, scope, items),
                    log_x=True,
                    log_y=scope != STEP,  # ratios of steps are close to 1
                )
            )
    caption = (
        f"Cost of {compared.new} over that of {compared.old}, by batch. Above 1, it costs more. "
        "A batch without a point moves less than a DRAM burst."
    )
    return Figure(TARGET, figure_id(claim), CLAIMS[claim].says, caption, tuple(panels))


def _curves(
    claim: str, compared: Comparison, machine: str, scope: str, items: Sequence[Item]
) -> tuple[Series, ...]:
    ratios: dict[tuple[str, str], dict[float, float]] = {}
    for item in items:
        known = item.context
        if (
            item.id.split("/")[1] == claim
            and (known.get("machine"), known.get("scope")) == (machine, scope)
            and known.get("workload") in compared.workloads
            and known.get("cost") in compared.costs
            and "feedback" not in known
            and item.computed is not None
        ):
            ratio = 1 - item.computed / 100 if item.unit == "%" else 1 / item.computed
            if ratio:  # zero cannot be drawn on a logarithmic axis
                key = (str(known["workload"]), str(known["cost"]))
                ratios.setdefault(key, {})[float(known["batch"])] = ratio
    several = len(compared.workloads) > 1
    return tuple(
        Series(
            f"{NETWORKS[workload]}, {cost}" if several else cost,
            tuple(ratios[workload, cost]),
            tuple(ratios[workload, cost].values()),
        )
        for workload in compared.workloads
        for cost in compared.costs
        if (workload, cost) in ratios
    )


def dilation_figure(items: Sequence[Item]) -> Figure:
    """Figure of what dilation saves, by mode of the lanes."""
    name, batch = claims_dilation.NAME, claims_dilation.BATCHES[-1]
    panels = [
        Panel(
            f"({letter}) {machine}, batch {batch}",
            "bars",
            "",
            "conv-dfa over dilated",
            [
                Series(
                    f"{scope}, {cost}",
                    [*MODES],
                    [_of_mode(items, machine, batch, mode, scope, cost) for mode in MODES],
                )
                for scope, costs in DILATION.items()
                for cost in costs
            ],
        )
        for letter, machine in zip("ab", MACHINES, strict=True)
    ]
    caption = (
        "Cost of kernels with written-out zeros over that of dilated ones. Lanes leave the zeros "
        "out, or see them in a window of 16 or 4 values."
    )
    return Figure(TARGET, figure_id(name), claims_dilation.SAYS, caption, tuple(panels))


def _of_mode(
    items: Sequence[Item], machine: str, batch: int, mode: str, scope: str, cost: str
) -> float | None:
    wanted = {
        "machine": machine,
        "batch": batch,
        claims_dilation.LANES: mode,
        "scope": scope,
        "cost": cost,
    }
    return next(
        item.computed for item in items if all(item.context.get(k) == wanted[k] for k in wanted)
    )
