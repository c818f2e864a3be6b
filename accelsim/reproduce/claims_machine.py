"""What machines make of the papers' claims: pairs of rules on both organizations, against the batch, EP alone and the whole step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any

from accelsim.experiment import simulate
from accelsim.network import INPUT, Layer, Network
from accelsim.networks import load_network
from accelsim.reproduce.claims_counted import BATCHES, CLAIMS, TARGET, saving
from accelsim.reproduce.crafton2019_stack import Stack
from accelsim.reproduce.outcome import Item, cell
from accelsim.reproduce.progress import Progress
from accelsim.reproduce.side_by_side import side_by_side
from accelsim.spec.architecture import Architecture
from accelsim.spec.machine import load_architecture

MACHINES = ("near-memory", "von-neumann")
REGENERATED = "near-memory, feedback regenerated"

NOTHING = 64.0
"""Bytes, a few words: what is left when all of an op's words stay on the chip and a rounding-up to whole bytes remains. No ratio to it is given."""

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Quantity:
    """A cost of a step or of its EP. ``step``: forward pass, WG and WU are in it."""

    name: str
    step: bool
    of: Callable[[Document], float]


def _part(document: Document, step: bool) -> Document:
    part: Document = document if step else document["passes"]["EP"]
    return part


def _dram(part: Document) -> float:
    return float(part["bytes"]["dram_read"] + part["bytes"]["dram_write"])


def _moved(part: Document) -> float:
    return float(sum(part["words"][kind] for kind in ("remote", "global_buffer", "dram")))


def _of(name: str, value: Callable[[Document], float]) -> dict[str, Quantity]:
    return {
        f"{scope} {name}": Quantity(f"{scope} {name}", step, lambda document, step=step: value(_part(document, step)))  # type: ignore[misc]
        for scope, step in (("EP", False), ("step", True))
    }


QUANTITIES = {
    **_of("DRAM bytes", _dram),
    **_of("words moved", _moved),
    **_of("MACs executed", lambda part: float(part["macs"]["executed"])),
    **_of("cycles", lambda part: float(part["cycles"])),
    **_of("energy", lambda part: float(part["energy_pj"])),
}
"""Words moved are those that leave a PE's own scratchpad: over the NoC, from the global buffer, from DRAM."""

MOVED = ("EP words moved", "EP DRAM bytes", "EP energy", "step words moved", "step DRAM bytes", "step energy")
WORKED = ("EP MACs executed", "EP cycles", "step MACs executed", "step cycles")


@dataclass(frozen=True)
class Pair:
    """Two rules on one workload, and the claims that compare them: claim to the quantities in which it shows."""

    workload: str
    old: str
    new: str
    claims: Mapping[str, tuple[str, ...]]
    batches: tuple[int, ...] = BATCHES
    trace: str = "shipped"


SEQUENCE_BATCHES = (1, 4, 20, 64, 256)
PAIRS = (
    Pair("resnet50-cifar10", "bp", "revised:groups=8,binary=true", {"memory-99.0%": MOVED, "operations-60.1%": WORKED}),
    Pair("vgg16-cifar10", "bp", "revised:groups=8,binary=true", {"memory-99.0%": MOVED, "operations-60.1%": WORKED}),
    Pair("rnn-wikitext2", "dfa:per_step=true", "revised:per_step=true", {"triangle-44.6%": (*MOVED, *WORKED)}, SEQUENCE_BATCHES),
    Pair("rnn-wikitext2", "bp", "hdfa:p=0.1,sparsity=0.98,per_step=true", {"sparse-87.9%": (*MOVED, *WORKED)}, SEQUENCE_BATCHES),
    Pair("vgg16-cifar10", "dfa", "bdfa", {"binary-96.9%": MOVED}),
    Pair("rnn-wikitext2", "dfa:per_step=true", "bdfa:per_step=true", {"binary-96.9%": MOVED}, SEQUENCE_BATCHES),
    Pair("alexnet", "bp", "ssdfa", {"movement-6400x": MOVED, "macs-2x": WORKED}, trace="random:0.5"),
    Pair("alexnet", "dfa", "ssdfa", {"movement-1000x": MOVED}, trace="random:0.5"),
)


@cache
def machine(name: str) -> Architecture:
    """A built-in machine, or the one that regenerates its feedback."""
    return load_architecture("near-memory", {"near_memory.feedback": "prng"}) if name == REGENERATED else load_architecture(name)


@cache
def network(workload: str) -> Network:
    """The network of a pair: of AlexNet the fully connected layers, which read features as a network's input."""
    whole = load_network(workload)
    return fully_connected(whole) if workload == "alexnet" else whole


def fully_connected(whole: Network) -> Network:
    """The fully connected layers of a network with what stands between them; no error goes into the features that they read."""
    first = whole.layers.index(Stack(whole).layers[0])
    features = whole.layers[first].inputs[0]
    layers = tuple(_reading_input(layer, features) for layer in whole.layers[first:])
    return Network(f"{whole.name}-fc", whole.layers[first].in_shape, layers)


def _reading_input(layer: Layer, features: str) -> Layer:
    return replace(layer, inputs=tuple(INPUT if name == features else name for name in layer.inputs))


@dataclass(frozen=True)
class Step:
    """One training step to simulate."""

    workload: str
    rule: str
    on: str
    batch: int
    trace: str


def measure(step: Step) -> Document:
    """The parts of the step's result document that the quantities read."""
    made = simulate(network(step.workload), machine(step.on), step.rule, batch=step.batch, trace=step.trace).to_json()
    return {part: made[part] for part in ("cycles", "macs", "words", "bytes", "energy_pj", "passes")}


def items(progress: Progress) -> list[Item]:
    """Every claim's quantities on every machine at every batch; with feedback regenerated at the workload's own batch."""
    runs = [(pair, on, batch) for pair in PAIRS for on in MACHINES for batch in pair.batches]
    runs += [(pair, REGENERATED, network(pair.workload).batch) for pair in PAIRS]
    steps = list(dict.fromkeys(Step(pair.workload, rule, on, batch, pair.trace) for pair, on, batch in runs for rule in (pair.old, pair.new)))
    steps.sort(key=lambda step: -step.batch)  # the longest first
    documents = side_by_side(measure, steps, progress, lambda step: f"{step.workload} {step.rule}, {step.on}, batch {step.batch}")
    known = dict(zip(steps, documents, strict=True))
    found: list[Item] = []
    for pair, on, batch in runs:
        old, new = (known[Step(pair.workload, rule, on, batch, pair.trace)] for rule in (pair.old, pair.new))
        for name, quantities in pair.claims.items():
            found += [_item(pair, name, on, batch, QUANTITIES[quantity], old, new) for quantity in quantities]
    return found


def _item(pair: Pair, claim: str, on: str, batch: int, quantity: Quantity, old: Document, new: Document) -> Item:
    before, after = quantity.of(old), quantity.of(new)
    said = CLAIMS[claim]
    nothing = NOTHING if quantity.name.endswith("bytes") else 0.0
    divisor = before if said.unit == "%" else after
    value = None if divisor <= nothing else saving(after, before) if said.unit == "%" else Fraction(before) / Fraction(after)
    id_ = f"{TARGET}/{claim}/{pair.workload}/{on.replace(', ', ' ')}/batch={batch}/{quantity.name}"
    context: dict[str, str | int] = {
        "machine": on,
        "workload": network(pair.workload).name,
        "batch": batch,
        "quantity": quantity.name,
        "rules": f"{pair.old} -> {pair.new}",
        "trace": pair.trace,
        "optimizer": "momentum",
        "before": f"{before:.6g}",
        "after": f"{after:.6g}",
    }
    if value is None:
        note = "one of the two rules crosses the DRAM bus with next to nothing: no ratio"
        return Item(TARGET, id_, said.unit, None, None, None, "not-printed", "machine", note, context=context)
    return cell(TARGET, id_, said.unit, None, value, 2, "machine", context=context)
