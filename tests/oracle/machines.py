"""What the walks read of a machine file, and what the simulator counts, in the same terms."""

from __future__ import annotations

from accelsim.machine.architecture import Machine
from accelsim.pe.mapping import Mapping, Route
from tests.oracle.counted import Counted, Keys


def keys_of(machine: Machine) -> Keys:
    """Keys of a machine file."""
    array = machine.pe_array
    return Keys(
        machine.organization == "near_memory",
        8 * machine.scratchpad.working_bytes,
        8 * machine.global_buffer.staging_bytes,
        machine.precision.psum,
        array.lanes if array.kind == "lanes" else 1,
        array.kind != "coupled",
        machine.near_memory.transpose,
        machine.near_memory.feedback,
    )


def simulated(mapping: Mapping) -> Counted:
    """The words of a mapping."""
    found = Counted()
    for each in mapping.transfers:
        role = each.tensor.role.value
        if each.tensor == (mapping.op.needed and mapping.op.needed.tensor):
            role = "needed"
        elif each.tensor in mapping.op.outputs:
            role = "out"
        elif each.spilled:
            role = f"spilled {role}"
        elif each.route is Route.PEER:
            role = f"remote {role}"
        if each.route is Route.REDUCE:
            role = "reduced"
        elif each.partial:
            found.sums_out += 0 if each.inbound else each.words
            found.sums_back += each.words if each.inbound else 0
            continue
        sent, received, dram = found.moved.get(role, (0, 0, 0))
        found.add(
            role,
            sent + each.words,
            (received or 0) + each.words * each.receivers,
            dram + each.dram_words,
        )
    return found
