"""Scalar operations per element of the loss and of the optimizers, counted as in
`accelsim.workload.lowering.Work`.
"""

from __future__ import annotations

from accelsim.config.names import OptimizerName

SOFTMAX_LOSS = 6
"""Maximum, subtract, exp, sum, divide, and subtract the one-hot label. The factor 1/N is part of
the learning rate.
"""

OPTIMIZER: dict[str, int] = {
    OptimizerName.SGD: 2,
    OptimizerName.MOMENTUM: 4,
    OptimizerName.ADAM: 12,
    OptimizerName.ADAMW: 13,
    OptimizerName.LION: 10,
}
"""sgd: w -= eta*g. momentum: v = alpha*v + g; w -= eta*v. adam: both moments 3 + 4; sqrt, add,
divide, multiply, subtract (bias corrections are scalars and not counted). adamw: the same, and w *=
1 - eta*lambda. lion: u = sign(beta1*m + (1-beta1)*g) 4; w *= 1 - eta*lambda 1; w -= eta*u 2; m =
beta2*m + (1-beta2)*g 3. Weight decay is counted where the optimizer's definition has it.
"""

MIXED_MOMENTUM = 7
"""Feedback step of the hybrid rule: v = alpha*v + g 2; u = gamma*v + (1-gamma)*v_bp 3; w -= eta*u
2.
"""

MOMENTUM = "momentum"
"""Last part of the name of a momentum tensor."""

STATE_WORDS: dict[str, tuple[str, ...]] = {
    OptimizerName.SGD: (),
    OptimizerName.MOMENTUM: (MOMENTUM,),
    OptimizerName.ADAM: ("moment1", "moment2"),
    OptimizerName.ADAMW: ("moment1", "moment2"),
    OptimizerName.LION: ("moment",),
}
"""Tensors of optimizer state per weight tensor, each of its shape."""
