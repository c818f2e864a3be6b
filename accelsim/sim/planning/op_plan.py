"""The plan of an op: everything that the events need, counted before they start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as Counted
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from accelsim.cost.counters import ActionCounts
from accelsim.pe.mapping import Mapping, Transfer
from accelsim.pe.timing import ArrayTiming
from accelsim.results.op import BYTE_KINDS, WORD_KINDS, Cause
from accelsim.sim.planning.chosen import Chosen
from accelsim.step.ops import Op, VectorWork

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class DramPart:
    """Bytes of one tensor that cross the DRAM bus.

    ``size_bytes``: the tensor's whole allocation in DRAM. ``nbytes``: the bytes moved. ``words``:
    the words moved.
    """

    tensor: str
    size_bytes: int
    nbytes: int
    cause: Cause = Cause.OPERAND
    words: int = 0


@dataclass(frozen=True)
class Moved:
    """A transfer in its tensor's storage format.

    ``words``, ``bits``: stored words and bits moved. ``delivered_words``, ``delivered_bits``: those
    delivered into PEs, each counted once per PE. ``dram_words``, ``dram_bits``: those that
    cross the DRAM bus. ``crosses``: whether the tensor is in DRAM, even if it is all zeros and
    takes no bits. ``encoded``: whether its format is compressed, so that bits are not words times a
    fixed size. ``stash_words``, ``stash_bits``: those that come from scratchpads or go there in
    place of DRAM. ``stash_pes``: the PEs that hold them.
    """

    transfer: Transfer
    words: int
    bits: int
    delivered_words: int = 0
    delivered_bits: int = 0
    dram_words: int = 0
    dram_bits: int = 0
    crosses: bool = False
    encoded: bool = False
    stash_words: int = 0
    stash_bits: int = 0
    stash_pes: range = range(0)


@dataclass(frozen=True)
class OpPlan:
    """One op, ready for the events.

    Bits are totals of the op; each block moves an equal share of them.

    - ``pes``: the PEs that the op may use, numbered row by row.
    - ``block_cycles``: int64 (blocks), compute cycles per block, ``port_wait`` included.
    - ``port_wait``: cycles in which lanes wait for the ports of their scratchpads.
    - ``fill_wait`` to ``staged_out_wait``: busy cycles that bank conflicts add at the global
      buffer's port.
    - ``mesh_fill``, ``mesh_drain``, ``mesh_load``, ``mesh_store``: int64 (links), bits per link of
      a mesh, by stage; such a plan has no fill, drain, peer or stash bits.
    - ``stash_in_bits``, ``stash_out_bits``: bits over the links of a tree between the staging half
      and scratchpads with stash.
    - ``words``, ``bits``: totals by kind of memory. ``words_received``: words delivered into PEs.
    - ``counts``: on-chip actions.
    - ``fill_vector``, ``drain_vector``: cycles of the vector unit on words that the op moves in and
      out, for other ops. ``ridden``: the operations of each of these ops, by its name.
    - ``chosen``: the choice of the mapping, if there was one to make.
    """

    op: Op
    on_array: bool
    pes: range
    block_cycles: Ints
    timing: ArrayTiming | None
    mapping: Mapping | None
    loads: tuple[DramPart, ...]
    stores: tuple[DramPart, ...]
    moved: tuple[Moved, ...]
    words: Counted[str, int]
    bits: Counted[str, int]
    counts: ActionCounts
    mesh_fill: Ints | None
    mesh_drain: Ints | None
    port_wait: int = 0
    words_received: int = 0
    fill_bits: int = 0
    fill_buffer_bits: int = 0
    drain_bits: int = 0
    drain_buffer_bits: int = 0
    peer_bits: int = 0
    staged_in_bits: int = 0
    staged_out_bits: int = 0
    fill_wait: int = 0
    drain_wait: int = 0
    staged_in_wait: int = 0
    staged_out_wait: int = 0
    stash_in_bits: int = 0
    stash_out_bits: int = 0
    mesh_load: Ints | None = None
    mesh_store: Ints | None = None
    fill_vector: int = 0
    drain_vector: int = 0
    ridden: Counted[str, int] = field(default_factory=dict)
    chosen: Chosen | None = None

    @property
    def on_vector_unit(self) -> bool:
        """Whether the op is work of the vector unit, which it holds while it computes."""
        return isinstance(self.op, VectorWork) and not self.on_array

    @property
    def vector_ops(self) -> int:
        """Operations of the op itself on the vector unit or in the PEs."""
        return self.op.vector_ops if self.block_cycles.size else 0

    @property
    def fills(self) -> bool:
        """Whether anything moves to the PEs, to the vector unit or between PEs."""
        return bool(
            self.fill_bits or self.fill_buffer_bits or self.peer_bits or self.fill_vector
        ) or (self.mesh_fill is not None and bool(self.mesh_fill.any()))

    @property
    def drains(self) -> bool:
        """Whether anything moves to the global buffer."""
        return bool(self.drain_bits or self.drain_buffer_bits or self.drain_vector) or (
            self.mesh_drain is not None and bool(self.mesh_drain.any())
        )

    @property
    def brings(self) -> bool:
        """Whether anything moves to the staging half, from DRAM or scratchpads."""
        return bool(self.loads or self.stash_in_bits) or self.mesh_load is not None

    @property
    def sends(self) -> bool:
        """Whether anything moves from the staging half, to DRAM or scratchpads."""
        return bool(self.stores or self.stash_out_bits) or self.mesh_store is not None

    @property
    def mesh_bits(self) -> tuple[Ints | None, ...]:
        """Bits per mesh link of fill, drain, load and store."""
        return self.mesh_fill, self.mesh_drain, self.mesh_load, self.mesh_store

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return len(self.block_cycles)


class PlanDraft:
    """A plan under construction; `finish` freezes it.

    ``totals``: bits, waits and words received, by field name of `OpPlan`. ``pad_bits``: bits of
    whole accesses to scratchpads, by kind.
    """

    def __init__(self, op: Op, pes: range, on_array: bool, mapping: Mapping | None = None) -> None:
        self.op = op
        self.pes = pes
        self.on_array = on_array
        self.mapping = mapping
        self.loads: list[DramPart] = []
        self.stores: list[DramPart] = []
        self.moved: list[Moved] = []
        self.words = dict.fromkeys(WORD_KINDS, 0)
        self.bits = dict.fromkeys(BYTE_KINDS, 0)
        self.pad_bits = {"read": 0, "write": 0}
        self.counts = ActionCounts()
        self.totals: Counter[str] = Counter()
        self.ridden: Counter[str] = Counter()
        self.mesh: dict[str, Ints] = {}

    def buffer_access(self, kind: str, words: int, bits: int) -> None:
        """Count words of the global buffer, ``kind`` read or write."""
        self.words["global_buffer"] += words
        self.bits[f"global_buffer_{kind}"] += bits
        self.counts.add("global_buffer", f"{kind}_bits", bits)

    def pad_access(
        self, kind: str, words: int, bits: int, whole: int, action: str | None = None
    ) -> None:
        """Count words of the scratchpads, ``kind`` read or write.

        ``bits``: those of the words. ``whole``: those of the accesses that move them.
        """
        self.words["local"] += words
        self.bits[f"scratchpad_{kind}"] += bits
        self.pad_bits[kind] += whole
        self.counts.add("scratchpad", action or f"{kind}_bits", whole)

    def wires(self, bit_sides: float) -> None:
        """Count bits times sides of a PE along the links of a tree or between PEs."""
        self.counts.add("noc", "bit_hops", round(bit_sides))

    def add_mesh(self, stage: str, loads: Ints) -> None:
        """Add bits per mesh link, int64 (links), that a stage moves: fill (towards the PEs or
        between them), drain (to the global buffer), load or store (the stash, from and to the
        scratchpads).
        """
        self.counts.add("noc", "bit_hops", int(loads.sum()))
        self.mesh[stage] = self.mesh[stage] + loads if stage in self.mesh else loads

    def finish(self, block_cycles: Ints, timing: ArrayTiming | None, port_wait: int) -> OpPlan:
        """Freeze the plan. ``port_wait`` cycles are spread evenly over the blocks."""
        blocks = len(block_cycles)
        if port_wait:
            shares = np.arange(blocks + 1, dtype=np.int64) * port_wait // blocks
            block_cycles = block_cycles + np.diff(shares)
        return OpPlan(
            self.op,
            self.on_array,
            self.pes,
            block_cycles,
            timing,
            self.mapping,
            tuple(self.loads),
            tuple(self.stores),
            tuple(self.moved),
            self.words,
            self.bits,
            self.counts,
            self.mesh.get("fill"),
            self.mesh.get("drain"),
            port_wait,
            mesh_load=self.mesh.get("load"),
            mesh_store=self.mesh.get("store"),
            ridden=self.ridden,
            chosen=None,
            **self.totals,
        )
