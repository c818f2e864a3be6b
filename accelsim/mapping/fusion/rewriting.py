"""Rewriting of a step: vector work becomes an epilogue of the op that makes its map, or a prologue
of every op that reads its result (docs/fusion.md).

A step is rewritten before it is placed and mapped. What no memory holds any longer is gone from its
tensors, so placement, traffic and dependencies follow from the rewritten step.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from accelsim.machine.architecture import Machine
from accelsim.machine.words import word_bits
from accelsim.mapping.fusion.draft import Derived, Draft
from accelsim.step.copies import copy_suffix
from accelsim.step.dependencies import carried
from accelsim.step.forms import Form, Rider
from accelsim.step.ops import (
    Contraction,
    Op,
    Operand,
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
    return Fused(step) if machine.fusion == "none" else _Rewriting(step, machine).done()


class _Rewriting:
    """State of the rewriting. Ops are taken in the order of the step, so that what an op reads has
    its final form.
    """

    def __init__(self, step: TrainingStep, machine: Machine) -> None:
        self._step, self._machine = step, machine
        self._full = machine.fusion == "full"
        self._draft = Draft()
        self._readers: dict[str, set[str]] = defaultdict(set)
        for op in step.ops:
            for operand in op.operands:
                self._readers[operand.tensor.name].add(op.name)
        self._absorbed: dict[str, VectorWork] = {}
        self._line_bits: dict[int, int] = defaultdict(int)
        self._addressed: dict[str, set[str]] = {}
        self._saved: dict[str, int] = defaultdict(int)
        self._last_rider: dict[str, str] = {}

    def done(self) -> Fused:
        """Rewrite the whole step."""
        for op in self._step.ops:
            self._draft.stand_in[op.name] = (op.name,)
            if not (isinstance(op, VectorWork) and self._fused(op)):
                self._draft.keep(op)
        for name, rider in self._last_rider.items():
            self._saved[rider] += self._draft.pass_on(name)
        ops = self._draft.finished(self._step)
        return Fused(
            replace(self._step, ops=ops, carried=carried(ops)),
            tuple(self._absorbed.values()),
            self._hosts(ops),
            self._words_saved(),
        )

    def _words_saved(self) -> dict[str, int]:
        """Words that do not move, less those that readers of derived maps read besides them."""
        besides = self._draft.besides
        return {name: max(0, words - besides[name]) for name, words in self._saved.items()}

    def _hosts(self, ops: Iterable[Op]) -> dict[str, tuple[str, ...]]:
        """By op, the ops that do its work; for addressing, those that read at the addresses."""
        into: dict[str, list[str]] = defaultdict(list)
        for op in ops:
            for name in dict.fromkeys(rider.op for rider in riders(op)):
                into[name].append(op.name)
        for name in self._addressed:
            into[name] = list(self._draft.named(sorted(_reading(self._addressed, name))))
        return {name: tuple(hosts) for name, hosts in into.items()}

    def _fused(self, op: VectorWork) -> bool:
        """Rewrite vector work, wholly or in part. False if it must remain as it is."""
        if any(tensor.persistent or tensor.home_channels for tensor in op.outputs):
            return False
        if op.form is Form.ADDRESSING:
            return self._addressing(op)
        if op.form is Form.STATISTICS:
            return self._statistics(op)
        if op.form in (Form.ELEMENTWISE, Form.EXPANSION, Form.WINDOWS):
            return self._prologue(op) or self._epilogue(op)
        return False

    def _absorb(self, op: VectorWork, stand_in: tuple[str, ...]) -> None:
        self._absorbed[op.name] = op
        self._draft.stand_in[op.name] = stand_in

    def _addressing(self, op: VectorWork) -> bool:
        """Readers of the result read its sources at other addresses."""
        output, *rest = op.outputs
        addresses = self._draft.addresses(op.operands)
        sources = [source.name for source, _ in addresses.parts]
        if rest or any(source in self._draft.derived for source in sources):
            return False
        self._draft.elsewhere[output.name] = addresses
        readers = self._readers[output.name]
        for source in sources:
            self._readers[source] = self._readers[source] | readers
        self._addressed[op.name] = readers
        self._absorb(op, self._draft.named(op.depends_on))
        self._saved[op.name] = sum(each.words_read for each in op.operands) + output.elements
        return True

    def _prologue(self, op: VectorWork) -> bool:
        """Elementwise work on one derived map makes its result a derived map too."""
        main, (output, *masks) = op.operands[0], op.outputs
        derived = self._draft.derived.get(main.tensor.name)
        if derived is None or not self._may_derive(op):
            return False
        chain = (*derived.chain, Rider(op.name, op.ops_per_element))
        result = replace(derived, chain=chain, masks=(*derived.masks, *masks))
        self._draft.derived[output.name] = result
        self._absorb(op, self._draft.named(op.depends_on))
        self._saved[op.name] = main.words_read + output.elements
        return True

    def _may_derive(self, op: Op) -> bool:
        """Whether work can be done wherever its result is read, if its one operand is a derived
        map: if it has masks, the first reader must write them whole.
        """
        if not (isinstance(op, VectorWork) and op.form is Form.ELEMENTWISE):
            return False
        output, *rest = op.outputs
        if output.role is Role.MASK:  # run again for the mask alone
            return False
        if len(op.operands) > 1 or any(tensor.role is not Role.MASK for tensor in rest):
            return False
        return not rest or self._read_whole(output)

    def _read_whole(self, tensor: Tensor) -> bool:
        """Whether the first op that reads a map reads all of it, so that it can write a mask."""
        for op in self._step.ops:
            operand = next((each for each in op.operands if each.tensor.name == tensor.name), None)
            if operand is None:
                continue
            if isinstance(op, Contraction):
                moves = operand.use is Use.MOVING
                return not moves or op.nest.moving_words[0] >= tensor.elements
            if self._may_derive(op):
                output, *_ = op.outputs
                return self._read_whole(output)  # its readers read this map in its place
            return operand.words_read >= tensor.elements
        return False

    def _epilogue(self, op: VectorWork) -> bool:
        """Work on the words of a map as they leave the op that makes it."""
        main = self._main(op)
        if main is None or not self._has_line_buffer(op, main.tensor):
            return False
        tensor, host = main.tensor, self._draft.maker[main.tensor.name]
        bits = word_bits(tensor, self._machine)
        rider = Rider(op.name, op.ops_per_element, op.elements, op.kept, op.taken, bits)
        self._draft.ride(host, rider)
        others = [operand for operand in op.operands if operand.tensor.name != tensor.name]
        words = self._draft.read(host, others)
        self._draft.make(host, op.outputs)
        self._saved[op.name] = sum(each.words_read for each in op.operands) - words
        self._last_rider[tensor.name] = op.name
        self._absorb(op, (self._draft.ops[host].name,))
        return True

    def _has_line_buffer(self, op: VectorWork, tensor: Tensor) -> bool:
        """Whether words that wait for others of their window have room: half of the staging half
        of the global buffer, for all windows on one op together.
        """
        host = self._draft.maker[tensor.name]
        bits = self._line_bits[host] + op.row_bound * word_bits(tensor, self._machine)
        if bits > 4 * self._machine.global_buffer.staging_bytes:
            return False
        self._line_bits[host] = bits
        return True

    def _main(self, op: VectorWork) -> Operand | None:
        """The map in whose epilogue the work can be done: of those that the work reads, the one
        that is made last. None if there is none, or if another reader needs it and only one may.
        """
        maker = self._draft.maker
        size = op.elements if op.form is Form.ELEMENTWISE else None
        made = [
            operand
            for operand in op.operands
            if operand.tensor.name in maker
            and operand.tensor.role not in (Role.MASK, Role.INDEX)
            and size in (None, operand.tensor.elements)
        ]
        if not made:
            return None
        main = max(made, key=lambda operand: maker[operand.tensor.name])
        name, host = main.tensor.name, maker[main.tensor.name]
        others = [operand.tensor.name for operand in op.operands if operand.tensor.name != name]
        fits = (
            self._draft.may_host(host)
            and (self._full or self._readers[name] == {op.name})
            and all(self._draft.made_before(other, host) for other in others)
        )
        return main if fits else None

    def _statistics(self, op: VectorWork) -> bool:
        """The sums are an epilogue of the op that makes the map. The rest reads the map once more,
        or, in full fusion, is done by every reader of the result.
        """
        main, *others = {operand.tensor.name: operand for operand in op.operands}.values()
        name, host = main.tensor.name, self._draft.maker.get(main.tensor.name)
        maps = [each for each in others if each.tensor.elements == main.tensor.elements]
        if (
            host is None
            or not self._draft.may_host(host)
            or not (self._full or self._readers[name] == {op.name})
            or not all(self._draft.made_before(each.tensor.name, host) for each in maps)
            or any(len(self._draft.parts(each)) > 1 for each in maps)
        ):
            return False
        sums = [tensor for tensor in op.outputs if tensor.role is Role.GRADIENT]
        results = [tensor for tensor in op.outputs if tensor.role is not Role.GRADIENT]
        if not sums:
            shape = (main.tensor.shape[-1], 2)
            name_of_sums = f"{op.layer}.statistics{copy_suffix(op.name)}"
            sums = [Tensor(name_of_sums, Role.ACTIVATION, shape)]
        once = op.sums if results else op.ops_per_element
        self._draft.ride(host, Rider(op.name, once, op.elements))
        words = self._draft.read(host, maps)
        self._draft.make(host, sums)
        self._saved[op.name] = sum(each.words_read for each in op.operands) - words
        self._saved[op.name] -= sum(t.elements for t in sums if t.role is not Role.GRADIENT)
        read = [*others, *(Operand(tensor, Use.READ) for tensor in sums)]
        if not results:
            self._last_rider[name] = op.name
            self._absorb(op, (self._draft.ops[host].name,))
        elif self._full and len(results) <= (2 if op.remake else 1):
            self._derive(op, main.tensor, maps, read, results)
            self._absorb(op, (self._draft.ops[host].name,))
        else:
            self._saved[op.name] -= sum(each.words_read for each in (main, *read))
            rest = op.ops_per_element - op.sums
            outputs, operands = tuple(results), (main, *read)
            self._draft.keep(replace(op, operands=operands, outputs=outputs, ops_per_element=rest))
        return True

    def _derive(
        self,
        op: VectorWork,
        source: Tensor,
        maps: list[Operand],
        read: list[Operand],
        results: list[Tensor],
    ) -> None:
        """Make the results of work with statistics derived maps: the result itself, and the stash,
        which can be made again from the source and the sums, without parameters.
        """
        names = {operand.tensor.name for operand in maps}
        others = [
            each
            for operand in read
            for part in self._draft.parts(operand)
            for each, _ in self._draft.resolved(
                part, beside=source.name if operand.tensor.name in names else ""
            )
        ]
        no_parameters = [each for each in others if not each.tensor.persistent]
        works = ((op.ops_per_element - op.sums, others), (op.remake, no_parameters))
        for tensor, (operations, needed) in zip(results, works, strict=False):
            chain = (Rider(op.name, operations),)
            self._draft.derived[tensor.name] = Derived(source, chain, tuple(needed), owner=op.name)
            self._saved[op.name] += tensor.elements


def _reading(addressed: Mapping[str, set[str]], name: str) -> set[str]:
    """Ops that read at the addresses of an op, itself or through others that are only addresses."""
    return {
        each
        for reader in addressed[name]
        for each in (_reading(addressed, reader) if reader in addressed else {reader})
    }


def riders(op: Op) -> Iterator[Rider]:
    """All work of other ops that an op does."""
    yield from op.epilogue
    for operand in op.operands:
        yield from operand.prologue
