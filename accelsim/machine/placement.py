"""Placement section of a machine: who gets room in the scratchpads, and in which order."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from accelsim.config.describe import join
from accelsim.config.models.problems import Problem, raise_problems
from accelsim.config.models.section import Positive, Section

Kind = Literal["weights", "copies", "feedback", "gradients", "optimizer_state", "stash"]
KINDS: tuple[Kind, ...] = (
    "weights",
    "copies",
    "feedback",
    "gradients",
    "optimizer_state",
    "stash",
)


class PlacementPolicy(Section):
    """Room in the scratchpads: who gets it, in which order."""

    order: tuple[Kind, ...] | None = Field(
        default=None,
        description="Order in which room is given out near memory. `copies`: of weights and of "
        "the feedback placed so far; later feedback gets its copies at once. `gradients`: room "
        "for the largest one is kept free of what follows. `optimizer_state` may spill. `stash`: "
        "unless `stash: buffer`, room for it is kept free of what follows. Each kind once, "
        "`weights` before `copies`. `null`: the canonical mapping takes the order of this list; "
        "`mapping.objective` chooses.",
    )
    copies: Literal["auto"] | Positive = Field(
        default="auto",
        description="Most sets of weights or feedback in the PEs, homes included: `1` gives no "
        "copies, `auto` as many as fit. `mapping.objective` may leave copies of a tensor out.",
    )

    stash: Literal["buffer", "scratchpad", "auto"] | None = Field(
        default=None,
        description="Places of tensors that FF keeps for a later pass, if they have room. "
        "`buffer`: the global buffer, else DRAM; `scratchpad`: free room of scratchpads, else the "
        "global buffer, else DRAM; `auto`: the global buffer, else scratchpads, else DRAM. "
        "`null`: the canonical mapping takes `buffer`; `mapping.objective` chooses.",
    )

    @model_validator(mode="after")
    def _each_kind_once(self) -> PlacementPolicy:
        if self.order is not None and sorted(self.order) != sorted(KINDS):
            rule = f"a list of {join(KINDS, 'and')}, each once"
            raise_problems([Problem(("order",), rule, self.order)])
        return self

    @model_validator(mode="after")
    def _weights_before_copies(self) -> PlacementPolicy:
        order = self.order or KINDS
        copied = "copies" in order and "weights" in order[order.index("copies") :]
        if copied and sorted(order) == sorted(KINDS):
            raise_problems([Problem(("order",), "weights before copies", order)])
        return self
