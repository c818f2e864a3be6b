"""The interface of a PE kind: it maps, times and counts a contraction, and prints its loop nest.

A kind is a folder of this package with a subclass, and one line of
`accelsim.config.registries.PE_KINDS`. Code outside the folder never asks for a kind's name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import NamedTuple

from accelsim.errors import InputError
from accelsim.machine.architecture import Machine
from accelsim.machine.words import word_bits
from accelsim.pe.mapping import Mapping, Route, Transfer
from accelsim.pe.placement import Placement
from accelsim.pe.skipping.setting import skipped
from accelsim.pe.timing import ArrayTiming, TimingModel
from accelsim.step.ops import Contraction, Tensor, Use
from accelsim.zeros.masks import MaskSource

Loops = list[tuple[str, str]]
"""(memory level, line) per loop, outermost first. Loops of one iteration are left out."""


class Tile(NamedTuple):
    """Outputs of a tile, and parallel copies of the stationary operand: groups of PEs that work on
    different positions of the same channels.
    """

    channels: int
    positions: int
    copies: int


class OperandReads(NamedTuple):
    """Words that lanes read from their scratchpads for an op.

    ``moving``, ``stationary``: words of each operand. ``sums``: partial sums read, and written back
    as often. ``indexed``: whether the index of a stationary word is read with it.
    """

    moving: int
    stationary: int
    sums: int = 0
    indexed: bool = True


class PEKind(ABC):
    """One kind of PE, in the array of one machine. Subclasses implement its methods."""

    deals_vectors = True
    """Whether lanes split the moving vector of an outer product into segments."""
    swaps_loops = True
    """Whether a PE may take its channels in turn within a position tile."""

    def __init__(self, architecture: Machine) -> None:
        self.architecture = architecture

    # Interface of a kind

    @abstractmethod
    def tile(self, op: Contraction, placement: Placement) -> Tile:
        """Outputs that the array works on at a time. InputError if the op does not fit."""

    @abstractmethod
    def operand_transfers(self, draft: Mapping, placement: Placement) -> tuple[Transfer, ...]:
        """Transfers of the operands and of partial sums under the canonical mapping."""

    @abstractmethod
    def timing(self, masks: MaskSource) -> TimingModel:
        """The timing model for a run on the zeros of ``masks``."""

    def expected_timing(self, masks: MaskSource) -> TimingModel:
        """The timing model that a choice of mappings uses, before the data come. By default the
        exact one. A kind whose mapping is chosen replaces it by one that knows densities only.
        """
        return self.timing(masks)

    @abstractmethod
    def operand_reads(self, timing: ArrayTiming) -> OperandReads:
        """Words that lanes read from their scratchpads."""

    @abstractmethod
    def loops(self, mapping: Mapping) -> Loops:
        """The loop nest of a mapped op, as text."""

    def stationary_streams(self, mapping: Mapping) -> tuple[int, int] | None:
        """(streams, lanes' streams) of a channel's stationary words, if an operand buffer reads
        them once for all lanes of a PE; None if each lane reads its own.
        """
        return None

    def control_actions(self, timing: ArrayTiming) -> dict[str, int]:
        """Actions of a PE's control, by name.

        Allowed names are those of component ``control`` in `accelsim/cost/machine_prices.py`. Any
        other name raises InputError when the run is priced.
        """
        return {"registers": timing.executed, **timing.actions}

    def map(self, op: Contraction, placement: Placement) -> Mapping:
        """The canonical mapping of an op. Raises InputError as `tile` and `check_tile` do."""
        self.check_tile(op)
        tile, nest = self.tile(op, placement), op.nest
        positions = self.segments(op, tile) if self.deals(op) else nest.positions
        draft = Mapping(
            op,
            placement.pes,
            nest.channels,
            positions,
            tile.channels,
            tile.positions,
            self.fill_positions(op, positions, tile.positions),
            tile.copies,
            (),
            self.reduction_pes(op, placement),
            kept_sums=self.kept_sums(op, tile),
        )
        draft = replace(draft, positions_outermost=self.positions_outermost(draft, placement))
        transfers = (
            *self.operand_transfers(draft, placement),
            *self.needed_transfers(op),
            *self.output_transfers(op, placement),
        )
        return replace(draft, transfers=transfers)

    def deals(self, op: Contraction) -> bool:
        """Whether the lanes split each channel's outer product into segments of the moving
        vector.
        """
        return op.nest.outer_product and self.deals_vectors

    def segments(self, op: Contraction, tile: Tile) -> int:
        """Segments into which lanes split the moving vector of an outer product."""
        return min(tile.positions, op.nest.positions)

    def kept_sums(self, op: Contraction, tile: Tile) -> int:
        """Partial sums that a PE keeps in its scratchpad because its outputs take turns."""
        return 0

    def positions_outermost(self, draft: Mapping, placement: Placement) -> bool:
        """Whether all channel tiles pass for a position tile, not the reverse."""
        return False

    def fill_positions(self, op: Contraction, positions: int, positions_per_tile: int) -> int:
        """Number of positions, in whole tiles, whose moving words are delivered at once."""
        return positions_per_tile

    def reduces(self, op: Contraction) -> bool:
        """Whether PEs multiply with their own weights and sum the partial results over the NoC."""
        return False

    def reduction_pes(self, op: Contraction, placement: Placement) -> int:
        """Number of PEs that share the reduction of each output."""
        return 1

    # Shared by all kinds

    @property
    def near_memory(self) -> bool:
        """Whether weights live in the scratchpads of the PEs."""
        return self.architecture.organization == "near_memory"

    @property
    def working_bits(self) -> int:
        """Bits of a PE's scratchpad that stage operands and sums."""
        return self.architecture.scratchpad.working_bytes * 8

    @property
    def staging_bits(self) -> int:
        """Bits of one half of the global buffer's staging double buffer."""
        return self.architecture.global_buffer.staging_bytes * 8

    def bits(self, tensor: Tensor) -> int:
        """Bits per word of the tensor."""
        return word_bits(tensor, self.architecture)

    def masks_words(self, op: Contraction, use: Use) -> bool:
        """Whether PEs keep a mask bit beside each word of that operand, to skip its zeros."""
        skip = skipped(self.architecture, op)
        return skip.moving if use is Use.MOVING else skip.stationary

    def spread(
        self, op: Contraction, use: Use, route: Route, words: int, deliveries: int, dram_words: int
    ) -> tuple[Transfer, ...]:
        """Split a transfer over the tensors of an operand, in proportion to the words read of them.

        ``deliveries``: the words, each counted once per PE that takes it.
        An operand over a whole sequence has one tensor per time step, a map whose words are
        elsewhere one per source.
        """
        total = elements(op, use)
        transfers, before = [], 0
        for operand in op.operands_of(use):
            tensor, after = operand.tensor, before + operand.words_read
            share, taken, share_dram = (
                amount * after // total - amount * before // total
                for amount in (words, deliveries, dram_words)
            )
            transfers.append(
                Transfer(
                    tensor,
                    route,
                    True,
                    share,
                    self.bits(tensor),
                    taken,
                    share_dram,
                    masked=self.masks_words(op, use),
                )
            )
            before = after
        return tuple(transfers)

    def output_transfers(self, op: Contraction, placement: Placement) -> tuple[Transfer, ...]:
        """Transfers of outputs to their home PEs, or to the global buffer."""
        transfers: list[Transfer] = []
        for tensor in op.made:
            resident, spilled = placement.gradient_split(op, tensor) or (0, tensor.elements)
            bits = self.bits(tensor)
            if resident:
                transfers.append(Transfer(tensor, Route.HOME, False, resident, bits))
            if spilled:
                transfers.append(
                    Transfer(tensor, Route.COLLECT, False, spilled, bits, dram_words=spilled)
                )
        return tuple(transfers)

    def carried_sums(
        self, op: Contraction, words: int, out: Route = Route.HOME, back: Route = Route.HOME
    ) -> tuple[Transfer, ...]:
        """Transfers of partial sums that leave the lanes by route ``out`` and return by ``back``;
        () if none.
        """
        if not words:
            return ()
        sums, psum = op.made[0], self.architecture.precision.psum
        return (
            Transfer(sums, out, False, words, psum, partial=True),
            Transfer(sums, back, True, words, psum, partial=True),
        )

    def streamed_weights(
        self, op: Contraction, words: int, deliveries: int, dram_words: int
    ) -> Transfer:
        """Transfer of the stationary words that a von Neumann machine multicasts."""
        return Transfer(
            op.stationary.tensor,
            Route.MULTICAST,
            True,
            words,
            self.bits(op.stationary.tensor),
            deliveries,
            dram_words,
            masked=self.masks_words(op, Use.STATIONARY),
        )

    def needed_transfers(self, op: Contraction) -> tuple[Transfer, ...]:
        """Transfer of the mask of needed outputs: one bit to the PE of each output."""
        if op.needed is None or not self.architecture.pe_array.skip_outputs:
            return ()
        tensor = op.needed.tensor
        words = tensor.elements
        return (Transfer(tensor, Route.SCATTER, True, words, self.bits(tensor), words, words),)

    def check_tile(self, op: Contraction) -> None:
        """Raise InputError if the operand tile of a PE's lanes does not fit its working space."""
        array = self.architecture.pe_array
        window = array.staged_positions
        operands = sum(
            2 * window * self.bits(operand.tensor) for operand in (op.moving, op.stationary)
        )
        sums = array.outputs_per_pe * self.architecture.precision.psum
        need = -(-(array.lanes * operands + sums) // 8)
        have = self.architecture.scratchpad.working_bytes
        if need > have:
            raise InputError(
                f"scratchpad.working must be >= {need}B to hold the operand tile of {op.name} "
                f"({array.lanes} lanes, two windows of {window} positions each), got {have}B"
            )


def elements(op: Contraction, use: Use) -> int:
    """Number of words of all operands of a use."""
    return sum(operand.words_read for operand in op.operands_of(use))


def turns(name: str, extent: int, step: int) -> str:
    """Text of a loop over ``extent`` in steps of ``step``; empty if it has one iteration."""
    count = -(-extent // step)
    return "" if count == 1 else f"for {name} in {count}" + (f" x {step}" if step > 1 else "")


def written(loops: Loops) -> Loops:
    """The loops with more than one iteration."""
    return [(level, line) for level, line in loops if line]
