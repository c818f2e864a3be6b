"""A step under rewriting: the ops that remain, with the operands and results that they get."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from accelsim.step.dependencies import Dependencies
from accelsim.step.forms import Rider
from accelsim.step.ops import Contraction, Op, Operand, Tensor, TrainingStep


@dataclass
class Derived:
    """A map that no memory holds: every reader makes its words from those of ``source``.

    ``chain``: the work, in order. ``others``: operands that it reads as well, for the work of op
    ``owner``. ``masks``: masks of the map, which the first reader writes.
    """

    source: Tensor
    chain: tuple[Rider, ...]
    others: tuple[Operand, ...]
    masks: tuple[Tensor, ...] = ()
    owner: str = ""


@dataclass(frozen=True)
class Addresses:
    """Where the words of a tensor are: (tensor, words of it)."""

    parts: tuple[tuple[Tensor, int], ...]

    def of(self, given: Operand) -> Iterator[Operand]:
        """What an op reads in place of the operand: a share of each part in proportion to its
        words.
        """
        total, before = sum(words for _, words in self.parts), 0
        for tensor, words in self.parts:
            after = before + words
            share = given.words_read * after // total - given.words_read * before // total
            yield replace(given, tensor=tensor, words=share)
            before = after


class Draft:
    """The remaining ops in the order of the step, by index, and what has become of tensors.

    ``maker``: by name of a tensor, the op that makes it. ``derived``: maps that readers make.
    ``elsewhere``: by name of a tensor that is only addresses of others, where its words are.
    ``stand_in``: by name of an op of the step, the remaining ops that do its work. ``besides``: by
    name of an op, words that readers of its derived maps read besides these.
    """

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.maker: dict[str, int] = {}
        self.derived: dict[str, Derived] = {}
        self.elsewhere: dict[str, Addresses] = {}
        self.stand_in: dict[str, tuple[str, ...]] = {}
        self.besides: dict[str, int] = defaultdict(int)
        self._read_late: dict[str, int] = {}

    def keep(self, op: Op) -> None:
        """Keep an op, with operands that exist."""
        index = len(self.ops)
        self.ops.append(replace(op, operands=()))
        own: list[Operand] = []
        others: list[tuple[Operand, str]] = []
        for operand in op.operands:
            for part in self.parts(operand):
                (first, _), *more = self.resolved(part, index)
                own.append(first)
                others += more
        self._add(index, own, others)
        self._write(index, op.outputs)

    def read(self, index: int, operands: Iterable[Operand]) -> int:
        """Add operands of the vector unit to an op. Returns the words that it reads of them; not
        those in `besides`.
        """
        found = [
            each
            for operand in operands
            for part in self.parts(operand)
            for each in self.resolved(part, index)
        ]
        return self._add(index, (), found)

    def parts(self, given: Operand) -> tuple[Operand, ...]:
        """The operand, or what is read in its place if its words are elsewhere."""
        addresses = self.elsewhere.get(given.tensor.name)
        return tuple(addresses.of(given)) if addresses else (given,)

    def addresses(self, operands: Iterable[Operand]) -> Addresses:
        """Where the words of operands are, each tensor once."""
        words: dict[Tensor, int] = defaultdict(int)
        for operand in operands:
            for part in self.parts(operand):
                words[part.tensor] += part.words_read
        return Addresses(tuple(words.items()))

    def _add(
        self, index: int, own: Iterable[Operand], others: Iterable[tuple[Operand, str]]
    ) -> int:
        """Add an op's own operands, and others that it reads at most once, each with the op whose
        derived map needs it, or "". Returns the words of those without one. Two parts of a tensor
        may be different ones, and each is read.
        """
        operands = [*self.ops[index].operands, *own]
        known = {(each.tensor.name, each.use, each.beside, each.prologue) for each in operands}
        words = 0
        for each, owner in others:
            key = (each.tensor.name, each.use, each.beside, each.prologue)
            if key in known and each.words_read >= each.tensor.elements:
                continue
            known.add(key)
            operands.append(each)
            if owner:
                self.besides[owner] += each.words_read
            else:
                words += each.words_read
        self.ops[index] = replace(self.ops[index], operands=tuple(operands))
        return words

    def resolved(
        self, given: Operand, index: int | None = None, beside: str = ""
    ) -> Iterator[tuple[Operand, str]]:
        """One of the `parts` of an operand as it can be read: first the operand itself, then what
        else must be read, with the op whose derived map needs it.

        ``index``: the op that reads it, if it is known. ``beside``: as in `Operand`.
        """
        operand = replace(given, beside=beside)
        derived = self.derived.get(operand.tensor.name)
        if derived is None:
            yield operand, ""
            return
        yield replace(operand, tensor=derived.source, prologue=derived.chain), ""
        yield from ((other, derived.owner) for other in derived.others)
        if index is not None:
            for other in derived.others:
                last = self._read_late.get(other.tensor.name, index)
                self._read_late[other.tensor.name] = max(last, index)
            self.make(index, [each for each in derived.masks if each.name not in self.maker])

    def made_before(self, name: str, index: int) -> bool:
        """Whether a tensor is complete before an op starts."""
        addresses, derived = self.elsewhere.get(name), self.derived.get(name)
        read = [name]
        if addresses is not None:
            read = [tensor.name for tensor, _ in addresses.parts]
        elif derived is not None:
            read = [derived.source.name, *(operand.tensor.name for operand in derived.others)]
        return all(self.maker.get(each, -1) < index for each in read)

    def may_host(self, index: int) -> bool:
        """Whether an op may do work on its results: not if they belong to weights."""
        op = self.ops[index]
        homed = any(tensor.persistent or tensor.home_channels for tensor in op.outputs)
        return not homed and not (isinstance(op, Contraction) and op.nest.sums_samples)

    def ride(self, index: int, rider: Rider) -> None:
        """Add work to the epilogue of an op."""
        op = self.ops[index]
        self.ops[index] = replace(op, epilogue=(*op.epilogue, rider))

    def make(self, index: int, outputs: Iterable[Tensor]) -> None:
        """An op makes further results."""
        op, outputs = self.ops[index], tuple(outputs)
        self.ops[index] = replace(op, outputs=(*op.outputs, *outputs))
        self._write(index, outputs)

    def pass_on(self, name: str) -> int:
        """No memory keeps a result of an op that only its epilogue reads. Returns its words; 0 if
        another op reads it.
        """
        if any(operand.tensor.name == name for op in self.ops for operand in op.operands):
            return 0
        index = self.maker.pop(name)
        op = self.ops[index]
        (tensor,) = (each for each in op.outputs if each.name == name)
        outputs = tuple(each for each in op.outputs if each is not tensor)
        own = not isinstance(op, Contraction) or tensor in op.made
        self.ops[index] = replace(op, outputs=outputs, passed=tensor if own else op.passed)
        return tensor.elements

    def _write(self, index: int, outputs: Iterable[Tensor]) -> None:
        for tensor in outputs:
            self.maker[tensor.name] = index

    def named(self, names: Iterable[str]) -> tuple[str, ...]:
        """The remaining ops that do the work of the named ones."""
        return tuple(dict.fromkeys(each for name in names for each in self.stand_in[name]))

    def finished(self, step: TrainingStep) -> tuple[Op, ...]:
        """The remaining ops in order, with dependencies among themselves: those of the step, and
        those that follow from the tensors.
        """
        dependencies, known = Dependencies(), {op.name: op for op in step.ops}
        found: list[Op] = []
        before: set[str] = set()
        for op in self._in_order():
            riders = dict.fromkeys(rider.op for rider in op.epilogue)
            given = self.named(
                name for each in (op.name, *riders) for name in known[each].depends_on
            )
            waits = (*given, *dependencies.waits(op.name, op.operands, op.outputs))
            earlier = tuple(name for name in dict.fromkeys(waits) if name in before)
            found.append(replace(op, depends_on=earlier))
            before.add(op.name)
        return tuple(found)

    def _in_order(self) -> list[Op]:
        """The remaining ops. An update waits behind the last op that reads the old values."""

        def place(index: int) -> tuple[int, bool]:
            written = [tensor.name for tensor in self.ops[index].outputs if tensor.persistent]
            behind = max([index, *(self._read_late.get(name, index) for name in written)])
            return behind, behind != index

        return [self.ops[index] for index in sorted(range(len(self.ops)), key=place)]
