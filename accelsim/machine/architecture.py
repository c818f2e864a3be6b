"""The machine: sections and fields of a machine file.

Every field is documented here and in the section classes; `docs/architecture.md` is generated from
them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from accelsim.config.catalog import built_in
from accelsim.config.describe import Rule, join, spell
from accelsim.config.kinds import Kinds
from accelsim.config.models.problems import Problem, raise_problems
from accelsim.config.models.section import Positive, Section
from accelsim.config.models.units import HERTZ, Hertz
from accelsim.config.registries import PE_KINDS
from accelsim.errors import InputError
from accelsim.listing import html_table
from accelsim.machine.formats import Formats
from accelsim.machine.mapping_choice import DEFAULT_OBJECTIVE, MappingChoice
from accelsim.machine.memories import Dram, GlobalBuffer, NearMemory, Noc, Scratchpad, VectorUnit
from accelsim.machine.pe_base import Organization, PEArray
from accelsim.machine.placement import PlacementPolicy
from accelsim.machine.precision import Precision


class _LoadedOnly(type(BaseModel)):  # type: ignore[misc]  # the metaclass of pydantic's models
    def __call__(cls, *_given: object, **_named: object) -> Any:
        raise InputError("a Machine is made by load_machine() or by replace(), not by Machine()")


class Machine(Section, metaclass=_LoadedOnly):
    """A machine. Cycles are those of its clock; DRAM has a clock of its own."""

    model_config = ConfigDict(title="Architecture")

    schema_: Literal["accelsim.arch/1"] = Field(
        default="accelsim.arch/1", alias="schema", description="Format of this file."
    )
    base: str | None = Field(
        default=None,
        description="A built-in machine or a file. Its values hold wherever this file gives "
        "none, mapping by mapping (except `name` and `description`).",
    )
    name: str = Field(min_length=1, description="Name in results and plots.")
    description: str = Field(default="", description="One line for `accelsim list`.")
    clock_hz: Annotated[Hertz, Field(ge=1, le=10**12)] = Field(
        alias="clock", description="The accelerator's clock."
    )
    organization: Organization = Field(
        description="`near_memory`: each weight has a home PE and stays there; `von_neumann`: "
        "weights stream from DRAM through the global buffer in every pass.",
    )
    technology: str = Field(default="45nm", description=f"Energy table: {built_in('technology')}.")
    leakage: Literal["hp", "lstp"] = Field(
        default="lstp",
        description="Transistors of the memories: high performance or low standby power "
        "(leakage differs by 4 orders of magnitude).",
    )
    clock_gating: Literal["none", "pe", "lane"] = Field(
        default="lane",
        description="What keeps its clock and registers running while it is idle: everything, "
        "a share where whole PEs are gated, a smaller one where each lane is "
        "(docs/energy.md#clocks).",
    )
    voltage: Annotated[float, Field(gt=0, le=2)] | None = Field(
        default=None,
        description="Supply voltage of the chip in volts; `null`: that of the technology. Energies "
        "go with its square, leakage with it.",
    )
    precision: Precision = Field(default_factory=Precision, description="Word sizes.")
    format: Formats = Field(default_factory=Formats, description="Storage formats of tensors.")
    pe_array: Annotated[PEArray, Kinds(PE_KINDS)] = Field(description="PEs and lanes.")
    scratchpad: Scratchpad = Field(description="Memory in each PE.")
    near_memory: NearMemory = Field(
        default_factory=NearMemory, description="Policies of the near-memory organization."
    )
    noc: Noc = Field(default_factory=Noc, description="Network on chip.")
    global_buffer: GlobalBuffer = Field(description="Shared on-chip buffer.")
    vector_unit: VectorUnit = Field(default_factory=VectorUnit, description="Vector unit.")
    dram: Dram = Field(default_factory=Dram, description="Off-chip memory.")
    placement: PlacementPolicy = Field(
        default_factory=PlacementPolicy, description="Room in the scratchpads."
    )
    mapping: MappingChoice = Field(
        default_factory=MappingChoice, description="Loop order and tile sizes."
    )
    fusion: Literal["none", "epilogue", "full"] = Field(
        default="epilogue",
        description="Vector work done on words while another op moves them (docs/fusion.md). "
        "`epilogue`: on results as they leave the op that makes them, as in NVDLA and the TPU. "
        "`full`: also on words on their way to the ops that read them.",
    )
    blocks_per_op: Positive = Field(
        default=4,
        description="Minimum number of blocks per op, if it has enough tiles. Transfers of one "
        "block overlap the computation of its neighbours.",
    )
    partitions: Positive = Field(
        default=1,
        description="Equal groups of PEs that may run different ops at once under the unlocked "
        "schedule. With `von_neumann` an op takes any free group. With "
        "`near_memory` it runs where its weights or stored feedback are: each layer "
        "has one group; feedback read by a single op (e.g. one time step) may have "
        "another.",
    )

    # One validator per rule: if one reads a wrong value, the other rules are still checked
    # (`accelsim.config.reading.rules`). The organization comes first because other rules depend on
    # it.

    @model_validator(mode="after")
    def _homes_of_weights(self) -> Machine:
        legal = self.pe_array.organizations
        if self.organization not in legal:
            rule = f"{join(legal)} {self.pe_array.setting}"
            involved = (("pe_array", "kind"),)
            raise_problems([Problem(("organization",), rule, self.organization, involved)])
        return self

    @model_validator(mode="after")
    def _equal_partitions(self) -> Machine:
        pes = self.pe_array.rows * self.pe_array.cols
        if pes % self.partitions:
            sides = (("pe_array", "rows"), ("pe_array", "cols"))
            raise_problems(
                [Problem(("partitions",), f"a divisor of the {pes} PEs", self.partitions, sides)]
            )
        return self

    @model_validator(mode="after")
    def _a_row_for_each_port(self) -> Machine:
        if self.noc.buffer_ports > self.pe_array.rows:
            rule = f"at most the {self.pe_array.rows} rows of PEs"
            raise_problems(
                [
                    Problem(
                        ("noc", "buffer_ports"),
                        rule,
                        self.noc.buffer_ports,
                        (("pe_array", "rows"),),
                    )
                ]
            )
        return self

    @model_validator(mode="after")
    def _transpose_over_pes(self) -> Machine:
        if (
            self.organization == "near_memory"
            and self.near_memory.transpose == "psum_reduce"
            and not self.pe_array.reduces_over_pes
        ):
            rule = f"remote_read or transposable {self.pe_array.setting}"
            involved = (("pe_array", "kind"), ("organization",))
            raise_problems(
                [Problem(("near_memory", "transpose"), rule, self.near_memory.transpose, involved)]
            )
        return self

    @model_validator(mode="after")
    def _room_for_weights(self) -> Machine:
        if (
            self.organization == "near_memory"
            and self.scratchpad.working_bytes == self.scratchpad.capacity_bytes
        ):
            rule = (
                f"less than the capacity of {self.scratchpad.capacity_bytes}B, which must also "
                f"hold weights"
            )
            involved = (("scratchpad", "capacity"), ("organization",))
            raise_problems(
                [
                    Problem(
                        ("scratchpad", "working"),
                        rule,
                        f"{self.scratchpad.working_bytes}B",
                        involved,
                    )
                ]
            )
        return self

    @model_validator(mode="after")
    def _updates_at_home(self) -> Machine:
        if self.organization != "near_memory" and self.vector_unit.update_in_pe:
            raise_problems(
                [
                    Problem(
                        ("vector_unit", "update_in_pe"),
                        "false if weights have no home PE",
                        True,
                        (("organization",),),
                    )
                ]
            )
        return self

    @model_validator(mode="after")
    def _room_for_registers(self) -> Machine:
        keys = self.pe_array.register_keys
        need = -(-self.pe_array.register_bits(self.precision) // 8)
        if self.scratchpad.capacity_bytes < need:
            raise_problems(
                [
                    Problem(
                        ("scratchpad", "capacity"),
                        f">= {need}B to hold {join(keys, 'and')} of pe_array",
                        f"{self.scratchpad.capacity_bytes}B",
                        tuple(("pe_array", key) for key in keys),
                    )
                ]
            )
        return self

    @model_validator(mode="after")
    def _no_pins(self) -> Machine:
        if self.mapping.pins and self.pe_array.has_fixed_mapping:
            rule, involved = f"empty {self.pe_array.setting}", (("pe_array", "kind"),)
            raise_problems([Problem(("mapping", "pins"), rule, self.mapping.pins, involved)])
        return self

    def with_objective(self, objective: str | None) -> Machine:
        """The machine with another mapping objective, under its own name. None: its own, or
        `DEFAULT_OBJECTIVE` if its file states none.
        """
        objective = objective or self.mapping.objective or DEFAULT_OBJECTIVE
        if objective == self.mapping.objective:
            return self
        mapping = self.mapping.model_copy(update={"objective": objective})
        return self.model_copy(update={"mapping": mapping})

    def replace(self, **changes: object) -> Machine:
        """A machine with changed values for some keys of its file; sections are mappings.

        Keys that are left out keep this machine's values. The name of the new machine lists the
        changes, unless ``name`` is given. InputError with every fault.

        >>> import accelsim
        >>> machine = accelsim.load_machine("near-memory")
        >>> wide = machine.replace(pe_array={"lanes": 8}, clock="1GHz")
        >>> wide.name
        'near-memory+pe_array.lanes=8+clock=1GHz'
        >>> machine.replace(pe_array={"lanes": 0})
        Traceback (most recent call last):
        accelsim.errors.InputError: pe_array.lanes must be >= 1, got 0
        """
        from accelsim.machine.replacement import replaced  # reads sections, as files are read

        return replaced(self, changes)

    def __repr__(self) -> str:
        array, clock = self.pe_array, Rule("", "Hz", tuple(HERTZ.items())).spell(self.clock_hz)
        pes = f"{array.rows} x {array.cols} PEs {array.setting}"
        return f"Machine({self.name}: {pes}, {self.organization}, {clock})"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        from accelsim.machine.file_form import file_form  # reads sections, as files are read

        return html_table(
            (section, key, spell(value))
            for section, below in file_form(self).items()
            for key, value in (below if isinstance(below, dict) else {"": below}).items()
        )

    @property
    def generates_feedback(self) -> bool:
        """Whether PEs compute feedback where they use it, so that no memory holds it."""
        return self.organization == "near_memory" and self.near_memory.feedback == "prng"

    @property
    def accumulators(self) -> int:
        """Partial sums that a PE of a broadcast array keeps at a time: a quarter of its working
        space, at least 1.
        """
        return max(1, self.scratchpad.working_bytes * 8 // 4 // self.precision.psum)
