"""What a result says about its memories: weights that had no room, tensors that a format could not
make smaller.
"""

from __future__ import annotations

from collections.abc import Sequence

from accelsim.mapping.residency import Residency
from accelsim.step.ops import Role, TrainingStep

_LISTED = 4


def memory_notes(
    step: TrainingStep, residency: Residency, stored_dense: Sequence[str]
) -> list[str]:
    """Sentences for a result; none where everything has its home, and every format what it needs to
    know.
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
    if stored_dense:
        notes.append(
            f"nothing is known of the zeros of {_listed(stored_dense)}: stored dense, whatever the "
            f"format of their role"
        )
    return notes


def _listed(items: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(items) - _LISTED
    return ", ".join(items[:_LISTED]) + (f" and {more} more" if more > 0 else "")
