"""Section `pe_array` of kind systolic."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from accelsim.machine.pe_base import DenseArray


class SystolicArray(DenseArray):
    """A dense array whose operands pass from PE to neighbouring PE."""

    kind: Literal["systolic"] = Field(description="Dense; operands pass from PE to PE.")
    dataflow: Literal["output_stationary", "weight_stationary", "input_stationary"] = Field(
        default="output_stationary", description="Operand that stays in the PEs during a fold."
    )

    verbs: ClassVar[str] = "accelsim.pe.systolic.kind:Systolic"
    setting: ClassVar[str] = "with a systolic array"
    passes_operands: ClassVar[bool] = True
