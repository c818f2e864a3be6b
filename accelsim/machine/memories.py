"""Memories of a machine, the network between them, and the vector unit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from accelsim.config.catalog import built_in
from accelsim.config.models.problems import Problem, raise_problems
from accelsim.config.models.section import Capacity, Channels, Ports, Positive, Section

Boundary = Literal["core", "core_and_io"]
"""What the energy of a DRAM burst covers: the DRAM's core, or also its data pins."""


class Scratchpad(Section):
    """The memory inside each PE."""

    capacity_bytes: Capacity = Field(
        alias="capacity", description="Capacity of one PE's scratchpad."
    )
    banks: Positive = Field(
        default=1,
        description="Number of equal banks. An access pays for one bank and the wires to it.",
    )
    width_bits: Positive = Field(
        default=64,
        alias="width",
        description="Width of one bank's port in bits, which one access moves. All banks work "
        "in parallel.",
    )
    ports: Ports = Field(
        default=1,
        description="Ports per bank. With 1, reads and writes take turns; with 2, a bank reads "
        "and writes in the same cycle.",
    )
    working_bytes: Capacity = Field(
        default="8KiB",
        alias="working",
        validate_default=True,
        description="Part of the capacity that holds no resident tensors: it stages moving "
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
        description="Source of the transposed weights in BP's EP, as weights are banked by "
        "output channel. `remote_read`: fetch each word from its home over the NoC. "
        "`psum_reduce`: multiply at home and reduce partial sums over the NoC "
        "(grouped convolutions still fetch, because too few PEs share a reduction). "
        "`transposable`: read columns of a transposable scratchpad, a whole access "
        "per word.",
    )
    update: Literal["fused", "separate"] = Field(
        default="fused",
        description="`fused`: a PE applies a gradient to its weights tile by tile, as WG "
        "produces it (needs `vector_unit.update_in_pe`); `separate`: whole "
        "gradients wait for WU, in the free space of the scratchpads, then in the "
        "global buffer or DRAM.",
    )
    feedback: Literal["stored", "prng"] = Field(
        default="stored",
        description="`stored`: feedback weights are stored in the scratchpads; `prng`: they are "
        "regenerated at every use.",
    )


class Noc(Section):
    """The network on chip between global buffer and PEs."""

    topology: Literal["tree", "mesh"] = Field(
        default="tree",
        description="`tree`: a binary multicast tree from the global buffer to the PEs, and "
        "separate links between PEs; `mesh`: PEs are the nodes of a grid of links. "
        "In a mesh words go along the row first, then along the column (XY "
        "routing), and all traffic shares the links.",
    )
    width_bits: Positive = Field(
        default=256,
        alias="width",
        description="Bits that a link moves per cycle: the root of a tree, each link of a mesh. "
        "A multicast word counts once.",
    )
    peer_links: Positive = Field(
        default=16,
        description="Tree: number of links, of the same width, that carry PE-to-PE words of "
        "remote reads and reductions.",
    )
    buffer_ports: Positive = Field(
        default=1,
        description="Mesh: number of links between the global buffer and the first PE of a row, "
        "on evenly spaced rows. A PE uses the nearest.",
    )


class GlobalBuffer(Section):
    """The on-chip buffer shared by all PEs."""

    capacity_bytes: Capacity = Field(alias="capacity", description="Total capacity.")
    banks: Positive = Field(
        default=16, description="Banks. Each serves one access of `width` bits per cycle."
    )
    width_bits: Positive = Field(
        default=64, alias="width", description="Width of a bank's port in bits."
    )
    ports: Ports = Field(
        default=1,
        description="Ports per bank. With 1, reads and writes take turns; with 2, a bank reads "
        "and writes in the same cycle.",
    )
    conflicts: Literal["ideal", "modelled"] = Field(
        default="ideal",
        description="`ideal`: every access finds its bank free; `modelled`: words are read in "
        "the order in which lanes reduce over them, and accesses to the same bank "
        "wait for each other.",
    )
    interleave: Literal["word", "block"] = Field(
        default="word",
        description="Content of one bank, with `conflicts: modelled`: every `banks`-th line of "
        "`width` bits, or one block of consecutive lines.",
    )
    staging_bytes: Capacity = Field(
        alias="staging",
        description="Size of one half of the double buffer for DRAM transfers. Twice this size "
        "holds no tensors.",
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
    """Unit for work without MACs: activations, pooling, batch norm, residual adds, loss, gates,
    optimizer.
    """

    width: Positive = Field(default=64, description="Elements processed in parallel.")
    ops_per_cycle: Positive = Field(
        default=1, description="Scalar operations per element slot and cycle."
    )
    update_in_pe: bool = Field(
        default=False,
        description="Run the optimizer in the PEs that hold the weights, on rows*cols*lanes "
        "slots, instead of on the vector unit.",
    )


class Dram(Section):
    """The off-chip memory."""

    standard: str = Field(
        default="lpddr4-3200", description=f"A DRAM standard: {built_in('dram')}."
    )
    channels: Channels | None = Field(
        default=None,
        description="Independent channels; those of the standard's `organisation` when absent. "
        "`address_mapping` of the standard interleaves them: `lpddr4-3200` changes the channel "
        "after each row, the other built-in standards after one burst to each bank group.",
    )
    outstanding: Annotated[int, Field(ge=1, le=4096)] | None = Field(
        default=None,
        description="Bursts of a channel that the DMA has offered and that are not done, at most. "
        "When absent: `read_queue` + `write_queue` of the standard's `policy`.",
    )
    arbitration: Literal["round_robin", "oldest_first"] | None = Field(
        default=None,
        description="Order in which an engine offers the bursts of several transfers: one burst of "
        "each in turn, or all bursts of the op that started first, operand by operand. `null`: "
        "`round_robin` with canonical mappings; under another objective `oldest_first`, in short "
        "steps the faster of both.",
    )
    boundary: Boundary = Field(
        default="core_and_io",
        description="What the energy of a burst covers: the DRAM's core, or also the data pins, as "
        "far as the standard states them. The chip's own controller and PHY are in neither.",
    )
