"""Densities of the operands of ops: all that a choice of mappings may know of a run's zeros."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accelsim.kernels.bits.bitmaps import popcounts
from accelsim.step.ops import Contraction
from accelsim.zeros.masks import BoundMask, MaskSource


class Densities(NamedTuple):
    """Fractions of an op's operands that are not zero, and of its outputs that are needed."""

    moving: float
    stationary: float
    needed: float


def densities(op: Contraction, masks: MaskSource) -> Densities:
    """Densities over all samples of the trace. An operand without a mask is dense."""
    stationary = density(masks.stationary(op))
    if op.nest.stored:
        nonzeros = masks.feedback_nonzeros(op)
        stationary = 1.0 if nonzeros is None else float(np.mean(nonzeros))
    return Densities(density(masks.moving(op)), stationary, density(masks.needed(op)))


def density(mask: BoundMask | None) -> float:
    """Fraction of a mask that is set."""
    if mask is None:
        return 1.0
    elements = mask.words[..., 0].size * mask.channels
    return int(popcounts(mask.words).sum()) / elements
