"""Which ops remain under `fusion`, and what they read, write and work on (docs/fusion.md), from the
ops of a step that fuses nothing and the geometry of its layers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any, NamedTuple

from accelsim.machine.architecture import Machine
from accelsim.machine.words import word_bits
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
from accelsim.workload.network import Network

Work = tuple[str, int]
"""An op, and operations per element of it."""


class Read(NamedTuple):
    """A tensor that an op reads.

    ``words``: those of one reading. ``work``: work on each word. ``beside``: tensor whose words it
    is read with, or "". ``owner``: op in whose place the words move, or "". ``addresses``: ops that
    are nothing but the addresses that it is read at.
    """

    tensor: Tensor
    use: Use
    words: int
    work: tuple[Work, ...] = ()
    beside: str = ""
    owner: str = ""
    addresses: tuple[str, ...] = ()

    @property
    def form(self) -> tuple[Any, ...]:
        return self.tensor.name, self.use, self.work, self.beside


@dataclass
class Recipe:
    """How readers make a map that no memory holds."""

    source: Tensor
    work: tuple[Work, ...]
    others: tuple[Read, ...]
    masks: tuple[Tensor, ...] = ()


@dataclass
class Doer:
    """An op that remains.

    ``rides``: (op, elements, operations each) on its results. ``lines``: (words written, words
    read, bits of one) of its line buffers, which take ``line_bits``. ``own``: operations per
    element of its own work, if it is of the vector unit.
    """

    op: Op
    own: int = 0
    reads: list[Read] = field(default_factory=list)
    results: list[Tensor] = field(default_factory=list)
    rides: list[tuple[str, int, int]] = field(default_factory=list)
    lines: list[tuple[int, int, int]] = field(default_factory=list)
    line_bits: int = 0

    @property
    def may_work_on_results(self) -> bool:
        """Whether its results are maps, not values of weights."""
        sums_samples = isinstance(self.op, Contraction) and self.op.pass_ is Pass.WG
        return not sums_samples and not any(t.persistent or t.home_channels for t in self.results)

    @property
    def workers(self) -> set[str]:
        """Ops whose work it does, or whose addresses it reads at."""
        names = {name for name, _, _ in self.rides}
        for read in self.reads:
            names |= {name for name, _ in read.work} | set(read.addresses)
        return names


class Fusion:
    """The ops that remain, in order. ``saved``: words that move no more, by op of the step."""

    def __init__(self, network: Network, step: TrainingStep, machine: Machine) -> None:
        self.network, self.step, self.machine = network, step, machine
        self.doers: list[Doer] = []
        self.maker: dict[str, int] = {}
        self.recipes: dict[str, Recipe] = {}
        self.address: dict[str, tuple[tuple[Operand, ...], str]] = {}
        self.saved: dict[str, int] = defaultdict(int)
        self.last: dict[str, str] = {}
        for op in step.ops:
            if not self._fuses(op):
                self._remain(op)
        self._drop_unread()
        self.doers = list(self._in_order())
        for doer in self.doers:
            operands = tuple(Operand(each.tensor, each.use) for each in doer.reads)
            doer.op = replace(doer.op, operands=operands, outputs=tuple(doer.results))
        self.remaining = replace(step, ops=tuple(each.op for each in self.doers))

    @property
    def full(self) -> bool:
        return self.machine.fusion == "full"

    def into(self, name: str) -> set[str]:
        """Ops that do the work of an op, itself not among them."""
        return {each.op.name for each in self.doers if name in each.workers} - {name}

    def words_saved(self, op: Op) -> int:
        """Words that move no more, less those that move instead."""
        if not self.into(op.name):
            return 0
        instead = sum(
            read.words for each in self.doers for read in each.reads if read.owner == op.name
        )
        return max(0, self.saved[op.name] - instead)

    # Readers

    def readers(self, tensor: Tensor) -> list[str]:
        """Ops of the step that read a tensor, at whatever addresses."""
        found = []
        for op in self.step.ops:
            if tensor.name in {each.tensor.name for each in op.operands}:
                moved = [name for name, (_, by) in self.address.items() if by == op.name]
                found += [op.name] if not moved else self.readers(op.outputs[0])
        return found

    def _places(self, given: Operand) -> list[tuple[Tensor, int, tuple[str, ...]]]:
        """(tensor, words of it, ops that say so) of all in which words of an operand are. If not
        all are read, each place has its share.
        """
        if given.tensor.name not in self.address:
            return [(given.tensor, given.words_read, ())]
        sources, by = self.address[given.tensor.name]
        words: dict[Tensor, int] = defaultdict(int)
        ops: dict[Tensor, tuple[str, ...]] = defaultdict(lambda: (by,))
        for source in sources:
            for tensor, part, more in self._places(source):
                words[tensor] += part
                ops[tensor] = (*ops[tensor], *more)
        ends = list(accumulate(words.values(), initial=0))
        read = [given.words_read * end // ends[-1] for end in ends]
        return [
            (tensor, after - before, ops[tensor])
            for tensor, before, after in zip(words, read, read[1:], strict=False)
        ]

    def _complete(self, tensor: Tensor, index: int) -> bool:
        """Whether all that is needed of a tensor is there before an op starts."""
        needed = []
        for source, _, _ in self._places(Operand(tensor, Use.READ)):
            recipe = self.recipes.get(source.name)
            needed += (
                [recipe.source, *(each.tensor for each in recipe.others)] if recipe else [source]
            )
        return all(self.maker.get(each.name, -1) < index for each in needed)

    def _read(self, doer: Doer, operands: Iterable[Operand], owner: str = "") -> None:
        """The vector unit reads operands for an epilogue of an op, each once."""
        for operand in operands:
            own, others = self._reads(operand, owner)
            self._add(doer, (*own, *others))
            self._write_masks(doer, operand)

    def _add(self, doer: Doer, reads: Iterable[Read]) -> None:
        for read in reads:
            forms = [each.form for each in doer.reads]
            if read.words < read.tensor.elements or read.form not in forms:
                doer.reads.append(read)
                continue
            place = forms.index(read.form)
            known = doer.reads[place]
            both = (*known.addresses, *read.addresses)
            doer.reads[place] = known._replace(addresses=both)

    def _write_masks(self, doer: Doer, operand: Operand) -> None:
        recipe = self.recipes.get(operand.tensor.name)
        for mask in recipe.masks if recipe else ():
            if mask.name not in self.maker:
                self._make(doer, mask)

    def _reads(self, given: Operand, owner: str, beside: str = "") -> tuple[list[Read], list[Read]]:
        """What must be read: the operand, and what its recipe needs."""
        own, others = [], []
        for tensor, words, addresses in self._places(given):
            recipe = self.recipes.get(tensor.name)
            source, work = (recipe.source, recipe.work) if recipe else (tensor, ())
            own.append(Read(source, given.use, words, work, beside, owner, addresses))
            others += recipe.others if recipe else ()
        return own, others

    def _make(self, doer: Doer, tensor: Tensor) -> None:
        doer.results.append(tensor)
        self.maker[tensor.name] = self.doers.index(doer)

    def _remain(self, op: Op, own: int = -1, owner: str = "") -> None:
        """An op reads its operands, and once what their recipes need."""
        doer = Doer(op)
        if isinstance(op, VectorWork):
            doer.own = op.ops_per_element if own < 0 else own
        self.doers.append(doer)
        for tensor in op.outputs:
            self._make(doer, tensor)
        others: list[Read] = []
        for operand in op.operands:
            own_reads, more = self._reads(operand, owner)
            doer.reads += own_reads
            others += more
            self._write_masks(doer, operand)
        self._add(doer, others)

    # What is fused

    def _fuses(self, op: Op) -> bool:
        """Whether other ops do all of an op, or its part of them is settled."""
        if self.machine.fusion == "none" or not isinstance(op, VectorWork):
            return False
        if any(each.persistent or each.home_channels for each in op.outputs):
            return False
        if op.form is Form.ADDRESSING:
            return self._addresses(op)
        if op.form is Form.STATISTICS:
            return self._statistics(op)
        if op.form is Form.ELEMENTWISE and self._made_where_read(op):
            return True
        return op.form is not Form.OTHER and self._epilogue(op)

    def _addresses(self, op: VectorWork) -> bool:
        (output,) = op.outputs
        places = [place for operand in op.operands for place in self._places(operand)]
        if any(source.name in self.recipes for source, _, _ in places):
            return False
        self.address[output.name] = (op.operands, op.name)
        self.saved[op.name] = sum(each.words_read for each in op.operands) + output.elements
        return True

    def _made_where_read(self, op: VectorWork) -> bool:
        """Elementwise work on a map that has a recipe makes another one."""
        recipe = self.recipes.get(op.operands[0].tensor.name)
        if recipe is None or not self._lengthens(op):
            return False
        output, *masks = op.outputs
        work = (*recipe.work, (op.name, op.ops_per_element))
        self.recipes[output.name] = replace(recipe, work=work, masks=(*recipe.masks, *masks))
        self.saved[op.name] = op.operands[0].words_read + output.elements
        return True

    def _lengthens(self, op: Op) -> bool:
        """Whether elementwise work on a map with a recipe can be part of it: the first reader of
        its result must read all of it, if there is a mask to write.
        """
        elementwise = isinstance(op, VectorWork) and op.form is Form.ELEMENTWISE
        if not elementwise or len(op.operands) > 1:
            return False
        output, *masks = op.outputs
        return not masks or self._first_reads_all(output)

    def _first_reads_all(self, tensor: Tensor) -> bool:
        for op in self.step.ops:
            if tensor.name in {each.tensor.name for each in op.operands}:
                if self._lengthens(op):
                    return self._first_reads_all(op.outputs[0])
                return not isinstance(op, Contraction) or self._convolution_reads_all(op)
        return False

    def _convolution_reads_all(self, op: Contraction) -> bool:
        layer: Any = self.network.layer(op.layer)
        if layer.kind != "conv":
            return True
        for axis in (0, 1):
            size, before = layer.in_shape[axis], layer.padding[2 * axis]
            read = {
                place * layer.stride[axis] - before + tap * layer.dilation[axis]
                for place in range(layer.out_shape[axis])
                for tap in range(layer.kernel[axis])
            }
            if not set(range(size)) <= read:
                return False
        return True

    def _last_made(self, op: VectorWork) -> Operand | None:
        """The operand whose maker may do the work: of the maps of its size, the one made last."""
        found = None
        for each in op.operands:
            if each.tensor.name not in self.maker or each.tensor.role in (Role.MASK, Role.INDEX):
                continue
            if op.form is Form.ELEMENTWISE and each.tensor.elements != op.elements:
                continue
            made = self.maker[each.tensor.name]
            if found is None or made > self.maker[found.tensor.name]:
                found = each
        return found

    def _host(self, op: VectorWork, main: Tensor, others: list[Tensor]) -> Doer | None:
        """The op that makes a map, if it may work on it for another op."""
        if main.name not in self.maker:
            return None
        index = self.maker[main.name]
        alone = set(self.readers(main)) == {op.name}
        whole = all(self._complete(each, index) for each in others)
        doer = self.doers[index]
        return doer if doer.may_work_on_results and whole and (self.full or alone) else None

    def _epilogue(self, op: VectorWork) -> bool:
        main = self._last_made(op)
        if main is None:
            return False
        others = [each for each in op.operands if each.tensor.name != main.tensor.name]
        doer = self._host(op, main.tensor, [each.tensor for each in others])
        if doer is None or not self._line_buffer(op, main.tensor, doer):
            return False
        doer.rides.append((op.name, op.elements, op.ops_per_element))
        self._read(doer, others, op.name)
        for tensor in op.outputs:
            self._make(doer, tensor)
        self.saved[op.name] = sum(each.words_read for each in op.operands)
        self.last[main.tensor.name] = op.name
        return True

    def _line_buffer(self, op: VectorWork, main: Tensor, doer: Doer) -> bool:
        """Rows of windows wait in half of the staging half, together with those of other pools."""
        if op.form is not Form.WINDOWS:
            return True
        layer: Any = self.network.layer(op.layer)
        (height, width, channels), bits = layer.in_shape, word_bits(main, self.machine)
        waiting: set[int] = set()
        taken = most = 0
        if layer.kind != "global_avg_pool":
            for place in range(layer.out_shape[0]):
                first = place * layer.stride[0] - layer.padding[0]
                rows = [
                    each for each in range(first, first + layer.kernel[0]) if 0 <= each < height
                ]
                waiting |= set(rows[:-1])
                taken += len(rows[:-1])
                most = max(most, len(rows[:-1]))
        row = width * channels
        if 2 * (doer.line_bits + most * row * bits) > 8 * self.machine.global_buffer.staging_bytes:
            return False
        doer.line_bits += most * row * bits
        samples = self.step.batch
        doer.lines.append((samples * len(waiting) * row, samples * taken * row, bits))
        return True

    def _statistics(self, op: VectorWork) -> bool:
        """Batch norm: sums behind the map, the rest with the sums of all samples."""
        main = op.operands[0].tensor
        each = list({operand.tensor.name: operand.tensor for operand in op.operands}.values())
        maps = [tensor for tensor in each[1:] if tensor.elements == main.elements]
        doer = self._host(op, main, maps)
        if doer is None:
            return False
        sums = [tensor for tensor in op.outputs if tensor.role is Role.GRADIENT]
        results = [tensor for tensor in op.outputs if tensor not in sums]
        moved = 0
        if not sums:
            sums = [Tensor(f"{op.layer}.statistics", Role.ACTIVATION, (main.shape[-1], 2))]
            moved = sums[0].elements
        first = 3 if results else op.ops_per_element
        doer.rides.append((op.name, op.elements, first))
        self._read(doer, [Operand(tensor, Use.READ) for tensor in maps], op.name)
        for tensor in sums:
            self._make(doer, tensor)
        self.saved[op.name] = sum(operand.words_read for operand in op.operands) - moved
        if not results:
            self.last[main.name] = op.name
        elif self.full:
            self._recipes(op, main, maps, [*each[1:], *sums], results)
        else:
            read = tuple(Operand(tensor, Use.READ) for tensor in (*each, *sums))
            rest = replace(op, operands=read, outputs=tuple(results))
            self._remain(rest, op.ops_per_element - 3, op.name)
        return True

    def _recipes(
        self,
        op: VectorWork,
        main: Tensor,
        maps: list[Tensor],
        needed: list[Tensor],
        results: list[Tensor],
    ) -> None:
        """The result takes 4 operations, the normalized map alone 2, without scale and shift."""
        others: list[Read] = []
        for tensor in needed:
            beside = main.name if tensor in maps else ""
            own, more = self._reads(Operand(tensor, Use.READ), op.name, beside)
            others += own + more
        others = [each._replace(owner=op.name) for each in others]
        sums = [each for each in others if each.tensor.name == f"{op.layer}.statistics"]
        for tensor, operations, read in zip(results, (4, 2), (others, sums), strict=False):
            self.recipes[tensor.name] = Recipe(main, ((op.name, operations),), tuple(read))
            self.saved[op.name] += tensor.elements

    # When all ops are known

    def _drop_unread(self) -> None:
        """What only epilogues of its maker read is not stored."""
        read = {each.tensor.name for doer in self.doers for each in doer.reads}
        for name, by in self.last.items():
            if name not in read:
                doer = self.doers[self.maker[name]]
                (tensor,) = (each for each in doer.results if each.name == name)
                doer.results.remove(tensor)
                self.saved[by] += tensor.elements

    def _in_order(self) -> Iterator[Doer]:
        """An update of what later ops still read waits for the last of them."""
        held: list[tuple[int, Doer]] = []
        for index, doer in enumerate(self.doers):
            written = {each.name for each in doer.results if each.persistent}
            late = [
                number
                for number, other in enumerate(self.doers)
                if number > index and written & {each.tensor.name for each in other.reads}
            ]
            if late:
                held.append((max(late), doer))
            else:
                yield doer
            for last, waiting in held:
                if last == index:
                    yield waiting
