"""``hdfa`` (Han et al. 2020, algorithm 1): a step is backpropagation's with probability p, else
that of the revised rule.

It has no ops of its own: a run lowers both kinds of step, and a training step costs their weighted
mean.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from accelsim.errors import InputError
from accelsim.rules.chained.backprop import RULES as BACKPROP
from accelsim.rules.info import RuleInfo, StepKind
from accelsim.rules.modular.revised import REVISED_OPTIONS
from accelsim.rules.spelling import Option, RuleSpec
from accelsim.rules.walk.vector_costs import MIXED_MOMENTUM
from accelsim.step.ops import Op, Operand, Pass, Role, Tensor, TrainingStep
from accelsim.workload.network import Network

BP, REVISED = "bp", "revised"


def steps(rule: RuleSpec) -> tuple[StepKind, ...]:
    """The kinds of step that are taken at all, with their probabilities: bp, then revised."""
    p, gamma = float(rule.get("p") or 0.0), float(rule.get("gamma") or 0.0)
    names = [option.name for option in REVISED_OPTIONS]
    values = [
        (name, rule.get(name))
        for name in names
        if rule.given(name) or (name == "binary" and rule.get(name))
    ]
    defaults = tuple(
        (option.name, option.default) for option in REVISED_OPTIONS if option.default is not None
    )
    revised = RuleSpec(
        REVISED, tuple((name, value) for name, value in values if value is not None), defaults
    )
    kinds = (
        StepKind(BP, p, RuleSpec(BACKPROP[0].name)),
        StepKind(
            REVISED, 1 - p, revised, partial(mix_momenta, gamma=gamma, given=rule.given("gamma"))
        ),
    )
    return tuple(kind for kind in kinds if kind.weight > 0)


def mix_momenta(step: TrainingStep, gamma: float, given: bool = False) -> TrainingStep:
    """The update of a feedback step: v_DFA <- alpha v_DFA + g; w <- w - eta (gamma v_DFA + (1 -
    gamma) v_BP).

    Where the optimizer keeps a momentum (v_BP, which a BP step alone writes), v_DFA of the same
    shape is read and written in its place, and v_BP is read. With gamma 1 it is not, and the update
    costs what momentum costs. Adam's moments serve both kinds of step. InputError when gamma was
    ``given``, not left to its default, and the optimizer keeps no momentum that it could mix.
    """
    updates = [op for op in step.ops if op.pass_ is Pass.WU]
    if given and updates and not any(_momenta(op) for op in updates):
        raise InputError(
            f"hdfa.gamma must be left out unless --optimizer is momentum, the only one that it "
            f"changes, got {gamma:g}"
        )
    return replace(
        step, ops=tuple(_mixed(op, gamma) if op.pass_ is Pass.WU else op for op in step.ops)
    )


def _momenta(op: Op) -> list[Operand]:
    return [
        operand
        for operand in op.operands
        if operand.tensor.role is Role.OPTIMIZER_STATE and operand.tensor.name.endswith(".momentum")
    ]


def _mixed(op: Op, gamma: float) -> Op:
    found = _momenta(op)
    if not found or op.vector is None:
        return op
    own = {operand.tensor.name: _of_feedback(operand.tensor) for operand in found}
    read = [
        Operand(own.get(each.tensor.name, each.tensor), each.use, each.zeros)
        for each in op.operands
    ]
    if gamma < 1:
        read += found
    ops = MIXED_MOMENTUM if gamma < 1 else op.vector.ops_per_element
    written = tuple(own.get(tensor.name, tensor) for tensor in op.outputs)
    return replace(
        op, operands=tuple(read), outputs=written, vector=replace(op.vector, ops_per_element=ops)
    )


def _of_feedback(momentum: Tensor) -> Tensor:
    return replace(momentum, name=f"{momentum.name.removesuffix('.momentum')}.feedback_momentum")


def lower_hybrid(_network: Network, rule: RuleSpec, *_: object) -> TrainingStep:
    """InputError, always: the rule is lowered step by step, as its kinds."""
    raise InputError(
        f"{rule.name} must be lowered as its kinds of step, {BP} and {REVISED}, got {rule}"
    )


def _options() -> tuple[Option, ...]:
    shared = {option.name: option for option in REVISED_OPTIONS}
    order = (
        "groups",
        "sparsity",
        "binary",
        "init",
        "per_step",
        "exponent",
        "order",
        "modules",
        "scale",
    )
    found = [
        replace(shared[name], default=True) if name == "binary" else shared[name] for name in order
    ]
    p = Option(
        "p",
        float,
        0.1,
        minimum=0,
        maximum=1,
        description="Probability of a step of backpropagation.",
    )
    gamma = Option(
        "gamma",
        float,
        0.9,
        minimum=0,
        maximum=1,
        description="Mix of the two momenta in the update of a DFA step.",
    )
    return (p, *found[:3], gamma, *found[3:])


RULES = (
    RuleInfo(
        "hdfa",
        "hdfa",
        "Hybrid: a step of backpropagation with probability p, else one of the revised rule "
        "(algorithm 1).",
        _options(),
        lower_hybrid,
        steps,
    ),
)
