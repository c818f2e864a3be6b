"""Zeros that an array skips: the machine's settings, applied to an op."""

from __future__ import annotations

from typing import NamedTuple

from accelsim.machine.architecture import Machine
from accelsim.step.ops import Contraction


class Skipped(NamedTuple):
    """Whether zeros of the moving and of the stationary operand are skipped."""

    moving: bool
    stationary: bool


def skipped(architecture: Machine, op: Contraction) -> Skipped:
    """Setting ``pe_array.skip`` for the op's pass."""
    mode = getattr(architecture.pe_array.skip, op.pass_.value.lower())
    return Skipped(mode in {"moving", "both"}, mode in {"stationary", "both"})


def keeps_zeros(architecture: Machine, op: Contraction) -> bool:
    """Whether structural zeros stay in the streams and are processed like ordinary words.

    There are none between the groups of attention, which are products of different maps.
    """
    apart = op.stationary_arrives and not op.nest.sums_samples
    return architecture.pe_array.structural_zeros == "window" and not apart
