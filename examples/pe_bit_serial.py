"""A kind of PE array as a plug-in: lanes that take a moving word bit by bit, as Stripes does (Judd
et al. 2016). Its timing model, its verbs and its section of a machine's file.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from accelsim import plugin
from accelsim.machine.pe_base import DenseArray, Organization
from accelsim.machine.precision import Precision
from accelsim.pe.kind import Loops
from accelsim.pe.mapping import Mapping
from accelsim.pe.skipping.array import SkippingArray
from accelsim.pe.skipping.loops import reduction_loop, spatial_loops, tile_loops
from accelsim.pe.timing import ArrayTiming, TimingModel
from accelsim.zeros.effectual import effectual_macs
from accelsim.zeros.masks import MaskSource


class BitSerial(SkippingArray):
    """Outputs are mapped as those of zero-skipping lanes, but no zero is skipped."""

    deals_vectors = False

    def turns(self, mapping: Mapping) -> int:
        """Cycles of a MAC."""
        per_cycle = BitSerialArray.of(self.architecture.pe_array).bits_per_cycle
        return -(-self.bits(mapping.op.moving.tensor) // per_cycle)

    def timing(self, masks: MaskSource) -> TimingModel:
        return BitSerialTiming(self, masks)

    def control_actions(self, timing: ArrayTiming) -> dict[str, int]:
        """Registers shift in every cycle of a MAC; there is no window to select from."""
        return {"registers": timing.busy + timing.window_empty, **timing.actions}

    def loops(self, mapping: Mapping) -> Loops:
        bits = [("lanes", f"for bits in {self.turns(mapping)}")]
        return [*tile_loops(mapping), *spatial_loops(mapping), *reduction_loop(mapping), *bits]


class BitSerialTiming(TimingModel):
    """Lanes walk their reductions in lockstep: a tile takes cycles = reduction * turns of a word.
    Positions in the padding take their cycles without a MAC.
    """

    def __init__(self, kind: BitSerial, masks: MaskSource) -> None:
        super().__init__(kind.architecture, masks)
        self._kind = kind

    def time(self, mapping: Mapping, blocks: int) -> ArrayTiming:
        op, turns = mapping.op, self._kind.turns(mapping)
        tiles, walk = mapping.channel_tiles * mapping.position_tiles, op.nest.reduction * turns
        blocks = min(blocks, tiles)
        shares = np.arange(blocks + 1, dtype=np.int64) * tiles // blocks * walk
        outputs, executed = mapping.channels * mapping.positions, op.dense_macs
        effectual = effectual_macs(op, self.masks)
        return ArrayTiming(
            block_cycles=np.diff(shares),
            outputs=outputs,
            effectual=effectual,
            executed=executed,
            gated=executed - effectual if self.architecture.pe_array.gating else 0,
            busy=executed,
            window_empty=executed * (turns - 1),
            imbalance=outputs * walk - executed * turns,
            idle=(tiles * mapping.pes - outputs) * walk,
            mask_bits=0,
            runs={op.nest.reduction: outputs},
            in_order=True,
        )


@plugin.pe_kind
class BitSerialArray(DenseArray):
    """A dense array that takes some bits of the moving word per cycle."""

    kind: Literal["bit_serial"] = Field(description="Dense, moving words enter bit by bit.")
    bits_per_cycle: Annotated[int, Field(ge=1, le=16)] = Field(
        default=2, description="Bits of a moving word that a PE takes per cycle."
    )

    verbs: ClassVar[type[BitSerial]] = BitSerial
    setting: ClassVar[str] = "with a bit-serial array"
    organizations: ClassVar[tuple[Organization, ...]] = ("near_memory", "von_neumann")
    reduces_over_pes: ClassVar[bool] = False
    has_fixed_mapping: ClassVar[bool] = False

    def cycles_per_mac(self, precision: Precision) -> int:
        """For the peak rate that `accelsim show` prints."""
        return -(-precision.activation // self.bits_per_cycle)
