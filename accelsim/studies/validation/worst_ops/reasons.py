"""Why an op looks bad by a measure, from its plan and its counts.

A reason is a text and the part of the measure that it accounts for. The texts name what a chip with
the same memories and widths would have to do too.
"""

from __future__ import annotations

from accelsim.results.op import CAUSES
from accelsim.studies.validation.worst_ops.measures import Measures

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
    """Words that come again: channel tiles in turn, and windows that do not fit the PEs."""
    mapping = measures.plan.mapping
    assert mapping is not None
    nest = mapping.op.nest
    moving = {operand.tensor.name for operand in mapping.op.operands if operand.tensor.name}
    sent: dict[str, float] = {}
    for moved in measures.plan.moved:
        t = moved.transfer
        if t.enters_pes and not t.partial and t.tensor.name in moving and moved.delivered_words:
            stationary = t.tensor.name == mapping.op.stationary.tensor.name
            once = t.tensor.elements if stationary else nest.moving_words[0]
            name = "stationary" if stationary else "moving"
            sent[name] = max(sent.get(name, 0.0), t.words / max(1, once))
    name = max(sent, key=sent.__getitem__, default="")
    if not name:
        return "no operand is sent", 0.0
    times = sent[name]
    tiles = mapping.channel_tiles
    text = f"{name} words are sent {times:.3g} times each"
    if mapping.op.nest.stored and times > 1:
        text += "; each neuron is sent the errors that its row of feedback names"
    elif measures.dense:
        text += "; a dense array streams a map again per tap and per fold of its columns"
    elif tiles > 1 and times > 1:
        text += f"; {tiles} channel tiles take turns, and the working space keeps no more of them"
    elif times > 1:
        text += "; the working space holds no longer window of them"
    return text, min(1.0, times / measures.received_per_used)


def of_cycles(measures: Measures) -> Reason:
    """The largest cause of lane cycles."""
    lanes = measures.op.lane_cycles
    assert lanes is not None
    by_cause = lanes.by_cause()
    cause = max(CAUSES, key=by_cause.__getitem__)
    return f"{cause}: {CYCLES[cause]}", by_cause[cause] / lanes.total


def of_energy(measures: Measures) -> Reason:
    """The largest component of the energy."""
    parts = measures.op.energy_by_component_pj or {}
    part = max(parts, key=parts.__getitem__)
    return f"{part}: {ENERGY[part]}", parts[part] / measures.op.energy_pj
