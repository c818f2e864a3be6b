"""The PE array of a machine: its timing model and what each of them can do."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from accelsim.config.problems import Problem, raise_problems
from accelsim.config.section import Lanes, Section, Side
from accelsim.machine.row_stationary import RowStationary

COUPLED_LANES = 16
STAGING_ROWS = 3
"""Fixed in a PE of coupled lanes (TensorDash, MICRO 2020): its multiplexers are wired for them."""

FIFO_DEPTH = 8
INDEX_BITS = 4
"""EIE's (ISCA 2016)."""

_KIND = (("kind",),)

Skip = Literal["moving", "stationary", "both", "none"]


class SkipByPass(Section):
    """Which operand's zeros a lane skips, pass by pass."""

    ff: Skip = Field(
        default="both",
        description="Feed-forward: moving operand is the activation, stationary the weight.",
    )
    ep: Skip = Field(
        default="both",
        description="Error propagation: moving is the error, stationary the (transposed or "
        "feedback) weight.",
    )
    wg: Skip = Field(
        default="both",
        description="Weight gradient: moving is the activation, stationary the error.",
    )


class PEArray(Section):
    """The array of processing elements (PEs) and the timing model of their lanes."""

    kind: Literal["lanes", "coupled", "broadcast", "systolic"] = Field(
        description="Timing model: `lanes` (zero-skipping, each lane reduces one output), "
        "`coupled` (zero-skipping, the lanes of a PE reduce one "
        "output together, TensorDash's), `broadcast` (zero-skipping, moving words are broadcast "
        "into a FIFO of each PE, EIE's) or `systolic` "
        "(dense).",
    )
    rows: Side = Field(description="Rows of PEs.")
    cols: Side = Field(description="Columns of PEs.")
    lanes: Lanes = Field(
        default=1,
        description="Multiply-accumulate lanes of a PE. A systolic PE has one, a coupled PE 16.",
    )
    window: Annotated[int, Field(ge=1, le=64)] = Field(
        default=16,
        description="Positions of its stream that a lane sees in a cycle; it takes the first "
        "effectual one (`lanes` only: coupled lanes choose "
        "among eight positions of three rows).",
    )
    fifo_depth: Annotated[int, Field(ge=1, le=1024)] = Field(
        default=FIFO_DEPTH,
        description="Slots of a PE's FIFO, that of the word in service included (`broadcast` "
        "only).",
    )
    index_bits: Annotated[int, Field(ge=1, le=16)] = Field(
        default=INDEX_BITS,
        description="Bits beside each stored word of a stationary operand whose zeros are skipped: "
        "how many zeros precede it in its PE's part of "
        "the column; a longer run takes padding zeros, stored words that cost a cycle each "
        "(`broadcast` only).",
    )
    skip: SkipByPass = Field(
        default_factory=SkipByPass,
        description="Zero skipping, selectable per pass (`lanes`, `coupled`, `broadcast`); a "
        "systolic array skips nothing.",
    )
    skip_outputs: bool = Field(
        default=True,
        description="Do not schedule outputs whose activation derivative is zero (EP of `lanes`, "
        "`coupled` and `broadcast`; a PE that walks "
        "compressed columns can leave out all of its outputs of a position or none).",
    )
    structural_zeros: Literal["removed", "window"] = Field(
        default="removed",
        description="`removed`: the address generator never visits stride, dilation and group "
        "zeros. `window`: they are in the stream and pass "
        "through the window like any zero: WG streams the stride zeros between errors, and EP's "
        "stride zeros, which are MACs, are executed and "
        "gated where `skip.ep` does not skip the error.",
    )
    gating: bool = Field(
        default=True,
        description="An executed MAC with a zero operand keeps its cycle but is gated: it costs "
        "the gated energy and reads no operands.",
    )
    dataflow: Literal[
        "output_stationary", "weight_stationary", "input_stationary", "row_stationary"
    ] = Field(
        default="output_stationary",
        description="Dataflow of a systolic array; lanes are output stationary. `row_stationary` "
        "is Eyeriss's: PEs keep kernel rows.",
    )
    row_stationary: RowStationary = Field(
        default_factory=RowStationary,
        description="Registers and buses of a row-stationary array (`dataflow: row_stationary` "
        "only).",
    )

    @model_validator(mode="before")
    @classmethod
    def _kind_defaults(cls, data: Any) -> Any:
        """A systolic array is dense: what the file leaves out is off instead of on. A coupled PE
        has as many lanes as its staging buffer is wide.
        """
        if isinstance(data, dict) and data.get("kind") == "coupled":
            return {"lanes": COUPLED_LANES, **data}
        if isinstance(data, dict) and data.get("kind") == "systolic":
            none, given = {"ff": "none", "ep": "none", "wg": "none"}, data.get("skip", {})
            return {
                "skip_outputs": False,
                **data,
                "skip": {**none, **given} if isinstance(given, dict) else given,
            }
        return data

    # One validator a rule: where a value that one of them reads is wrong, the others are still
    # judged (`accelsim.config.reading.rules`).

    @model_validator(mode="after")
    def _lanes_of_kind(self) -> PEArray:
        fixed = {
            "systolic": (1, "in a systolic array"),
            "coupled": (COUPLED_LANES, "in an array of coupled lanes"),
        }
        if self.kind in fixed and self.lanes != fixed[self.kind][0]:
            raise_problems(
                [Problem(("lanes",), " ".join(map(str, fixed[self.kind])), self.lanes, _KIND)]
            )
        return self

    @model_validator(mode="after")
    def _dense_ff(self) -> PEArray:
        return self._dense("ff", self.skip.ff)

    @model_validator(mode="after")
    def _dense_ep(self) -> PEArray:
        return self._dense("ep", self.skip.ep)

    @model_validator(mode="after")
    def _dense_wg(self) -> PEArray:
        return self._dense("wg", self.skip.wg)

    def _dense(self, pass_: str, skipped: Skip) -> PEArray:
        if self.kind == "systolic" and skipped != "none":
            raise_problems([Problem(("skip", pass_), "none in a systolic array", skipped, _KIND)])
        return self

    @model_validator(mode="after")
    def _every_output(self) -> PEArray:
        if self.kind == "systolic" and self.skip_outputs:
            raise_problems(
                [Problem(("skip_outputs",), "false in a systolic array", self.skip_outputs, _KIND)]
            )
        return self

    @model_validator(mode="after")
    def _dataflow_of_lanes(self) -> PEArray:
        if self.kind != "systolic" and self.dataflow != "output_stationary":
            raise_problems(
                [
                    Problem(
                        ("dataflow",),
                        "output_stationary in an array of lanes",
                        self.dataflow,
                        _KIND,
                    )
                ]
            )
        return self

    @model_validator(mode="after")
    def _no_window(self) -> PEArray:
        without = {"coupled": "in an array of coupled lanes", "broadcast": "in an array with FIFOs"}
        if self.kind in without and "window" in self.model_fields_set:
            raise_problems(
                [Problem(("window",), f"left out {without[self.kind]}", self.window, _KIND)]
            )
        return self

    @model_validator(mode="after")
    def _no_fifo(self) -> PEArray:
        return self._of_broadcast("fifo_depth", self.fifo_depth, FIFO_DEPTH)

    @model_validator(mode="after")
    def _no_index(self) -> PEArray:
        return self._of_broadcast("index_bits", self.index_bits, INDEX_BITS)

    def _of_broadcast(self, key: str, got: int, default: int) -> PEArray:
        if self.kind != "broadcast" and got != default:
            raise_problems(
                [Problem((key,), f"{default} or left out where kind is not broadcast", got, _KIND)]
            )
        return self

    @model_validator(mode="after")
    def _no_rows(self) -> PEArray:
        if self.dataflow != "row_stationary":
            default = RowStationary()
            named = (
                (key, getattr(self.row_stationary, key), getattr(default, key))
                for key in RowStationary.model_fields
            )
            raise_problems(
                [
                    Problem(
                        ("row_stationary", key),
                        f"{usual} or left out where dataflow is not row_stationary",
                        got,
                        (("dataflow",),),
                    )
                    for key, got, usual in named
                    if got != usual
                ]
            )
        return self

    @property
    def keeps_rows(self) -> bool:
        """Whether PEs keep words of every operand (row stationary); operands of other systolic
        arrays pass through registers.
        """
        return self.dataflow == "row_stationary"

    @property
    def passes_operands(self) -> bool:
        """Whether operands go from PE to PE through registers, and no PE keeps a word between
        folds.
        """
        return self.kind == "systolic" and not self.keeps_rows

    @property
    def model(self) -> str:
        """The timing model's name: the kind, or the dataflow of a systolic array that has a model
        of its own.
        """
        return self.dataflow if self.keeps_rows else self.kind

    @property
    def outputs_per_pe(self) -> int:
        """Outputs that a PE reduces at a time, of one output channel where it has several."""
        return 1 if self.kind in {"coupled", "broadcast"} else self.lanes

    @property
    def staged_positions(self) -> int:
        """Positions of a lane's stream that are in the PE at a time."""
        return {"lanes": self.window, "coupled": STAGING_ROWS}.get(self.kind, 1)

    @property
    def skips(self) -> bool:
        """Whether zeros can be skipped at all."""
        return self.kind != "systolic"
