"""What the walks read of a machine file, and what the simulator counts, in the same terms."""

from __future__ import annotations

from accelsim.machine.architecture import Machine
from accelsim.machine.words import home_bits, word_bits
from accelsim.pe.mapping import Mapping, Route
from accelsim.results.op import StepSearch
from accelsim.step.ops import Contraction, Tensor, TrainingStep, Use
from tests.oracle.counted import Counted, Keys
from tests.oracle.dense import DenseKeys
from tests.oracle.places import DEFAULT, Pads


def keys_of(machine: Machine) -> Keys:
    """Keys of the machine file of an array that skips zeros."""
    array, kind = machine.pe_array, machine.pe_array.kind
    working = 8 * machine.scratchpad.working_bytes
    outputs = array.lanes if kind == "lanes" else 1
    return Keys(
        near_memory=machine.organization == "near_memory",
        rows=array.rows,
        columns=array.cols,
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
        shares=getattr(array, "operand_buffer", 0) > 0,
        zeros_stay=array.structural_zeros == "window",
    )


def skips(machine: Machine, op: Contraction) -> dict[str, bool]:
    """Whether words of each operand have a mask bit where PEs keep them: if and only if their zeros
    are skipped. Stationary words of a broadcast array have indices instead.
    """
    array = machine.pe_array
    mode = getattr(array.skip, str(op.pass_).lower())
    return {
        "moving": mode in {"moving", "both"},
        "stationary": mode in {"stationary", "both"} and array.kind != "broadcast",
    }


def masks_are_kept(machine: Machine, mapping: Mapping) -> bool:
    """Whether words have a mask bit where PEs keep them, as `skips` says."""
    op = mapping.op
    modes = skips(machine, op)
    expected = {
        **{each.tensor: modes["stationary"] for each in op.operands_of(Use.STATIONARY)},
        **{each.tensor: modes["moving"] for each in op.operands_of(Use.MOVING)},
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
        if (
            each.tensor == mapping.op.stationary.tensor
            and mapping.op.moving.tensor.role.value == role
        ):
            role = f"stationary {role}"
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
        found.add(role, sent + each.words, received + each.deliveries, dram + each.dram_words)
    return found


def dense_keys(machine: Machine) -> DenseKeys:
    """Keys of the machine file of a dense array."""
    buffer = machine.global_buffer
    return DenseKeys(
        8 * buffer.staging_bytes,
        8 * (buffer.capacity_bytes - 2 * buffer.staging_bytes),
        machine.precision.psum,
        machine.pe_array.gating,
    )


def tensors(step: TrainingStep) -> dict[str, Tensor]:
    """Tensors of a step by name."""
    return {tensor.name: tensor for op in step.ops for tensor in op.tensors}


def pads_of(
    step: TrainingStep,
    machine: Machine,
    partitions: int,
    encoded: dict[str, int],
    search: StepSearch | None = None,
) -> Pads:
    """Keys of the machine file that homes depend on. ``encoded``: bits of compressed tensors.
    ``search``: what a result says was chosen instead.
    """
    array, pad, placement = machine.pe_array, machine.scratchpad, machine.placement
    order = search.order if search else placement.order or DEFAULT
    stash = search.stash if search else placement.stash or "buffer"
    every = tensors(step)
    return Pads(
        array.rows * array.cols // partitions,
        partitions,
        pad.capacity_bytes - pad.working_bytes,
        machine.near_memory.feedback == "stored",
        machine.vector_unit.update_in_pe,
        machine.near_memory.update == "fused",
        {
            name: encoded.get(name, each.elements * home_bits(each, machine))
            for name, each in every.items()
        },
        {name: word_bits(each, machine) for name, each in every.items()},
        order,
        None if placement.copies == "auto" else placement.copies,
        stash != "buffer",
        frozenset(search.single if search else ()),
        frozenset(search.evicted if search else ()),
    )
