"""Section `pe_array` of kind broadcast."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from accelsim.config.models.section import Lanes
from accelsim.config.models.units import Bytes
from accelsim.machine.pe_base import SkippingArray


class BroadcastArray(SkippingArray):
    """PEs with FIFOs, as in EIE. Each non-zero moving word is broadcast, and a PE walks its part of
    that word's compressed column. A PE skips either all of its outputs of a position or none.
    """

    kind: Literal["broadcast"] = Field(
        description="Zero-skipping; moving words are broadcast into a FIFO of each PE."
    )
    lanes: Lanes = Field(default=1, description="Multiply-accumulate lanes per PE.")
    fifo_depth: Annotated[int, Field(ge=1, le=1024)] = Field(
        default=8,
        description="Slots per FIFO, the word in service included. EIE (ISCA 2016) has 8.",
    )
    index_bits: Annotated[int, Field(ge=1, le=16)] = Field(
        default=4,
        description="Bits of the relative index beside each stored word of a stationary operand "
        "whose zeros are skipped: the number of zeros before it in its PE's part of "
        "the column. Longer runs take padding zeros, stored words that cost a cycle "
        "each. EIE has 4.",
    )

    pointer_memory: Annotated[Bytes, Field(ge=4, le=1 << 24)] | None = Field(
        default=None,
        description="Memory of a PE for pointers to compressed columns, in two banks of 16 bits, "
        "which read the two ends of a column at once. `null`: pointers are in the scratchpad.",
    )

    verbs: ClassVar[str] = "accelsim.pe.broadcast.kind:Broadcast"
    setting: ClassVar[str] = "in an array with FIFOs"
    takes_words_from_fifos: ClassVar[bool] = True
    # PEs with other output channels would each need their own tokens.
    reduces_over_pes: ClassVar[bool] = False
    # A token serves all channels, and a vector ends before the next one begins, so no tiling choice
    # is left.
    has_fixed_mapping: ClassVar[bool] = True

    @property
    def relative_index_bits(self) -> int:
        """Bits of a relative index: key `index_bits`."""
        return self.index_bits

    @property
    def pointer_memory_bytes(self) -> int:
        """Key `pointer_memory`."""
        return self.pointer_memory or 0
