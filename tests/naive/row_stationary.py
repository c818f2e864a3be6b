"""Plain-Python row-stationary array: registers, buses and chains stepped cycle by cycle, and the
mapping found by trying all of them.

Shapes, limits and choices are those of accelsim/kernels/dense/row_stationary.py. Inputs are padded
and may have zeros between them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import numpy as np

Word = tuple[int, ...]


def input_rows(outputs: int, taps: int, stride: int, dilation: int) -> int:
    return len({i * stride + j * dilation for i in range(outputs) for j in range(taps)})


def parts(size: int, part: int) -> list[list[int]]:
    """Indices below ``size`` in groups of ``part``."""
    return parts_of(list(range(size)), part)


def parts_of(indices: list[int], part: int) -> list[list[int]]:
    """``indices`` in groups of ``part``."""
    return [indices[start : start + part] for start in range(0, len(indices), part)]


def groups(size: int, part: int) -> dict[int, int]:
    """Number of groups of each size."""
    sizes = [len(group) for group in parts(size, part)]
    return {each: sizes.count(each) for each in sizes}


@dataclass
class Bus:
    """Delivers the words of one transfer after another, ``width`` words per cycle. Two transfers
    never share a cycle.
    """

    width: int
    transfers: list[list[Word]]
    words: int = 0

    def cycle(self) -> list[Word]:
        while self.transfers and not self.transfers[0]:
            self.transfers.pop(0)
        now = self.transfers[0][: self.width] if self.transfers else []
        if now:
            self.transfers[0] = self.transfers[0][self.width :]
        self.words += len(now)
        return now


@dataclass
class PE:
    """One PE: the words that it holds, the words waiting in front of it, and the sums of a step."""

    filters: list[int]
    channels: list[int]
    row: int
    kept_filters: dict[Word, int] = field(default_factory=dict)
    waiting: dict[Word, int] = field(default_factory=dict)
    window: dict[Word, int] = field(default_factory=dict)
    sums: dict[int, int] = field(default_factory=dict)


@dataclass
class Climb:
    """Sums of one step on their way up the columns. ``height`` PEs have added theirs; ``own`` holds
    all PEs' sums of that step.
    """

    step: int
    height: int
    values: dict[tuple[int, int, int], int]
    own: dict[tuple[int, int, int, int], dict[int, int]]


@dataclass
class Pass:
    """A processing pass. ``x`` (n, c, H, W), ``w`` (k, c, R, S). The lists give its images,
    filters, channels, output rows and taps.
    """

    x: np.ndarray
    w: np.ndarray
    images: list[int]
    filters: list[int]
    channels: list[int]
    strip: list[int]
    down: list[int]
    across: list[int]
    sets: tuple[int, int]
    columns: int
    stride: tuple[int, int]
    dilation: tuple[int, int]
    limits: tuple[int, ...]

    def positions(self, column: int) -> list[int]:
        """Input columns under the kernel, from the first tap to the last, including gaps of the
        dilation.
        """
        first = column * self.stride[1] + self.across[0] * self.dilation[1]
        return list(range(first, first + (len(self.across) - 1) * self.dilation[1] + 1))

    def needed(self, step: int) -> list[Word]:
        """Words (image, channel, row, position) that a step needs: the whole window at the first
        column, else only new words.
        """
        image, column = self.images[step // self.columns], step % self.columns
        before = self.positions(column - 1) if column else []
        rows = sorted(
            {i * self.stride[0] + j * self.dilation[0] for i in self.strip for j in self.down}
        )
        fresh = [position for position in self.positions(column) if position not in before]
        return [
            (image, c, row, position) for c in self.channels for row in rows for position in fresh
        ]

    def run(self, sums: np.ndarray | None) -> tuple[np.ndarray, int, dict[str, int]]:
        """(partial sums (images, filters, rows, columns), cycles, words by bus) after the pass."""
        self.begin(sums)
        cycle = 0
        while self.left:
            # PEs use words delivered in earlier cycles. Sums that have reached the top wait for the
            # bus.
            working = self.may_work()
            before = [
                bus.words for bus in (self.filter_bus, self.input_bus, self.sum_bus, self.out_bus)
            ]
            step = self.step if working else None
            if working:
                self.work()
            self.left -= len(self.out_bus.cycle())
            self.climb()
            if working and self.mac == self.macs:
                self.end_step()
            self.leave()
            self.deliver()
            moved = [
                bus.words - words
                for bus, words in zip(
                    (self.filter_bus, self.input_bus, self.sum_bus, self.out_bus),
                    before,
                    strict=True,
                )
            ]
            self.log.append((*moved, step))
            cycle += 1
        buses = {
            "filter": self.filter_bus,
            "input": self.input_bus,
            "psum_in": self.sum_bus,
            "psum_out": self.out_bus,
        }
        counts = {name: bus.words for name, bus in buses.items()}
        return (
            self.out,
            cycle,
            {**counts, "input_real": self.real, "input_taken": self.taken, "climbs": self.climbs},
        )

    def begin(self, sums: np.ndarray | None) -> None:
        """Set up PEs and buses before the first cycle."""
        p, q = -(-len(self.filters) // self.sets[1]), -(-len(self.channels) // self.sets[0])
        self.filter_sets, channel_sets = parts_of(self.filters, p), parts_of(self.channels, q)
        self.pes = {
            (a, b, j, i): PE(
                self.filter_sets[a],
                channel_sets[b],
                self.strip[i] * self.stride[0] + self.down[j] * self.dilation[0],
            )
            for a, b, j, i in product(
                range(len(self.filter_sets)),
                range(len(channel_sets)),
                range(len(self.down)),
                range(len(self.strip)),
            )
        }
        self.chain = [(b, j) for b in range(len(channel_sets)) for j in range(len(self.down))]
        self.columns_of_sums = [
            (a, i, k)
            for a, own in enumerate(self.filter_sets)
            for i in range(len(self.strip))
            for k in own
        ]
        self.steps = len(self.images) * self.columns
        self.sums = sums
        self.sum_words = [
            [(step, k, i) for k in self.filters for i in range(len(self.strip))]
            for step in range(self.steps)
        ]
        weights = [
            (k, c, j, s)
            for k in self.filters
            for c in self.channels
            for j in self.down
            for s in self.across
        ]
        self.filter_bus = Bus(self.limits[3], [weights])
        self.input_bus = Bus(self.limits[4], [self.needed(step) for step in range(self.steps)])
        self.sum_bus = Bus(
            self.limits[5], [] if sums is None else [list(words) for words in self.sum_words]
        )
        self.out_bus = Bus(self.limits[5], [])
        self.log: list[tuple[int | None, ...]] = []
        self.came: set[Word] = set()
        self.came_sums: set[Word] = set()
        self.out = np.zeros(
            (len(self.images), len(self.filters), len(self.strip), self.columns), np.int64
        )
        self.macs = p * q * len(self.across)
        self.step = self.mac = self.real = self.taken = self.climbs = 0
        self.left = self.steps * len(self.filters) * len(self.strip)
        self.climbing: list[Climb] = []

    def may_work(self) -> bool:
        """True if a step is in progress, or everything that the next step needs has arrived."""
        if self.mac or self.step == self.steps:
            return self.mac > 0
        there = self.came.issuperset((self.step, *word) for word in self.needed(self.step))
        return (
            not any(self.filter_bus.transfers)
            and there
            and (self.sums is None or self.came_sums.issuperset(self.sum_words[self.step]))
        )

    def work(self) -> None:
        """One MAC in every PE that has MACs left."""
        image, column = self.images[self.step // self.columns], self.step % self.columns
        for pe in self.pes.values():
            if self.mac == 0:
                self.slide(pe, image, column)
            self.multiply(pe, self.mac, image, column)
        self.mac += 1

    def climb(self) -> None:
        """Move every packet of sums one PE up its column, and add that PE's sums."""
        for packet in self.climbing:
            b, j = self.chain[packet.height]
            for a, i, k in self.columns_of_sums:
                packet.values[a, i, k] += packet.own[a, b, j, i][k]
            packet.height += 1
            self.climbs += len(self.columns_of_sums)

    def end_step(self) -> None:
        """The lowest PEs add their sums to those from the buffer."""
        own = {place: dict(pe.sums) for place, pe in self.pes.items()}
        values = {}
        for a, i, k in self.columns_of_sums:
            place = (self.step // self.columns, self.filters.index(k), i, self.step % self.columns)
            values[a, i, k] = (0 if self.sums is None else int(self.sums[place])) + own[
                a, *self.chain[0], i
            ][k]
        self.climbing.append(Climb(self.step, 1, values, own))
        self.step, self.mac = self.step + 1, 0

    def leave(self) -> None:
        """Queue packets that have passed the highest PE for the bus."""
        for packet in self.climbing:
            if packet.height == len(self.chain):
                for (_, i, k), value in packet.values.items():
                    self.out[
                        packet.step // self.columns,
                        self.filters.index(k),
                        i,
                        packet.step % self.columns,
                    ] = value
                self.out_bus.transfers.append(list(self.sum_words[packet.step]))
        self.climbing = [packet for packet in self.climbing if packet.height < len(self.chain)]

    def deliver(self) -> None:
        """Deliver the words that the buses carry in this cycle."""
        for k, c, j, s in self.filter_bus.cycle():
            for (_, _, row, _), pe in self.pes.items():
                if k in pe.filters and c in pe.channels and self.down[row] == j:
                    pe.kept_filters[k, c, s] = int(self.w[k, c, j, s])
                    assert len(pe.kept_filters) <= self.limits[0]
        for word in self.input_bus.cycle():
            image, c, row, position = word
            self.came.add((self.steps - len(self.input_bus.transfers), *word))
            value = int(self.x[image, c, row, position])
            self.real += value != 0
            for pe in self.pes.values():
                if c in pe.channels and row == pe.row:
                    pe.waiting[image, c, position] = value
                    self.taken += value != 0
        self.came_sums.update(self.sum_bus.cycle())

    def slide(self, pe: PE, image: int, column: int) -> None:
        """Drop words that the kernel has passed, and take over words that have arrived for this
        column.
        """
        under = self.positions(column)
        pe.window = {
            word: value
            for word, value in pe.window.items()
            if word[0] == image and word[2] in under
        }
        for word in [word for word in pe.waiting if word[0] == image and word[2] in under]:
            pe.window[word] = pe.waiting.pop(word)
        pe.sums = dict.fromkeys(pe.filters, 0)
        assert len(pe.window) <= self.limits[1]
        assert len(pe.sums) <= self.limits[2]

    def multiply(self, pe: PE, mac: int, image: int, column: int) -> None:
        """Execute MAC number ``mac`` if the PE has that many."""
        work = [(k, c, s) for k in pe.filters for c in pe.channels for s in self.across]
        if mac < len(work):
            k, c, s = work[mac]
            position = column * self.stride[1] + s * self.dilation[1]
            pe.sums[k] += pe.kept_filters[k, c, s] * pe.window[image, c, position]


def convolve(
    x: np.ndarray,
    w: np.ndarray,
    shape: tuple[int, ...],
    choice: tuple[int, ...],
    limits: tuple[int, ...],
):
    """All passes: (outputs (n, k, E, F), cycles, words by bus)."""
    n_all, k_all, c_all, e_all, columns = shape[:5]
    out = np.zeros((n_all, k_all, e_all, columns), np.int64)
    down, across, e, r, t, p, q, n = choice
    cycles, words = (
        0,
        dict.fromkeys(
            ("filter", "input", "psum_in", "psum_out", "input_real", "input_taken", "climbs"), 0
        ),
    )
    for images, filters, strip in product(parts(n_all, n), parts(k_all, p * t), parts(e_all, e)):
        sums = None
        for channels, taps_down, taps_across in product(
            parts(c_all, q * r), parts(shape[5], down), parts(shape[6], across)
        ):
            one = Pass(
                x,
                w,
                images,
                filters,
                channels,
                strip,
                taps_down,
                taps_across,
                (r, t),
                columns,
                shape[7:9],
                shape[9:11],
                limits,
            )
            sums, took, moved = one.run(sums)
            cycles += took
            words = {bus: count + moved[bus] for bus, count in words.items()}
        out[np.ix_(images, filters, strip)] = sums
    return out, cycles, words


def direct(x: np.ndarray, w: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The convolution by its definition."""
    n_all, k_all, c_all, e_all, f_all, r_all, s_all, up, across, down, right = shape
    out = np.zeros((n_all, k_all, e_all, f_all), np.int64)
    for n, k, e, f, c, r, s in product(
        *map(range, (n_all, k_all, e_all, f_all, c_all, r_all, s_all))
    ):
        out[n, k, e, f] += x[n, c, e * up + r * down, f * across + s * right] * w[k, c, r, s]
    return out


def pass_cycles(
    images: int,
    filters: int,
    channels: int,
    rows: int,
    taps_down: int,
    taps_across: int,
    sets_down: int,
    sets_across: int,
    first: bool,
    shape: tuple[int, ...],
    limits: tuple[int, ...],
) -> int:
    """Cycles of a pass, computed step by step: arrival of inputs, sums and filters, end of the
    step, and departure of its sums.
    """
    columns = shape[4]
    p, q = (
        len(parts(filters, -(-filters // sets_across))[0]),
        len(parts(channels, -(-channels // sets_down))[0]),
    )
    window = (taps_across - 1) * shape[10] + 1
    streams = channels * input_rows(rows, taps_down, shape[7], shape[9])
    came = sums_came = ended = left = 0
    for step in range(images * columns):
        came += -(
            -streams * (window if step % columns == 0 else min(shape[8], window)) // limits[4]
        )
        sums_came += -(-filters * rows // limits[5])
        begins = max(
            ended,
            came,
            0 if first else sums_came,
            -(-filters * channels * taps_down * taps_across // limits[3]),
        )
        ended = begins + p * q * taps_across
        left = max(left, ended + taps_down * len(parts(channels, q)) - 1) + -(
            -filters * rows // limits[5]
        )
    return left


def total_cycles(shape: tuple[int, ...], choice: tuple[int, ...], limits: tuple[int, ...]) -> int:
    """Cycles of all passes, one after another."""
    down, across, e, r, t, p, q, n = choice
    total = 0
    for images, filters, strip in product(
        parts(shape[0], n), parts(shape[1], p * t), parts(shape[3], e)
    ):
        first = True
        for channels, rows, columns in product(
            parts(shape[2], q * r), parts(shape[5], down), parts(shape[6], across)
        ):
            total += pass_cycles(
                len(images),
                len(filters),
                len(channels),
                len(strip),
                len(rows),
                len(columns),
                r,
                t,
                first,
                shape,
                limits,
            )
            first = False
    return total


def fits(
    shape: tuple[int, ...],
    choice: tuple[int, ...],
    limits: tuple[int, ...],
    input_bits: int,
    psum_bits: int,
) -> bool:
    down, across, e, r, t, p, q, n = choice
    window = len(range((across - 1) * shape[10] + 1))
    if p * q * across > limits[0] or p > limits[2] or q * window > limits[1]:
        return False
    filters, channels = len(parts(shape[1], p * t)[0]), len(parts(shape[2], q * r)[0])
    inputs = (
        channels * input_rows(e, down, shape[7], shape[9]) * ((shape[4] - 1) * shape[8] + window)
    )
    return n * inputs * input_bits + n * filters * e * shape[4] * psum_bits <= limits[6]


def places(down: int, e: int, rows: int, cols: int) -> int:
    """Number of PE sets that fit on the array, placed one by one in bands of ``down`` rows. A wide
    set uses as many whole bands as it needs.
    """
    bands = [cols] * (rows // down)
    count = 0
    while True:
        if e <= cols:
            free = next((band for band, room in enumerate(bands) if room >= e), None)
            if free is None:
                return count
            bands[free] -= e
        else:
            need = len(parts(e, cols))
            if len(bands) < need:
                return count
            bands = bands[need:]
        count += 1


def strips(shape: tuple[int, ...], down: int, rows: int, cols: int) -> tuple[int, int]:
    standing = [e for e in range(1, shape[3] + 1) if places(down, e, rows, cols)]
    return (shape[3], shape[3]) if shape[3] in standing else (min(standing), max(standing))


def next_part(size: int, part: int) -> int:
    return next(
        (
            larger
            for larger in range(part + 1, size + 1)
            if len(parts(size, larger)) < len(parts(size, part))
        ),
        0,
    )


def best_choice(
    shape: tuple[int, ...],
    limits: tuple[int, ...],
    rows: int,
    cols: int,
    input_bits: int,
    psum_bits: int,
) -> tuple[tuple[int, ...], int]:
    """(best mapping, its cycles), by trying every mapping."""
    down = len(parts(shape[5], rows))
    down = -(-shape[5] // down)
    widest = max(
        s
        for s in range(1, shape[6] + 1)
        if s == 1 or ((s - 1) * shape[10] + 1 <= limits[1] and s <= limits[0])
    )
    across = -(-shape[6] // len(parts(shape[6], widest)))
    least, most = strips(shape, down, rows, cols)

    def sizes(size: int) -> list[int]:
        found = [1]
        while following := next_part(size, found[-1]):
            found.append(following)
        return found

    found = []
    for e in range(least, most + 1):
        for r, t in product(range(1, shape[2] + 1), range(1, shape[1] + 1)):
            if r * t > places(down, e, rows, cols):
                continue
            for p, q, n in product(
                sizes(-(-shape[1] // t)), sizes(-(-shape[2] // r)), sizes(shape[0])
            ):
                choice = (down, across, e, r, t, p, q, n)
                if fits(shape, choice, limits, input_bits, psum_bits):
                    found.append((-e * r * t, total_cycles(shape, choice, limits), choice))
    if not found:
        return (down, across, 0, 0, 0, 0, 0, 0), -1
    _, cycles, best = min(found)
    return best, cycles
