"""Word sizes of a machine."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from accelsim.config.models.section import Bits, Section


class Precision(Section):
    """Word sizes in bits by operand role, and what their bits mean."""

    number_format: Literal["integer", "float", "bfloat"] = Field(
        default="integer",
        description="Numbers of the arithmetic, at the widths below: `integer` (int4 to int32), "
        "IEEE `float` (fp8, fp16, fp32), or `bfloat`, with the exponent of fp32 (bf16). It prices "
        "multipliers, adders and the vector unit.",
    )

    weight: Bits = Field(default=16, description="Weights and batch-norm parameters.")
    activation: Bits = Field(default=16, description="Forward activations.")
    error: Bits = Field(
        default=16, description="Errors: gradients of the loss with respect to a layer's output."
    )
    gradient: Bits = Field(default=16, description="Weight gradients between WG and WU.")
    feedback: Bits = Field(default=16, description="Fixed feedback weights of the DFA family.")
    psum: Bits = Field(default=32, description="Partial sums, in the lanes and in transfers.")
    optimizer_state: Bits = Field(
        default=16,
        description="One word of optimizer state (momentum keeps one per weight, Adam two).",
    )
