"""The machine: every field of an architecture YAML, documented once, here. `docs/architecture.md` is generated from it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from accelsim.spec.problems import Problem, raise_problems
from accelsim.spec.units import Bytes, Hertz

Positive = Annotated[int, Field(ge=1, le=1 << 16)]
"""A count. Upper bounds here and below refuse slips of the pen before they become hours of simulation or all of a computer's memory."""
Side = Annotated[int, Field(ge=1, le=4096)]
Lanes = Annotated[int, Field(ge=1, le=1024)]
Channels = Annotated[int, Field(ge=1, le=256)]
Bits = Annotated[int, Field(ge=1, le=64)]
Capacity = Annotated[Bytes, Field(ge=1, le=1 << 40)]
Skip = Literal["moving", "stationary", "both", "none"]


class Section(BaseModel):
    """A mapping of the YAML: fixed keys, no coercion, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Precision(Section):
    """Word sizes in bits by operand role."""

    weight: Bits = Field(default=16, description="Weights, and batch-norm parameters.")
    activation: Bits = Field(default=16, description="Activations, forward.")
    error: Bits = Field(default=16, description="Errors: gradients of the loss by a layer's output.")
    gradient: Bits = Field(default=16, description="Weight gradients between WG and WU.")
    feedback: Bits = Field(default=16, description="Fixed feedback weights of the DFA family.")
    psum: Bits = Field(default=32, description="Partial sums in the lanes, and wherever they travel.")
    optimizer_state: Bits = Field(default=16, description="One word of the optimizer's state (momentum keeps one a weight, Adam two).")


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


class Scratchpad(Section):
    """The memory inside each PE."""

    capacity_bytes: Capacity = Field(alias="capacity", description="Capacity of one PE's scratchpad.")
    banks: Positive = Field(default=1, description="Equal banks that it is built of; an access pays for one bank and the wires to it.")
    width_bits: Positive = Field(
        default=64, alias="width", description="Width of one bank's port in bits: what one access moves. All banks work side by side."
    )
    working_bytes: Capacity = Field(
        default="8KiB",
        alias="working",
        validate_default=True,
        description="Part of the capacity kept free of resident tensors: staging of moving operands and outputs.",
    )

    @model_validator(mode="after")
    def _holds_working(self) -> Scratchpad:
        if self.working_bytes > self.capacity_bytes:
            raise_problems([Problem(("working",), f"at most the capacity of {self.capacity_bytes}B", f"{self.working_bytes}B", (("capacity",),))])
        return self


class NearMemory(Section):
    """Policies of `organization: near_memory`, in which each weight lives in the scratchpad of the PE that uses it in FF."""

    transpose: Literal["remote_read", "psum_reduce", "transposable"] = Field(
        default="remote_read",
        description="How BP's EP gets the transpose of weights banked by output channel: fetch each word from its home over the NoC; "
        "multiply at home and reduce partial sums over the NoC (grouped convolutions fetch all the same: too few PEs share a reduction); "
        "or read columns of a transposable scratchpad at a higher price a word.",
    )
    update: Literal["fused", "separate"] = Field(
        default="fused",
        description="`fused`: a PE applies a gradient to its weights tile by tile, as WG makes it (needs `vector_unit.update_in_pe`); "
        "`separate`: whole gradients wait for WU, in what room the scratchpads have, then in the global buffer or DRAM.",
    )
    feedback: Literal["stored", "prng"] = Field(
        default="stored",
        description="Feedback weights are stored in the scratchpads, or regenerated at every use.",
    )


class Noc(Section):
    """The network on chip between global buffer and PEs."""

    width_bits: Positive = Field(default=256, alias="width", description="Bits that the root link moves in a cycle (a multicast word counts once).")
    peer_links: Positive = Field(
        default=16,
        description="PE-to-PE words of remote reads and reductions move over this many links of the same width at once.",
    )


class GlobalBuffer(Section):
    """The on-chip buffer shared by all PEs."""

    capacity_bytes: Capacity = Field(alias="capacity", description="Total capacity.")
    banks: Positive = Field(default=16, description="Banks; each serves one access of `width` bits a cycle.")
    width_bits: Positive = Field(default=64, alias="width", description="Width of a bank's port in bits.")
    staging_bytes: Capacity = Field(
        alias="staging",
        description="One half of the double buffer through which DRAM transfers pass; twice this is kept free of tensors.",
    )

    @model_validator(mode="after")
    def _holds_staging(self) -> GlobalBuffer:
        if 2 * self.staging_bytes >= self.capacity_bytes:
            rule = f"less than half the capacity of {self.capacity_bytes}B"
            raise_problems([Problem(("staging",), rule, f"{self.staging_bytes}B", (("capacity",),))])
        return self


class VectorUnit(Section):
    """The unit for work without MACs: activations, pooling, batch norm, residual adds, loss, gates, optimizer."""

    width: Positive = Field(default=64, description="Elements handled side by side.")
    ops_per_cycle: Positive = Field(default=1, description="Scalar operations per element slot and cycle.")
    update_in_pe: bool = Field(
        default=False,
        description="Run the optimizer in the PEs, beside the weights, on rows*cols*lanes slots; else on the vector unit.",
    )


class Dram(Section):
    """The off-chip memory."""

    standard: str = Field(default="lpddr4-3200", description="A built-in standard (`accelsim list archs` shows the folder) or a DRAM YAML file.")
    channels: Channels = Field(default=1, description="Independent channels; transfers are interleaved over them row by row.")


class Architecture(Section):
    """A machine. Cycles are of its clock; DRAM runs in its own."""

    schema_: Literal["accelsim.arch/1"] = Field(default="accelsim.arch/1", alias="schema", description="Format of this file.")
    base: str | None = Field(
        default=None,
        description="A built-in machine or a file whose values hold wherever this file gives none, mapping by mapping (`name` and `description` "
        "excepted).",
    )
    name: str = Field(min_length=1, description="Name in results and plots.")
    description: str = Field(default="", description="One line for `accelsim list`.")
    clock_hz: Annotated[Hertz, Field(ge=1, le=10**12)] = Field(alias="clock", description="The accelerator's clock.")
    organization: Literal["near_memory", "von_neumann"] = Field(
        description="`near_memory`: each weight has a home PE and stays there; `von_neumann`: weights stream from DRAM through the global buffer "
        "in every pass.",
    )
    technology: str = Field(default="45nm", description="Energy table: a built-in one of arch_configs/technology, or a file.")
    leakage: Literal["hp", "lstp"] = Field(
        default="lstp",
        description="Transistors of the memories: high performance or low standby power (4 orders of magnitude apart in leakage).",
    )
    precision: Precision = Field(default_factory=Precision, description="Word sizes.")
    pe_array: PEArray = Field(description="PEs and lanes.")
    scratchpad: Scratchpad = Field(description="A PE's memory.")
    near_memory: NearMemory = Field(default_factory=NearMemory, description="Policies of the near-memory organization.")
    noc: Noc = Field(default_factory=Noc, description="Network on chip.")
    global_buffer: GlobalBuffer = Field(description="Shared on-chip buffer.")
    vector_unit: VectorUnit = Field(default_factory=VectorUnit, description="Vector unit.")
    dram: Dram = Field(default_factory=Dram, description="Off-chip memory.")
    blocks_per_op: Positive = Field(
        default=4,
        description="Least number of blocks that an op is cut into, tiles permitting: transfers of one overlap the computation of its neighbours.",
    )
    partitions: Positive = Field(
        default=1,
        description="Equal groups of PEs that may run different ops at once under the unlocked schedule. With `von_neumann` an op takes any that is "
        "free; with `near_memory` it runs where its weights or stored feedback are: a layer has one group, feedback that one op alone reads "
        "(that of a single time step) may have another.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Architecture:
        organization = (("organization",),)
        problems = []
        pes = self.pe_array.rows * self.pe_array.cols
        if pes % self.partitions:
            problems.append(Problem(("partitions",), f"a divisor of the {pes} PEs", self.partitions, (("pe_array", "rows"), ("pe_array", "cols"))))
        if self.organization == "near_memory":
            if self.pe_array.kind == "systolic":
                problems.append(Problem(("organization",), "von_neumann with a systolic array", self.organization, (("pe_array", "kind"),)))
            if self.scratchpad.working_bytes == self.scratchpad.capacity_bytes:
                rule = f"less than the capacity of {self.scratchpad.capacity_bytes}B, which is to hold weights"
                involved = (("scratchpad", "capacity"), *organization)
                problems.append(Problem(("scratchpad", "working"), rule, f"{self.scratchpad.working_bytes}B", involved))
        elif self.vector_unit.update_in_pe:
            problems.append(Problem(("vector_unit", "update_in_pe"), "false where weights have no home PE", True, organization))
        raise_problems(problems)
        return self
