"""The sentence that zero-skipping hardware absorbs the dilation of feedback kernels (Han et al. 2020, section 3.2.1), measured.

``dilated`` reaches as far as ``conv-dfa`` with 3 x 3 taps. What a kernel of that reach with the zeros written out costs is conv-dfa's; what the
hardware makes of the zeros depends on whether its address generator knows them or they pass through the lanes' windows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accelsim.experiment import simulate
from accelsim.reproduce.claims_counted import TARGET
from accelsim.reproduce.outcome import Item, cell
from accelsim.reproduce.progress import Progress
from accelsim.spec.machine import load_architecture

WORKLOAD = "vgg16-cifar10"
NAME = "dilation-absorbed"
SAYS = "Zero-skipping hardware absorbs the zeros of dilated feedback kernels"
MODES: dict[str, dict[str, object]] = {
    "addresses known": {},
    "window of 16": {"pe_array.structural_zeros": "window"},
    "window of 4": {"pe_array.structural_zeros": "window", "pe_array.window": 4},
}
"""Settings of the lanes: the address generator leaves structural zeros out, or they pass through the window like any zero."""


def items(progress: Progress) -> list[Item]:
    """MACs, lane cycles and EP cycles of kernels written out over those of dilated ones; 1 would be no gain."""
    found: list[Item] = []
    for index, (name, overrides) in enumerate(MODES.items()):
        progress(index, len(MODES), f"{WORKLOAD} dilated, {name}")
        machine = load_architecture("near-memory", overrides)
        full, dilated = (_links(simulate(WORKLOAD, machine, rule, passes=["ep"]).to_json()) for rule in ("conv-dfa", "dilated"))
        for quantity in full:
            note = f"conv-dfa over dilated, convolution ops of EP, {name}; cycles also show conv-dfa waiting for its larger weights"
            id_ = f"{TARGET}/{NAME}/{name}/{quantity}"
            context: dict[str, str | int] = {"machine": machine.name, "workload": WORKLOAD, "batch": 1, "quantity": quantity}
            found.append(cell(TARGET, id_, "x", None, full[quantity] / dilated[quantity], 2, "machine", note=note, context=context))
    return [_verdict(found), *found]


def _verdict(found: list[Item]) -> Item:
    """Lane cycles that dilation saves, by what the lanes know, beside the MACs that it saves."""
    saved = {item.id.split("/")[2]: item.computed for item in found if item.id.endswith("/lane cycles")}
    macs = next(item.computed for item in found if item.id.endswith("/executed MACs"))
    assert macs is not None
    said = ", ".join(f"{value:.2f}x with {name}" for name, value in saved.items())
    note = f"{SAYS} (Han 2020, section 3.2.1). {WORKLOAD}: of {macs:.2f}x fewer executed MACs, lane cycles show {said}."
    return Item(TARGET, f"{TARGET}/{NAME}/verdict", "x", None, None, None, "not-printed", "machine", note)


def _links(document: Mapping[str, Any]) -> dict[str, int]:
    """Costs of the convolutions over which errors go. Lane cycles: busy, and burnt on windows without an effectual pair."""
    ops = [op for op in document["ops"] if op["kind"] in {"conv", "grouped_conv"}]
    return {
        "dense MACs": sum(op["macs"]["dense"] for op in ops),
        "executed MACs": sum(op["macs"]["executed"] for op in ops),
        "lane cycles": sum(op["lane_cycles"]["busy"] + op["lane_cycles"]["window_empty"] for op in ops),
        "cycles": sum(op["cycles"] for op in ops),
    }
