"""The first step of a run: nothing is on the chip yet.

Tensors that outlive a step and stay on the chip from step to step (`TensorMemory.stays`) are loaded
once, by an op of their own, before the first op of the step that reads them:

    DRAM -> staging of the global buffer -> home PEs and PEs with copies
    DRAM -> global buffer, for pinned tensors

Under the serial schedule the load runs just before its first reader. Under the unlocked schedule a
DMA engine loads tensor after tensor, in the order of their first readers, beside the ops.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from accelsim.machine.architecture import Machine
from accelsim.machine.words import home_bits, word_bits
from accelsim.mapping.residency import Residency
from accelsim.pe.mapping import Route, Transfer
from accelsim.sim.memory.tensors import TensorMemory
from accelsim.step.ops import Op, Operand, Tensor, TrainingStep, Use


@dataclass(frozen=True)
class Load(Op):
    """The first arrival on the chip of its one operand. Layer and pass are those of the first
    reader.
    """

    @property
    def kind(self) -> str:
        return "load"

    @property
    def tensor(self) -> Tensor:
        """The tensor that arrives."""
        return self.operands[0].tensor


@dataclass(frozen=True)
class Start:
    """The ops of the first step of a run, loads included, and by name the loads for which an op
    waits.
    """

    ops: tuple[Op, ...]
    waits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def cold_start(step: TrainingStep, memory: TensorMemory) -> Start:
    """The ops of a step at whose beginning nothing is on the chip. A tensor that an op writes
    before any op reads it is not loaded.
    """
    ops: list[Op] = []
    loads: dict[str, Load | None] = {}
    waits: dict[str, tuple[str, ...]] = {}
    for op in step.ops:
        for operand in op.operands:
            tensor = operand.tensor
            if tensor.name not in loads and memory.stays(tensor):
                read = (Operand(tensor, Use.READ),)
                load = Load(f"{tensor.name}.load", op.layer, op.pass_, read, (), ())
                loads[tensor.name] = load
                ops.append(load)
        for tensor in op.outputs:
            loads.setdefault(tensor.name, None)
        awaited = (loads.get(tensor.name) for tensor in op.tensors)
        waits[op.name] = tuple(dict.fromkeys(load.name for load in awaited if load))
        ops.append(op)
    return Start(tuple(ops), waits)


def load_transfer(tensor: Tensor, residency: Residency, architecture: Machine) -> Transfer:
    """The transfer of a load: resident words to their home and copies, else the whole tensor to the
    global buffer.
    """
    bits, home = word_bits(tensor, architecture), residency.home(tensor)
    if home is None:
        words = tensor.elements
        return Transfer(tensor, Route.LOAD, True, words, bits, 0, words)
    masked = home_bits(tensor, architecture) > bits
    words = home.resident
    copies = words * home.copies
    return Transfer(tensor, Route.LOAD, True, words, bits, copies, words, masked=masked)


def load_partition(load: Load, residency: Residency) -> int:
    """The partition whose PEs take the words."""
    of_layer = residency.partition_of.get(load.layer, 0)
    return residency.partition_of_feedback.get(load.tensor.name, of_layer)
