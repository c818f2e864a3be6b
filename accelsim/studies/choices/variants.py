"""The choices that have a switch, and what each is set to instead of its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MACHINES = ("near-memory", "von-neumann")
NEAR = ("near-memory",)
WORKLOADS = ("vgg16-cifar10", "resnet18-cifar10", "lstm-wikitext2")
RULES = ("bp", "dfa")
DEFAULT = "as shipped"


@dataclass(frozen=True)
class Variant:
    """One choice changed. ``keys``: keys of the machine file. ``options``: options of `simulate`.
    ``machines``: those that have the choice.
    """

    name: str
    keys: Mapping[str, object] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)
    machines: tuple[str, ...] = MACHINES


def of_keys(machines: tuple[str, ...] = MACHINES, **keys: object) -> Variant:
    """A variant of one or more keys, with ``__`` for the dot; its name is what it sets."""
    dotted = {key.replace("__", "."): value for key, value in keys.items()}
    name = ", ".join(f"{key}: {_spell(value)}" for key, value in dotted.items())
    return Variant(name, dotted, machines=machines)


def _spell(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {each}" for key, each in value.items()) + "}"
    return str(value).lower() if isinstance(value, bool) else str(value)


COPIES_LAST = ["weights", "feedback", "gradients", "optimizer_state", "stash", "copies"]

VARIANTS = (
    Variant(DEFAULT),
    of_keys(fusion="none"),
    of_keys(fusion="full"),
    of_keys(mapping__objective="canonical"),
    Variant("placement.order: copies last", {"placement.order": COPIES_LAST}, machines=NEAR),
    of_keys(NEAR, placement__stash="auto"),
    of_keys(NEAR, near_memory__transpose="psum_reduce"),
    of_keys(NEAR, near_memory__transpose="transposable"),
    of_keys(NEAR, near_memory__update="separate"),
    of_keys(NEAR, near_memory__feedback="prng"),
    of_keys(NEAR, vector_unit__update_in_pe=False),
    of_keys(vector_unit__width=256),
    of_keys(pe_array__skip={"ff": "none", "ep": "none", "wg": "none"}),
    of_keys(pe_array__skip_outputs=False),
    of_keys(pe_array__window=4),
    of_keys(pe_array__structural_zeros="window"),
    of_keys(noc__topology="mesh"),
    of_keys(noc__width=64),
    of_keys(global_buffer__conflicts="modelled"),
    of_keys(global_buffer__ports=2),
    of_keys(blocks_per_op=16),
    of_keys(dram__standard="ddr4-3200"),
    of_keys(dram__standard="hbm2"),
    of_keys(dram__arbitration="round_robin"),
    of_keys(dram__outstanding=8),
    Variant("partitions: 4, schedule unlocked", {"partitions": 4}, {"schedule": "unlocked"}),
    Variant("the first step", options={"warm": False}),
    Variant("optimizer sgd", options={"optimizer": "sgd"}),
    Variant("batch 16", options={"batch": 16}),
    Variant("no zeros", options={"trace": "dense"}),
)
"""The default comes first."""
