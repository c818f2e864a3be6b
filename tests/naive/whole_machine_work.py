"""Work of one op of the whole-machine twin for each component: bits per link, parts that cross the
DRAM bus, and tiles or beats.

The transfers of a contraction are those of its mapping. For work without MACs they are derived here
from the locations of its tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Table
from dataclasses import dataclass, field

from accelsim.machine.architecture import Machine
from accelsim.machine.words import word_bits
from accelsim.mapping.mapper import Mapper
from accelsim.pe.mapping import Mapping, Route, Transfer
from accelsim.step.ops import Contraction, Op, Pass, Role, Tensor, Use, VectorWork
from tests.naive.bounds import bounds
from tests.naive.machine import Stream, Work
from tests.naive.outer_products import outer_segment
from tests.naive.whole_machine_memory import Places, updates_in_pe
from tests.naive.whole_machine_parts import ArrayJob, Output, VectorJob
from tests.naive.whole_machine_riders import Ridden, not_stored, ridden
from tests.naive.whole_machine_traffic import Load, Traffic, lines

Tile = list[Output]


@dataclass
class Task:
    """An op that is about to start. ``groups``: lists of tiles in the order of processing,
    distributed over blocks in order.
    """

    op: Op
    on_array: bool
    blocks: int
    load: Load
    groups: list[list[Tile]] = field(default_factory=list)
    beats: int = 0
    port_wait: int = 0
    macs: tuple[int, int, int] = (0, 0, 0)
    """Executed MACs, gated MACs and lane cycles of a contraction."""

    def job(self, block: int) -> ArrayJob | VectorJob:
        """Work of one block."""
        wait = share(self.port_wait, block, self.blocks)
        if not self.groups:
            return VectorJob(wait=wait, beats=share(self.beats, block, self.blocks))
        job = ArrayJob(wait=wait)
        for index, group in enumerate(self.groups):
            if index * self.blocks // len(self.groups) == block:
                job.tiles += group
        return job


def share(total: int, block: int, blocks: int) -> int:
    """Share of ``total`` for one block."""
    return total * (block + 1) // blocks - total * block // blocks


class Planner:
    """Creates tasks. ``works``: streams of contractions by op name."""

    def __init__(
        self, architecture: Machine, mapper: Mapper, places: Places, works: Table[str, Work]
    ) -> None:
        self.architecture, self.mapper, self.places, self.works = (
            architecture,
            mapper,
            places,
            works,
        )
        self.traffic = Traffic(architecture, places, mapper.pes)
        self._walked: dict[tuple[str, int], tuple[int, int, int, int]] = {}

    def task(self, step: int, op: Op, partition: int | None) -> Task:
        """Task of an op. Allocates space for its outputs. An op that holds no partition uses the
        homes of its layer's partition.
        """
        part = (
            self.places.residency.partition_of.get(op.layer, 0) if partition is None else partition
        )
        first = part * self.mapper.pes
        return (
            self._contraction(step, op, first)
            if isinstance(op, Contraction)
            else self._vector(step, op, first)
        )

    def _contraction(self, step: int, op: Op, first: int) -> Task:
        mapping = self.mapper.map(op)
        for tensor in op.outputs:
            self.places.make(
                step,
                tensor,
                self.mapper.gradient_split(op, tensor) if op.pass_ is Pass.WG else None,
                op.layer,
            )
        transfers = not_stored(op, list(mapping.transfers))
        rides = ridden(op, transfers, self.architecture)
        transfers += rides.beside
        for operand in op.operands:
            if operand.use is Use.READ and not operand.beside:
                transfers += self._moved(step, operand.tensor, operand.words, True, False)
        made = {tensor.name for tensor in mapping.op.made}
        for tensor in op.outputs:
            if tensor.name not in made:
                transfers += self._moved(step, tensor, -1, False, False)
        blocks = self._blocks(step, transfers, mapping.channel_tiles * mapping.position_tiles)
        task = Task(
            op,
            True,
            blocks,
            self.traffic.load(step, op, transfers, True, first, mapping.reduction_pes),
            groups=self._groups(mapping),
        )
        task.load.fill_vector, task.load.drain_vector = rides.inwards, rides.outwards
        self._pass_line_buffer(task.load, rides)
        cycles, executed, gated, walked = self._rehearsed(task)
        task.macs = (executed, gated, walked)
        active = executed - gated
        moving, *stationary = self._pair_bits(op)
        task.load.pads_read += self._accesses(task, active, *moving)
        for bits, in_rows in stationary:
            task.load.pads_read += self._stationary_accesses(task, mapping, active, bits, in_rows)
        if self._alternates(op, mapping):
            sums = self._accesses(task, active, self.architecture.precision.psum)
            task.load.pads_read += sums
            task.load.pads_written += sums
        task.port_wait = self._port_wait(task.load, cycles)
        return task

    def _pass_line_buffer(self, load: Load, rides: Ridden) -> None:
        """The line buffer lies in the global buffer: one port takes its reads and writes with the
        results; with two, the port of reads takes the reads.
        """
        load.drain_port += rides.line_written
        if self.architecture.global_buffer.ports == 1:
            load.drain_port += rides.line_read
        else:
            load.fill_port += rides.line_read

    def _alternates(self, op: Op, mapping: Mapping) -> bool:
        """Whether a lane adds to another output before the first is complete: it has several words
        of the moving vector, and comes back to them with the next sample.
        """
        words = self.works[op.name].outer
        return (
            words > mapping.positions and len(self.works[op.name].stream(0, 0)) > 1 and bool(words)
        )

    def _accesses(self, task: Task, words: int, bits: int, in_rows: bool = False) -> int:
        """Bits of the accesses for words of the lanes. A lane that skips zeros makes an access per
        word, and so does one whose words lie ``in_rows`` of their own. Another takes its stream
        line by line; an outer product's stream is a segment in each sample.
        """
        width = self.architecture.scratchpad.width_bits
        apart = sum(lines(1, bits, width) for _ in range(words))
        mode = getattr(self.architecture.pe_array.skip, task.op.pass_.value.lower())
        if mode != "none" or in_rows:
            return apart
        work, in_order = self.works[task.op.name], 0
        samples = len(work.stream(0, 0)) if work.outer else 1
        for output in (output for group in task.groups for tile in group for output in tile):
            for lane in output.lanes():
                in_order += samples * lines(len(lane.bits) // samples, bits, width)
        return min(apart, in_order)

    def _stationary_accesses(
        self, task: Task, mapping: Mapping, words: int, bits: int, in_rows: bool
    ) -> int:
        """As `_accesses`, of stationary words. With an operand buffer, positions that a PE works on
        together share a stream, as long as the mean one, and words and lines come once for all.
        """
        array, work = self.architecture.pe_array, self.works[task.op.name]
        nest = mapping.op.nest
        own_words = work.outer or mapping.reduction_pes > 1 or nest.unshared or nest.stored
        if not getattr(array, "operand_buffer", 0) or own_words:
            return self._accesses(task, words, bits, in_rows)
        width, visited, in_order = self.architecture.scratchpad.width_bits, 0, 0
        lengths = [
            len(lane.bits)
            for group in task.groups
            for tile in group
            for output in tile
            for lane in output.lanes()
        ]
        if nest.sums_samples:
            lengths = [sum(lengths) // len(lengths)] * len(lengths)
        for length in lengths:
            visited += length
            in_order += lines(length, bits, width)
        together = 0
        for _ in range(0, mapping.positions, array.lanes):
            together += 1
        if visited:
            words = min(words, -(-visited * together // mapping.positions))
        if in_rows:
            return sum(lines(1, bits, width) for _ in range(words))
        shared = -(-in_order * together // mapping.positions)
        return min(self._accesses(task, words, bits), shared)

    def _pair_bits(self, op: Op) -> list[tuple[int, bool]]:
        """Bits of the words that a lane reads per MAC, and whether each lies in a row of its own:
        both operands, except regenerated feedback. A transposable scratchpad reads the weights of
        EP by column.
        """
        moving, stationary = op.operand(Use.MOVING), op.operand(Use.STATIONARY)
        assert moving is not None
        assert stationary is not None
        near, policy = (
            self.architecture.organization == "near_memory",
            self.architecture.near_memory,
        )
        pair = [(word_bits(moving.tensor, self.architecture), False)]
        if near and op.fixed_feedback and policy.feedback == "prng":
            return pair
        by_column = near and policy.transpose == "transposable" and op.pass_ is Pass.EP
        return [
            *pair,
            (
                word_bits(stationary.tensor, self.architecture),
                by_column and stationary.tensor.role is Role.WEIGHT,
            ),
        ]

    def _groups(self, mapping: Mapping) -> list[list[Tile]]:
        """Outputs distributed over lanes, tile by tile. With a mask of needed outputs, each run of
        positions is packed into as few tiles as possible.
        """
        op, array = mapping.op, self.architecture.pe_array
        work, size = self.works[op.name], mapping.positions_per_tile
        mode = getattr(array.skip, op.pass_.value.lower())
        shared = mapping.reduction_pes
        reduced = bounds(op).k
        stream: Callable[[int, int], Stream] = work.stream
        if work.outer:
            segments = mapping.positions
            stream = lambda k, m: outer_segment(work, k, m, segments)  # noqa: E731 - one of two
        needed = work.needed if array.skip_outputs else None
        step = size if needed is None else mapping.fill_positions
        visits = [
            (first, start)
            for first in range(0, mapping.channels, mapping.channels_per_tile)
            for start in range(0, mapping.positions, step)
        ]
        if mapping.positions_outermost:
            visits.sort(key=lambda visit: visit[1])  # all channels pass for a tile of positions
        found: list[list[Tile]] = []
        for first, start in visits:
            members = range(first, min(first + mapping.channels_per_tile, mapping.channels))
            run = range(start, min(start + step, mapping.positions))
            dealt = {k: [m for m in run if needed is None or needed(k, m)] for k in members}
            group: list[Tile] = []
            while any(dealt.values()):
                group.append(
                    [
                        Output(stream(k, m), mode, array.window, shared, reduced)
                        for k in members
                        for m in dealt[k][:size]
                    ]
                )
                dealt = {k: left[size:] for k, left in dealt.items()}
            found.append(group)
        return found

    def _rehearsed(self, task: Task) -> tuple[int, int, int, int]:
        """(cycles, executed MACs, gated MACs, lane cycles) of the whole op. They are needed
        beforehand, because port waits are computed from the op's total traffic.
        """
        key = (task.op.name, task.blocks)
        if key not in self._walked:
            cycles = executed = gated = walked = 0
            for group in task.groups:
                for tile in group:
                    job = ArrayJob()
                    job.tiles.append(tile)
                    job.begin()
                    while not job.ended:
                        job.step()
                        cycles += 1
                    walked += job.walked
                    for output in tile:
                        done = [pair for pair in output.pairs if output.wanted(pair) and pair[2]]
                        executed += len(done)
                        gated += (
                            sum(not (a and b) for a, b, _ in done)
                            * self.architecture.pe_array.gating
                        )
            self._walked[key] = cycles, executed, gated, walked
        return self._walked[key]

    def _vector(self, step: int, op: Op, first: int) -> Task:
        assert isinstance(op, VectorWork)
        unit, array = self.architecture.vector_unit, self.architecture.pe_array
        homed = any(self.places.split(step, operand.tensor) is not None for operand in op.operands)
        in_pe = homed and updates_in_pe(op.pass_, op.outputs, self.architecture)
        for tensor in op.outputs:
            self.places.make(step, tensor, None, op.layer)
        transfers = [
            t
            for operand in op.operands
            if not operand.beside
            for t in self._moved(step, operand.tensor, operand.words, True, in_pe)
        ]
        transfers += [
            t for tensor in op.outputs for t in self._moved(step, tensor, -1, False, in_pe)
        ]
        slots = self.mapper.pes * array.lanes if in_pe else unit.width
        beats = -(-op.elements // slots) * -(-op.ops_per_element // unit.ops_per_cycle)
        rides = ridden(op, transfers, self.architecture)
        transfers += rides.beside
        beats += rides.inwards + rides.outwards
        blocks = min(self._blocks(step, transfers, max(1, beats)), max(1, beats))
        if in_pe:
            # Updated weights are sent to their copies.
            for tensor in op.outputs:
                home = self.places.residency.home(tensor)
                if home is not None and home.copies > 1:
                    bits = word_bits(tensor, self.architecture)
                    transfers.append(
                        Transfer(
                            tensor,
                            Route.PEER,
                            False,
                            home.resident,
                            bits,
                            home.resident * (home.copies - 1),
                        )
                    )
        load = self.traffic.load(step, op, transfers, in_pe, first)
        self._pass_line_buffer(load, rides)
        return Task(op, in_pe, blocks, load, beats=beats, port_wait=self._port_wait(load, beats))

    def _moved(
        self, step: int, tensor: Tensor, words: int, inbound: bool, in_pe: bool
    ) -> list[Transfer]:
        """Transfers of a tensor to or from the PEs or the vector unit. Words with a home come from
        or go there; the rest uses the global buffer.
        """
        bits, split = word_bits(tensor, self.architecture), self.places.split(step, tensor)
        words = tensor.elements if words < 0 else words
        if split is None:
            # A gradient made elsewhere is sent to the PEs that update its weights.
            route = Route.SCATTER if in_pe and inbound else Route.BUFFER
            return [Transfer(tensor, route, inbound, words, bits, dram_words=words)]
        at_home = words * split[0] // (sum(split) or 1)
        split = at_home, words - at_home
        home, away = (
            (Route.HOME, Route.SCATTER if inbound else Route.COLLECT)
            if in_pe
            else (Route.PEER, Route.BUFFER)
        )
        copies = 1
        if not (in_pe or inbound):
            # The vector unit's results go to all PEs that hold the words.
            held = self.places.residency.home(tensor)
            copies = held.copies if held else 1
        found = (
            [Transfer(tensor, home, inbound, split[0], bits, split[0] * copies)] if split[0] else []
        )
        return found + (
            [
                Transfer(
                    tensor,
                    away,
                    inbound,
                    split[1],
                    bits,
                    split[1],
                    split[1],
                    spilled=tensor.persistent,
                )
            ]
            if split[1]
            else []
        )

    def _blocks(self, step: int, transfers: list[Transfer], most: int) -> int:
        """Number of blocks: at most ``most``, and if possible enough that a block fits half of the
        staging buffer.
        """
        inbound = sum(
            t.words * t.bits
            for t in transfers
            if t.inbound and t.route in {Route.MULTICAST, Route.SCATTER}
        )
        beyond = sum(
            (self.traffic.crossing(step, t) + self.traffic.stashed(step, t)) * t.bits
            for t in transfers
        )
        staged = -(-max(inbound, beyond) // (8 * self.architecture.global_buffer.staging_bytes))
        return min(most, max(self.architecture.blocks_per_op, staged))

    def _port_wait(self, load: Load, cycles: int) -> int:
        """Cycles by which the scratchpads' ports take longer than the lanes or the vector unit."""
        pad = self.architecture.scratchpad
        moved = (
            load.pads_read + load.pads_written
            if pad.ports == 1
            else max(load.pads_read, load.pads_written)
        )
        return max(0, -(-moved // (self.mapper.pes * pad.banks * pad.width_bits)) - cycles)
