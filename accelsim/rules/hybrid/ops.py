"""``hdfa`` (Han et al. 2020, algorithm 1): a training step uses backpropagation with probability p,
else the revised rule.

The rule has no ops of its own. A run lowers both kinds of step, and the reported cost is their
weighted mean.
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
    """Kinds of step with probability above 0, and their probabilities: bp, then revised."""
    options, feedback = rule.options, feedback_rule(rule)
    given = f"{rule.name}.gamma" if "gamma" in options.model_fields_set else ""
    mix = partial(mix_momenta, gamma=options.gamma, given=given)
    kinds = (
        StepKind(BP.name, options.p, RuleSpec(BP, NoOptions())),
        StepKind(feedback.name, 1 - options.p, feedback, mix),
    )
    return tuple(kind for kind in kinds if kind.weight > 0)


def mix_momenta(step: TrainingStep, gamma: float, given: str = "") -> TrainingStep:
    """Change the update of a feedback step to mix the two momenta:

        v_DFA <- alpha v_DFA + g
        w <- w - eta (gamma v_DFA + (1 - gamma) v_BP)

    This applies to an optimizer with a momentum. v_DFA, of the same shape as the momentum, is read
    and written in its place. v_BP, which only BP steps write, is also read, unless gamma is 1; the
    update then costs the same as plain momentum. Adam's moments are shared by both kinds of step.

    ``given`` names the option that set gamma, or is empty if gamma has its default. Raises
    InputError if gamma was given and the optimizer has no momentum to mix.
    """
    updates = [op for op in step.ops if op.pass_ is Pass.WU]
    if given and updates and not any(_momenta(op) for op in updates):
        raise InputError(
            f"{given} must be left out unless --optimizer is momentum, the only optimizer that "
            f"uses it, got {gamma:g}"
        )
    return replace(
        step, ops=tuple(_mixed(op, gamma) if op.pass_ is Pass.WU else op for op in step.ops)
    )


def _momenta(op: Op) -> list[Operand]:
    """Operands of an update that are momenta."""
    return [
        operand
        for operand in op.operands
        if operand.tensor.role is Role.OPTIMIZER_STATE
        and operand.tensor.name.endswith(f".{MOMENTUM}")
    ]


def _mixed(op: Op, gamma: float) -> Op:
    """An update with mixed momenta, or the op itself if it has no momentum."""
    momenta = _momenta(op)
    if not momenta or not isinstance(op, VectorWork):
        return op
    feedback = {operand.tensor.name: _of_feedback(operand.tensor) for operand in momenta}
    read = [
        Operand(feedback.get(each.tensor.name, each.tensor), each.use, each.zeros)
        for each in op.operands
    ]
    if gamma < 1:
        read += momenta
    ops = MIXED_MOMENTUM if gamma < 1 else op.ops_per_element
    written = tuple(feedback.get(tensor.name, tensor) for tensor in op.outputs)
    return replace(op, operands=tuple(read), outputs=written, ops_per_element=ops)


def _of_feedback(momentum: Tensor) -> Tensor:
    """The feedback steps' momentum that corresponds to ``momentum``."""
    return replace(momentum, name=f"{momentum.name.removesuffix(MOMENTUM)}feedback_{MOMENTUM}")
