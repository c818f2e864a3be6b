"""Word sizes of a machine."""

from __future__ import annotations

from pydantic import Field

from accelsim.config.models.section import Bits, Section


class Precision(Section):
    """Word sizes in bits by operand role."""

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
