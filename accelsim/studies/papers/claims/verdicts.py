"""One sentence per claim: the measured effect on error propagation and on a whole training step, by
machine and cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from accelsim.results.reproduction import Item
from accelsim.studies.papers.claims.counted.statements import CLAIMS, TARGET
from accelsim.studies.papers.claims.machine import SHARED
from accelsim.studies.papers.claims.places import (
    KEPT,
    Measured,
    Place,
    Savings,
    listed,
    number,
    outcomes,
    places,
    span,
    with_costs_of,
)

LESS = {
    "words moved": "fewer",
    "DRAM bytes": "fewer",
    "MACs executed": "fewer",
    "cycles": "fewer",
    "energy": "less",
}
"""Costs in the order in which they are reported, and the word for a reduction of each."""
UNJUDGED = {"binary-96.9%": ("words moved",)}
"""Costs that are not judged. A sign counts as one word, so binary feedback cannot reduce the number
of words.
"""
FIRST = {("macs-2x", "MACs executed"): "EP+WG"}
"""Scope that the paper counts, if it is larger than EP: 2|W| against |W|+|b|."""
PLAIN = "rnn-wikitext2"


def verdicts(items: Sequence[Item]) -> list[Item]:
    """A verdict for every claim that is measured by passes."""
    everywhere: dict[Place, Measured] = {}
    for name in CLAIMS:
        for place, measured in places(name, items).items():
            everywhere.setdefault(place, {}).update(measured)
    cells: list[Item] = []
    for claim in CLAIMS.values():
        of_claim = with_costs_of(
            {place: _energy(measured) for place, measured in everywhere.items()},
            places(claim.name, items),
        )
        if not of_claim:
            continue
        said = "; ".join(
            f"{place.label} on {place.machine}: {kept(claim.name, measured)}"
            for place, measured in of_claim.items()
        )
        note = (
            f"{claim.says} ({claim.source}). Measured, from the least to the greatest value "
            f"over batches: {said}. {_ran(of_claim)}{_shared(of_claim)}"
        )
        id_ = f"{TARGET}/{claim.name}/verdict"
        cells.append(
            Item(
                TARGET,
                id_,
                claim.unit,
                None,
                None,
                None,
                "not-printed",
                "machine",
                note.rstrip(),
            )
        )
    return cells


def _energy(measured: Measured) -> Measured:
    return {key: savings for key, savings in measured.items() if key[0] == "energy"}


def kept(claim: str, measured: Measured) -> str:
    """Each cost in EP and in a step, and by batch the outcome of EP's saving."""
    return ", ".join(
        _cost(claim, cost, measured)
        for cost in LESS
        if (cost, "step") in measured and cost not in UNJUDGED.get(claim, ())
    )


def _cost(claim: str, cost: str, measured: Measured) -> str:
    first = FIRST.get((claim, cost))
    scopes = [*([first] if first else []), "EP", "step"]
    parts = [
        f"{ranged(measured[cost, scope], LESS[cost])} in {'a step' if scope == 'step' else scope}"
        for scope in scopes
    ]
    became = outcomes(measured, cost)
    said = [
        word if len(became) == 1 else f"{word} at batch {listed(batches)}"
        for word, batches in became.items()
    ]
    return f"{cost} {', '.join(parts)}" + ("" if [*became] == [KEPT] else f" ({'; '.join(said)})")


def ranged(savings: Savings, less: str) -> str:
    """Range in words, such as ``from 8.6 % more to 10.6 % less`` or ``3.37x to 1,348x``. Batches
    without a ratio because a cost is zero are listed.
    """
    values = [value for value in savings.stated.values() if value is not None]
    without = {True: "all saved", False: "none with either rule"}
    unstated = {
        all_: [
            batch
            for batch, value in savings.stated.items()
            if value is None and (savings.saved[batch] > 0) is all_
        ]
        for all_ in without
    }
    said = "; ".join(
        f"{without[all_]} at batch {listed(batches)}"
        for all_, batches in unstated.items()
        if batches
    )
    if not values:
        return said
    return f"{_ratios(values, less, savings.unit)}{f' ({said})' if said else ''}"


def _ratios(values: Sequence[float], less: str, unit: str) -> str:
    if unit == "x":
        return span(values, times)
    low, high = min(values), max(values)
    if low >= 0:
        return f"{span(values)} % {less}"
    if high <= 0:
        return f"{span([-value for value in values])} % more"
    return f"from {number(-low)} % more to {number(high)} % {less}"


def times(ratio: float) -> str:
    """A ratio with two decimals, or without decimals from 100 on."""
    return f"{ratio:,.0f}x" if ratio >= 100 else f"{ratio:.2f}x"


def _ran(of_claim: Mapping[Place, Measured]) -> str:
    """Sentence about the batches, by network."""
    by_batches: dict[tuple[int, ...], list[str]] = {}
    for place, measured in of_claim.items():
        labels = by_batches.setdefault(tuple(next(iter(measured.values())).saved), [])
        if place.label not in labels:
            labels.append(place.label)
    batches = [
        f"{listed(batches)}{f' ({listed(labels)})' if len(by_batches) > 1 else ''}"
        for batches, labels in by_batches.items()
    ]
    said = f"Batches: {'; '.join(batches)}."
    if any(place.label.startswith(PLAIN) for place in of_claim):
        said += " Only the plain RNN runs; LSTM and GRU are counted."
    return said


def _shared(of_claim: Mapping[Place, Measured]) -> str:
    """Sentence about machines on which savings are the same whether time steps share a matrix or
    have one each.
    """
    alike: list[str] = []
    for place, measured in of_claim.items():
        if not place.label.endswith(SHARED):
            continue
        label = place.label.removesuffix(SHARED).rstrip()
        apart = next(
            of
            for other, of in of_claim.items()
            if (other.label, other.machine) == (label, place.machine)
        )
        counted = [
            (key, savings.saved)
            for key, savings in measured.items()
            if key[0] in {"words moved", "DRAM bytes"}
        ]
        if all(
            saved[batch] == apart[key].saved[batch] for key, saved in counted for batch in saved
        ):
            alike.append(place.machine)
    if not alike:
        return ""
    return (
        f" On {listed(alike)} savings of words and bytes are the same with {SHARED} and with "
        "one per time step: weights are streamed once per use there, even if an earlier "
        "time step has read them."
    )
