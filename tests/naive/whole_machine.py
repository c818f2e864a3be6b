"""Plain twin of the whole machine: a loop over cycles in which every component takes one step.

Three things happen in a cycle, in this order. First, DRAM steps through its own clock edges before
the start of the cycle. Second, everything that has ended is noticed, and whatever can continue does
so within the cycle: stages whose requests have ended, oldest first, then signals in the order in
which they were raised; the first step of a stage precedes both. Third, links, ports, partitions and
the vector unit work for one cycle. Nothing is skipped, and nothing is computed from an end that
lies in the future.

Inputs taken as given: the step's ops, homes of weights (`accelsim.mapping.residency`), mappings
(`accelsim.mapping.mapper`), and the streams of contractions that `tests.naive.machine` lists.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

from accelsim.dram.standard import DramSpec
from accelsim.machine.architecture import Machine
from accelsim.mapping.mapper import Mapper
from accelsim.mapping.residency import allocate
from accelsim.step.ops import Contraction, Op, TrainingStep, VectorWork
from tests.naive.machine import Work
from tests.naive.mesh import Link as MeshLink
from tests.naive.whole_machine_dram import SteppedDram
from tests.naive.whole_machine_memory import Places, Rows, updates_in_pe
from tests.naive.whole_machine_op import Running, Stage
from tests.naive.whole_machine_parts import ArrayJob, Link, Request, VectorJob
from tests.naive.whole_machine_work import Planner, share

Key = tuple[int, str]


@dataclass
class Told:
    """An event that happens once. ``watchers`` are called when it happens."""

    happened: bool = False
    watchers: list[Callable[[], None]] = field(default_factory=list)


@dataclass
class Holder:
    """Components that ops hold one at a time. Waiting ops are served by priority, lowest first,
    whenever an op asks or a release is noticed.
    """

    free: set[int]
    waiting: list[tuple[int, int | None, Callable[[int], None]]] = field(default_factory=list)

    def serve(self, signal: Callable[[Callable[[], None]], None]) -> None:
        """Give each free component, lowest number first, to the first waiting op that can use it.
        The op is notified by a signal.
        """
        for number in sorted(self.free):
            fitting = [each for each in self.waiting if each[1] in {None, number}]
            if fitting:
                chosen = min(fitting, key=lambda each: each[0])
                self.waiting.remove(chosen)
                self.free.remove(number)
                signal(partial(chosen[2], number))


class WholeMachine:
    """One run of one or more steps on one machine. ``finished``: ops in the order in which they
    ended.
    """

    def __init__(
        self,
        architecture: Machine,
        dram: DramSpec,
        step: TrainingStep,
        works: Mapping[str, Work],
        serial: bool,
        steps: int = 1,
    ) -> None:
        self.architecture, self.step, self.serial, self.steps = architecture, step, serial, steps
        channels = architecture.dram.channels or dram.organisation.channels
        organisation = dram.organisation.model_copy(update={"channels": channels})
        self.dram = SteppedDram(
            dram.model_copy(update={"organisation": organisation}),
            architecture.clock_hz,
            architecture.dram.outstanding,
            architecture.dram.arbitration or "round_robin",
        )
        partitions = 1 if serial else architecture.partitions
        self.residency = allocate(step, architecture, partitions)
        self.places = Places(architecture, self.residency, step)
        self.planner = Planner(
            architecture, Mapper(architecture, self.residency), self.places, works
        )
        self.rows = Rows(organisation.row_bursts * organisation.burst)
        for name, nbytes in self.places.standing().items():
            self.rows.place(name, nbytes)
        noc, buffer = architecture.noc, architecture.global_buffer
        self.down, self.up, self.peer = (
            Link(noc.width_bits),
            Link(noc.width_bits),
            Link(noc.width_bits * noc.peer_links),
        )
        self.port = Link(buffer.banks * buffer.width_bits)
        self.write_port = self.port if buffer.ports == 1 else Link(self.port.width)
        self.vector = Link(1)
        self.mesh: dict[MeshLink, Link] = defaultdict(lambda: Link(noc.width_bits))
        self.jobs: list[ArrayJob | VectorJob] = []
        self.partitions, self.vector_unit = Holder(set(range(partitions))), Holder({0})
        self.done: dict[Key, Told] = {
            (index, op.name): Told() for index in range(steps) for op in step.ops
        }
        self.now = 0
        self.busy: list[Stage] = []
        self.running: list[Running] = []
        self.finished: list[Running] = []
        self._signals: deque[Callable[[], None]] = deque()
        self._urgent: deque[Callable[[], None]] = deque()

    # The loop

    def run(self, limit: int = 10**5) -> int:
        """Run all ops. Returns the number of cycles."""
        self._start()
        for cycle in range(limit):
            self.now = cycle
            self.dram.step_to(cycle)
            self._settle()
            if len(self.finished) == self.steps * len(self.step.ops):
                self.clocks = self.dram.finish(cycle)
                return cycle
            for running in self.running:
                running.observe()
            for link in (*self.links.values(), self.vector, *self.mesh.values()):
                link.step()
            for job in self.jobs:
                job.step()
            self.jobs = [job for job in self.jobs if not job.ended]
        raise AssertionError(f"{len(self.finished)} ops have ended in {limit} cycles")

    @property
    def links(self) -> dict[str, Link]:
        """Links of a tree and ports of the global buffer by name, each once."""
        named = {"down": self.down, "up": self.up, "peer": self.peer, "port": self.port}
        return named if self.write_port is self.port else named | {"write port": self.write_port}

    def signal(self, told: Callable[[], None], urgent: bool = False) -> None:
        """Raise a signal that is noticed later in this cycle."""
        (self._urgent if urgent else self._signals).append(told)

    def _settle(self) -> None:
        while True:
            ended = next((stage for stage in self.busy if stage.ready), None)
            if self._urgent:
                self._urgent.popleft()()
            elif ended is not None:
                self.busy.remove(ended)
                ended.go_on()
            elif self._signals:
                self._signals.popleft()()
            else:
                return

    # The sequencer

    def _start(self) -> None:
        if self.serial:
            self._spawn(self._in_order())
            return
        fused = set(map(id, self.residency.fused.values()))
        for index in range(self.steps):
            for position, op in enumerate(self.step.ops):
                if id(op) not in fused:
                    self._spawn(self._when_ready(index, position, op))

    def _spawn(
        self, control: Generator[Callable[[Callable[..., None]], None], int | None, None]
    ) -> None:
        """Start a control unit. It yields functions that receive its continuation and call it when
        the unit may continue.
        """

        def go_on(value: int | None = None) -> None:
            try:
                awaited = control.send(value)
            except StopIteration:
                return
            awaited(go_on)

        self.signal(go_on, urgent=True)

    def _in_order(self) -> Generator[Callable[[Callable[..., None]], None], int | None, None]:
        for op in self.step.ops:
            yield from self._execute(0, op, 0)

    def _when_ready(
        self, index: int, position: int, op: Op
    ) -> Generator[Callable[[Callable[..., None]], None], int | None, None]:
        update = self.residency.fused.get(op.name)
        waits = [(index, name) for name in op.depends_on]
        waits += [
            (index, name) for name in (update.depends_on if update else ()) if name != op.name
        ]
        waits += [(index - 1, name) for name in self.step.carried.get(op.name, ()) if index]
        if waits:
            yield partial(self._all_of, [self.done[key] for key in waits])
        priority = index * len(self.step.ops) + position
        on_array = isinstance(op, Contraction) or updates_in_pe(
            op.pass_, op.outputs, self.architecture
        )
        holder = self.partitions if on_array else self.vector_unit
        wanted = self.residency.partition(op) if on_array else 0

        def take(go_on: Callable[[int], None]) -> None:
            holder.waiting.append((priority, wanted, go_on))
            holder.serve(self.signal)

        number = yield take
        assert number is not None
        yield from self._execute(index, op, number if on_array else None)
        if update:
            yield from self._execute(index, update, number)
        holder.free.add(number)
        self.signal(lambda: holder.serve(self.signal))

    def _all_of(self, awaited: list[Told], go_on: Callable[[], None]) -> None:
        left = len(awaited)

        def one() -> None:
            nonlocal left
            left -= 1
            if not left:
                self.signal(go_on)

        for told in awaited:
            if told.happened:
                one()
            else:
                told.watchers.append(one)

    def _tell(self, told: Told) -> None:
        told.happened = True
        for watcher in told.watchers:
            watcher()

    # An op

    def _execute(
        self, index: int, op: Op, partition: int | None
    ) -> Generator[Callable[[Callable[..., None]], None], int | None, None]:
        task = self.planner.task(index, op, partition)
        serial = len(self.running) + len(self.finished)
        running = Running(task, index, partition if task.on_array else None, self.now, serial)
        self.running.append(running)
        ended = False
        wake: Callable[[], None] | None = None

        def end() -> None:
            nonlocal ended
            ended = True
            if wake is not None:
                wake()

        def wait(go_on: Callable[[], None]) -> None:
            nonlocal wake
            wake = go_on

        self._place_parts(running)
        stages = running.stages = self._stages(running, end)
        for stage in stages if task.blocks > 1 else []:
            self.signal(stage.go_on, urgent=True)
        if task.blocks == 1:
            stages[0].go_on()
        if not ended:
            yield wait
        running.end = self.now
        running.bank = self._bank_cycles(running)
        self.running.remove(running)
        self.finished.append(running)
        read = list(dict.fromkeys(operand.tensor.name for operand in op.operands))
        for name in self.places.ended(
            index, read, [tensor.name for tensor in op.outputs], op.layer
        ):
            self.rows.release(self.places.key(index, name))
        self.signal(partial(self._tell, self.done[index, op.name]))

    def _place_parts(self, running: Running) -> None:
        """Allocate DRAM rows for what the op moves, by the block that first moves it. A load is
        placed two blocks earlier, before the stores of that block.
        """
        blocks, load = running.task.blocks, running.task.load
        turns = []
        for order, (parts, ahead) in enumerate(((load.reads, 2), (load.writes, 0))):
            for name, size, nbytes in parts:
                if nbytes:
                    first = next(
                        each for each in range(blocks) if self._crossing(nbytes, each, blocks)
                    )
                    turns.append((max(0, first - ahead), order, len(turns), name, size))
        for *_, name, size in sorted(turns):
            self.rows.place(self.places.key(running.step, name), size)

    def _stages(self, running: Running, end: Callable[[], None]) -> list[Stage]:
        """Stages of the op, side by side. For an op of one block they follow one another without
        signals.
        """
        load, blocks = running.task.load, running.task.blocks
        asks: dict[str, Callable[[int], list[Request]]] = {}
        if load.loads:
            asks["load"] = partial(self._cross, running, False)
        if load.fills:
            fill = (
                (self.down, load.down, 0),
                (self.port, load.fill_port, load.fill_wait),
                (self.peer, load.peer, 0),
                (self.vector, load.fill_vector, 0),
            )
            asks["fill"] = partial(self._move, blocks, [*fill, *self._on_mesh(load.mesh_fill)])
        asks["compute"] = partial(self._compute, running)
        if load.drains:
            drain = (
                (self.up, load.up, 0),
                (self.write_port, load.drain_port, load.drain_wait),
                (self.vector, load.drain_vector, 0),
            )
            asks["drain"] = partial(self._move, blocks, [*drain, *self._on_mesh(load.mesh_drain)])
        if load.stores:
            asks["store"] = partial(self._cross, running, True)
        stages = [Stage(name, self, blocks, ask, lambda: None) for name, ask in asks.items()]
        for before, behind in pairwise(stages):
            before.behind, behind.before = behind, before
            if blocks == 1:
                before.over = behind.go_on
        stages[-1].over = end if blocks == 1 else lambda: self.signal(end)
        return stages

    def _on_mesh(self, bits: Counter[MeshLink]) -> list[tuple[Link, int, int]]:
        return [(self.mesh[link], amount, 0) for link, amount in bits.items()]

    def _move(self, blocks: int, wanted: list[tuple[Link, int, int]], block: int) -> list[Request]:
        """Request a block's share of bits on every link, and of the cycles added by
        bank conflicts.
        """
        return [
            request
            for link, bits, wait in wanted
            for request in link.ask(share(bits, block, blocks), share(wait, block, blocks))
        ]

    def _compute(self, running: Running, block: int) -> list[Request]:
        task = running.task
        if isinstance(task.op, VectorWork) and not task.on_array:
            beats, wait = (share(each, block, task.blocks) for each in (task.beats, task.port_wait))
            return self.vector.ask(beats, wait)
        job = task.job(block)
        job.begin()
        if job.ended:
            return []
        self.jobs.append(job)
        return [job]

    def _cross(self, running: Running, write: bool, block: int) -> list[Request]:
        """Request a block's share of every part over the DRAM bus, and of the stash over the NoC,
        while their bits pass the global buffer's port.
        """
        task = running.task
        load = task.load
        parts, staged, wait = (
            (load.writes, load.staged_out, load.staged_out_wait)
            if write
            else (load.reads, load.staged_in, load.staged_in_wait)
        )
        stash = (
            ((self.down, load.stowed, 0), *self._on_mesh(load.mesh_stowed))
            if write
            else ((self.up, load.fetched, 0), *self._on_mesh(load.mesh_fetched))
        )
        port = self.port if write else self.write_port
        requests = self._move(task.blocks, [(port, staged, wait), *stash], block)
        for order, (name, size, nbytes) in enumerate(parts, len(load.reads) if write else 0):
            moved = self._crossing(nbytes, block, task.blocks)
            if moved:
                first = self.rows.place(self.places.key(running.step, name), size)
                request = self.dram.ask(
                    self.now,
                    self._pieces(first, size, moved[0], len(moved)),
                    write,
                    (running.serial, order),
                )
                running.commands.append(request.commands)
                requests.append(request)
        return requests

    def _crossing(self, nbytes: int, block: int, blocks: int) -> range:
        """Bytes that a block moves over the DRAM bus: its equal share, whose ends are moved down to
        the start of a burst, except for the end of the last.
        """
        ends = []
        for end in (block, block + 1):
            byte = nbytes * end // blocks
            while end < blocks and byte % self.dram.spec.organisation.burst:
                byte -= 1
            ends.append(byte)
        return range(*ends)

    def _pieces(self, first: int, size: int, offset: int, nbytes: int) -> list[tuple[int, int]]:
        """(address, bytes) of a tensor's bytes from an offset. Repeated reads wrap around to its
        start, and so do addresses past the end of the DRAM.
        """
        capacity, pieces = self.dram.spec.organisation.capacity_bytes, []
        while nbytes:
            address = (first + offset % size) % capacity
            together = min(nbytes, size - offset % size, capacity - address)
            pieces.append((address, together))
            offset, nbytes = offset + together, nbytes - together
        return pieces

    def _bank_cycles(self, running: Running) -> int:
        """Of the cycles in which lanes waited for a fill, those caused by the port: the share by
        which it alone took longer than the links.
        """
        load, waited = running.task.load, running.seen["fill"] - self._late(running)["fill"]
        alone = [-(-bits // self.down.width) for bits in (load.down, *load.mesh_fill.values())]
        links = max(*alone, -(-load.peer // self.peer.width))
        port = -(-load.fill_port // self.port.width) + load.fill_wait
        return waited * max(0, port - links) // port if port else 0

    def _late(self, running: Running) -> dict[str, int]:
        """Of the cycles of waiting for a fill and for a drain, those caused by the vector unit: the
        share by which it took longer than the links and the port.
        """
        load, seen = running.task.load, running.seen
        links = [-(-bits // self.down.width) for bits in (load.down, *load.mesh_fill.values())]
        links.append(-(-load.peer // self.peer.width))
        links.append(-(-load.fill_port // self.port.width) + load.fill_wait)
        behind = [-(-bits // self.up.width) for bits in (load.up, *load.mesh_drain.values())]
        behind.append(-(-load.drain_port // self.port.width) + load.drain_wait)
        return {
            stage: seen[stage] * max(0, beats - max(others)) // beats if beats else 0
            for stage, beats, others in (
                ("fill", load.fill_vector, links),
                ("drain", load.drain_vector, behind),
            )
        }

    def stalls(self, running: Running) -> dict[str, int]:
        """The array's stalls by cause. While the vector unit works, the cause is a dependency. A
        wait for a load or store that moves only stash in scratchpads is one for the NoC.
        """
        seen, task = running.seen, running.task
        load, store, late = seen["load"], seen["store"], self._late(running)
        dram = load * bool(task.load.reads) + store * bool(task.load.writes)
        vector = 0 if task.on_array else seen["compute"] - task.port_wait
        return {
            "dram": dram,
            "noc": seen["fill"] - late["fill"] - running.bank + load + store - dram,
            "bank": running.bank + task.port_wait,
            "dependency": vector,
            "drain": seen["drain"] - late["drain"],
            "vector": late["fill"] + late["drain"],
        }

    def commands(self, running: Running) -> Counter[str]:
        """DRAM commands of the op's transfers, without refreshes and the precharges for them."""
        return sum(running.commands, Counter[str]())
