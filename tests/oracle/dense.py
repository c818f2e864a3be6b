"""Walks through the printed nests of dense arrays: systolic folds and row-stationary passes
(docs/pe-systolic.md). Every fold and pass is visited, and every word that it reads.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tests.oracle.counted import Counted, Deliveries, Reads
from tests.oracle.printed import Element, Nest, evaluate, fetched

Index = dict[str, int]


@dataclass(frozen=True)
class DenseKeys:
    """Keys of a machine file, in bits.

    ``buffer``: the global buffer beside its double buffer. ``gates``: whether products with a zero
    read nothing.
    """

    staging: int
    buffer: int
    psum: int
    gates: bool


def blocks(extent: int, step: int) -> list[list[int]]:
    """0 to ``extent`` in runs of ``step``."""
    return [list(range(each, min(each + step, extent))) for each in range(0, extent, step)]


class Folds:
    """Folds of a systolic array: M x K moving words times K x N stationary words, group by group.

    Rows of M are positions that share stationary words; N are channels, or all neurons of a
    feedback matrix.
    """

    def __init__(self, nest: Nest, keys: DenseKeys) -> None:
        self.nest, self.keys = nest, keys
        (text,) = (each.text for each in nest.loops if each.parallel)
        found = re.fullmatch(r"parallel (\w) over (\d+) rows, (\w) over (\d+) columns of PEs", text)
        assert found, text
        self.sides = {found[1]: int(found[2]), found[3]: int(found[4])}
        own = [each for each in nest.position_letters if each in nest.stationary.indices]
        self.channels = range(nest.channels // nest.groups)
        self.m = list(nest.walk(tuple(x for x in nest.position_letters if x not in own)))
        self.n = [(k, at) for k in self.channels for at in nest.walk(tuple(own))]
        self.k = nest.sums()

    def run(self) -> Counted:
        """Words of all folds of all groups."""
        counted, nest = Counted(), self.nest
        moving, stationary = Deliveries(), Deliveries()
        extents = {"M": len(self.m), "N": len(self.n), "K": len(self.k)}
        sizes = {each: self.sides.get(each, extents[each]) for each in extents}
        runs = [blocks(extents[each], sizes[each]) for each in "MNK"]
        keeps_sums = "K" not in self.sides
        for group in range(nest.groups):
            for number, fold in enumerate(itertools.product(*runs)):
                self._fold(group, number, fold, moving, stationary)
        visits = {each: len(found) for each, found in zip("MNK", runs, strict=True)}
        outputs = nest.groups * extents["M"] * extents["N"]
        again = 0 if keeps_sums else visits["K"] - 1
        counted.sums_out = counted.sums_back = outputs * again
        passes = (visits["N"] if "N" in self.sides else 1, visits["M"] if "M" in self.sides else 1)
        words = (nest.moving_words, nest.stationary_words)
        sent = (moving, stationary)
        roles = (nest.moving.role, nest.stationary_role)
        for role, found, whole, times, bits in zip(
            roles, sent, words, passes, nest.word_bits, strict=True
        ):
            dram = whole * (1 if whole * bits <= self.keys.staging else times)
            counted.add(role, found.sent, found.received, dram)
        counted.add("out", outputs, outputs, outputs)
        return counted

    def _fold(
        self,
        group: int,
        number: int,
        fold: tuple[list[int], ...],
        moving: Deliveries,
        stationary: Deliveries,
    ) -> None:
        """One fold: every moving word of M x K and stationary word of N x K enters at the edge."""
        ms, ns, ks = fold
        first = group * len(self.channels)
        for k in ks:
            for m in ms:
                element = self.nest.moving_element(first, {**self.m[m], **self.k[k]})
                if element is not None:
                    moving.add((group, number, m, k), 0)
            if self.nest.stored and k >= self.nest.stored:
                continue
            for n in ns:
                stationary.add((group, number, n, k), 0)


class Passes:
    """Processing passes of a row-stationary array.

    Images, filters and channels are samples, output channels and depth; in a gradient they are
    depth, output channels and samples, and the errors are the kernel.
    """

    def __init__(self, nest: Nest, keys: DenseKeys) -> None:
        self.nest, self.keys = nest, keys
        text = "\n".join(each.text for each in nest.loops)
        self.image, self.deep = ("n", nest.depth) if not nest.gradient else (nest.depth, "n")
        own = [x for x in nest.position_letters if x in nest.stationary.indices]
        per_group = nest.channels // nest.groups
        self.filters = [(k, at) for k in range(per_group) for at in nest.walk(tuple(own))]
        rows = [x for x in nest.position_letters if x not in (self.image, *own)]
        taps = [x for x in nest.reduction_letters if x != self.deep]
        self.row, self.column = rows or ("", "")
        self.tap_row, self.tap_column = taps or ("", "")
        self.steps = {
            name: int(found[1])
            if (found := re.search(rf"for {name} in \d+ x (\d+)$", text, re.MULTILINE))
            else (1 if re.search(rf"for {name} in \d+$", text, re.MULTILINE) else 0)
            for name in ("filter", "channel", "output row", "kernel row", "kernel column")
        }
        inner = [x for x in nest.loops if x.text.startswith("for image in") and x.level == "PE"]
        self.images = inner[0].turns if inner else 1
        sets = re.search(r"channel over r = (\d+) sets, filter over t = (\d+) sets", text)
        self.r, self.t = (int(sets[1]), int(sets[2])) if sets else (1, 1)

    def extent(self, letter: str) -> int:
        return self.nest.extent[letter] if letter else 1

    def _runs(self, name: str, extent: int) -> list[list[int]]:
        return blocks(extent, self.steps[name] or extent)

    def passes(self) -> Iterator[tuple[list[int], ...]]:
        """(images, filters, channels, output rows, kernel rows, kernel columns) of every pass."""
        return itertools.product(
            blocks(self.extent(self.image), self.images),
            self._runs("filter", len(self.filters)),
            self._runs("channel", self.extent(self.deep)),
            self._runs("output row", self.extent(self.row)),
            self._runs("kernel row", self.extent(self.tap_row)),
            self._runs("kernel column", self.extent(self.tap_column)),
        )

    def run(self) -> Counted:
        """Words of all passes of all groups."""
        nest, counted = self.nest, Counted()
        inputs, filters = Deliveries(), Deliveries()
        visits: dict[tuple[int, ...], int] = defaultdict(int)
        climbs = 0
        for group in range(nest.groups):
            for number, part in enumerate(self.passes()):
                self._pass(group, number, part, inputs, filters)
                images, chosen, channels, rows, down, _ = part
                sets = -(-len(channels) // -(-len(channels) // self.r))
                columns = range(self.extent(self.column))
                for output in itertools.product(images, chosen, rows, columns):
                    visits[group, *output] += 1
                    climbs += len(down) * sets - 1
        counted.sums_out = counted.sums_back = sum(visits.values()) - len(visits)
        counted.add("reduced", climbs, climbs, 0)
        counted.add("out", len(visits), len(visits), len(visits))
        macs = self._macs()
        counted.reads = Reads(macs, macs, macs)
        images, chosen, _, rows, _, _ = (len(each) for each in self._counts())
        words = (nest.moving_words, nest.stationary_words)
        times = (-(-chosen // self._filter_groups()), images * rows)
        for role, found, whole, again, bits in zip(
            (nest.moving.role, nest.stationary_role),
            (inputs, filters),
            words,
            times,
            nest.word_bits,
            strict=True,
        ):
            dram = whole * (1 if whole * bits <= self.keys.staging else again)
            counted.add(role, found.sent, found.received, dram)
        return counted

    def _macs(self) -> int:
        """Products, or those of two elements if others are gated. Words that a sparse feedback
        matrix does not store are none.
        """
        nest = self.nest
        every = nest.channels * nest.positions * nest.reduction
        if nest.stored or not self.keys.gates:
            return every
        sums = nest.sums()
        return nest.channels * sum(
            nest.moving_element(0, at := {**spot, **tap}) is not None and not nest.is_zero(at)
            for spot in nest.positions_of()
            for tap in sums
        )

    def _counts(self) -> list[set[tuple[int, ...]]]:
        """Distinct blocks of each axis."""
        return [{tuple(part[axis]) for part in self.passes()} for axis in range(6)]

    def _taps(self, letter: str, block: list[int]) -> list[int]:
        """Kernel rows or columns of a block, counted from the one that reads the first element."""
        operand = self.nest.moving.indices[1 if letter == self.tap_row else 2] if letter else ""
        if re.search(rf"- (\d+\*)?{letter}", operand) and letter:
            return [self.extent(letter) - 1 - each for each in block]
        return block

    def _pass(
        self,
        group: int,
        number: int,
        part: tuple[list[int], ...],
        inputs: Deliveries,
        filters: Deliveries,
    ) -> None:
        images, chosen, channels, rows, down, across = part
        down, across = self._taps(self.tap_row, down), self._taps(self.tap_column, across)
        per_set = -(-len(chosen) // self.t), -(-len(channels) // self.r)
        for i, channel in enumerate(channels):
            high = i // per_set[1]
            for f, number_of_filter in enumerate(chosen):
                wide = f // per_set[0]
                for j, s, y in itertools.product(down, across, rows):
                    if self.nest.stored and channel >= self.nest.stored:
                        continue
                    word = (group, number, number_of_filter, channel, j, s)
                    filters.add(word, hash((high, wide, j, y)))
            used = {f // per_set[0] for f, _ in enumerate(chosen)}
            for j, y in itertools.product(down, rows):
                for element in self._window(channel, images, y, j, across):
                    for wide in used:
                        inputs.add((group, number, element), hash((high, wide, j, y)))

    def _window(
        self, channel: int, images: list[int], y: int, j: int, across: list[int]
    ) -> Iterator[Element]:
        """Elements of a map row under kernel row ``j`` of output row ``y``: for each output column
        all from the first tap to the last.
        """
        nest = self.nest
        if not nest.has_taps:
            yield from ((image, channel) for image in images)
            return
        line = evaluate(nest.moving.indices[1], {self.row: y, self.tap_row: j})
        if line is None or not 0 <= line < nest.map[0]:
            return
        found: set[int] = set()
        for x in range(self.extent(self.column)):
            ends = [{self.column: x, self.tap_column: each} for each in (across[0], across[-1])]
            found |= {
                each for each in fetched(nest.moving.indices[2], *ends) if 0 <= each < nest.map[1]
            }
        for image in images:
            yield from ((image, channel, line, each) for each in found)

    def _filter_groups(self) -> int:
        """Groups of filters whose sums are in the buffer beside the inputs of one pass."""
        images, chosen, channels, rows, down, across = next(self.passes())
        columns = range(self.extent(self.column))
        lines, places = {(0, 0)}, {0}
        if self.nest.has_taps:
            row, column = self.nest.moving.indices[1:3]
            lines = {
                (0, numerator(row, {self.row: y, self.tap_row: j}))
                for y in range(self.steps["output row"] or len(rows))
                for j in down
            }
            ends = [
                numerator(column, {self.column: x, self.tap_column: s})
                for x in columns
                for s in across
            ]
            places = set(range(min(ends), max(ends) + 1))
        inputs = len(images) * len(channels) * len(lines) * len(places) * self.nest.word_bits[0]
        sums = len(images) * len(chosen) * (self.steps["output row"] or len(rows))
        sums *= len(columns) * self.keys.psum
        together = 1
        while inputs + (together + 1) * sums <= self.keys.buffer:
            together += 1
        return together


def numerator(text: str, at: Index) -> int:
    """Value of an index before it is divided."""
    value = evaluate(re.sub(r"\((.*)\) / \d+", r"\1", text), at)
    assert value is not None
    return value
