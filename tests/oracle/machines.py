"""What the walks read of a machine file, and what the simulator counts, in the same terms."""

from __future__ import annotations

from accelsim.machine.architecture import Machine
from accelsim.pe.mapping import Mapping, Route
from accelsim.step.ops import Use
from tests.oracle.cases import Case
from tests.oracle.counted import Counted, Keys
from tests.oracle.dense import DenseKeys


def keys_of(machine: Machine) -> Keys:
    """Keys of the machine file of an array that skips zeros."""
    array, kind = machine.pe_array, machine.pe_array.kind
    working = 8 * machine.scratchpad.working_bytes
    outputs = array.lanes if kind == "lanes" else 1
    return Keys(
        near_memory=machine.organization == "near_memory",
        pes=array.rows * array.cols,
        working=working,
        staging=8 * machine.global_buffer.staging_bytes,
        psum=machine.precision.psum,
        outputs_per_pe=outputs,
        accumulators=max(1, working // 4 // machine.precision.psum)
        if kind == "broadcast"
        else outputs,
        windows=2 * array.lanes * array.staged_positions,
        deals=kind != "coupled",
        broadcasts=kind == "broadcast",
        joined=kind == "broadcast" and array.structural_zeros == "window",
        transpose=machine.near_memory.transpose,
        feedback=machine.near_memory.feedback,
    )


def masks_are_kept(machine: Machine, mapping: Mapping) -> bool:
    """Whether words have a mask bit where PEs keep them, if and only if their zeros are skipped.
    Stationary words of a broadcast array have indices instead.
    """
    array, op = machine.pe_array, mapping.op
    mode = getattr(array.skip, op.name.split(".")[1][:2].lower())
    moving = {each.tensor for each in op.operands_of(Use.MOVING)}
    stationary = {each.tensor for each in op.operands_of(Use.STATIONARY)}
    expected = {
        **dict.fromkeys(stationary, mode in {"stationary", "both"} and array.kind != "broadcast"),
        **dict.fromkeys(moving, mode in {"moving", "both"}),
    }
    return all(
        each.masked == (expected[each.tensor] and not each.spilled)
        for each in mapping.transfers
        if each.tensor in expected and each.route in (Route.MULTICAST, Route.SCATTER)
        if not each.partial
    )


def simulated(mapping: Mapping) -> Counted:
    """The words of a mapping."""
    found = Counted(kept_sums=mapping.kept_sums)
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
        taken = getattr(each, "deliveries", None)
        found.add(
            role,
            sent + each.words,
            None if taken is None else (received or 0) + taken,
            dram + each.dram_words,
        )
    return found


def dense_keys(case: Case) -> DenseKeys:
    """Keys of the machine file of a dense array."""
    buffer = case.machine.global_buffer
    return DenseKeys(
        8 * buffer.staging_bytes,
        8 * (buffer.capacity_bytes - 2 * buffer.staging_bytes),
        case.machine.precision.psum,
    )
