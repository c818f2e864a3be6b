"""Section `pe_array` of kind coupled."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from accelsim.machine.pe_base import SkippingArray

COUPLED_LANES = 16
STAGING_ROWS = 3
"""Fixed sizes of a PE of coupled lanes, for which its multiplexers are wired (TensorDash, MICRO
2020).
"""


class CoupledArray(SkippingArray):
    """Coupled lanes, as in TensorDash: the 16 lanes of a PE reduce one output cooperatively. Each
    lane chooses among eight positions of a three-row staging buffer.
    """

    kind: Literal["coupled"] = Field(
        description="Zero-skipping; the lanes of a PE reduce one output cooperatively."
    )

    verbs: ClassVar[str] = "accelsim.pe.coupled.kind:Coupled"
    setting: ClassVar[str] = "in an array of coupled lanes"

    @property
    def lanes(self) -> int:
        """Width of the staging buffer."""
        return COUPLED_LANES

    @property
    def staged_positions(self) -> int:
        """Rows of the staging buffer."""
        return STAGING_ROWS
