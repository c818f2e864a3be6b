"""The memories of a machine, the network between them, and the vector unit."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from accelsim.config.catalog import built_in
from accelsim.config.models.problems import Problem, raise_problems
from accelsim.config.models.section import Capacity, Channels, Ports, Positive, Section


class Scratchpad(Section):
    """The memory inside each PE."""

    capacity_bytes: Capacity = Field(
        alias="capacity", description="Capacity of one PE's scratchpad."
    )
    banks: Positive = Field(
        default=1,
        description="Equal banks that it is built of; an access pays for one bank and the wires to "
        "it.",
    )
    width_bits: Positive = Field(
        default=64,
        alias="width",
        description="Width of one bank's port in bits: what one access moves. All banks work side "
        "by side.",
    )
    ports: Ports = Field(
        default=1,
        description="Ports of a bank: with 1 reads and writes take turns, with 2 a bank reads and "
        "writes in one cycle.",
    )
    working_bytes: Capacity = Field(
        default="8KiB",
        alias="working",
        validate_default=True,
        description="Part of the capacity kept free of resident tensors: staging of moving "
        "operands and outputs.",
    )

    @model_validator(mode="after")
    def _holds_working(self) -> Scratchpad:
        if self.working_bytes > self.capacity_bytes:
            raise_problems(
                [
                    Problem(
                        ("working",),
                        f"at most the capacity of {self.capacity_bytes}B",
                        f"{self.working_bytes}B",
                        (("capacity",),),
                    )
                ]
            )
        return self


class NearMemory(Section):
    """Policies of `organization: near_memory`, in which each weight lives in the scratchpad of the
    PE that uses it in FF.
    """

    transpose: Literal["remote_read", "psum_reduce", "transposable"] = Field(
        default="remote_read",
        description="How BP's EP gets the transpose of weights banked by output channel: fetch "
        "each word from its home over the NoC; "
        "multiply at home and reduce partial sums over the NoC (grouped convolutions fetch all the "
        "same: too few PEs share a reduction); "
        "or read columns of a transposable scratchpad at a higher price a word.",
    )
    update: Literal["fused", "separate"] = Field(
        default="fused",
        description="`fused`: a PE applies a gradient to its weights tile by tile, as WG makes it "
        "(needs `vector_unit.update_in_pe`); "
        "`separate`: whole gradients wait for WU, in what room the scratchpads have, then in the "
        "global buffer or DRAM.",
    )
    feedback: Literal["stored", "prng"] = Field(
        default="stored",
        description="Feedback weights are stored in the scratchpads, or regenerated at every use.",
    )


class Noc(Section):
    """The network on chip between global buffer and PEs."""

    topology: Literal["tree", "mesh"] = Field(
        default="tree",
        description="`tree`: a binary multicast tree from the global buffer to the PEs, and links "
        "between PEs beside it; `mesh`: PEs are the nodes "
        "of a grid of links, words go along the row first, then along the column (XY routing), and "
        "every link is shared by all that crosses it.",
    )
    width_bits: Positive = Field(
        default=256,
        alias="width",
        description="Bits that a link moves in a cycle: the root of a tree, each link of a mesh. A "
        "multicast word counts once.",
    )
    peer_links: Positive = Field(
        default=16,
        description="Tree: PE-to-PE words of remote reads and reductions move over this many links "
        "of the same width at once.",
    )
    buffer_ports: Positive = Field(
        default=1,
        description="Mesh: links between the global buffer and the first PE of a row, on as many "
        "rows, evenly spaced. A PE uses the nearest.",
    )


class GlobalBuffer(Section):
    """The on-chip buffer shared by all PEs."""

    capacity_bytes: Capacity = Field(alias="capacity", description="Total capacity.")
    banks: Positive = Field(
        default=16, description="Banks; each serves one access of `width` bits a cycle."
    )
    width_bits: Positive = Field(
        default=64, alias="width", description="Width of a bank's port in bits."
    )
    ports: Ports = Field(
        default=1,
        description="Ports of a bank: with 1 reads and writes take turns, with 2 a bank reads and "
        "writes in one cycle.",
    )
    conflicts: Literal["ideal", "modelled"] = Field(
        default="ideal",
        description="`ideal`: every access finds its bank free; `modelled`: words are read in the "
        "order in which lanes reduce over them, and those "
        "of one bank wait for one another.",
    )
    interleave: Literal["word", "block"] = Field(
        default="word",
        description="What lies in one bank, with `conflicts: modelled`: every `banks`-th line of "
        "`width` bits, or one block of lines.",
    )
    staging_bytes: Capacity = Field(
        alias="staging",
        description="One half of the double buffer through which DRAM transfers pass; twice this "
        "is kept free of tensors.",
    )

    @model_validator(mode="after")
    def _holds_staging(self) -> GlobalBuffer:
        if 2 * self.staging_bytes >= self.capacity_bytes:
            rule = f"less than half the capacity of {self.capacity_bytes}B"
            raise_problems(
                [Problem(("staging",), rule, f"{self.staging_bytes}B", (("capacity",),))]
            )
        return self


class VectorUnit(Section):
    """The unit for work without MACs: activations, pooling, batch norm, residual adds, loss, gates,
    optimizer.
    """

    width: Positive = Field(default=64, description="Elements handled side by side.")
    ops_per_cycle: Positive = Field(
        default=1, description="Scalar operations per element slot and cycle."
    )
    update_in_pe: bool = Field(
        default=False,
        description="Run the optimizer in the PEs, beside the weights, on rows*cols*lanes slots; "
        "else on the vector unit.",
    )


class Dram(Section):
    """The off-chip memory."""

    standard: str = Field(
        default="lpddr4-3200", description=f"A DRAM standard: {built_in('dram')}."
    )
    channels: Channels = Field(
        default=1,
        description="Independent channels; transfers are interleaved over them row by row.",
    )
