"""The claims audit: the papers' sentences with numbers, under their own accounting, under others, and on machines."""

from __future__ import annotations

from collections.abc import Sequence

from accelsim.reproduce import claims_counted, claims_dilation, claims_machine, claims_parallel
from accelsim.reproduce.claims_counted import CLAIMS
from accelsim.reproduce.claims_machine import MACHINES
from accelsim.reproduce.outcome import Figure, Item, Outcome, Panel, Series, Target
from accelsim.reproduce.progress import Progress, Share

TARGET = Target(
    claims_counted.TARGET,
    "Claims audit: what becomes of the papers' numbers",
    "The two papers' sentences with a number on cost. Readings called paper are held against the printed number; all others say what another "
    "way of counting, or a machine, makes of it. Percentages are savings (negative: it costs more); x are what the old rule needs over what "
    "the new one needs. EP is error propagation alone, step the whole training step with forward pass, weight gradient and weight update "
    "(momentum). Words moved are those that leave a PE's own scratchpad, a feedback sign counting as one. Machines are the built-in ones "
    "with their canonical mapping, which nobody has tuned to either rule: it streams errors past feedback matrices once a tile of channels, "
    "which costs von-neumann more than the MACs that sparse feedback saves. Zeros are those of real training, but of AlexNet, which is its "
    "fully connected layers alone (alexnet-fc: what the frozen convolutions compute is in no step, and no error goes into them), with random "
    "zeros of density 0.5.",
)
PARTS = 4
DRAWN = ("EP words moved", "EP MACs executed", "EP cycles", "step words moved", "step cycles", "step energy")
JUDGED = {
    "EP words moved": ("fewer", "words moved in EP"),
    "EP MACs executed": ("fewer", "MACs in EP"),
    "step energy": ("less", "energy of a step"),
    "step cycles": ("fewer", "cycles of a step"),
}
"""Quantities that a verdict speaks of, and what having less of them is called."""
NOISE = 1.0
"""Percent of a step's cost below which nothing is said to be left."""
PANELS = {
    "claims-resnet50": ("ResNet-50, BP against revised DFA (G = 8)", "resnet50-cifar10", ("memory-99.0%", "operations-60.1%")),
    "claims-vgg16": ("VGG16, BP against revised DFA (G = 8)", "vgg16-cifar10", ("memory-99.0%", "operations-60.1%")),
    "claims-recurrent": ("RNN, BPTT against hybrid DFA at 98 % sparsity", "rnn-wikitext2", ("sparse-87.9%",)),
    "claims-triangle": ("RNN, DFA against the triangle", "rnn-wikitext2", ("triangle-44.6%",)),
    "claims-alexnet": ("AlexNet's fully connected layers, BP against SSDFA", "alexnet-fc", ("movement-6400x", "macs-2x")),
}


def reproduce(progress: Progress) -> Outcome:
    """All readings of all claims, a verdict each, and figures of what survives against the batch."""
    counted = claims_counted.items()
    latencies = claims_parallel.measured(Share(progress, 0, PARTS, "35 time steps"))
    parallel = claims_parallel.items(latencies)
    dilation = claims_dilation.items(Share(progress, 1, PARTS, "dilation"))
    machines = claims_machine.items(Share(progress, 2, PARTS, "machines"))
    items = (*counted, *parallel, *dilation, *machines)
    items = (*verdicts(items), *items)
    ordered = [item for name in (*CLAIMS, claims_dilation.NAME) for item in items if item.id.split("/")[1] == name]
    assert len(ordered) == len(items)
    figures = [_survival(id_, title, workload, claims, machines) for id_, (title, workload, claims) in PANELS.items()]
    return Outcome((*ordered,), (*figures, claims_parallel.figure(latencies)))


def verdicts(items: Sequence[Item]) -> list[Item]:
    """A sentence a claim: what EP, and what a whole training step, keep of it on each machine over all batches."""
    found: list[Item] = []
    for claim in CLAIMS.values():
        places: dict[tuple[str, str], list[Item]] = {}
        for item in items:
            if item.id.split("/")[1] == claim.name and "quantity" in item.context and item.context["machine"] in MACHINES:
                places.setdefault((str(item.context["workload"]), str(item.context["machine"])), []).append(item)
        if not places:
            continue
        said = "; ".join(f"{workload} on {machine}: {_kept(measured)}" for (workload, machine), measured in places.items())
        note = f"{claim.says} ({claim.source}). Measured, from the least to the most over batches: {said}."
        id_ = f"{claims_counted.TARGET}/{claim.name}/verdict"
        found.append(Item(claims_counted.TARGET, id_, claim.unit, None, None, None, "not-printed", "machine", note))
    return found


def _kept(measured: Sequence[Item]) -> str:
    """EP's claimed quantity, then the step's energy or cycles, and the word for it."""
    parts: list[str] = []
    steps: list[float] = []
    for quantity, (less, name) in JUDGED.items():
        values = sorted(float(item.computed) for item in measured if item.context["quantity"] == quantity and item.computed is not None)
        if values:
            parts.append(_range(values[0], values[-1], measured[0].unit, less, name))
            steps += [value if measured[0].unit == "%" else 100 * (1 - 1 / value) for value in values] if quantity.startswith("step") else []
    if max(steps) <= NOISE:
        return f"{', '.join(parts)}; nothing is left of it in a step" if min(steps) > -NOISE else f"{', '.join(parts)}; a step turns it round"
    return f"{', '.join(parts)}; a step keeps {f'{max(min(steps), 0):.0f} to ' if min(steps) > NOISE else 'at most '}{max(steps):.0f} %"


def _range(least: float, most: float, unit: str, less: str, name: str) -> str:
    if unit == "x":
        return f"{name} {_times(least)} to {_times(most)}"
    if f"{least:.1f}" == f"{most:.1f}":
        return f"{abs(least):.1f} % {less if least >= 0 else 'more'} {name}"
    if least >= 0:
        return f"{least:.1f} to {most:.1f} % {less} {name}"
    if most < 0:
        return f"{-most:.1f} to {-least:.1f} % more {name}"
    return f"from {-least:.1f} % more to {most:.1f} % {less} {name}"


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}x" if ratio >= 100 else f"{ratio:.2f}x"


def _survival(id_: str, title: str, workload: str, claims: Sequence[str], items: Sequence[Item]) -> Figure:
    """Cost of the new rule over the old one's against the batch, a panel a machine."""
    panels: list[Panel] = []
    for letter, machine in zip("ab", MACHINES, strict=True):
        curves: dict[str, tuple[list[float], list[float]]] = {}
        for item in (each for each in items if each.context.get("workload") == workload):
            quantity = str(item.context.get("quantity"))
            chosen = item.id.split("/")[1] in claims and item.context.get("machine") == machine and quantity in DRAWN
            if chosen and item.computed is not None:
                x, y = curves.setdefault(quantity, ([], []))
                x.append(float(item.context["batch"]))
                y.append(1 - item.computed / 100 if item.unit == "%" else 1 / item.computed)
        series = tuple(Series(name, *curves[name]) for name in DRAWN if name in curves)
        panels.append(Panel(f"({letter}) {machine}", "lines", "batch", "cost, old rule = 1", series, log_x=True, log_y=True))
    said = "; ".join(CLAIMS[name].says for name in claims)
    caption = f"The papers claim: {said}. Measured on two machines, EP alone and the whole step: what the new rule costs over the old one, by batch."
    return Figure(claims_counted.TARGET, id_, title, caption, tuple(panels))
