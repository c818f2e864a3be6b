"""Words and bytes of every op of a step, counted from a finished document's nests, the machine file
and the tensors of the step (docs/results.md, "Words"; docs/memories.md; docs/fusion.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple
from itertools import accumulate

from accelsim.machine.architecture import Machine
from accelsim.results.op import OpResult, StepSearch
from accelsim.results.result import Result
from accelsim.step.ops import Contraction, Op, Role, Tensor, TrainingStep, Use, VectorWork
from accelsim.workload.network import Network
from tests.oracle.buffer import Buffer
from tests.oracle.counted import Counted, Home, Reads, Words
from tests.oracle.dense import Folds, Passes
from tests.oracle.fusion import Doer, Fusion, Read
from tests.oracle.machines import dense_keys, keys_of, pads_of, skips
from tests.oracle.places import Homes
from tests.oracle.printed import Nest, parse
from tests.oracle.skipping import Walk
from tests.oracle.tiled import TiledWalk, Tiles


class Levels(Counter[str]):
    """Words by place, as in a document, and bits by memory and kind of access."""

    def pads(self, kind: str, words: int, bits: int, masks: int = 0) -> None:
        """Words that PEs read from or write to their scratchpads, with a mask bit each or not."""
        self["local"] += words
        self[f"scratchpad_{kind}"] += words * (bits + masks)

    def buffer(self, kind: str, words: int, bits: int) -> None:
        """Words read from or written to the global buffer."""
        self["global_buffer"] += words
        self[f"global_buffer_{kind}"] += words * bits

    def dram(self, kind: str, words: int, bits: int) -> None:
        """Words over the DRAM bus, which pass through the global buffer."""
        self["dram"] += words
        self[f"dram_{kind}"] += words * bits
        self.buffer({"read": "write", "write": "read"}[kind], words, bits)

    def stash(self, kind: str, words: int, bits: int) -> None:
        """Words of the stash that scratchpads read or write, and that pass through the buffer."""
        self.pads(kind, words, bits)
        self["received"] += words * (kind == "write")
        self.buffer({"read": "write", "write": "read"}[kind], words, bits)


class Documented:
    """The ops of a document, one after another."""

    def __init__(
        self,
        machine: Machine,
        network: Network,
        step: TrainingStep,
        search: StepSearch | None = None,
    ) -> None:
        """``search``: places that the document says were chosen."""
        self.machine, self.whole = machine, step
        self.fusion = Fusion(network, step, machine)
        self.step = step = self.fusion.remaining
        self.ridden: Counter[str] = Counter()
        pads = pads_of(step, machine, 1, {}, search)
        near = machine.organization == "near_memory"
        self.homes = Homes(step, pads) if near else None
        buffer = machine.global_buffer
        room_bits = 8 * (buffer.capacity_bytes - 2 * buffer.staging_bytes)
        self.memory = Buffer(step, self.homes, room_bits, {}, pads.word_bits)
        stash = search.stash if search else machine.placement.stash
        self.memory.policy = stash or "buffer"
        array, words = machine.pe_array, machine.precision
        room = pads.room
        if array.kind == "row_stationary":
            registers = (
                array.filter_words * max(words.weight, words.error, words.feedback)
                + array.input_words * max(words.activation, words.error)
                + array.psum_words * words.psum
            )
            room = min(room, machine.scratchpad.capacity_bytes - -(-registers // 8))
        self.memory.pads = 8 * pads.pes * room
        self.psum = machine.precision.psum

    def compare(self, result: Result) -> Iterator[tuple[OpResult, Levels, Levels]]:
        """(op, what it says, what its nest says), in turn; last the ops that others do."""
        documents = {each.name: each for each in result.ops}
        assert documents.keys() == {each.name for each in self.whole.ops}
        remaining = [each.name for each in self.step.ops]
        assert [each.name for each in result.ops if each.name in remaining] == remaining
        counted: dict[str, Levels] = {}
        for op, doer in zip(self.step.ops, self.fusion.doers, strict=True):
            self.memory.begin(op)
            counted[op.name] = Levels()
            splits = {each.name: self._split(op, each) for each in op.outputs}
            for tensor in op.outputs:
                self.memory.start(tensor, splits[tensor.name], op.layer)
            self._op(counted[op.name], doer, documents[op.name])
            self.memory.end(op)
        for op in self.whole.ops:
            said, levels = documents[op.name], counted.get(op.name, Levels())
            levels["vector_ops"] = self.ridden[op.name]
            levels["words_saved"] = self.fusion.words_saved(op)
            levels.update(f"into {name}" for name in self.fusion.into(op.name))
            yield said, +_levels(said), +_in_bytes(levels)

    def _op(self, levels: Levels, doer: Doer, said: OpResult) -> None:
        sent: dict[str, Words] = {}
        if isinstance(doer.op, Contraction):
            sent = self._contraction(levels, doer, said)
        elif isinstance(doer.op, VectorWork):
            self._vector(levels, doer)
            self.ridden[doer.op.name] += doer.op.elements * doer.own
        for read in doer.reads:
            words = self._times(doer, read, sent)
            if read.beside:
                bits = self._bits(read.tensor)
                levels.buffer("read", words.sent, bits)
                self._beyond(levels, read.tensor, "read", words.dram)
            for name, operations in read.work:
                self.ridden[name] += words.sent * operations
        for name, elements, operations in doer.rides:
            self.ridden[name] += elements * operations
        for written, taken, bits in doer.lines:
            levels.buffer("write", written, bits)
            levels.buffer("read", taken, bits)

    @staticmethod
    def _times(doer: Doer, read: Read, sent: dict[str, Words]) -> Words:
        """How often words pass the vector unit: those of the array as often as they are sent, those
        beside others with these, and all others once.
        """
        for other in doer.reads:
            made = read.owner in {name for name, _ in other.work}
            if read.beside and other.tensor.name == read.beside and made:
                read = other
        if read.use in (Use.MOVING, Use.STATIONARY):
            return sent[read.use]
        return Words(read.words, 0, read.words)

    def _split(self, op: Op, tensor: Tensor) -> tuple[int, int] | None:
        of_weights = isinstance(op, Contraction) and self.homes is not None
        return self.homes.split(tensor, op.layer) if self.homes and of_weights else None

    def _bits(self, tensor: Tensor) -> int:
        return self.memory.word_bits[tensor.name]

    def _in_dram(self, tensor: Tensor) -> bool:
        memory = self.memory
        return tensor.name not in {*memory.there, *memory.pinned, *memory.stashed}

    def _beyond(self, levels: Levels, tensor: Tensor, kind: str, words: int) -> None:
        """Words that come from DRAM or the stash in scratchpads, or go there, if the tensor is
        there.
        """
        if tensor.name in self.memory.stashed:
            levels.stash(kind, words, self._bits(tensor))
        elif self._in_dram(tensor):
            levels.dram(kind, words, self._bits(tensor))

    # Contractions

    def _contraction(self, levels: Levels, doer: Doer, said: OpResult) -> dict[str, Words]:
        """Returns the words sent of each operand."""
        op = doer.op
        assert isinstance(op, Contraction)
        assert said.mapping is not None
        nest = parse("\n".join(said.mapping.nest))
        (made,) = op.made
        home_words = (self.memory.splits.get(made.name) or (0, 0, 0))[0]
        counted = self._counted(op, nest, said, home_words)
        modes, sent = skips(self.machine, op), {}
        operands = {
            "moving": (nest.moving.role, op.moving.tensor),
            "stationary": (nest.stationary_role, op.stationary.tensor),
        }
        for use, (role, tensor) in operands.items():
            sent[use] = counted.moved.get(role, Words(0, 0, 0))
            for route in ("", "spilled ", "remote "):
                words = counted.moved.pop(route + role, None)
                if words is None:
                    continue
                if route == "remote ":
                    self._between(levels, words, self._bits(tensor))
                    continue
                masked = modes[use] and not route
                queued = use == "moving" and self.machine.pe_array.kind == "broadcast"
                spilled = route == "spilled "
                for part, share in self._shares(doer, Use(use), words):
                    self._inwards(levels, share, self._bits(part), spilled, masked, queued)
                    if not route:
                        self._beyond(levels, part, "read", share.dram)
        needed = counted.moved.pop("needed", None)
        if needed is not None:
            assert op.needed is not None
            self._inwards(levels, needed, 1, False)
            self._beyond(levels, op.needed.tensor, "read", needed.dram)
        if made in doer.results:
            self._outwards(levels, made, home_words)
        self._sums(levels, counted)
        self._reads(levels, op, nest, counted.reads)
        assert not counted.moved, counted.moved
        for read in doer.reads:
            if read.use is Use.READ and not read.beside:
                self._vector_words(levels, read.tensor, read.words, "read", False)
        for tensor in doer.results:
            if tensor != made:
                self._vector_words(levels, tensor, tensor.elements, "write", False)
        return sent

    @staticmethod
    def _shares(doer: Doer, use: Use, words: Words) -> Iterator[tuple[Tensor, Words]]:
        """Words of each tensor of an operand: in proportion to those that one reading takes."""
        reads = [read for read in doer.reads if read.use is use]
        ends = list(accumulate((read.words for read in reads), initial=0))
        for read, before, after in zip(reads, ends, ends[1:], strict=False):
            yield (
                read.tensor,
                Words(*(each * after // ends[-1] - each * before // ends[-1] for each in words)),
            )

    def _counted(self, op: Contraction, nest: Nest, said: OpResult, made_at_home: int) -> Counted:
        kind = self.machine.pe_array.kind
        if kind == "systolic":
            return Folds(nest, dense_keys(self.machine)).run()
        if kind == "row_stationary":
            return Passes(nest, dense_keys(self.machine)).run()
        held = self.homes.held.get(op.stationary.tensor.name) if self.homes else None
        home = Home(*held) if held else Home(0, op.stationary.tensor.elements, 0)
        assert said.mapping is not None
        tiling = said.mapping.tiling
        keys = keys_of(self.machine)
        walk = Walk(nest, keys, home, made_at_home)
        if tiling is not None:
            walk = TiledWalk(nest, keys, home, made_at_home, Tiles(*astuple(tiling)))
        counted = walk.run()
        counted.reads = walk.reads(skips(self.machine, op)["moving"])
        return counted

    @property
    def _dense(self) -> bool:
        return self.machine.pe_array.kind in ("systolic", "row_stationary")

    def _inwards(
        self,
        levels: Levels,
        words: Words,
        bits: int,
        from_dram: bool,
        masked: bool = False,
        queued: bool = False,
    ) -> None:
        """From the global buffer to PEs: to their scratchpads, or ``queued`` in their FIFOs. A
        systolic array has a buffer of operands at its edge.
        """
        levels.buffer("read", words.sent, bits)
        if self.machine.pe_array.kind == "systolic":
            levels.pads("read", words.sent, bits)
        if not queued:
            levels.pads("write", words.received, bits, masked)
        levels["received"] += words.received
        if from_dram:
            levels.dram("read", words.dram, bits)

    def _between(self, levels: Levels, words: Words, bits: int) -> None:
        """From PE to PE."""
        levels.pads("read", words.sent, bits)
        levels.pads("write", words.received, bits)
        levels["remote"] += words.received
        levels["received"] += words.received

    def _outwards(self, levels: Levels, made: Tensor, at_home: int) -> None:
        """Results: to their home PE, or to the global buffer and from there to DRAM."""
        words, bits = made.elements - at_home, self._bits(made)
        levels.pads("write", at_home, bits)
        levels.buffer("write", words, bits)
        self._beyond(levels, made, "write", words)

    def _sums(self, levels: Levels, counted: Counted) -> None:
        """Partial sums that leave the lanes and come back, and those that PEs add."""
        if self._dense:
            levels.buffer("write", counted.sums_out, self.psum)
            self._inwards(levels, Words(counted.sums_back, counted.sums_back, 0), self.psum, False)
        else:
            levels.pads("write", counted.sums_out, self.psum)
            levels.pads("read", counted.sums_back, self.psum)
        reduced = counted.moved.pop("reduced", None)
        if reduced is not None:
            self._between(levels, reduced, self.psum)
        counted.moved.pop("out")

    def _reads(self, levels: Levels, op: Contraction, nest: Nest, reads: Reads) -> None:
        """Operands that lanes read for their MACs, and sums that they read and write back."""
        if self.machine.pe_array.kind != "broadcast":  # which takes them from FIFOs
            levels.pads("read", reads.moving, self._bits(op.moving.tensor))
        near = self.machine.organization == "near_memory"
        regenerated = op.stationary.tensor.role is Role.FEEDBACK and near
        regenerated = regenerated and self.machine.near_memory.feedback == "prng"
        bits = self._bits(op.stationary.tensor)
        if self._compressed(op, nest):
            # The index beside a word is read by the PE's control.
            bits = getattr(self.machine.precision, nest.stationary.role)
        if not regenerated:
            levels.pads("read", reads.stationary, bits)
        for kind in ("read", "write"):
            levels.pads(kind, reads.sums, self.psum)

    def _compressed(self, op: Contraction, nest: Nest) -> bool:
        """Whether a broadcast array stores the columns of weights or feedback without zeros."""
        array = self.machine.pe_array
        mode = getattr(array.skip, str(op.pass_).lower())
        skipped = mode in {"stationary", "both"} and not nest.gradient
        return array.kind == "broadcast" and (skipped or nest.stored > 0)

    # Work of the vector unit, or of the PEs on their own weights

    def _vector(self, levels: Levels, doer: Doer) -> None:
        updates = any(each.persistent and each.home_channels for each in doer.results)
        in_pe = updates and self.homes is not None and self.machine.vector_unit.update_in_pe
        for read in doer.reads:
            if not read.beside:
                self._vector_words(levels, read.tensor, read.words, "read", in_pe)
        for tensor in doer.results:
            self._vector_words(levels, tensor, tensor.elements, "write", in_pe)
            held = self.homes.held.get(tensor.name) if self.homes else None
            if held and held.copies > 1 and in_pe:
                copied = held.resident * (held.copies - 1)
                self._between(levels, Words(held.resident, copied, 0), self._bits(tensor))

    def _vector_words(
        self, levels: Levels, tensor: Tensor, words: int, kind: str, in_pe: bool
    ) -> None:
        """Words read or written: those at home in their PEs, others through the global buffer."""
        bits, held = self._bits(tensor), None
        if self.homes is not None:
            held = self.memory.splits.get(tensor.name) or self.homes.held.get(tensor.name)
        at_home = words * held[0] // tensor.elements if held else 0
        if in_pe:
            levels.pads(kind, at_home, bits)
        else:
            copies = self._copies(tensor) if kind == "write" else 1
            levels.pads(kind, at_home * copies, bits)
            levels["remote"] += at_home * copies
            levels["received"] += at_home * copies if kind == "write" else 0
        rest = words - at_home
        levels.buffer(kind, rest, bits)
        if in_pe and kind == "read":
            levels.pads("write", rest, bits)
            levels["received"] += rest
        if held and tensor.persistent:
            levels.dram(kind, rest, bits)
        else:
            self._beyond(levels, tensor, kind, rest)

    def _copies(self, tensor: Tensor) -> int:
        """PEs that hold a word of the tensor."""
        held = self.homes.held.get(tensor.name) if self.homes else None
        return held.copies if held else 1


def _in_bytes(levels: Levels) -> Levels:
    """Whole bytes of each memory and kind of access."""
    return Levels(
        {
            name: -(-value // 8) if name.endswith(("_read", "_write")) else value
            for name, value in levels.items()
        }
    )


def _levels(said: OpResult) -> Levels:
    """The counts of a document's op."""
    found = Levels({name: getattr(said.words, name) for name in said.words.field_names()})
    found.update({name: getattr(said.bytes, name) for name in said.bytes.field_names()})
    found["received"] = said.words_received
    found["vector_ops"] = said.vector_ops
    found["words_saved"] = said.words_saved
    found.update(f"into {name}" for name in said.fused_into)
    return found
