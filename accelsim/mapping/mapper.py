"""Op x architecture -> mapping: the canonical mapping of DESIGN section 4, and the words it moves
over each route.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from accelsim.errors import InputError
from accelsim.machine.architecture import Architecture
from accelsim.machine.words import word_bits
from accelsim.mapping.residency import Home, Residency, slice_bytes
from accelsim.pe.mapping import Mapping, Route, Transfer
from accelsim.pe.row_stationary.passes import row_limits, row_mapping
from accelsim.pe.row_stationary.traffic import row_traffic
from accelsim.pe.systolic.section import SystolicArray
from accelsim.pe.systolic.traffic import fold_traffic, matrix_product
from accelsim.step.geometry import bounds_of
from accelsim.step.ops import Op, Operand, OpKind, Pass, Tensor, Use


@dataclass(frozen=True)
class Extents:
    """Output channels and positions of an op, and the words of one output's reduction."""

    channels: int
    positions: int
    reduction: int


def extents(op: Op) -> Extents:
    """Outputs and reduction of a contraction, by pass (DESIGN 4: output channels are C in EP; in WG
    rows are K, lanes (R, S, C)).
    """
    b = bounds_of(op)
    if op.kind is OpKind.FEEDBACK:
        return Extents(b.k, b.n * b.p * b.q, b.nonzeros or b.c)
    if op.pass_ is Pass.EP:
        return Extents(b.c, b.n * b.h * b.w, b.r * b.s * (b.k // b.groups))
    if op.pass_ is Pass.WG:
        return Extents(b.k, b.r * b.s * (b.c // b.groups), b.n * b.p * b.q)
    return Extents(b.k, b.n * b.p * b.q, b.r * b.s * (b.c // b.groups))


class Mapper:
    """Maps the ops of one step onto one architecture, given where tensors live."""

    def __init__(self, architecture: Architecture, residency: Residency) -> None:
        self._architecture = architecture
        self._residency = residency
        self._pes = residency.pes_per_partition

    def map(self, op: Op) -> Mapping:
        """The op's mapping. InputError when the operand tile of a PE's lanes cannot fit its working
        space even alone.
        """
        outputs = extents(op)
        self._check_tile(op)
        channels_per_tile, positions_per_tile, copies = self.tile_shape(op, outputs)
        if self._deals(op):
            outputs = Extents(
                outputs.channels, min(positions_per_tile, outputs.positions), outputs.reduction
            )
        fill = self._fill_positions(op, outputs, positions_per_tile)
        shared = min(bounds_of(op).k, self._pes) if self.reduces(op) else 1
        draft = Mapping(
            op,
            self._pes,
            outputs.channels,
            outputs.positions,
            channels_per_tile,
            positions_per_tile,
            fill,
            copies,
            (),
            shared,
        )
        if self._architecture.pe_array.keeps_rows:
            return replace(draft, transfers=(*self._row_passes(op), *self.output_transfers(op)))
        if self._systolic:
            return replace(draft, transfers=(*self._folded(op), *self.output_transfers(op)))
        return replace(
            draft,
            transfers=(
                *self._moving(draft),
                *self._stationary(draft, outputs),
                *self.needed_transfers(op),
                *self.output_transfers(op),
            ),
        )

    @property
    def pes(self) -> int:
        """PEs that an op has: those of one partition."""
        return self._pes

    def home(self, tensor: Tensor) -> Home | None:
        """Where the tensor lives in the scratchpads, or None."""
        return self._residency.home(tensor)

    def bits(self, tensor: Tensor) -> int:
        """Bits of a word of the tensor."""
        return word_bits(tensor, self._architecture)

    @property
    def near_memory(self) -> bool:
        """Whether weights live in the PEs."""
        return self._architecture.organization == "near_memory"

    @property
    def _systolic(self) -> bool:
        """Systolic PEs keep nothing between folds: operands pass through registers."""
        return not self._architecture.pe_array.skips

    @property
    def working_bits(self) -> int:
        """Bits of a PE's scratchpad in which operands and sums are staged."""
        return self._architecture.scratchpad.working_bytes * 8

    def _moving_room(self, op: Op) -> int:
        """Bits of a PE's working space for moving words: half of it where stationary words are
        staged there too.

        WG's windows count the errors beside them, so it has all of it.
        """
        staged = not self.near_memory or (
            self.transposed(op) and self.transpose_policy(op) == "remote_read"
        )
        return self.working_bits // 2 if staged and op.pass_ is not Pass.WG else self.working_bits

    def _check_tile(self, op: Op) -> None:
        array = self._architecture.pe_array
        window = array.staged_positions
        operands = sum(
            2 * window * self.bits(operand_of(op, use).tensor)
            for use in (Use.MOVING, Use.STATIONARY)
        )
        need = -(
            -(array.lanes * operands + array.outputs_per_pe * self._architecture.precision.psum)
            // 8
        )
        have = self._architecture.scratchpad.working_bytes
        if need > have:
            raise InputError(
                f"scratchpad.working must be >= {need}B to hold the operand tile of {op.name} "
                f"({array.lanes} lanes, two windows of {window} positions each), got {have}B"
            )

    def tile_shape(self, op: Op, outputs: Extents) -> tuple[int, int, int]:
        """Channels and positions of a tile, and copies of the stationary operand."""
        array = self._architecture.pe_array
        if self.reduces(op):
            copies = max(1, self._pes // bounds_of(op).k)
            return array.outputs_per_pe, copies, copies
        if self.near_memory:
            copies = max(1, self._pes // outputs.channels)
            home = self._residency.home(operand_of(op, Use.STATIONARY).tensor)
            if home is not None and self._reads_at_home(op):
                copies = min(copies, home.copies)
            return min(self._pes, outputs.channels), array.outputs_per_pe * copies, copies
        rows = min(array.rows, self._pes)
        return rows, (self._pes // rows) * array.outputs_per_pe, 1

    def _deals(self, op: Op) -> bool:
        """Whether lanes take the moving vector of an outer product in segments; coupled ones reduce
        each of its outputs over the samples.
        """
        return op.kind is OpKind.OUTER and not self._architecture.pe_array.couples_lanes

    def reduces(self, op: Op) -> bool:
        """Whether each PE multiplies with the weights it holds and partial sums meet over the
        NoC.
        """
        return self.transposed(op) and self.transpose_policy(op) == "psum_reduce"

    def _reads_at_home(self, op: Op) -> bool:
        """Whether each PE multiplies with whole channels of weights that it, or a spare PE, has:
        FF, and EP through a fixed convolution.
        """
        return op.pass_ is Pass.FF or (op.fixed_feedback and op.kind is not OpKind.FEEDBACK)

    def transposed(self, op: Op) -> bool:
        """Whether the op needs the transpose of weights that have homes: EP of BP on a near-memory
        machine; fixed feedback has none.
        """
        return op.pass_ is Pass.EP and not op.fixed_feedback and self.near_memory

    def transpose_policy(self, op: Op) -> str:
        """The machine's policy; a grouped convolution has too few PEs that share a reduction, so it
        fetches instead of reducing.
        """
        policy = self._architecture.near_memory.transpose
        return "remote_read" if policy == "psum_reduce" and bounds_of(op).groups > 1 else policy

    def _fill_positions(self, op: Op, outputs: Extents, positions_per_tile: int) -> int:
        """Positions whose new moving words fit half the working space: each position of a row
        brings one column of channels.
        """
        b = bounds_of(op)
        moving = operand_of(op, Use.MOVING).tensor
        column_words = (
            b.k if op.pass_ is Pass.EP and op.kind is not OpKind.FEEDBACK else b.c
        ) // b.groups
        fitting = self.working_bits // 2 // max(1, column_words * self.bits(moving))
        return max(1, min(fitting, outputs.positions) // positions_per_tile) * positions_per_tile

    def _moving(self, draft: Mapping) -> tuple[Transfer, ...]:
        """The moving operand, multicast to the PEs: once if the PEs keep what they will need again,
        else again each time.
        """
        op = draft.op
        tensor = operand_of(op, Use.MOVING).tensor
        bits = self.bits(tensor)
        b = bounds_of(op)
        named = b.n * b.k * b.p * b.q * b.nonzeros
        if op.kind is OpKind.FEEDBACK and b.nonzeros and named < b.n * b.c:
            # Fewer errors are named by rows of B than there are: each neuron is sent its own.
            return self.spread(op, Use.MOVING, Route.SCATTER, named, 1, named)
        unique, per_pass, streamed = self._words_a_pass(op, bits)
        if self.reduces(op):
            # Each PE needs the errors of its own channels alone, again for each tile of outputs if
            # it cannot keep them.
            kept = unique * bits <= self.working_bits // 2 * draft.reduction_pes
            words = unique if kept else streamed * draft.channel_tiles
            return self.spread(op, Use.MOVING, Route.SCATTER, words, draft.copies, unique)
        # A word goes to the groups of PEs whose positions use it: at most as many as there are
        # positions that do.
        groups = draft.pes // draft.channels_per_tile
        receivers = draft.channels_per_tile * (
            groups if op.kind is OpKind.FEEDBACK else min(groups, -(-streamed // max(1, per_pass)))
        )
        if unique * bits <= self._moving_room(op):
            return self.spread(op, Use.MOVING, Route.MULTICAST, unique, receivers, unique)
        staged = (
            unique // (b.n if self.near_memory else 1) * bits
            <= self._architecture.global_buffer.staging_bytes * 8
        )
        # A token of a broadcast serves all channels that PEs have accumulators for.
        together = self._architecture.accumulators if self._architecture.pe_array.broadcasts else 1
        passes = -(-draft.channel_tiles // together)
        dram_words = unique * (1 if staged else passes)
        return self.spread(
            op, Use.MOVING, Route.MULTICAST, per_pass * passes, receivers, dram_words
        )

    def spread(
        self, op: Op, use: Use, route: Route, words: int, receivers: int, dram_words: int
    ) -> tuple[Transfer, ...]:
        """One transfer a tensor: an operand over a whole sequence is one tensor a time step, each
        with its share of the words.
        """
        tensors = [operand.tensor for operand in op.operands if operand.use is use]
        total = sum(tensor.elements for tensor in tensors)
        transfers, before = [], 0
        for tensor in tensors:
            after = before + tensor.elements
            share, share_dram = (
                amount * after // total - amount * before // total for amount in (words, dram_words)
            )
            transfers.append(
                Transfer(
                    tensor,
                    route,
                    True,
                    share,
                    self.bits(tensor),
                    receivers,
                    share_dram,
                    masked=self.skipped(op, use),
                )
            )
            before = after
        return tuple(transfers)

    def skipped(self, op: Op, use: Use) -> bool:
        """Whether lanes skip the zeros of that operand in the op's pass and need a mask for it:
        stored words of a broadcast array have indices.
        """
        array = self._architecture.pe_array
        if array.broadcasts and use is Use.STATIONARY:
            return False
        mode = getattr(array.skip, op.pass_.value.lower())
        return array.skips and mode in {"both", use.value}

    def needed_transfers(self, op: Op) -> tuple[Transfer, ...]:
        """The mask of the outputs that f' leaves, a bit to the PE of each."""
        operand = op.operand(Use.NEEDED)
        if operand is None or not self._architecture.pe_array.skip_outputs:
            return ()
        words = operand.tensor.elements
        return (
            Transfer(
                operand.tensor, Route.SCATTER, True, words, self.bits(operand.tensor), 1, words
            ),
        )

    def _folded(self, op: Op) -> tuple[Transfer, ...]:
        """Operands and partial sums of a systolic array, which keeps nothing between folds but what
        its dataflow names.
        """
        b, product = bounds_of(op), matrix_product(op)
        array = SystolicArray.of(self._architecture.pe_array)
        rows = min(array.rows, self._pes)
        found = fold_traffic(
            product.m, product.n, product.k, rows, self._pes // rows, array.dataflow
        )
        streamed = b.n * b.c if op.kind is OpKind.FEEDBACK else moving_words(op)[2]
        moving, stationary = (
            sum(operand.tensor.elements for operand in op.operands if operand.use is use)
            for use in (Use.MOVING, Use.STATIONARY)
        )
        staging = self._architecture.global_buffer.staging_bytes * 8
        dram_words = [
            words * (1 if words * self.bits(operand_of(op, use).tensor) <= staging else passes)
            for use, words, passes in (
                (Use.MOVING, moving, found.moving_passes),
                (Use.STATIONARY, stationary, found.stationary_passes),
            )
        ]
        sums, psum = op.outputs[0], self._architecture.precision.psum
        partial = found.partial_sums * product.groups
        carried = (
            Transfer(sums, Route.COLLECT, False, partial, psum, partial=True),
            Transfer(sums, Route.SCATTER, True, partial, psum, partial=True),
        )
        return (
            *self.spread(
                op, Use.MOVING, Route.SCATTER, streamed * found.moving_passes, 1, dram_words[0]
            ),
            *self.spread(
                op,
                Use.STATIONARY,
                Route.SCATTER,
                stationary * found.stationary_passes,
                1,
                dram_words[1],
            ),
            *(carried if partial else ()),
        )

    def _row_passes(self, op: Op) -> tuple[Transfer, ...]:
        """Operands and partial sums of a row-stationary array, pass by pass."""
        room, psum = (
            self._architecture.global_buffer.staging_bytes * 8,
            self._architecture.precision.psum,
        )
        bits = self.bits(operand_of(op, Use.MOVING).tensor)
        found = row_traffic(
            op,
            row_mapping(op, self._architecture, self._pes),
            bits,
            psum,
            row_limits(self._architecture)[6],
        )
        transfers: list[Transfer] = []
        for use, words, receivers, passes in (
            (Use.MOVING, found.input_words, found.input_receivers, found.input_passes),
            (Use.STATIONARY, found.filter_words, found.filter_receivers, found.filter_passes),
        ):
            elements = sum(operand.tensor.elements for operand in op.operands if operand.use is use)
            staged = elements * self.bits(operand_of(op, use).tensor) <= room
            transfers += self.spread(
                op, use, Route.MULTICAST, words, receivers, elements * (1 if staged else passes)
            )
        sums = op.outputs[0]
        carried = (
            (
                Transfer(sums, Route.COLLECT, False, found.partial_sums, psum, partial=True),
                Transfer(sums, Route.SCATTER, True, found.partial_sums, psum, partial=True),
            )
            if found.partial_sums
            else ()
        )
        climbed = (
            (Transfer(sums, Route.REDUCE, True, found.chain_sums, psum, partial=True),)
            if found.chain_sums
            else ()
        )
        return (*transfers, *carried, *climbed)

    def _words_a_pass(self, op: Op, bits: int) -> tuple[int, int, int]:
        """Moving words: distinct; sent in one pass over the channels, more where PEs cannot keep
        what they need again; with every use sent.
        """
        if op.kind is OpKind.FEEDBACK:
            words = bounds_of(op).n * bounds_of(op).c
            return words, words, words
        unique, again_per_row, again_per_tap = moving_words(op)
        if self._row_window_words(op) * bits <= self._moving_room(op):
            return unique, unique, again_per_tap
        if op.pass_ is not Pass.WG and self._column_window_words(op) * bits <= self._moving_room(
            op
        ):
            return unique, again_per_row, again_per_tap
        return unique, again_per_tap, again_per_tap

    def _row_window_words(self, op: Op) -> int:
        """Words that a PE must keep so that no moving word is sent twice in a pass: whole rows of
        the kernel's height.
        """
        b = bounds_of(op)
        if op.pass_ is Pass.WG:
            return (
                b.n * b.h * b.w * min(b.c // b.groups, self._architecture.pe_array.outputs_per_pe)
                + b.n * b.p * b.q
            )
        width, channels = (b.q, b.k) if op.pass_ is Pass.EP else (b.w, b.c)
        return ((b.r - 1) * b.dilation[0] + 1) * width * channels

    def _column_window_words(self, op: Op) -> int:
        """Words that a PE must keep so that words are sent again only for each kernel row: a window
        of the kernel's width.
        """
        b = bounds_of(op)
        return ((b.s - 1) * b.dilation[1] + 1) * (b.k if op.pass_ is Pass.EP else b.c)

    def _stationary(self, draft: Mapping, outputs: Extents) -> tuple[Transfer, ...]:
        """The stationary operand, where the PEs that need it are not its home."""
        op = draft.op
        again, sums = self._staging(draft, outputs)
        if op.pass_ is Pass.WG:
            elements = sum(
                operand.tensor.elements for operand in op.operands if operand.use is Use.STATIONARY
            )
            return (
                *self.spread(
                    op,
                    Use.STATIONARY,
                    Route.SCATTER,
                    elements * again,
                    self._groups(draft),
                    elements * again,
                ),
                *sums,
            )
        tensor = operand_of(op, Use.STATIONARY).tensor
        bits = self.bits(tensor)
        if not self.near_memory:
            staged = (
                tensor.elements // draft.channel_tiles * bits
                <= self._architecture.global_buffer.staging_bytes * 8
            )
            receivers = self._groups(draft)
            fetched = tensor.elements * (1 if staged else again)
            masked = self.skipped(op, Use.STATIONARY)
            return (
                Transfer(
                    tensor,
                    Route.MULTICAST,
                    True,
                    tensor.elements * again,
                    bits,
                    receivers,
                    fetched,
                    masked=masked,
                ),
                *sums,
            )
        if op.fixed_feedback and self._architecture.near_memory.feedback == "prng":
            return ()
        home = self._residency.home(tensor)
        resident, spilled = (home.resident, home.spilled) if home else (0, tensor.elements)
        transfers: list[Transfer] = []
        if spilled:
            transfers.append(
                Transfer(
                    tensor,
                    Route.SCATTER,
                    True,
                    spilled * again,
                    bits,
                    self._groups(draft),
                    spilled * again,
                    spilled=True,
                )
            )
        if self.transposed(op) and self.transpose_policy(op) == "remote_read":
            transfers.append(
                Transfer(tensor, Route.PEER, True, resident * again, bits, self._groups(draft))
            )
        if transfers:
            transfers += sums
        if draft.reduction_pes > 1:
            partial_sums = draft.channels * draft.positions * (draft.reduction_pes - 1)
            transfers.append(
                Transfer(
                    tensor,
                    Route.REDUCE,
                    True,
                    partial_sums,
                    self._architecture.precision.psum,
                    partial=True,
                )
            )
        return tuple(transfers)

    def _groups(self, draft: Mapping) -> int:
        """Groups of PEs that work on different positions of the same channels, and so need the same
        stationary words.
        """
        if draft.reduction_pes > 1:
            return draft.copies
        together = self._architecture.pe_array.outputs_per_pe
        return min(draft.positions_per_tile // together, -(-draft.positions // together))

    def _staging(self, draft: Mapping, outputs: Extents) -> tuple[int, tuple[Transfer, ...]]:
        """How often staged stationary words come to the PEs, and the partial sums that travel
        between lanes and scratchpad for it.

        Once, where half the working space holds what one channel's outputs reduce over. Else they
        come in chunks, over each of which the PEs carry the partial sums of as many tiles as have
        room beside it; the chunks come again for every such group of tiles. FF and EP leave half of
        the space to the moving operand; WG's moving words are not kept then.
        """
        op, tensor = draft.op, operand_of(draft.op, Use.STATIONARY).tensor
        b = bounds_of(op)
        # A row of a feedback matrix serves one neuron: it comes again for further samples alone.
        tiles = (
            -(-b.n // draft.positions_per_tile)
            if op.kind is OpKind.FEEDBACK
            else draft.position_tiles
        )
        if self._deals(op):
            return 1, ()
        reduced_bits = outputs.reduction * self.bits(tensor)
        if reduced_bits <= self.working_bits // 2 or tiles == 1:
            return 1, ()
        room = self.working_bits // (2 if op.pass_ is Pass.WG else 4)
        psum = self._architecture.precision.psum
        together = max(1, room // (self._architecture.pe_array.outputs_per_pe * psum))
        carried = draft.channels * draft.positions * (-(-reduced_bits // room) - 1)
        sums = op.outputs[0]
        transfers = tuple(
            Transfer(sums, Route.HOME, inbound, carried, psum, partial=True)
            for inbound in (False, True)
        )
        return -(-tiles // together), transfers

    def output_transfers(self, op: Op) -> tuple[Transfer, ...]:
        transfers: list[Transfer] = []
        for tensor in op.outputs:
            resident, spilled = self.gradient_split(op, tensor) or (0, tensor.elements)
            if resident:
                transfers.append(Transfer(tensor, Route.HOME, False, resident, self.bits(tensor)))
            if spilled:
                transfers.append(
                    Transfer(
                        tensor, Route.COLLECT, False, spilled, self.bits(tensor), dram_words=spilled
                    )
                )
        return tuple(transfers)

    def gradient_split(self, op: Op, tensor: Tensor) -> tuple[int, int] | None:
        """(resident, spilled) words of a gradient that stays with its weights; None when the tensor
        has no home.
        """
        if (
            not self.near_memory
            or not tensor.home_channels
            or op.layer not in self._residency.partition_of
        ):
            return None
        if tensor.name in self._residency.fused_gradients:
            return tensor.elements, 0
        need = slice_bytes(tensor, self._pes, self.bits(tensor))
        free = self._residency.free_bytes[self._residency.partition_of[op.layer]]
        resident = tensor.elements * min(need, free) // need
        return resident, tensor.elements - resident


def moving_words(op: Op) -> tuple[int, int, int]:
    """Moving words a pass: each once; again for every kernel row; again for every kernel position
    (only taps inside the map).
    """
    b = bounds_of(op)
    rows = sum(_taps_inside(b.p, b.h, b.r, b.stride[0], b.padding[0], b.dilation[0]))
    cols = sum(_taps_inside(b.q, b.w, b.s, b.stride[1], b.padding[1], b.dilation[1]))
    if op.pass_ is Pass.EP:
        return b.n * b.p * b.q * b.k, b.n * rows * b.q * b.k, b.n * rows * cols * b.k
    return b.n * b.h * b.w * b.c, b.n * rows * b.w * b.c, b.n * rows * cols * b.c


def _taps_inside(
    outputs: int, size: int, kernel: int, stride: int, padding: int, dilation: int
) -> list[int]:
    return [
        sum(0 <= out * stride + tap * dilation - padding < size for tap in range(kernel))
        for out in range(outputs)
    ]


def operand_of(op: Op, use: Use) -> Operand:
    """The first operand of that use; ValueError when there is none."""
    operand = op.operand(use)
    if operand is None:
        raise ValueError(f"{op.name}: a contraction needs a {use.value} operand")
    return operand
