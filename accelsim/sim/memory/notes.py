"""Notes of a result about memory: weights that do not fit, tensors a format could not compress."""

from __future__ import annotations

from collections.abc import Sequence

from accelsim.mapping.residency import Residency
from accelsim.step.ops import Role, TrainingStep

_LISTED = 4


def memory_notes(
    step: TrainingStep, residency: Residency, stored_dense: Sequence[str], stash_in_pads: int = 0
) -> list[str]:
    """Sentences for a result's notes; [] if all weights fit, every format's zeros are known and no
    stash is in the scratchpads.

    ``stash_in_pads``: largest total of the stash there, in bytes.
    """
    roles = {operand.tensor.name: operand.tensor.role for op in step.ops for operand in op.operands}
    spilled = [
        f"{home.spilled} of {home.resident + home.spilled} words of {name}"
        for name, home in residency.homes.items()
        if home.spilled and roles.get(name) in {Role.WEIGHT, Role.FEEDBACK}
    ]
    notes = []
    if spilled:
        notes.append(
            f"the scratchpads have no room for {_listed(spilled)}: they are read from DRAM at "
            f"every use"
        )
    if stash_in_pads:
        notes.append(f"the scratchpads hold at most {stash_in_pads} bytes of the stash")
    if stored_dense:
        notes.append(
            f"the zeros of {_listed(stored_dense)} are unknown: they are stored dense, whatever "
            f"the format of their role"
        )
    return notes


def _listed(items: Sequence[str]) -> str:
    """The first items, followed by the number of those left out."""
    more = len(items) - _LISTED
    return ", ".join(items[:_LISTED]) + (f" and {more} more" if more > 0 else "")
