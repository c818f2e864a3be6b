"""The leg of the stash between the staging half of the global buffer and scratchpads.

It replaces the leg over the DRAM bus: in an op's load stage, words leave their scratchpads, cross
the NoC and are written to the staging half; in its store stage, the other way round. The PEs share
the words equally, and each moves its own in whole accesses.
"""

from __future__ import annotations

from accelsim.machine.architecture import Machine
from accelsim.machine.words import line_bits
from accelsim.sim.planning.bank_streams import BankStreams
from accelsim.sim.planning.mesh import Mesh
from accelsim.sim.planning.op_plan import Moved, PlanDraft
from accelsim.sim.planning.tree import Tree


class StashLeg:
    """Counts the words of the stash that ops bring from scratchpads or send there."""

    def __init__(self, architecture: Machine, streams: BankStreams) -> None:
        self._width = architecture.scratchpad.width_bits
        self._streams = streams
        self._mesh = Mesh.of(architecture)
        self._tree = Tree.of(architecture)

    def add(self, plan: PlanDraft, moved: Moved) -> None:
        """Count a transfer's words in scratchpads and staging, and their load on the NoC."""
        words, bits, pes = moved.stash_words, moved.stash_bits, moved.stash_pes
        inbound = moved.transfer.inbound
        amount, unit = (bits, 1) if moved.encoded else (words, moved.transfer.bits)
        whole = line_bits(amount, unit, self._width, len(pes))
        plan.pad_access("read" if inbound else "write", words, bits, whole)
        plan.buffer_access("write" if inbound else "read", words, bits)
        stage = "in" if inbound else "out"
        plan.totals[f"staged_{stage}_bits"] += bits
        plan.totals[f"staged_{stage}_wait"] += self._streams.sequential_wait(bits)
        if not inbound:
            plan.totals["words_received"] += words
        if self._mesh is None:
            plan.wires(bits * self._tree.path)
            plan.totals[f"stash_{stage}_bits"] += bits
        elif inbound:
            plan.add_mesh("load", unit * self._mesh.gather(pes, amount))
        else:
            plan.add_mesh("store", unit * self._mesh.spread(pes, amount, 1))
