"""Levers: what takes the most time and energy, and which changes of keys reduce it."""

from __future__ import annotations

from accelsim.config.names import Component, OptimizerName
from accelsim.report.runs import Runs
from accelsim.report.style import COMPONENT_NAMES, listed, percent
from accelsim.results.op import PASSES
from accelsim.results.result import Result

LEAST = 0.05
"""Minimum share of the cycles or the energy that is worth a sentence."""
FORWARD, UPDATE = PASSES[0], PASSES[-1]
LANE_KEYS = ("pe_array.rows", "pe_array.cols", "pe_array.lanes")
"""Keys that determine the number of lanes; a kind of PE array may lack some."""
STALL_KEYS = {
    "stall_dram": ("more dram.channels", "a faster dram.standard"),
    "stall_noc": ("a larger noc.width", "another noc.topology"),
    "stall_bank": ("more global_buffer.banks", "more scratchpad.banks", "more scratchpad.ports"),
    "stall_dependency": ("another fusion", "a larger vector_unit.width"),
    "stall_drain": ("a larger noc.width", "another noc.topology"),
    "stall_vector": ("a larger vector_unit.width", "more vector_unit.ops_per_cycle"),
}
"""By cause: the changes of keys that shorten the array's wait."""
ENERGY_KEYS: dict[str, tuple[str, ...]] = {
    Component.MAC: ("a narrower precision", "another technology"),
    Component.CONTROL: ("another pe_array", "another technology"),
    Component.SCRATCHPAD: ("smaller banks: more scratchpad.banks",),
    Component.NOC: ("another noc.topology", "fewer pe_array.rows and cols"),
    Component.GLOBAL_BUFFER: ("smaller banks: more global_buffer.banks",),
    Component.DRAM: ("another dram.standard", "a narrower precision"),
    Component.VECTOR: ("another vector_unit.update_in_pe", "another technology"),
    Component.LEAKAGE: ("less leakage", "another technology"),
}
"""By component: the changes of keys that reduce its energy per action, or its number of actions."""
CAUSE_WORDS = {
    "busy": "computing",
    "window_empty": "in lane cycles without a MAC",
    "imbalance": "waiting for slower lanes",
    "stall_dram": "waiting for DRAM",
    "stall_noc": "waiting for the NoC",
    "stall_bank": "waiting for memory banks",
    "stall_dependency": "waiting for the vector unit or another op",
    "stall_drain": "waiting for results to drain",
    "stall_vector": "waiting for vector work on the words of an op",
    "idle": "in idle lanes",
}
"""By cause of array cycles: the words that complete `cycles are spent ...`."""


def levers(runs: Runs) -> str:
    """The lever of the baseline and, if machines differ, of the fastest run on another machine."""
    shown = [(runs.baseline_label, runs.baseline)]
    others = [
        each
        for each in zip(runs.labels, runs.results, strict=True)
        if each[1].arch != runs.baseline.arch
    ]
    if others:
        shown.append(min(others, key=lambda each: runs.duration(each[1])))
    labels: dict[str, list[str]] = {}
    for label, result in shown:
        labels.setdefault(lever(result), []).append(label)
    labels.pop("", None)
    texts = [f"{listed(names)}: {text}" for text, names in labels.items()]
    return f"Biggest lever in {'. In '.join(texts)}." if texts else ""


def lever(result: Result) -> str:
    """The largest reducible part of the cycles and the component with the most energy, the larger
    share first, each with the keys that reduce it. Shares below `LEAST` are left out.
    """
    parts = [part for part in (_of_cycles(result), _of_energy(result)) if part[0] >= LEAST]
    return "; then ".join(text for _, text in sorted(parts, key=lambda part: -part[0]))


def _of_cycles(result: Result) -> tuple[float, str]:
    """(share, text) of computing if that is the largest cause, else of the largest stall.

    Where many lanes are idle, more lanes would be idle too.
    """
    causes = result.cycles_by_cause()
    total = sum(causes.values())
    if not total:
        return 0.0, ""
    largest = max(causes, key=lambda each: causes[each])
    busy = largest == "busy" and causes["idle"] < causes["busy"] / 2
    cause = "busy" if busy else max(STALL_KEYS, key=lambda each: causes[each])
    share = causes[cause] / total
    said = f"{CAUSE_WORDS[cause]}, {percent(share)} of the cycles"
    if cause == "busy":
        return share, f"{said} ({_more_lanes(result)})"
    if cause == "stall_dram" and _state_spills(result):
        moved = result.passes[UPDATE].words.dram / result.words.dram
        return share, (
            f"{said}, as the optimizer's state does not fit: {percent(moved)} of the DRAM words "
            f"are WU's (--optimizer sgd or a larger scratchpad.capacity)"
        )
    return share, f"{said} ({' or '.join(STALL_KEYS[cause])})"


def _of_energy(result: Result) -> tuple[float, str]:
    """(share, text) of the component with the most energy."""
    energy = result.energy_by_component_pj
    if not result.energy_pj:
        return 0.0, ""
    name = max(energy, key=lambda each: energy[each])
    share = energy[name] / result.energy_pj
    keys = f" ({' or '.join(ENERGY_KEYS[name])})" if name in ENERGY_KEYS else ""
    return share, f"{COMPONENT_NAMES.get(name, name)}, {percent(share)} of the energy{keys}"


def _more_lanes(result: Result) -> str:
    """``more pe_array.rows, cols or lanes``: the keys that the machine's PE array has."""
    array = (result.machine or {}).get("pe_array")
    names = [key.partition(".")[2] for key in LANE_KEYS]
    names = [name for name in names if array is None or name in array] or ["rows"]
    return f"more pe_array.{', '.join(names[:-1])}{' or ' if names[:-1] else ''}{names[-1]}"


def _state_spills(result: Result) -> bool:
    """True if most DRAM words are the optimizer's state without room in the scratchpads.

    Weights without room would be read in FF as well, feedback outside WU; state is read and written
    in WU alone.
    """
    if result.optimizer in (None, OptimizerName.SGD) or not result.spilled_words:
        return False
    words = {name: totals.words.dram for name, totals in result.passes.items()}
    update, forward = words.pop(UPDATE, 0), words.get(FORWARD, 0)
    spilled = result.spilled_words
    return update >= spilled > 2 * forward and update > sum(words.values())
