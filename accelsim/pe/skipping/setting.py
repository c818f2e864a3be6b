"""Operands whose zeros an array skips: the machine's setting per pass."""

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
