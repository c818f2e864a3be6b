"""The claims audit: the papers' sentences with numbers, under their own accounting, under others, and on machines."""

from __future__ import annotations

from collections.abc import Sequence

from accelsim.reproduce import claims_counted, claims_dilation, claims_machine, claims_parallel
from accelsim.reproduce.claims_counted import CLAIMS
from accelsim.reproduce.claims_machine import MACHINES
from accelsim.reproduce.outcome import Figure, Item, Outcome, Panel, Series, Target, cell
from accelsim.reproduce.progress import Progress, Share

TARGET = Target(
    claims_counted.TARGET,
    "Claims audit: what becomes of the papers' numbers",
    "Every sentence of the two papers with a number. Readings called paper are held against the printed number; all others say what another way of "
    "counting, or a machine, makes of it. Percentages are savings (negative: it costs more); x are what the old rule needs over what the new one "
    "needs. EP is error propagation alone, step the whole training step with forward pass, weight gradient and weight update (momentum). Words moved "
    "are those that leave a PE's own scratchpad. Machines run the canonical mapping, which nobody has tuned to either rule.",
)
PARTS = 4
DRAWN = ("EP words moved", "EP DRAM bytes", "EP cycles", "step words moved", "step cycles", "step energy")
SURVIVING = {"step energy": ("less", "energy"), "step cycles": ("fewer", "cycles")}
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
    """A sentence a claim: what a whole training step keeps of it, by machine, over all batches. Its number is the first of those."""
    found: list[Item] = []
    for claim in CLAIMS.values():
        steps = [item for item in items if item.id.split("/")[1] == claim.name and item.context.get("quantity") in SURVIVING]
        places: dict[tuple[str, str], list[Item]] = {}
        for item in steps:
            if item.context["machine"] in MACHINES:
                places.setdefault((str(item.context["workload"]), str(item.context["machine"])), []).append(item)
        if not places:
            continue
        said = "; ".join(f"{workload} on {machine} {_range(of)}" for (workload, machine), of in places.items())
        note = f"{claim.says} ({claim.source}). On a whole training step: {said}."
        value = steps[0].computed
        assert value is not None
        found.append(cell(claims_counted.TARGET, f"{claims_counted.TARGET}/{claim.name}/verdict", claim.unit, None, value, 2, "machine", note=note))
    return found


def _range(steps: Sequence[Item]) -> str:
    """From the least to the most that is saved over the batches, of each quantity that a step is judged by."""
    parts: list[str] = []
    for quantity, (less, name) in SURVIVING.items():
        values = sorted(float(item.computed) for item in steps if item.context["quantity"] == quantity and item.computed is not None)
        if not values:
            continue
        least, most = values[0], values[-1]
        if steps[0].unit == "x":
            parts.append(f"{least:.2f} to {most:.2f} times less {name}" if least >= 1 else f"{name} of old over new {least:.2f} to {most:.2f}")
        elif least >= 0:
            parts.append(f"{least:.1f} to {most:.1f} % {less} {name}")
        elif most < 0:
            parts.append(f"{-most:.1f} to {-least:.1f} % more {name}")
        else:
            parts.append(f"from {-least:.1f} % more to {most:.1f} % {less} {name}")
    batches = [int(item.context["batch"]) for item in steps]
    return f"{', '.join(parts)} (batch {min(batches)} to {max(batches)})"


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
    caption = f"Claimed: {said}. Measured on two machines, EP alone and the whole step: what the new rule costs over the old one, by batch."
    return Figure(claims_counted.TARGET, id_, title, caption, tuple(panels))
