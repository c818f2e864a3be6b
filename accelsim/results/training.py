"""The training document (`train --json`, `training.json`): scores, angles and
densities per epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from accelsim.config.reading.values import instance
from accelsim.results.document import Document, Part, RuleText
from accelsim.results.shown import view

if TYPE_CHECKING:
    from pandas import DataFrame

TrainingTable = Literal["curves", "angles", "densities"]

Share = Annotated[float, Field(ge=0, le=1)]
Epoch = Annotated[int, Field(ge=1)]


class EpochRow(BaseModel):
    """Scores of one epoch. Training scores are means over the epoch's steps, each before its
    update; the others are measured after the epoch.

    A score is None if the epoch was not scored, the data set has no such part, or the loss is not
    finite. Further scores, such as those of text with the unknown word, are kept and get columns
    too.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    epoch: Epoch
    steps: Annotated[int, Field(ge=0)]
    training_loss: float | None
    training_accuracy: Share | None
    held_out_loss: float | None = None
    held_out_accuracy: Share | None = None
    held_out_perplexity: float | None = None
    test_loss: float | None = None
    test_accuracy: Share | None = None
    test_perplexity: float | None = None


@dataclass(frozen=True, slots=True)
class AngleRow(Part):
    """An angle in degrees. Kind ``update``: between weight gradients (layer ``all``: of all
    layers). Kind ``feedback``: between B and the weights it replaces.
    """

    epoch: Epoch
    kind: Literal["update", "feedback"]
    layer: str
    degrees: Annotated[float, Field(ge=0, le=180)] | None


@dataclass(frozen=True, slots=True)
class DensityRow(Part):
    """Fraction of non-zero elements of a traced tensor."""

    epoch: Epoch
    layer: str
    role: str
    density: Share


class Cause(BaseModel):
    """Inputs of the run that reports show. Further keys are kept."""

    model_config = ConfigDict(extra="allow")

    workload: str
    rule: RuleText
    data: str
    epochs: Epoch
    batch: int
    learning_rate: float
    schedule: str
    optimizer: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TrainingDocument(Document):
    """A training run, up to its last finished epoch."""

    schema_: Annotated[Literal["accelsim.training/1"], Field(alias="schema")]
    version: str
    cause: Cause
    epochs: Sequence[EpochRow]
    angles: Sequence[AngleRow]
    densities: Sequence[DensityRow]

    def __repr__(self) -> str:
        cause, last = self.cause, self.epochs[-1] if self.epochs else None
        run = f"{cause.workload}, rule {cause.rule}, on {cause.data}"
        scores = f"{len(self.epochs)} of {cause.epochs} epochs"
        if last is not None and last.test_accuracy is not None:
            scores += f", test accuracy {last.test_accuracy:.1%}"
        return f"TrainingDocument({run}: {scores})"

    def to_dataframe(self, table: TrainingTable = "curves") -> DataFrame:
        """A pandas DataFrame of ``"curves"`` (a row per epoch), ``"angles"`` or ``"densities"``.
        ImportError if pandas is not installed.
        """
        frame: DataFrame = view("training").frame(self, table)
        return frame

    def save(self, path: str | Path) -> Path:
        """Write ``training.json``, its tables and plots into a folder. Returns the path of the
        document. InputError if they cannot be written.
        """
        written: Path = view("training").save(
            self, Path(instance("path", path, (str, Path), "a folder"))
        )
        return written
