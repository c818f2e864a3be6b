"""The training document (`train --json`, `training.json`): scores, angles and densities over
epochs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from accelsim.results.document import Document, Part

Share = Annotated[float, Field(ge=0, le=1)]
Epoch = Annotated[int, Field(ge=1)]


class EpochRow(BaseModel):
    """Training scores are means over the steps of the epoch, before their updates; the others are
    those of the network after it.

    None where there is no number: an epoch that was not scored, a part that is not kept away, a
    loss that is not finite. Further scores, as those of text that count the unknown word, are kept:
    they have columns too.
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
    """``kind``: update, of weight gradients (layer ``all``: together); feedback, of B and the
    weights it stands for. Both in degrees.
    """

    epoch: Epoch
    kind: Literal["update", "feedback"]
    layer: str
    degrees: Annotated[float, Field(ge=0, le=180)] | None


@dataclass(frozen=True, slots=True)
class DensityRow(Part):
    """Fraction of a traced tensor that is not zero."""

    epoch: Epoch
    layer: str
    role: str
    density: Share


class Cause(BaseModel):
    """What decides the run, as far as reports show it; further keys are kept."""

    model_config = ConfigDict(extra="allow")

    workload: str
    rule: str
    data: str
    epochs: Epoch
    batch: int
    learning_rate: float
    schedule: str
    optimizer: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingDocument(Document):
    """A training run, as far as it has come."""

    schema_: Annotated[Literal["accelsim.training/1"], Field(alias="schema")]
    version: str
    cause: Cause
    epochs: Sequence[EpochRow]
    angles: Sequence[AngleRow]
    densities: Sequence[DensityRow]
