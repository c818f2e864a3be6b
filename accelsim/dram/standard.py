"""A DRAM standard: timings, organisation, policy and energies, resolved to integers before cycle
0.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from accelsim.config.models.problems import Problem, raise_problems
from accelsim.config.models.section import Channels, Positive, Section
from accelsim.dram.energies import DramEnergy

Clocks = Annotated[int, Field(ge=0, le=1 << 20)]
Interval = Annotated[int, Field(ge=1, le=1 << 20)]
RefreshInterval = Annotated[int, Field(ge=1, le=1 << 31)]
Rows = Annotated[int, Field(ge=1, le=1 << 24)]
ROUNDING = 1e-9
"""Tolerance in ps of a tCK that is given in ns as a decimal fraction."""


class Timing(Section):
    """Timing constraints in clocks (tCK), named as in the standards; tCK itself is in ns."""

    tCK: Annotated[float, Field(gt=0, le=1000)] = Field(
        description="Clock period in ns; a whole number of ps."
    )
    AL: Clocks = Field(default=0, description="Additive latency.")
    CL: Interval = Field(description="RD to the first data.")
    CWL: Interval = Field(description="WR to the first data.")
    tRCD: Interval = Field(description="ACT to RD or WR, same bank.")
    tRCDRD: Interval | None = Field(default=None, description="ACT to RD, if it differs from tRCD.")
    tRCDWR: Interval | None = Field(default=None, description="ACT to WR, if it differs from tRCD.")
    tRP: Interval = Field(description="PRE to ACT, same bank; PRE to REF.")
    tRAS: Interval = Field(description="ACT to PRE, same bank.")
    tRC: Interval | None = Field(
        default=None, description="ACT to ACT, same bank; tRAS + tRP when absent."
    )
    tRFC: Interval = Field(description="REF to ACT or REF, same rank.")
    tREFI: RefreshInterval = Field(
        description="Average interval between REFs. The first REF is due at this clock."
    )
    tWTR_S: Clocks = Field(description="End of write data to RD, other bank group.")
    tWTR_L: Clocks = Field(description="End of write data to RD, same bank group.")
    tWR: Interval = Field(description="End of write data to PRE, same bank.")
    tRTP: Interval = Field(description="RD to PRE, same bank.")
    tCCD_S: Interval = Field(description="RD to RD and WR to WR, other bank group.")
    tCCD_L: Interval = Field(description="RD to RD and WR to WR, same bank group.")
    tRRD_S: Interval = Field(description="ACT to ACT, other bank group.")
    tRRD_L: Interval = Field(description="ACT to ACT, same bank group.")
    tFAW: Interval = Field(
        description="A rank may have at most four ACTs in any window of this length."
    )
    tRTRS: Clocks = Field(
        description="Turnaround of the data bus: between ranks, except from write to write, and "
        "from read data to write data."
    )
    tPPD: Clocks = Field(default=0, description="PRE to PRE, other bank of the rank.")

    @model_validator(mode="after")
    def _whole_picoseconds(self) -> Timing:
        if abs(self.tCK * 1000 - round(self.tCK * 1000)) > ROUNDING:
            raise_problems([Problem(("tCK",), "a whole number of ps, given in ns", self.tCK)])
        return self

    @property
    def tck_ps(self) -> int:
        """Clock period in picoseconds."""
        return round(self.tCK * 1000)

    @property
    def row_cycle(self) -> int:
        """tRC in clocks."""
        return self.tRAS + self.tRP if self.tRC is None else self.tRC


class Organisation(Section):
    """Organisation of a memory channel. Fields that follow from others may be left out; given ones
    must agree with them.
    """

    channels: Channels = Field(default=1, description="Independent channels.")
    ranks: Channels = Field(default=1, description="Ranks per channel.")
    bankgroups: Positive = Field(description="Bank groups per rank; 1 if the standard has none.")
    banks_per_group: Positive = Field(description="Banks per bank group.")
    banks: Positive | None = Field(default=None, description="bankgroups * banks_per_group.")
    rows: Rows = Field(description="Rows per bank.")
    bursts_per_row: Positive | None = Field(
        default=None,
        description="Bursts per row of the whole rank; `columns` may be given instead.",
    )
    columns: Positive | None = Field(
        default=None, description="Columns per row; a burst takes BL of them."
    )
    row_bytes: Rows | None = Field(default=None, description="bursts_per_row * burst_bytes.")
    columns_ini: Positive | None = Field(
        default=None,
        description="Columns in the count of another simulator's configuration file; not used.",
    )
    bus_width: Positive = Field(description="Data bits per channel.")
    device_width: Positive | None = Field(
        default=None, description="Data bits per device; not used."
    )
    devices_per_rank: Positive | None = Field(
        default=None, description="bus_width / device_width; not used."
    )
    BL: Positive = Field(description="Burst length in beats, two per clock.")
    burst_bytes: Positive | None = Field(default=None, description="bus_width * BL / 8.")
    burst_clk: Positive | None = Field(
        default=None,
        description="Clocks for which a burst occupies the data bus; BL / 2 when absent.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Organisation:
        problems = []
        if self.BL % 2:
            problems.append(Problem(("BL",), "even", self.BL))
        elif self.BL % (2 * self.burst_clocks):
            problems.append(
                Problem(
                    ("burst_clk",),
                    "BL / 2, or BL / 4, BL / 6 and so on where data move more than twice per clock",
                    self.burst_clk,
                )
            )
        if self.bus_width * self.BL % 8:
            problems.append(
                Problem(
                    ("bus_width",),
                    "such that a burst (bus_width * BL) is a whole number of bytes",
                    self.bus_width,
                )
            )
        if self.bursts_per_row is None and (self.columns is None or self.columns % self.BL):
            rule = (
                "given, or columns"
                if self.columns is None
                else "given if columns is not a multiple of BL"
            )
            problems.append(Problem(("bursts_per_row",), rule, "nothing", (("columns",),)))
        raise_problems(problems)
        derived = {
            "banks": self.bankgroups * self.banks_per_group,
            "bursts_per_row": self.row_bursts,
            "columns": self.row_bursts * self.BL,
            "row_bytes": self.row_bursts * self.burst,
            "burst_bytes": self.burst,
        }
        given = {name: getattr(self, name) for name in derived}
        raise_problems(
            [
                Problem((name,), f"{derived[name]}, which follows from the other keys", value)
                for name, value in given.items()
                if value not in (None, derived[name])
            ]
        )
        return self

    @property
    def burst(self) -> int:
        """Bytes per burst."""
        return self.bus_width * self.BL // 8

    @property
    def row_bursts(self) -> int:
        """Bursts per row."""
        return (
            self.bursts_per_row
            if self.bursts_per_row is not None
            else (self.columns or 0) // self.BL
        )

    @property
    def burst_clocks(self) -> int:
        """Clocks for which a burst occupies the data bus."""
        return self.BL // 2 if self.burst_clk is None else self.burst_clk

    @property
    def capacity_bytes(self) -> int:
        """Bytes of all channels."""
        return (
            self.channels
            * self.ranks
            * self.bankgroups
            * self.banks_per_group
            * self.rows
            * self.row_bursts
            * self.burst
        )


class Policy(Section):
    """Policy of the controller, for the bursts of a machine and for `accelsim dram`."""

    scheduler: Literal["fcfs", "frfcfs", "frfcfs_rowhit"] = Field(
        default="frfcfs_rowhit",
        description="Request order: first come, first served; ready first; or ready first "
        "without closing a row that older requests still hit.",
    )
    read_queue: Positive = Field(default=32, description="Capacity of the controller's read queue.")
    write_queue: Positive = Field(
        default=32, description="Capacity of the controller's write queue."
    )
    drain_high: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.8,
        description="Fill fraction of the write queue above which the controller switches from "
        "reads to writes. It also switches when no read waits.",
    )
    drain_low: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.2,
        description="Fill fraction of the write queue below which the controller switches back "
        "to reads, if a read waits.",
    )
    refresh: Literal["all_bank", "none"] = Field(
        default="all_bank",
        description="`all_bank`: one REF per rank and tREFI; `none`: no refresh.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Policy:
        if self.drain_low > self.drain_high:
            raise_problems(
                [
                    Problem(
                        ("drain_low",),
                        f"<= drain_high ({self.drain_high})",
                        self.drain_low,
                        (("drain_high",),),
                    )
                ]
            )
        return self


Protocol = Literal[
    "DDR3",
    "DDR4",
    "DDR5",
    "GDDR5",
    "GDDR5X",
    "GDDR6",
    "LPDDR",
    "LPDDR3",
    "LPDDR4",
    "LPDDR5",
    "HBM",
    "HBM2",
    "HBM3",
]
FASTER = ("GDDR5", "GDDR5X", "GDDR6", "LPDDR5", "HBM3")
"""Families with a separate data clock, which is a multiple of the command clock."""
FIELDS = ("ro", "ch", "ra", "ba", "bg", "co")


def _mapping(value: Any) -> Any:
    fields = [value[i : i + 2] for i in range(0, len(value), 2)] if isinstance(value, str) else []
    if sorted(fields) != sorted(FIELDS):
        raise ValueError(f"must be the six fields {' '.join(FIELDS)} in some order, top bit first")
    return value


class DramSpec(Section):
    """A DRAM standard with its controller: the format of the files in arch_configs/dram."""

    schema_: Literal["accelsim.dram/1"] = Field(
        default="accelsim.dram/1", alias="schema", description="Format of this file."
    )
    name: str = Field(default="dram", description="Name in results and plots.")
    description: str = Field(default="", description="One line of text.")
    protocol: Protocol | None = Field(
        default=None,
        description="Family of the standard. HBM has two command buses: one for ACT, PRE and "
        "REF, and one for RD and WR.",
    )
    timing: Timing = Field(description="Timing constraints.")
    organisation: Organisation = Field(description="Channels, ranks, banks, rows, bursts.")
    address_mapping: Annotated[str, BeforeValidator(_mapping)] = Field(
        default="rochrababgco",
        description="Address fields from the top bit down, above the burst offset: row, channel, "
        "rank, bank, bank group, column.",
    )
    policy: Policy = Field(default_factory=Policy, description="Controller.")
    energy: DramEnergy | None = Field(
        default=None,
        description="Energies. Without them timing can be simulated, but energy cannot.",
    )

    def channels(self, given: int | None) -> int:
        """Channels of a machine whose ``dram.channels`` is ``given``: the standard's own if it
        gives none.
        """
        return self.organisation.channels if given is None else given

    @property
    def two_buses(self) -> bool:
        """Whether row commands and column commands have separate buses (JESD235)."""
        return self.protocol is not None and self.protocol.startswith("HBM")

    @model_validator(mode="after")
    def _data_rate(self) -> DramSpec:
        half = self.organisation.BL // 2
        if self.protocol not in FASTER and self.organisation.burst_clocks != half:
            rule = f"{half}, which is BL / 2, unless protocol is one of {', '.join(FASTER)}"
            raise_problems(
                [Problem(("organisation", "burst_clk"), rule, self.organisation.burst_clk)]
            )
        return self

    @model_validator(mode="after")
    def _refresh_keeps_up(self) -> DramSpec:
        timing, banks = (
            self.timing,
            self.organisation.bankgroups
            * self.organisation.banks_per_group
            * self.organisation.ranks,
        )
        # A refresh closes every bank, one PRE at a time. It must end before the next refresh is
        # due.
        longest = (
            timing.tRFC
            + timing.row_cycle
            + timing.CL
            + timing.CWL
            + timing.tWR
            + self.organisation.BL
            + banks * max(1, timing.tPPD)
        )
        if self.policy.refresh == "all_bank" and timing.tREFI <= longest:
            raise_problems(
                [
                    Problem(
                        ("timing", "tREFI"),
                        f"> {longest}, the maximum duration of a refresh",
                        timing.tREFI,
                    )
                ]
            )
        return self

    def with_channels(self, channels: int) -> DramSpec:
        """The same standard with another number of channels (1 to 256)."""
        organisation = self.organisation.model_copy(update={"channels": channels})
        return self.model_copy(update={"organisation": organisation})
