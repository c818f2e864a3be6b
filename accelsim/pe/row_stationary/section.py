"""Section `pe_array` of kind row_stationary."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from accelsim.machine.pe_base import DenseArray
from accelsim.machine.precision import Precision

Words = Annotated[int, Field(ge=1, le=1 << 16)]
Bus = Annotated[int, Field(ge=1, le=1024)]


class RowStationaryArray(DenseArray):
    """A dense array whose PEs keep kernel rows, fed by one bus per operand. The defaults of
    registers and buses are those of Eyeriss (JSSC 2017).
    """

    kind: Literal["row_stationary"] = Field(description="Dense; PEs keep kernel rows.")
    filter_words: Words = Field(
        default=224,
        description="Stationary words per PE: p filters x q channels x one kernel row.",
    )
    input_words: Words = Field(
        default=12, description="Moving words per PE: windows of q channels."
    )
    psum_words: Words = Field(
        default=24, description="Partial sums per PE: one for each of p filters."
    )
    filter_bus: Bus = Field(
        default=4,
        description="Stationary words that reach the PEs per cycle, each for one row of a set.",
    )
    input_bus: Bus = Field(
        default=1,
        description="Moving words that reach the PEs per cycle, each for one diagonal of sets.",
    )
    psum_bus: Bus = Field(
        default=4,
        description="Partial sums that reach the PEs per cycle. As many leave per cycle over a "
        "separate bus.",
    )

    verbs: ClassVar[str] = "accelsim.pe.row_stationary.kind:RowStationary"
    setting: ClassVar[str] = "with a row-stationary array"
    keeps_sums: ClassVar[bool] = False
    register_keys: ClassVar[tuple[str, ...]] = ("filter_words", "input_words", "psum_words")

    def register_bits(self, precision: Precision) -> int:
        """Bits of a PE's filter, input and psum registers, each at its widest operand."""
        stationary = max(precision.weight, precision.error, precision.feedback)
        moving = max(precision.activation, precision.error)
        return (
            self.filter_words * stationary
            + self.input_words * moving
            + self.psum_words * precision.psum
        )
