"""A printed loop nest (`accelsim map`), read back from its text: the product of one iteration, its
extents and its loops. Nothing here asks the simulator.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

Element = tuple[int, ...]
"""Index of an element of a tensor."""


@dataclass(frozen=True)
class Loop:
    """One line: ``letters`` in ``turns`` steps of ``step`` ``unit`` on a memory ``level``."""

    parallel: bool
    letters: tuple[str, ...]
    turns: int
    step: int
    unit: str
    level: str
    text: str


@dataclass(frozen=True)
class Operand:
    """Role of a tensor, and the expression of each of its indices."""

    role: str
    indices: tuple[str, ...]


@dataclass(frozen=True)
class Shape:
    """Condition ``low <= high + more`` between two letters."""

    low: str
    high: str
    more: int

    def holds(self, at: dict[str, int]) -> bool:
        return at[self.low] <= at[self.high] + self.more


@dataclass
class Nest:
    """A printed nest. ``channels``, ``positions``, ``reduction``: letters in the order printed.
    ``masked``: whether a mask says which outputs are needed. ``computed``, ``nonzero``: shapes of
    the outputs that are computed, and of the moving words that are not zero; None for all.
    """

    name: str
    channels: int
    positions: int
    reduction: int
    chosen: bool
    out: Operand
    moving: Operand
    stationary: Operand
    groups: int
    extent: dict[str, int]
    map: tuple[int, int]
    stored: int
    word_bits: tuple[int, int]
    masked: bool
    computed: Shape | None
    nonzero: Shape | None
    loops: list[Loop]

    @property
    def channel(self) -> str:
        """Letter of the output channel: channels last, and first in a gradient of weights."""
        return self.out.indices[0 if self.gradient else -1]

    @property
    def position_letters(self) -> tuple[str, ...]:
        return tuple(each for each in self.out.indices if each != self.channel)

    @property
    def reduction_letters(self) -> tuple[str, ...]:
        return tuple(
            each for each in self.extent if each != self.channel and each not in self.out.indices
        )

    @property
    def gradient(self) -> bool:
        """Whether samples are summed."""
        return self.moving.indices[0] not in self.out.indices

    @property
    def arrives(self) -> bool:
        """Whether the stationary operand is no weight, and so has no home in the PEs."""
        return self.stationary.role not in ("weight", "feedback")

    @property
    def stationary_role(self) -> str:
        """Role of the stationary operand; attention multiplies two of one role."""
        same = self.stationary.role == self.moving.role
        return f"stationary {self.stationary.role}" if same else self.stationary.role

    @property
    def unshared(self) -> bool:
        """Whether every neuron has a stationary row of its own, as in feedback."""
        return bool(set(self.position_letters) & set(self.stationary.indices))

    @property
    def has_taps(self) -> bool:
        """Whether the moving operand is a map."""
        return len(self.moving.indices) == 4

    @property
    def depth(self) -> str:
        """Letter of the channels of the moving operand."""
        return self.moving.indices[-1]

    def group_of(self, channel: int) -> int:
        return channel // (self.channels // self.groups)

    def positions_of(self) -> list[dict[str, int]]:
        """Positions in the order printed, the last letter fastest."""
        return list(self.walk(self.position_letters))

    def sums(self) -> list[dict[str, int]]:
        """Iterations of a reduction, likewise."""
        return list(self.walk(self.reduction_letters))

    def walk(self, letters: tuple[str, ...]) -> Iterator[dict[str, int]]:
        """All values of ``letters``, the last one fastest."""
        for values in itertools.product(*(range(self.extent[each]) for each in letters)):
            yield dict(zip(letters, values, strict=True))

    def moving_element(self, channel: int, at: dict[str, int]) -> Element | None:
        """Element of the moving operand, with its channel over all groups. None for a zero of
        padding or stride.
        """
        found = []
        for axis, text in enumerate(self.moving.indices):
            value = evaluate(text, at)
            if value is None:
                return None
            if text == self.depth:
                value += self.group_of(channel) * self.extent[text]
            elif self.has_taps and axis and not 0 <= value < self.map[axis - 1]:
                return None
            found.append(value)
        return tuple(found)

    def computes(self, channel: int, at: dict[str, int]) -> bool:
        """Whether an output is computed."""
        own = channel % self.extent[self.channel]
        return self.computed is None or self.computed.holds({**at, self.channel: own})

    def is_zero(self, at: dict[str, int]) -> bool:
        """Whether a moving word is zero by its shape."""
        return self.nonzero is not None and not self.nonzero.holds(at)

    def beyond(self, at: dict[str, int]) -> bool:
        """Whether an index is outside the moving map: a zero of padding, not one of a stride."""
        places = [evaluate(text, at) for text in self.moving.indices]
        if not self.has_taps or None in places:
            return False
        return self.line(1, at) is None or self.line(2, at) is None

    def line(self, axis: int, at: dict[str, int]) -> int | None:
        """Row (axis 1) or column (axis 2) of the moving map, whatever the other one is; None for a
        zero of padding or stride.
        """
        value = evaluate(self.moving.indices[axis], at)
        return value if value is not None and 0 <= value < self.map[axis - 1] else None

    def stationary_element(self, channel: int, at: dict[str, int]) -> Element:
        """Element of the stationary operand, with its channel over all groups."""
        return tuple(
            channel if each == self.channel else at[each] for each in self.stationary.indices
        )

    @property
    def moving_words(self) -> int:
        """Words of the whole moving map."""
        return self.extent["n"] * prod(self.map) * self.extent[self.depth] * self.groups

    @property
    def stationary_words(self) -> int:
        """Stored words of the stationary operand."""
        sizes = [
            self.channels
            if each == self.channel
            else self.stored
            if each == self.depth and self.stored
            else self.extent[each]
            for each in self.stationary.indices
        ]
        return prod(sizes)

    # Loops

    def over(self, unit: str) -> int:
        """Instances of a parallel loop over ``unit``; 1 without one."""
        return prod(each.turns for each in self.loops if each.parallel and each.unit == unit)

    @property
    def sharing_pes(self) -> int:
        """PEs that share a reduction, and add their sums over the NoC; 0 if none do."""
        return sum(each.turns for each in self.loops if "partial sums meet" in each.unit)

    @property
    def visits(self) -> int:
        """Turns of the outer loop over channel tiles."""
        return prod(each.turns for each in self.loops if each.unit.startswith("channel tile"))

    @property
    def positions_outermost(self) -> bool:
        """Whether the loop over position tiles is outside that over channel tiles."""
        units = [each.unit.split(" tile")[0] for each in self.loops if " tile" in each.unit]
        return units[:2] == ["position", "channel"]

    @property
    def held_tiles(self) -> int:
        """Channel tiles that one broadcast word serves."""
        return prod(each.turns for each in self.loops if "at a time" in each.unit)

    @property
    def segment(self) -> int:
        """Consecutive positions of a lane, in an outer product."""
        for each in self.loops:
            if each.letters == ("n", self.depth) and "broadcast" in each.unit:
                return each.turns // self.extent["n"]
            inside = each.level == "lanes" and not each.parallel
            if inside and self.outer_product and each.letters[-1:] == self.position_letters[-1:]:
                return each.turns
        return 1

    @property
    def kept_sums(self) -> int:
        """Partial sums that a PE keeps in its scratchpad."""
        found = re.search(r"accumulate in (\d+) sums", self.loops[-1].text)
        return int(found[1]) if found else 0

    @property
    def outer_product(self) -> bool:
        """Whether the reduction is over samples alone."""
        return self.gradient and len(self.moving.indices) == 2

    # Windows

    @property
    def window_letters(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Letters of (row, column) of a map of outputs or errors, and of the kernel's taps."""
        if not self.has_taps:
            return (), ()
        rows, columns = (set(re.findall("[a-z]", each)) for each in self.moving.indices[1:3])
        taps = tuple((found & {"r", "s"}).pop() for found in (rows, columns))
        places = tuple((found - {"r", "s"}).pop() for found in (rows, columns))
        return places, taps

    def row_of(self, spot: dict[str, int]) -> tuple[int, ...]:
        """Sample and row of a position of a map."""
        return tuple(spot[each] for each in self.position_letters[:2])

    def taps_of(self, at: dict[str, int]) -> tuple[int, ...]:
        """Kernel row and column of a product."""
        return tuple(at[each] for each in ("r", "s") if each in at)


def evaluate(text: str, at: dict[str, int]) -> int | None:
    """Value of ``2*p + r - 1`` or ``(h - r + 1) / 2``; None if a quotient is not whole."""
    inner = re.fullmatch(r"\((.*)\) / (\d+)", text)
    if inner:
        whole = evaluate(inner[1], at)
        assert whole is not None
        return None if whole % int(inner[2]) else whole // int(inner[2])
    total = 0
    for sign, factor, letter, number in re.findall(r"([+-]?) ?(?:(?:(\d+)\*)?([a-z])|(\d+))", text):
        value = int(factor or 1) * at[letter] if letter else int(number)
        total += -value if sign == "-" else value
    return total


def fetched(text: str, first: dict[str, int], last: dict[str, int]) -> list[int]:
    """Values of an index at every step from one tap to another, whole ones only."""
    inner = re.fullmatch(r"\((.*)\) / (\d+)", text)
    spacing = int(inner[2]) if inner else 1
    ends = [evaluate(inner[1] if inner else text, at) for at in (first, last)]
    low, high = min(x for x in ends if x is not None), max(x for x in ends if x is not None)
    return [each // spacing for each in range(low, high + 1) if each % spacing == 0]


def parse(text: str) -> Nest:
    """The nest of a printed op."""
    head, product, extents, *lines = text.splitlines()
    title = re.fullmatch(
        r"(\S+): (\d+) channels x (\d+) positions, reduction of (\d+) \((\w+)\)", head
    )
    factors = re.fullmatch(r" *out\[(.*)\] \+= (\w+)\[(.*)\] \* (\w+)\[(.*?)\](?: if .*)?", product)
    assert title, head
    assert factors, product
    groups = re.search(r"(\d+) groups, in each", extents)
    sides = re.search(r"map of (\d+) x (\d+)", extents)
    stored = re.search(r"; (\d+) of \w stored", extents)
    bits = re.search(r"words of (\d+) and (\d+) bits", extents)
    assert bits, extents
    nest = Nest(
        title[1],
        *(int(title[each]) for each in (2, 3, 4)),
        title[5] == "chosen",
        Operand("out", tuple(factors[1].split(", "))),
        Operand(factors[2], tuple(factors[3].split(", "))),
        Operand(factors[4], tuple(factors[5].split(", "))),
        int(groups[1]) if groups else 1,
        {letter: int(size) for letter, size in re.findall(r"\b([a-z]) in (\d+)", extents)},
        (int(sides[1]), int(sides[2])) if sides else (1, 1),
        int(stored[1]) if stored else 0,
        (int(bits[1]), int(bits[2])),
        product.endswith(" if needed"),
        _shape(re.search(r" if (\w) <= (\w)(?: \+ (\d+))?$", product)),
        _shape(re.search(r"is 0 unless (\w) <= (\w)(?: \+ (\d+))?;", extents)),
        [_loop(each) for each in lines],
    )
    return _product(nest) if len(nest.moving.indices) == 3 else nest


def _shape(found: re.Match[str] | None) -> Shape | None:
    return Shape(found[1], found[2], int(found[3] or 0)) if found else None


def _product(nest: Nest) -> Nest:
    """A product of two maps with the axes that its print leaves out, which have one iteration: a
    sample and the taps of a kernel.
    """
    row, column, depth = nest.moving.indices
    out, held = nest.out.indices, nest.stationary.indices
    if nest.gradient:
        out, held = (out[0], "r", "s", *out[1:]), ("n", *held)
        places = f"r + {row}", f"s + {column}"
    else:
        out, held = ("n", *out), (held[0], "r", "s", held[1])
        places = f"{row} + r", f"{column} + s"
    return replace(
        nest,
        out=Operand("out", out),
        moving=Operand(nest.moving.role, ("n", *places, depth)),
        stationary=Operand(nest.stationary.role, held),
        extent={"n": 1, **nest.extent, "r": 1, "s": 1},
        map=(nest.extent[row], nest.extent[column]),
    )


def _loop(line: str) -> Loop:
    text, level = (part.strip() for part in line.split("#"))
    found = re.match(
        r"(for|parallel) (\(.*?\)|[a-z ]+?) (?:in|over) (\d+)(?: x (\d+))?[:,]? ?(.*)$", text
    )
    if not found:
        return Loop(text.startswith("parallel"), (), 0, 0, "", level, text)
    letters = tuple(found[2].strip("()").split(", "))
    return Loop(
        found[1] == "parallel",
        letters,
        int(found[3]),
        int(found[4] or 1),
        found[5],
        level,
        text,
    )
