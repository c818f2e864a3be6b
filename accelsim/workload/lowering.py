"""The builder that layers and learning rules lower with: it names tensors, emits ops and derives
what each op must wait for.

An activation or error is a `Value`: one tensor, or in a sequence network one tensor a time step
(named ``"<tensor>.t03"``), so that an op that needs one time step moves no more than that. An op
over the whole sequence takes all of them, each with the same use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from accelsim.step.contraction import Nest
from accelsim.step.ops import (
    Contraction,
    Dense,
    Op,
    Operand,
    Pass,
    Role,
    Tensor,
    TraceZeros,
    TrainingStep,
    Use,
    VectorWork,
)
from accelsim.workload.network import INPUT, Layer, Network, Shape

Value = tuple[Tensor, ...]


class Work(NamedTuple):
    """Work of the vector unit: ``elements`` of ``ops_per_element`` scalar operations each.

    A scalar operation is one add, multiply, compare, divide or table function (exp, tanh, sigmoid,
    reciprocal square root). Counts are those of the textbook formulas, not of any machine.
    """

    function: str
    elements: int
    ops_per_element: int

    def times(self, samples: int) -> Work:
        """The work of so many samples."""
        return self._replace(elements=self.elements * samples)


def step_name(name: str, step: int) -> str:
    """``"rnn1.FF"``, 3 -> ``"rnn1.FF.t03"``."""
    return f"{name}.t{step:02d}"


def operands(
    value: Iterable[Tensor], use: Use, key: str | None = None, step: int | None = None
) -> tuple[Operand, ...]:
    """Each tensor of a value as an operand of that use, its zeros from the trace tensor ``key``, or
    dense without one.
    """
    return tuple(
        Operand(tensor, use, TraceZeros(key, step) if key else Dense()) for tensor in value
    )


def index_bits(count: int) -> int:
    """Bits that tell ``count`` things apart (at least 1)."""
    return max(1, (count - 1).bit_length())


def gradient_of(weight: Tensor) -> Tensor:
    """The gradient of a weight tensor, as WG leaves it for WU."""
    name = f"{weight.name.removesuffix('.weight')}.gradient"
    return Tensor(
        name, Role.GRADIENT, weight.shape, stored=weight.stored, home_channels=weight.home_channels
    )


class Lowering:
    """State of one lowering.

    ``outputs``: each producer's map, forward. ``contributions``: the errors that have arrived at
    each map so far. ``direct``: errors reach a map that weighted layers read through feedback alone
    (the DFA family), so what comes through other readers of that map, as an identity shortcut,
    stops there.
    """

    def __init__(self, network: Network, batch: int, direct: bool) -> None:
        self.network = network
        self.batch = batch
        self.direct = direct
        self.outputs: dict[str, Value] = {}
        self.contributions: dict[str, list[Value]] = {layer.name: [] for layer in network.layers}
        self._ops: list[Op] = []
        self._stash: set[str] = set()
        self._writer: dict[str, str] = {}
        self._readers: dict[str, list[str]] = {}
        self._trained: dict[str, bool] = {INPUT: False}

    @property
    def samples(self) -> int:
        """Positions that a layer sees in a step: batch, times steps in a sequence network."""
        return self.batch * self.network.time_steps

    # Tensors

    def tensors(
        self, name: str, role: Role, shape: Shape, bits: int | None = None, stash: bool = False
    ) -> Value:
        """The value of that name, of the map ``shape``: the same each time. A ``stash`` is kept for
        the backward passes alone, and dropped when they don't read it.
        """
        full = (self.batch, shape[2]) if shape[:2] == (1, 1) else (self.batch, *shape)
        steps = self.network.time_steps
        names = [name] if steps == 1 else [step_name(name, step) for step in range(steps)]
        if stash:
            self._stash.update(names)
        return tuple(Tensor(each, role, full, bits=bits) for each in names)

    def input_of(self, layer: Layer) -> Value:
        """The map that the layer reads first."""
        return self.outputs[layer.inputs[0]]

    def weight(self, layer: Layer) -> Tensor:
        """The weights of a layer that has one tensor of them."""
        return layer.weights(self.samples)[0]

    def mask(self, name: str) -> Value:
        """The mask of f' of a rectified map, at that map's resolution: the rectifier's own, or the
        one its max-pool made.
        """
        shape = self.network.layer(name).out_shape
        return self.tensors(f"{name}.mask", Role.MASK, shape, bits=1, stash=True)

    # Errors

    def output_error(self) -> Value:
        """The error at the network's output, which the loss makes."""
        output = self.network.output
        return self.tensors(f"{output.name}.error", Role.ERROR, output.out_shape)

    def trained(self, name: str) -> bool:
        """Whether something at or before that map learns, so that an error is wanted there."""
        if name not in self._trained:
            layer = self.network.layer(name)
            self._trained[name] = layer.learns or any(self.trained(each) for each in layer.inputs)
        return self._trained[name]

    def contributors(self, name: str) -> tuple[Layer, ...]:
        """The layers whose backward work brings errors to the map of that name."""
        consumers = self.network.consumers[name] if self.trained(name) else ()
        weighted = tuple(layer for layer in consumers if layer.weighted)
        return weighted if self.direct and weighted else consumers

    def target(self, layer: Layer, place: int = 0) -> Value | None:
        """New tensors for the error that ``layer`` brings to the map that it reads at ``place``
        among its inputs; None where no error is wanted from it.
        """
        source = layer.inputs[place]
        contributors = self.contributors(source)
        if layer not in contributors:
            return None
        suffix = "" if len(contributors) == 1 else f".{layer.name}"
        value = self.tensors(
            f"{source}.error{suffix}", Role.ERROR, self.network.layer(source).out_shape
        )
        self.contributions[source].append(value)
        return value

    def error(self, layer: Layer) -> Value | None:
        """The error at a layer's output map; where several errors meet, an op that adds them is
        emitted first. None when none arrived.
        """
        arrived = self.contributions[layer.name]
        if len(arrived) < 2:
            return arrived[0] if arrived else None
        total = self.tensors(f"{layer.name}.error", Role.ERROR, layer.out_shape)
        parts = tuple(tensor for value in arrived for tensor in value)
        self.vector(
            f"{layer.name}.EP.sum",
            layer.name,
            Pass.EP,
            Work("add", total[0].elements * len(total), len(arrived) - 1),
            operands(parts, Use.READ),
            total,
        )
        return total

    # Ops

    def contraction(
        self,
        name: str,
        layer: str,
        pass_: Pass,
        nest: Nest,
        operands: Sequence[Operand],
        outputs: Sequence[Tensor],
    ) -> None:
        """Emit an op that multiplies and accumulates."""
        waits = self._waits(name, operands, outputs)
        self._ops.append(
            Contraction(name, layer, pass_, tuple(operands), tuple(outputs), waits, nest)
        )

    def vector(
        self,
        name: str,
        layer: str,
        pass_: Pass,
        work: Work,
        operands: Sequence[Operand],
        outputs: Sequence[Tensor],
    ) -> None:
        """Emit an op of the vector unit."""
        waits = self._waits(name, operands, outputs)
        self._ops.append(
            VectorWork(name, layer, pass_, tuple(operands), tuple(outputs), waits, *work)
        )

    def _waits(
        self, name: str, operands: Sequence[Operand], outputs: Sequence[Tensor]
    ) -> tuple[str, ...]:
        """Ops that the op ``name`` depends on; from now on it is a reader and a writer itself."""
        waits: dict[str, None] = {}
        for operand in operands:
            if operand.tensor.name in self._writer:
                waits[self._writer[operand.tensor.name]] = None
        for tensor in outputs:
            if tensor.name in self._writer:
                waits[self._writer[tensor.name]] = None
            waits.update(dict.fromkeys(self._readers.get(tensor.name, ())))
        for operand in operands:
            self._readers.setdefault(operand.tensor.name, []).append(name)
        for tensor in outputs:
            self._writer[tensor.name] = name
            self._readers[tensor.name] = []
        return tuple(waits)

    def finish(self, rule: str, passes: frozenset[Pass]) -> TrainingStep:
        """The step, with the ops of ``passes`` alone and without stashes that none of them reads.

        Dependencies on dropped ops become dependencies on what those waited for.
        """
        kept: list[Op] = []
        before: dict[str, tuple[str, ...]] = {}
        for op in self._ops:
            waits = tuple(dict.fromkeys(name for each in op.depends_on for name in before[each]))
            before[op.name] = (op.name,) if op.pass_ in passes else waits
            if op.pass_ in passes:
                kept.append(replace(op, depends_on=waits))
        dead = self._stash - {operand.tensor.name for op in kept for operand in op.operands}
        ops = tuple(
            replace(op, outputs=tuple(t for t in op.outputs if t.name not in dead)) for op in kept
        )
        return TrainingStep(self.network.name, rule, self.batch, ops, _carried(ops))


def _carried(ops: tuple[Op, ...]) -> dict[str, tuple[str, ...]]:
    """Op to the ops of the step before that write what it reads or writes and what outlives the
    step.
    """
    writer = {tensor.name: op.name for op in ops for tensor in op.outputs if tensor.persistent}
    touched = {op.name: (*(operand.tensor for operand in op.operands), *op.outputs) for op in ops}
    waits = {
        name: tuple(dict.fromkeys(writer[t.name] for t in tensors if t.name in writer))
        for name, tensors in touched.items()
    }
    return {name: found for name, found in waits.items() if found}
