"""The claims audit: the papers' sentences with numbers, under their own accounting, under others, and on machines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from accelsim.reproduce import claims_counted, claims_dilation, claims_machine, claims_parallel
from accelsim.reproduce.claims_costs import MACHINES
from accelsim.reproduce.claims_counted import CLAIMS
from accelsim.reproduce.outcome import Figure, Item, Outcome, Panel, Series, Target
from accelsim.reproduce.progress import Progress, Share

TARGET = Target(
    claims_counted.TARGET,
    "Claims audit: what becomes of the papers' numbers",
    "The two papers' sentences with a number on cost. Readings called paper are held against the printed number; all others say what another "
    "way of counting, or a machine, makes of it. Percentages are savings (negative: it costs more); x are what the old rule needs over what "
    "the new one needs. EP is error propagation alone, EP+WG with the weight gradient, FF+EP+WG with the forward pass besides, step the whole "
    "training step with the weight update (momentum); energy of the step has also what belongs to no pass (leakage, idle clocks, DRAM standby). "
    "Words moved are those that leave a PE's own scratchpad, a feedback sign counting as one. Machines are the built-in ones "
    "with their canonical mapping, which nobody has tuned to either rule: it streams errors past feedback matrices once a tile of channels, "
    "which costs von-neumann more than the MACs that sparse feedback saves. They store feedback, where it is sparse with the positions of its values "
    "(values alone: without them, which no machine could use), a matrix of its own a time step unless it says one matrix for all, and multicast "
    "e. Feedback regenerated: near-memory makes it where it is used (near_memory.feedback: prng); there is no such machine under von-neumann, "
    "whose PEs own no neurons and take any operand from the global buffer: the generator is a part of PEs that keep their weights. e unicast: the "
    "same runs, by counts, with each error sent to each PE that takes it by itself, since no machine description is without a multicast; cycles are "
    "then at least those in which the NoC's root link can carry that. Zeros are those of real training, but of AlexNet, which is its "
    "fully connected layers alone (alexnet-fc: what the frozen convolutions compute is in no step, and no error goes into them), with random "
    "zeros of density 0.5.",
)
SHARES = (0, 26, 32, 100)
"""Percent of the time of all that is over before the readings on 35 time steps, after them, after dilation, after the machines: as measured."""
WHOLE = "whole-step"
"""Heading of what is left of all claims."""
DRAWN = (("words moved", "EP"), ("MACs executed", "EP"), ("cycles", "EP"), ("words moved", "step"), ("cycles", "step"), ("energy", "step"))
DRAWN_BITS = (("DRAM bytes", "EP"), ("energy", "EP"), ("DRAM bytes", "step"), ("energy", "step"))
"""Of the claim on bits alone: words and MACs stay what they are."""
JUDGED = {
    ("words moved", "EP"): ("fewer", "words moved in EP"),
    ("MACs executed", "EP"): ("fewer", "MACs in EP"),
    ("energy", "step"): ("less", "energy of a step"),
    ("cycles", "step"): ("fewer", "cycles of a step"),
}
"""Costs that a verdict speaks of, and what having less of them is called."""
NOISE = 1.0
"""Percent of a step's cost below which nothing is said to be left."""
PANELS = {
    "claims-resnet50": ("ResNet-50, BP against revised DFA (G = 8)", ("resnet50-cifar10",), ("memory-99.0%", "operations-60.1%")),
    "claims-vgg16": ("VGG16, BP against revised DFA (G = 8)", ("vgg16-cifar10",), ("memory-99.0%", "operations-60.1%")),
    "claims-recurrent": ("RNN, BPTT against hybrid DFA at 98 % sparsity", ("rnn-wikitext2",), ("sparse-87.9%",)),
    "claims-triangle": ("RNN, DFA against the triangle", ("rnn-wikitext2",), ("triangle-44.6%",)),
    "claims-binary": ("VGG16 and RNN, DFA against binary DFA", ("vgg16-cifar10", "rnn-wikitext2"), ("binary-96.9%",)),
    "claims-alexnet": ("AlexNet's fully connected layers, BP against SSDFA", ("alexnet-fc",), ("movement-6400x", "macs-2x")),
    "claims-alexnet-dfa": ("AlexNet's fully connected layers, DFA against SSDFA", ("alexnet-fc",), ("movement-1000x",)),
}


def reproduce(progress: Progress) -> Outcome:
    """All readings of all claims, a verdict each and one on whole steps, and figures of what survives against the batch."""
    counted = claims_counted.items()
    latencies = claims_parallel.measured(Share(progress, SHARES[0], SHARES[1]))
    parallel = claims_parallel.items(latencies)
    dilation = claims_dilation.items(Share(progress, SHARES[1], SHARES[2]))
    machines = claims_machine.items(Share(progress, SHARES[2], SHARES[3]))
    items = (*counted, *parallel, *dilation, *machines)
    items = (whole_step(items), *verdicts(items), *items)
    ordered = [item for name in (WHOLE, *CLAIMS, claims_dilation.NAME) for item in items if item.id.split("/")[1] == name]
    assert len(ordered) == len(items)
    figures = [_survival(id_, title, workloads, claims, machines) for id_, (title, workloads, claims) in PANELS.items()]
    return Outcome((*ordered,), (*figures, claims_parallel.figure(latencies)))


def verdicts(items: Sequence[Item]) -> list[Item]:
    """A sentence a claim: what EP, and what a whole training step, keep of it on each machine over all batches."""
    found: list[Item] = []
    for claim in CLAIMS.values():
        places = _places(claim.name, items)
        if not places:
            continue
        said = "; ".join(f"{label} on {machine}: {_kept(measured)}" for (label, machine), measured in places.items())
        note = f"{claim.says} ({claim.source}). Measured, from the least to the most over batches: {said}."
        id_ = f"{claims_counted.TARGET}/{claim.name}/verdict"
        found.append(Item(claims_counted.TARGET, id_, claim.unit, None, None, None, "not-printed", "machine", note))
    return found


def whole_step(items: Sequence[Item]) -> Item:
    """What is left of all claims on a whole training step, in energy or, of claims on work, in cycles: everywhere, somewhere, nowhere."""
    kept: dict[str, list[str]] = {"everywhere": [], "somewhere": [], "nowhere": []}
    for claim in CLAIMS.values():
        steps = [value for measured in _places(claim.name, items).values() for value in _steps(measured)]
        if steps:
            where = "everywhere" if min(steps) > NOISE else "somewhere" if max(steps) > NOISE else "nowhere"
            kept[where].append(f"{claim.name} ({min(steps):.0f} to {max(steps):.0f} %)")
    said = {
        "everywhere": "On every machine and at every batch a whole training step is cheaper",
        "somewhere": "On some it is cheaper, on others it is not",
        "nowhere": "Nowhere is it cheaper by more than a percent",
    }
    parts = [f"{text}: {', '.join(kept[where])}" for where, text in said.items() if kept[where]]
    parallel = [item for item in items if item.id.startswith(f"{claims_counted.TARGET}/{claims_parallel.CLAIM.name}/") and item.id.endswith("/step")]
    ratios = sorted(float(item.computed) for item in parallel if item.computed is not None)
    note = (
        f"Savings of energy, or of cycles where a claim speaks of work, from the least to the most over machines and batches. {'. '.join(parts)}. "
        f"parallel-35x: BPTT's whole step takes {_times(ratios[0])} to {_times(ratios[-1])} the time of one that the sentence speaks of. "
        "What the papers count, EP alone, is a part of the step that its other passes outweigh; energy and cycles of a step also pay for errors and "
        "gradients that EP's weights do not show."
    )
    return Item(claims_counted.TARGET, f"{claims_counted.TARGET}/{WHOLE}/verdict", "%", None, None, None, "not-printed", "machine", note)


def _places(claim: str, items: Sequence[Item]) -> dict[tuple[str, str], list[Item]]:
    """Measured numbers of a claim by workload (with the kind of feedback where it is another) and machine, made-up machines left out."""
    places: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        parts = item.id.split("/")
        if parts[1] == claim and "scope" in item.context and item.context["machine"] in MACHINES:
            places.setdefault((parts[2], str(item.context["machine"])), []).append(item)
    return places


def _values(measured: Sequence[Item], cost: str, scope: str) -> list[float]:
    """In ascending order."""
    own = [item for item in measured if (item.context["cost"], item.context["scope"]) == (cost, scope)]
    return sorted(float(item.computed) for item in own if item.computed is not None)


def _steps(measured: Sequence[Item]) -> list[float]:
    """Percent saved of a whole step, in the costs that are judged."""
    values = [value for cost, scope in JUDGED if scope == "step" for value in _values(measured, cost, scope)]
    return values if measured[0].unit == "%" else [100 * (1 - 1 / value) for value in values]


def _kept(measured: Sequence[Item]) -> str:
    """EP's claimed cost, then the step's energy or cycles, and the word for it."""
    parts: list[str] = []
    for (cost, scope), (less, name) in JUDGED.items():
        values = _values(measured, cost, scope)
        if values:
            parts.append(_range(values[0], values[-1], measured[0].unit, less, name))
    steps = _steps(measured)
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


def _survival(id_: str, title: str, workloads: Sequence[str], claims: Sequence[str], items: Sequence[Item]) -> Figure:
    """Cost of the new rule over the old one's against the batch, a panel a workload and machine."""
    panels: list[Panel] = []
    wanted = DRAWN_BITS if tuple(claims) == ("binary-96.9%",) else DRAWN
    for letter, (workload, machine) in zip("abcd", product(workloads, MACHINES), strict=False):
        curves: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
        for item in (each for each in items if each.context.get("workload") == workload and "feedback" not in each.context):
            drawn = str(item.context.get("cost")), str(item.context.get("scope"))
            chosen = item.id.split("/")[1] in claims and item.context.get("machine") == machine and drawn in wanted
            if chosen and item.computed is not None:
                x, y = curves.setdefault(drawn, ([], []))
                x.append(float(item.context["batch"]))
                y.append(1 - item.computed / 100 if item.unit == "%" else 1 / item.computed)
        series = tuple(Series(f"{scope} {cost}", *curves[cost, scope]) for cost, scope in wanted if (cost, scope) in curves)
        where = machine if len(workloads) == 1 else f"{workload}, {machine}"
        panels.append(Panel(f"({letter}) {where}", "lines", "batch", "cost, old rule = 1", series, log_x=True, log_y=True))
    said = "; ".join(CLAIMS[name].says for name in claims)
    caption = f"The papers claim: {said}. Measured on two machines, EP alone and the whole step: what the new rule costs over the old one, by batch."
    return Figure(claims_counted.TARGET, id_, title, caption, tuple(panels))
