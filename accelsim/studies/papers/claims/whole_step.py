"""Savings of a whole training step over all claims, by cost and workload, and whether EP or the
rest of the step is the cause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims import parallel as claims_parallel
from accelsim.studies.papers.claims.costs import MACHINES
from accelsim.studies.papers.claims.counted.statements import CLAIMS, TARGET
from accelsim.studies.papers.claims.machine import SHARED, VALUES
from accelsim.studies.papers.claims.places import (
    BOTH,
    NO_LESS,
    NOISE,
    OUTWEIGHED,
    Measured,
    Place,
    listed,
    outcomes,
    places,
    span,
)
from accelsim.studies.papers.claims.verdicts import times

WHOLE = "whole-step"
"""Id part of the verdict on whole steps."""
COSTS = {"energy": "less", "cycles": "fewer", "DRAM bytes": "fewer"}
"""Costs of a step, and the word for a reduction of each."""
CAUSED = ("energy", "cycles")
"""Costs for which the sentence also gives the cause if they are not reduced. A claim's own verdict
does so for all costs.
"""


def whole_step(items: Sequence[Item]) -> Item:
    """The verdict. A run that belongs to two or more claims is listed once. Workloads are not
    combined.
    """
    names: dict[Place, list[str]] = {}
    runs: dict[Place, Measured] = {}
    for claim in CLAIMS:
        for place, measured in places(claim, items).items():
            if not place.label.endswith((SHARED, VALUES)):
                runs.setdefault(place, {}).update(measured)
                names.setdefault(place, []).append(claim)
    said = [
        text
        for cost in COSTS
        for text in (_left(cost, names, runs), _causes(cost, names, runs))
        if text
    ]
    note = (
        "Percentage saved of a whole training step, from the least to the greatest over "
        "batches and the two machines; each machine is listed separately where they differ "
        "in kind. Feedback of recurrent networks has one matrix per time step."
    )
    last = (
        f"{_parallel(items)} Energy and cycles of a step also include errors and gradients, "
        "which a count of EP's weights leaves out."
    ).strip()
    note = "\n".join((note, *said, last))
    return Item(
        TARGET,
        f"{TARGET}/{WHOLE}/verdict",
        "%",
        None,
        None,
        None,
        "not-printed",
        "machine",
        note,
    )


def kind(steps: Sequence[float], less: str) -> str:
    """Phrase that describes a cost's savings (percent) over all batches."""
    if min(steps) > NOISE:
        return f"{less} at every batch"
    if min(steps) > 0:
        return f"{less} at every batch, at some or all by no more than {NOISE:.0f} %"
    if max(steps) > 0:
        return f"{less} at some batches, not at others"
    return f"no {less} at any batch"


def _left(cost: str, names: Mapping[Place, list[str]], runs: Mapping[Place, Measured]) -> str:
    """Sentence about one cost: one phrase for both machines, or one per machine if they differ."""
    by_machines: dict[str, list[str]] = {}
    for place, measured in runs.items():
        if (cost, "step") not in measured:
            continue
        on = {
            machine: runs[replace(place, machine=machine)][cost, "step"].saved.values()
            for machine in MACHINES
        }
        kinds = {machine: kind([*steps], COSTS[cost]) for machine, steps in on.items()}
        named = f"{listed(names[place])} of {place.label}"
        if len(set(kinds.values())) > 1:
            by_machines.setdefault(kinds[place.machine], []).append(
                f"{named} on {place.machine} ({span([*on[place.machine]])} %)"
            )
        elif place.machine == MACHINES[0]:
            steps = [step for each in on.values() for step in each]
            by_machines.setdefault(kinds[place.machine], []).append(f"{named} ({span(steps)} %)")
    if not by_machines:
        return ""
    said = "; ".join(f"{how}: {', '.join(which)}" for how, which in by_machines.items())
    return f"{_capital(cost)} of a step: {said}."


def _causes(cost: str, names: Mapping[Place, list[str]], runs: Mapping[Place, Measured]) -> str:
    """Sentence about steps whose cost is not reduced: whether EP itself saves nothing, or the rest
    of the step outweighs its saving.
    """
    by_cause: dict[str, dict[tuple[str, str], list[str]]] = {NO_LESS: {}, BOTH: {}, OUTWEIGHED: {}}
    for place, measured in runs.items():
        if (cost, "step") not in measured or cost not in CAUSED:
            continue
        became = outcomes(measured, cost)
        for word, where in by_cause.items():
            if word in became:
                batches = "" if len(became) == 1 else f" at batch {listed(became[word])}"
                where.setdefault((f"{listed(names[place])} of {place.label}", batches), []).append(
                    place.machine
                )
    texts = {
        word: ", ".join(
            f"{which} on {listed(on)}{batches}" for (which, batches), on in where.items()
        )
        for word, where in by_cause.items()
    }
    said = "; ".join(f"{word}: {text}" for word, text in texts.items() if text)
    return f"Where these are no {COSTS[cost]}: {said}." if said else ""


def _parallel(items: Sequence[Item]) -> str:
    """Sentence about the whole step of BPTT relative to rules without its chain."""
    start = f"{TARGET}/{claims_parallel.CLAIM.name}/"
    cells = [item for item in items if item.id.startswith(start) and item.id.endswith("/step")]
    ratios = [float(item.computed) for item in cells if item.computed is not None]
    if not ratios:
        return ""
    return (
        f" {claims_parallel.CLAIM.name}: BPTT's whole step takes {span(ratios, times)} the "
        "time of a step under the rules that the statement names."
    )


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
