"""Why an op looks bad by a measure, from its plan and its counts.

A reason is a text and the part of the measure that it accounts for. The texts name what a chip with
the same memories and widths would have to do too.
"""

from __future__ import annotations

from collections.abc import Mapping

from accelsim.studies.validation.worst_ops.factors import explanation
from accelsim.studies.validation.worst_ops.measures import Measures
from accelsim.studies.validation.worst_ops.streams import streams

Reason = tuple[str, float]

CYCLES = {
    "busy": "MACs at work",
    "window_empty": "windows without an effectual pair, or zeros of sparse feedback that the array "
    "cannot skip",
    "imbalance": "lanes that wait for the slowest of their tile",
    "idle": "lanes without an output",
    "stall_dram": "words that come from DRAM, once for few MACs each",
    "stall_noc": "words that cross the NoC, once for few MACs each",
    "stall_bank": "ports of the scratchpads, which carry sums or weights",
    "stall_dependency": "blocks that wait for one another in the op's pipeline",
    "stall_drain": "outputs on their way to the global buffer",
    "stall_vector": "vector work on words as the op moves them",
}
ENERGY = {
    "mac": "products of zeros, which an array that does not skip multiplies or gates",
    "control": "clocks of lanes that are held and do not work",
    "scratchpad": "reads and writes of scratchpads, whole accesses for single words",
    "noc": "words on their way to the PEs",
    "global_buffer": "words read again from the global buffer",
    "dram": "words from DRAM, used for few MACs each",
    "vector": "sums added on their way",
    "leakage": "leakage",
}


def of_words(measures: Measures) -> Reason:
    """Loops that send words again."""
    explained = explanation(measures.plan, measures.kind)
    if explained is not None:
        ratio = explained.ratio / measures.received_per_used
        return explained.text or "every word arrives once", min(ratio, 1 / ratio)
    again = [each for each in streams(measures.plan, measures.kind) if each.used]
    most = max(again, key=lambda each: each.received / each.used, default=None)
    if most is None:
        return "no operand is sent", 0.0
    times = most.received / most.used
    name = most.use.value if most.use else "other"
    text = f"{name} words are sent {times:.3g} times each; the array streams a map again per tap "
    return f"{text}and per fold of its columns", min(1.0, times / measures.received_per_used)


def of_cycles(measures: Measures) -> Reason:
    """The largest causes of lane cycles."""
    lanes = measures.op.lane_cycles
    assert lanes is not None
    return largest(lanes.by_cause(), lanes.total, CYCLES)


def of_energy(measures: Measures) -> Reason:
    """The largest components of the energy."""
    parts = measures.op.energy_by_component_pj or {}
    return largest(parts, measures.op.energy_pj, ENERGY)


def largest(parts: Mapping[str, float], total: float, texts: Mapping[str, str]) -> Reason:
    """The largest part, or, if it is less than half, the two largest, each with its share."""
    ordered = sorted(parts, key=parts.__getitem__, reverse=True)
    named = ordered[: 1 if 2 * parts[ordered[0]] >= total else 2]
    text = ", and ".join(f"{name}: {texts[name]}" for name in named)
    if len(named) > 1:
        shares = " and ".join(f"{100 * parts[name] / total:.0f}%" for name in named)
        text = f"{text}, {shares}"
    return text, sum(parts[name] for name in named) / total
