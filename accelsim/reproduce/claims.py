"""The claims audit: the papers' sentences with numbers, under their own accounting, under others, and on machines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from accelsim.reproduce import claims_counted, claims_dilation, claims_machine, claims_parallel
from accelsim.reproduce.claims_costs import MACHINES
from accelsim.reproduce.claims_counted import CLAIMS
from accelsim.reproduce.claims_verdicts import verdicts
from accelsim.reproduce.claims_whole_step import WHOLE, whole_step
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
    "zeros of density 0.5. Bytes below one DRAM burst, a rounding-up where all words of an op stay on the chip, count as none. Verdicts say of each "
    "cost what EP saves, then the step; in brackets what becomes of it, unless a step takes less by more than 1 % at every batch.",
)
SHARES = (0, 26, 32, 100)
"""Percent of the time of all that is over before the readings on 35 time steps, after them, after dilation, after the machines: as measured."""
DRAWN = (("words moved", "EP"), ("MACs executed", "EP"), ("cycles", "EP"), ("words moved", "step"), ("cycles", "step"), ("energy", "step"))
DRAWN_BITS = (("DRAM bytes", "EP"), ("energy", "EP"), ("DRAM bytes", "step"), ("energy", "step"))
"""Of the claim on bits alone: words and MACs stay what they are."""
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


def _survival(id_: str, title: str, workloads: Sequence[str], claims: Sequence[str], items: Sequence[Item]) -> Figure:
    """Cost of the new rule over the old one's against the batch, a panel a workload and machine."""
    panels: list[Panel] = []
    wanted = DRAWN_BITS if tuple(claims) == ("binary-96.9%",) else DRAWN
    for letter, (workload, machine) in zip("abcd", product(workloads, MACHINES), strict=False):
        curves: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
        for item in (each for each in items if each.context.get("workload") == workload and "feedback" not in each.context):
            drawn = str(item.context.get("cost")), str(item.context.get("scope"))
            chosen = item.id.split("/")[1] in claims and item.context.get("machine") == machine and drawn in wanted
            cost = None if item.computed is None else 1 - item.computed / 100 if item.unit == "%" else 1 / item.computed
            if chosen and cost:  # nothing at all has no place on a logarithmic axis
                x, y = curves.setdefault(drawn, ([], []))
                x.append(float(item.context["batch"]))
                y.append(cost)
        series = tuple(Series(f"{scope} {cost}", *curves[cost, scope]) for cost, scope in wanted if (cost, scope) in curves)
        where = machine if len(workloads) == 1 else f"{workload}, {machine}"
        panels.append(Panel(f"({letter}) {where}", "lines", "batch", "cost, old rule = 1", series, log_x=True, log_y=True))
    said = "; ".join(CLAIMS[name].says for name in claims)
    caption = f"The papers claim: {said}. Measured on two machines, EP alone and the whole step: what the new rule costs over the old one, by batch."
    caption += " A batch at which one of the two moves less than a DRAM burst has no point."
    return Figure(claims_counted.TARGET, id_, title, caption, tuple(panels))
