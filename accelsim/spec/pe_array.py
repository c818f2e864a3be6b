"""The PE array of a machine: its timing model and what each of them can do."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from accelsim.spec.problems import Problem, raise_problems
from accelsim.spec.section import Lanes, Section, Side

Skip = Literal["moving", "stationary", "both", "none"]


class SkipByPass(Section):
    """Which operand's zeros a lane skips, pass by pass."""

    ff: Skip = Field(default="both", description="Feed-forward: moving operand is the activation, stationary the weight.")
    ep: Skip = Field(default="both", description="Error propagation: moving is the error, stationary the (transposed or feedback) weight.")
    wg: Skip = Field(default="both", description="Weight gradient: moving is the activation, stationary the error.")


class PEArray(Section):
    """The array of processing elements (PEs) and the timing model of their lanes."""

    kind: Literal["lanes", "systolic"] = Field(
        description="Timing model: `lanes` (zero-skipping, each lane reduces one output) or `systolic` (dense).",
    )
    rows: Side = Field(description="Rows of PEs.")
    cols: Side = Field(description="Columns of PEs.")
    lanes: Lanes = Field(default=1, description="Multiply-accumulate lanes of a PE. A systolic PE has one.")
    window: Annotated[int, Field(ge=1, le=64)] = Field(
        default=16,
        description="Positions of its stream that a lane sees in a cycle; it takes the first effectual one.",
    )
    skip: SkipByPass = Field(default_factory=SkipByPass, description="Zero skipping, selectable per pass (`lanes`); a systolic array skips nothing.")
    skip_outputs: bool = Field(default=True, description="Do not schedule outputs whose activation derivative is zero (EP of `lanes` only).")
    structural_zeros: Literal["removed", "window"] = Field(
        default="removed",
        description="`removed`: the address generator never visits stride, dilation and group zeros. `window`: they are in the stream and pass "
        "through the window like any zero: WG streams the stride zeros between errors, and EP's stride zeros, which are MACs, are executed and "
        "gated where `skip.ep` does not skip the error.",
    )
    gating: bool = Field(
        default=True,
        description="An executed MAC with a zero operand keeps its cycle but is gated: it costs the gated energy and reads no operands.",
    )
    dataflow: Literal["output_stationary", "weight_stationary", "input_stationary"] = Field(
        default="output_stationary",
        description="Dataflow of a systolic array; lanes are output stationary.",
    )

    @model_validator(mode="before")
    @classmethod
    def _systolic_defaults(cls, data: Any) -> Any:
        """A systolic array is dense: what the file leaves out is off instead of on."""
        if isinstance(data, dict) and data.get("kind") == "systolic":
            none, given = {"ff": "none", "ep": "none", "wg": "none"}, data.get("skip", {})
            return {"skip_outputs": False, **data, "skip": {**none, **given} if isinstance(given, dict) else given}
        return data

    @model_validator(mode="after")
    def _fits_kind(self) -> PEArray:
        kind = (("kind",),)
        problems = []
        if self.kind == "systolic":
            if self.lanes != 1:
                problems.append(Problem(("lanes",), "1 in a systolic array", self.lanes, kind))
            skipped = (("ff", self.skip.ff), ("ep", self.skip.ep), ("wg", self.skip.wg))
            problems += [Problem(("skip", pass_), "none in a systolic array", what, kind) for pass_, what in skipped if what != "none"]
            if self.skip_outputs:
                problems.append(Problem(("skip_outputs",), "false in a systolic array", self.skip_outputs, kind))
        elif self.dataflow != "output_stationary":
            problems.append(Problem(("dataflow",), "output_stationary in an array of lanes", self.dataflow, kind))
        raise_problems(problems)
        return self

    @property
    def skips(self) -> bool:
        """Whether zeros can be skipped at all."""
        return self.kind != "systolic"
