"""Builder that layers and learning rules use to lower a network: it names tensors, emits ops and
derives the dependencies of each op.

An activation or error is a `Value`: one tensor, or in a sequence network one tensor per time step
(named ``"<tensor>.t03"``), so that an op on one time step moves only that step's words. An op over
the whole sequence takes all of them as operands with the same use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from operator import index
from typing import NamedTuple

from accelsim.step.contraction import Nest
from accelsim.step.dependencies import Dependencies, carried
from accelsim.step.forms import Form
from accelsim.step.ops import (
    Contraction,
    Op,
    Operand,
    Pass,
    Role,
    Tensor,
    TrainingStep,
    Use,
    VectorWork,
)
from accelsim.step.zero_sources import Dense, TraceZeros
from accelsim.workload.network import INPUT, Layer, Network, Shape
from accelsim.workload.parts import Part, side_by_side

Value = tuple[Tensor, ...]
"""One tensor, or one per time step."""


class Work(NamedTuple):
    """Work of the vector unit: ``elements`` elements, ``ops_per_element`` scalar operations each.

    A scalar operation is one add, multiply, compare, divide or table lookup (exp, tanh, sigmoid,
    reciprocal square root). Counts follow the textbook formulas and no particular machine. The
    fields are those of `step.ops.VectorWork`.
    """

    function: str
    elements: int
    ops_per_element: int
    form: Form = Form.OTHER
    sums: int = 0
    remake: int = 0
    row_bound: int = 0
    kept: int = 0
    taken: int = 0

    def times(self, samples: int) -> Work:
        """The work for ``samples`` samples."""
        return self._replace(
            elements=self.elements * samples, kept=self.kept * samples, taken=self.taken * samples
        )


def step_name(name: str, step: int) -> str:
    """Name of a time step's op or tensor: ``"rnn1.FF"``, 3 -> ``"rnn1.FF.t03"``."""
    return f"{name}.t{step:02d}"


def operands(
    value: Iterable[Tensor], use: Use, key: str | None = None, step: int | None = None
) -> tuple[Operand, ...]:
    """Each tensor of a value as an operand. Zeros come from the trace tensor ``key`` at ``step``;
    without a key the operands are dense.
    """
    return tuple(
        Operand(tensor, use, TraceZeros(key, step) if key else Dense()) for tensor in value
    )


def index_bits(count: int) -> int:
    """Bits of an index into ``count`` items, at least 1."""
    return max(1, (count - 1).bit_length())


def gradient_of(weight: Tensor, at_weights: bool = True) -> Tensor:
    """Gradient of a weight tensor, which WG writes and WU reads. ``at_weights``: each word is made
    where its weight has its home.
    """
    name = f"{weight.name.removesuffix('.weight')}.gradient"
    home = weight.home_channels if at_weights else 0
    return Tensor(name, Role.GRADIENT, weight.shape, stored=weight.stored, home_channels=home)


class Lowering:
    """State of one lowering.

    ``outputs``: output map of each layer, and the input, by name. ``contributions``: errors that
    have arrived at each layer's output so far. ``parts``: errors of parts of it. ``direct``: if
    true, as in the DFA family, a map that weighted layers read gets its error only from their
    feedback; errors from its other readers, such as an identity shortcut, stop there. ``taps``:
    maps that get their error from the rule alone, from no reader.
    """

    def __init__(
        self, network: Network, batch: int, direct: bool, taps: frozenset[str] = frozenset()
    ) -> None:
        self.network = network
        self.batch = batch
        self.direct = direct
        self.taps = taps
        self.outputs: dict[str, Value] = {}
        self.contributions: dict[str, list[Value]] = {layer.name: [] for layer in network.layers}
        self.parts: dict[str, list[Part]] = {layer.name: [] for layer in network.layers}
        self._ops: list[Op] = []
        self._stash: set[str] = set()
        self._dependencies = Dependencies()
        self._trained: dict[str, bool] = {INPUT: False}

    @property
    def samples(self) -> int:
        """Samples that a layer processes per training step: the batch, times the time steps in a
        sequence network.
        """
        return self.batch * self.network.time_steps

    # Tensors

    def tensors(
        self, name: str, role: Role, shape: Shape, bits: int | None = None, stash: bool = False
    ) -> Value:
        """The value ``name``, a map of shape ``shape``; repeated calls return equal tensors. A
        ``stash`` is kept only for the backward passes and dropped if none of them reads it.
        """
        full = (self.batch, shape[2]) if shape[:2] == (1, 1) else (self.batch, *shape)
        steps = self.network.time_steps
        names = [name] if steps == 1 else [step_name(name, step) for step in range(steps)]
        if stash:
            self._stash.update(names)
        return tuple(Tensor(each, role, full, bits=bits) for each in names)

    def input_of(self, layer: Layer) -> Value:
        """First input map of the layer."""
        return self.outputs[layer.inputs[0]]

    def weight(self, layer: Layer) -> Tensor:
        """Weights of a layer with one weight tensor."""
        return layer.weights(self.samples)[0]

    def mask(self, name: str) -> Value:
        """Mask of f' for a rectified map, at that map's resolution. It belongs to the rectifier
        itself, or to the max-pool that made the map.
        """
        shape = self.network.layer(name).out_shape
        return self.tensors(f"{name}.mask", Role.MASK, shape, bits=1, stash=True)

    # Errors

    def labels(self, layer: Layer | None = None) -> Value:
        """The right class at each position of an output, by default the network's own. They are
        there before the step begins.
        """
        output = self.network.output
        layer = layer or output
        rows, columns, classes = layer.out_shape
        name = "labels" if layer is output else f"labels.{layer.name}"
        return self.tensors(name, Role.INDEX, (rows, columns, 1), bits=index_bits(classes))

    def loss_error(self, layer: Layer) -> Value:
        """Error that the loss makes at an output besides the network's own."""
        return self.tensors(f"{layer.name}.loss_error", Role.ERROR, layer.out_shape)

    def output_error(self) -> Value:
        """Error at the network's output, which the loss makes."""
        output = self.network.output
        return self.tensors(f"{output.name}.error", Role.ERROR, output.out_shape)

    def trained(self, name: str) -> bool:
        """True if a layer at or before this map learns, so that its error is needed."""
        if name not in self._trained:
            for layer in self.network.layers:  # in order, so that depth does not matter
                before = any(self._trained[each] for each in layer.inputs)
                self._trained[layer.name] = layer.learns or before
        return self._trained[name]

    def contributors(self, name: str) -> tuple[Layer, ...]:
        """Layers whose backward ops contribute to the error of the map ``name``."""
        if name in self.taps:
            return ()
        consumers = self.network.consumers[name] if self.trained(name) else ()
        weighted = tuple(layer for layer in consumers if layer.weighted)
        return weighted if self.direct and weighted else consumers

    def target(self, layer: Layer, place: int = 0) -> Value | None:
        """New tensors for the error that ``layer`` contributes to its input number ``place``, or
        None if it contributes none.
        """
        source = layer.inputs[place]
        contributors = self.contributors(source)
        if layer not in contributors:
            return None
        alone = len(contributors) == 1 and source not in self.network.outputs
        suffix = "" if alone else f".{layer.name}"
        value = self.tensors(
            f"{source}.error{suffix}", Role.ERROR, self.network.layer(source).out_shape
        )
        self.contributions[source].append(value)
        return value

    def error(self, layer: Layer) -> Value | None:
        """Error at a layer's output, or None if none arrived. Errors of parts are put side by side
        first. If two or more errors arrived, an op that adds them is emitted.
        """
        arrived = [*self.contributions[layer.name], *self._joined(layer)]
        if len(arrived) < 2:
            return arrived[0] if arrived else None
        total = self.tensors(f"{layer.name}.error", Role.ERROR, layer.out_shape)
        parts = tuple(tensor for value in arrived for tensor in value)
        self.vector(
            f"{layer.name}.EP.sum",
            layer.name,
            Pass.EP,
            Work("add", total[0].elements * len(total), len(arrived) - 1, Form.ELEMENTWISE),
            operands(parts, Use.READ),
            total,
        )
        return total

    def _joined(self, layer: Layer) -> Iterator[Value]:
        """Errors of a layer's output, each of errors of parts that do not overlap. It is addressing
        if the parts cover the map; else the zeros between them are written.
        """
        groups = side_by_side(self.parts[layer.name])
        alone = len(groups) == 1 and not self.contributions[layer.name]
        for number, group in enumerate(groups):
            name = f"{layer.name}.error" if alone else f"{layer.name}.error.parts.{number}"
            whole = self.tensors(name, Role.ERROR, layer.out_shape)
            covered = sum(len(part.places) for part in group) == layer.out_shape[group[0].axis]
            self.vector(
                f"{layer.name}.EP.join" + (f".{number}" if number else ""),
                layer.name,
                Pass.EP,
                Work(
                    "join",
                    whole[0].elements * len(whole),
                    0,
                    Form.ADDRESSING if covered else Form.OTHER,
                ),
                operands((tensor for part in group for tensor in part.value), Use.READ),
                whole,
            )
            yield whole

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
        """Emit a contraction with the loop nest ``nest``. ValueError for an operand with ``words``:
        the mapping decides how many words a contraction reads.
        """
        for operand in operands:
            if operand.words >= 0:
                raise ValueError(
                    f"{name}: only an operand of vector work may have words, got "
                    f"{operand.words} of {operand.tensor.name}"
                )
        waits = self._dependencies.waits(name, operands, outputs)
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
        """Emit an op of the vector unit. ValueError for a negative count,
        TypeError for one that is not whole.
        """
        counts = (work.elements, work.ops_per_element)
        if min(index(count) for count in counts) < 0:
            raise ValueError(f"{name}: work must have two whole counts >= 0, got {counts}")
        waits = self._dependencies.waits(name, operands, outputs)
        self._ops.append(
            VectorWork(name, layer, pass_, tuple(operands), tuple(outputs), waits, *work)
        )

    def finish(self, rule: str, passes: frozenset[Pass]) -> TrainingStep:
        """The training step, restricted to the ops of ``passes`` and without stashes that none of
        them reads. A dependency on a removed op is replaced by that op's own dependencies.
        """
        selected: list[Op] = []
        before: dict[str, tuple[str, ...]] = {}
        for op in self._ops:
            waits = tuple(dict.fromkeys(name for each in op.depends_on for name in before[each]))
            before[op.name] = (op.name,) if op.pass_ in passes else waits
            if op.pass_ in passes:
                selected.append(replace(op, depends_on=waits))
        dead = self._stash - {operand.tensor.name for op in selected for operand in op.operands}
        ops = tuple(
            replace(op, outputs=tuple(t for t in op.outputs if t.name not in dead))
            for op in selected
        )
        return TrainingStep(self.network.name, rule, self.batch, ops, carried(ops))
