"""Fusion of vector work with the ops that move its words (docs/fusion.md).

A step is rewritten before it is placed and mapped. Vector work becomes an epilogue of the op that
makes its map, or a prologue of every op that reads its result. What no memory holds any longer is
gone from the step's tensors, so placement, traffic and dependencies follow from the rewritten step.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from accelsim.machine.architecture import Machine
from accelsim.machine.words import word_bits
from accelsim.step.dependencies import Dependencies, carried
from accelsim.step.ops import (
    Contraction,
    Form,
    Op,
    Operand,
    Rider,
    Role,
    Tensor,
    TrainingStep,
    Use,
    VectorWork,
)


@dataclass(frozen=True)
class Fused:
    """A rewritten step.

    ``absorbed``: ops that are wholly done by other ops, in the order of the step. ``into``: by name
    of an op, the ops that do its work or a part of it. ``saved``: by name of an op, the words that
    no longer move between the vector unit and a memory, if every word is read once.
    """

    step: TrainingStep
    absorbed: tuple[VectorWork, ...] = ()
    into: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    saved: Mapping[str, int] = field(default_factory=dict)


def fuse(step: TrainingStep, machine: Machine) -> Fused:
    """The step as the machine executes it, under its ``fusion``."""
    return Fused(step) if machine.fusion == "none" else _Fusion(step, machine).rewritten()


@dataclass
class _Derived:
    """A map that no memory holds: every reader makes its words from those of ``source``.

    ``chain``: the work, in order. ``others``: operands that it reads as well. ``masks``: masks of
    the map, which the first reader writes.
    """

    source: Tensor
    chain: tuple[Rider, ...]
    others: tuple[Operand, ...]
    masks: list[Tensor] = field(default_factory=list)


class _Fusion:
    """State of the rewriting. Ops are taken in the order of the step, so that what an op reads has
    its final form.
    """

    def __init__(self, step: TrainingStep, machine: Machine) -> None:
        self._step, self._machine = step, machine
        self._full = machine.fusion == "full"
        self._ops: list[Op] = []
        self._maker: dict[str, int] = {}
        self._readers: dict[str, set[str]] = defaultdict(set)
        for op in step.ops:
            for operand in op.operands:
                self._readers[operand.tensor.name].add(op.name)
        self._derived: dict[str, _Derived] = {}
        self._elsewhere: dict[str, Tensor] = {}
        self._absorbed: dict[str, VectorWork] = {}
        self._stand_in: dict[str, tuple[str, ...]] = {}
        self._read_late: dict[str, int] = {}
        self._saved: dict[str, int] = defaultdict(int)

    def rewritten(self) -> Fused:
        """Rewrite the whole step."""
        for op in self._step.ops:
            self._stand_in[op.name] = (op.name,)
            if not (isinstance(op, VectorWork) and self._fused(op)):
                self._keep(op)
        ops = self._with_dependencies(self._in_order())
        step = replace(self._step, ops=ops, carried=carried(ops))
        into: dict[str, list[str]] = defaultdict(list)
        for op in ops:
            for name in dict.fromkeys(rider.op for rider in _riders(op)):
                into[name].append(op.name)
        for name, op in self._absorbed.items():
            if op.form is Form.ADDRESSING:
                sources = {self._elsewhere[tensor.name].name for tensor in op.outputs}
                into[name] = [
                    each.name
                    for each in ops
                    if any(operand.tensor.name in sources for operand in each.operands)
                ]
        return Fused(
            step,
            tuple(self._absorbed.values()),
            {name: tuple(hosts) for name, hosts in into.items()},
            {name: words for name, words in self._saved.items() if words > 0},
        )

    # Ops that remain

    def _keep(self, op: Op) -> None:
        """Keep an op, with operands that exist."""
        index = len(self._ops)
        self._ops.append(replace(op, operands=()))
        self._read(index, op.operands)
        self._write(index, op.outputs)

    def _read(self, index: int, operands: Iterable[Operand], beside: str = "") -> int:
        """Add operands to a remaining op. Returns the words that it reads of them."""
        op, found, words = self._ops[index], {}, 0
        for operand in (*op.operands, *self._resolved(index, operands, beside)):
            key = (operand.tensor.name, operand.use, operand.beside)
            if key not in found:
                found[key] = operand
        words = sum(operand.words_read for operand in found.values())
        words -= sum(operand.words_read for operand in op.operands)
        self._ops[index] = replace(self._ops[index], operands=tuple(found.values()))
        return words

    def _resolved(self, index: int, operands: Iterable[Operand], beside: str) -> Iterable[Operand]:
        for given in operands:
            tensor = self._elsewhere.get(given.tensor.name, given.tensor)
            moved = tensor is not given.tensor and given.use is Use.READ
            operand = replace(
                given,
                tensor=tensor,
                words=given.words_read if moved else given.words,
                beside=beside or given.beside,
            )
            derived = self._derived.get(tensor.name)
            if derived is None:
                yield operand
                continue
            yield replace(operand, tensor=derived.source, prologue=derived.chain)
            for other in derived.others:
                self._read_late[other.tensor.name] = index
                yield other
            if derived.masks:
                self._write(index, derived.masks)
                op = self._ops[index]
                self._ops[index] = replace(op, outputs=(*op.outputs, *derived.masks))
                derived.masks.clear()

    def _write(self, index: int, outputs: Iterable[Tensor]) -> None:
        for tensor in outputs:
            self._maker[tensor.name] = index

    # Ops that are fused

    def _fused(self, op: VectorWork) -> bool:
        """Rewrite vector work, wholly or in part. False if it must remain as it is."""
        if any(tensor.persistent or tensor.home_channels for tensor in op.outputs):
            return False
        if op.form is Form.ADDRESSING:
            return self._addressing(op)
        if op.form is Form.STATISTICS:
            return self._statistics(op)
        if op.form in (Form.ELEMENTWISE, Form.EXPANSION, Form.WINDOWS):
            return self._extended(op) or self._epilogue(op)
        return False

    def _addressing(self, op: VectorWork) -> bool:
        """Readers of the result read the source at other addresses."""
        (operand, *more), (output, *rest) = op.operands, op.outputs
        source = self._elsewhere.get(operand.tensor.name, operand.tensor)
        if more or rest or source.name in self._derived:
            return False
        self._elsewhere[output.name] = source
        readers = self._readers[output.name]
        self._readers[source.name] = self._readers[source.name] - {op.name} | readers
        self._absorb(op, self._named(op.depends_on))
        self._saved[op.name] = operand.words_read + output.elements
        return True

    def _extended(self, op: VectorWork) -> bool:
        """Elementwise work on one derived map makes its result a derived map too."""
        (main, *more), (output, *rest) = op.operands, op.outputs
        derived = self._derived.get(main.tensor.name)
        masks_only = all(tensor.role is Role.MASK for tensor in rest)
        if derived is None or more or op.form is not Form.ELEMENTWISE or not masks_only:
            return False
        chain = (*derived.chain, Rider(op.name, op.ops_per_element))
        self._derived[output.name] = _Derived(derived.source, chain, derived.others, [*rest])
        self._absorb(op, self._named(op.depends_on))
        self._saved[op.name] = main.words_read + output.elements
        return True

    def _epilogue(self, op: VectorWork) -> bool:
        """Work on the words of a map as they leave the op that makes it."""
        main = self._main(op)
        if main is None:
            return False
        host, tensor = self._maker[main.tensor.name], main.tensor
        waiting, bits = 0, word_bits(tensor, self._machine)
        if op.form is Form.WINDOWS:
            held = (op.rows - 1) * op.row_words * bits
            if held > 8 * self._machine.global_buffer.staging_bytes:
                return False
            waiting = tensor.elements * (op.rows - 1) // op.rows
        rider = Rider(op.name, op.ops_per_element, op.elements, waiting, bits)
        others = [operand for operand in op.operands if operand.tensor.name != tensor.name]
        self._ride(host, rider)
        words = self._read(host, others)
        self._make(host, op.outputs)
        if self._readers[tensor.name] == {op.name}:
            self._pass_on(host, tensor)
            self._saved[op.name] += tensor.elements
        self._saved[op.name] += sum(each.words_read for each in op.operands) - words
        self._absorb(op, (self._ops[host].name,))
        return True

    def _main(self, op: VectorWork) -> Operand | None:
        """The map in whose epilogue the work can be done: of those that the work reads, the one
        that is made last. None if there is none, or if another reader needs it and only one may.
        """
        size = op.elements if op.form is Form.ELEMENTWISE else None
        made = [
            operand
            for operand in op.operands
            if operand.tensor.name in self._maker
            and operand.tensor.role is not Role.MASK
            and operand.tensor.role is not Role.INDEX
            and size in (None, operand.tensor.elements)
        ]
        if not made:
            return None
        main = max(made, key=lambda operand: self._maker[operand.tensor.name])
        name, host = main.tensor.name, self._maker[main.tensor.name]
        others = [operand for operand in op.operands if operand.tensor.name != name]
        if not (
            self._may_host(host)
            and (self._full or self._readers[name] == {op.name})
            and all(self._made_before(operand.tensor.name, host) for operand in others)
        ):
            return None
        return main

    def _may_host(self, index: int) -> bool:
        op = self._ops[index]
        homed = any(tensor.persistent or tensor.home_channels for tensor in op.outputs)
        return not homed and not (isinstance(op, Contraction) and op.nest.sums_samples)

    def _made_before(self, name: str, host: int) -> bool:
        """Whether a tensor is complete before an op starts."""
        name = self._elsewhere[name].name if name in self._elsewhere else name
        derived = self._derived.get(name)
        if derived is None:
            return self._maker.get(name, -1) < host
        read = (derived.source, *(operand.tensor for operand in derived.others))
        return all(self._maker.get(tensor.name, -1) < host for tensor in read)

    def _statistics(self, op: VectorWork) -> bool:
        """The sums are an epilogue of the op that makes the map. The rest reads the map once more,
        or, in full fusion, is done by every reader of the result.
        """
        operands = list({operand.tensor.name: operand for operand in op.operands}.values())
        main, *others = operands
        name = main.tensor.name
        maps = [each for each in others if each.tensor.elements == main.tensor.elements]
        if name not in self._maker or not self._may_host(self._maker[name]):
            return False
        host = self._maker[name]
        alone = self._readers[name] == {op.name}
        before = all(self._made_before(each.tensor.name, host) for each in maps)
        if not before or not (self._full or alone):
            return False
        sums = [tensor for tensor in op.outputs if tensor.role is Role.GRADIENT]
        maps_made = [tensor for tensor in op.outputs if tensor.role is not Role.GRADIENT]
        if not sums:
            channels = main.tensor.shape[-1]
            sums = [Tensor(f"{op.layer}.statistics", Role.ACTIVATION, (channels, 2))]
        once = op.sums if maps_made else op.ops_per_element
        self._ride(host, Rider(op.name, once, op.elements))
        words = self._read(host, maps)
        self._make(host, sums)
        self._saved[op.name] = sum(each.words_read for each in op.operands) - words
        if not maps_made:
            self._absorb(op, (self._ops[host].name,))
            return True
        read = [*others, *(Operand(tensor, Use.READ) for tensor in sums)]
        rest = op.ops_per_element - op.sums
        if self._full and len(maps_made) <= (2 if op.remake else 1):
            self._derive(op, main.tensor, maps, read, rest, maps_made)
            self._absorb(op, (self._ops[host].name,))
            return True
        self._saved[op.name] -= sum(each.words_read for each in (main, *read))
        self._keep(
            replace(
                op,
                operands=(main, *read),
                outputs=tuple(maps_made),
                ops_per_element=rest,
            )
        )
        return True

    def _derive(
        self,
        op: VectorWork,
        source: Tensor,
        maps: list[Operand],
        read: list[Operand],
        rest: int,
        made: list[Tensor],
    ) -> None:
        """Make the results of work with statistics derived maps: the result itself, and the stash,
        which can be made again from the source and the sums.
        """
        names = {operand.tensor.name for operand in maps}
        others: list[Operand] = []
        for operand in read:
            beside = source.name if operand.tensor.name in names else ""
            others += self._resolved(-1, [operand], beside)
        result, *stash = made
        chain = (Rider(op.name, rest),)
        self._derived[result.name] = _Derived(source, chain, tuple(others))
        for tensor in stash:
            again = (Rider(op.name, op.remake),)
            self._derived[tensor.name] = _Derived(source, again, tuple(others))
        self._saved[op.name] += sum(tensor.elements for tensor in made)

    def _ride(self, host: int, rider: Rider) -> None:
        self._ops[host] = replace(self._ops[host], epilogue=(*self._ops[host].epilogue, rider))

    def _make(self, host: int, outputs: Iterable[Tensor]) -> None:
        """The epilogue of an op makes further outputs."""
        op = self._ops[host]
        self._ops[host] = replace(op, outputs=(*op.outputs, *outputs))
        self._write(host, outputs)

    def _pass_on(self, host: int, tensor: Tensor) -> None:
        """No memory keeps a result of an op, because only its epilogue reads it."""
        op = self._ops[host]
        outputs = tuple(each for each in op.outputs if each.name != tensor.name)
        own = not isinstance(op, Contraction) or tensor in op.made
        passed = tensor if own else op.passed
        self._ops[host] = replace(op, outputs=outputs, passed=passed)
        del self._maker[tensor.name]

    def _absorb(self, op: VectorWork, stand_in: tuple[str, ...]) -> None:
        self._absorbed[op.name] = op
        self._stand_in[op.name] = stand_in

    # Order and dependencies

    def _in_order(self) -> list[Op]:
        """The remaining ops. An update waits behind the last op that reads the old values."""

        def place(index: int) -> tuple[int, bool]:
            written = [tensor.name for tensor in self._ops[index].outputs if tensor.persistent]
            behind = max([index, *(self._read_late.get(name, -1) for name in written)])
            return behind, behind != index

        return [self._ops[index] for index in sorted(range(len(self._ops)), key=place)]

    def _named(self, names: Iterable[str]) -> tuple[str, ...]:
        """Remaining ops that do the work of the named ones."""
        return tuple(dict.fromkeys(each for name in names for each in self._stand_in[name]))

    def _with_dependencies(self, ops: list[Op]) -> tuple[Op, ...]:
        """The ops with dependencies among themselves: those of the step, and those that follow from
        the tensors.
        """
        dependencies, known = Dependencies(), {op.name: op for op in self._step.ops}
        found: list[Op] = []
        before: set[str] = set()
        for op in ops:
            riders = dict.fromkeys(rider.op for rider in op.epilogue)
            given = self._named(
                name for each in (op.name, *riders) for name in known[each].depends_on
            )
            waits = (*given, *dependencies.waits(op.name, op.operands, op.outputs))
            found.append(
                replace(op, depends_on=tuple(n for n in dict.fromkeys(waits) if n in before))
            )
            before.add(op.name)
        return tuple(found)


def _riders(op: Op) -> Iterable[Rider]:
    """All work of other ops that an op does."""
    yield from op.epilogue
    for operand in op.operands:
        yield from operand.prologue
