"""What a run decides about places: the machine's policy, and what its objective changed in it."""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.machine.placement import KINDS, Kind, PlacementPolicy


@dataclass(frozen=True)
class Placing:
    """Who gets room in the scratchpads.

    - ``order``: order in which room is given out.
    - ``copies``: most sets of weights or feedback in the PEs; None: as many as fit.
    - ``stash``: places of the stash, see `PlacementPolicy`.
    - ``single``: names of tensors that get no copies.
    - ``evicted``: names of optimizer states that live in DRAM.
    """

    order: tuple[Kind, ...] = KINDS
    copies: int | None = None
    stash: str = "buffer"
    single: frozenset[str] = frozenset()
    evicted: frozenset[str] = frozenset()

    @classmethod
    def canonical(cls, policy: PlacementPolicy) -> Placing:
        """The places of the canonical mapping. What the policy leaves open is as by default."""
        return cls(
            policy.order or KINDS,
            None if policy.copies == "auto" else policy.copies,
            policy.stash or "buffer",
        )

    def most_copies(self, name: str) -> int | None:
        """Most sets of a tensor; None: as many as fit."""
        return 1 if name in self.single else self.copies
