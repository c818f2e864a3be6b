"""``hdfa`` (Han et al. 2020, algorithm 1): a step is backpropagation's with probability p, else
that of the revised rule.

It has no ops of its own: a run lowers both kinds of step, and a training step costs their weighted
mean.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from accelsim.errors import InputError
from accelsim.rules.chained.options import BP
from accelsim.rules.declaration import RuleSpec, StepKind
from accelsim.rules.hybrid.options import HybridOptions, feedback_rule
from accelsim.rules.options import NoOptions
from accelsim.rules.walk.vector_costs import MIXED_MOMENTUM, MOMENTUM
from accelsim.step.ops import Op, Operand, Pass, Role, Tensor, TrainingStep, VectorWork


def step_kinds(rule: RuleSpec[HybridOptions]) -> tuple[StepKind, ...]:
    """The kinds of step that are taken at all, with their probabilities: bp, then revised."""
    options, feedback = rule.options, feedback_rule(rule)
    given = f"{rule.name}.gamma" if "gamma" in options.model_fields_set else ""
    mix = partial(mix_momenta, gamma=options.gamma, given=given)
    kinds = (
        StepKind(BP.name, options.p, RuleSpec(BP, NoOptions())),
        StepKind(feedback.name, 1 - options.p, feedback, mix),
    )
    return tuple(kind for kind in kinds if kind.weight > 0)


def mix_momenta(step: TrainingStep, gamma: float, given: str = "") -> TrainingStep:
    """The update of a feedback step: v_DFA <- alpha v_DFA + g; w <- w - eta (gamma v_DFA + (1 -
    gamma) v_BP).

    Where the optimizer keeps a momentum (v_BP, which a BP step alone writes), v_DFA of the same
    shape is read and written in its place, and v_BP is read. With gamma 1 it is not, and the update
    costs what momentum costs. Adam's moments serve both kinds of step. ``given``: the option that
    gave gamma, empty where it was left to its default. InputError when it was given and the
    optimizer keeps no momentum that it could mix.
    """
    updates = [op for op in step.ops if op.pass_ is Pass.WU]
    if given and updates and not any(_momenta(op) for op in updates):
        raise InputError(
            f"{given} must be left out unless --optimizer is momentum, the only one that it "
            f"changes, got {gamma:g}"
        )
    return replace(
        step, ops=tuple(_mixed(op, gamma) if op.pass_ is Pass.WU else op for op in step.ops)
    )


def _momenta(op: Op) -> list[Operand]:
    return [
        operand
        for operand in op.operands
        if operand.tensor.role is Role.OPTIMIZER_STATE
        and operand.tensor.name.endswith(f".{MOMENTUM}")
    ]


def _mixed(op: Op, gamma: float) -> Op:
    found = _momenta(op)
    if not found or not isinstance(op, VectorWork):
        return op
    own = {operand.tensor.name: _of_feedback(operand.tensor) for operand in found}
    read = [
        Operand(own.get(each.tensor.name, each.tensor), each.use, each.zeros)
        for each in op.operands
    ]
    if gamma < 1:
        read += found
    ops = MIXED_MOMENTUM if gamma < 1 else op.ops_per_element
    written = tuple(own.get(tensor.name, tensor) for tensor in op.outputs)
    return replace(op, operands=tuple(read), outputs=written, ops_per_element=ops)


def _of_feedback(momentum: Tensor) -> Tensor:
    return replace(momentum, name=f"{momentum.name.removesuffix(MOMENTUM)}feedback_{MOMENTUM}")
