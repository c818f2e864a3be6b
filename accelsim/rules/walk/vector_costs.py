"""Scalar operations an element that work without MACs takes: counts of the textbook formulas, not
of any machine.

A scalar operation is one add, multiply, compare, divide or table function (exp, tanh, sigmoid,
reciprocal square root).
"""

from __future__ import annotations

from accelsim.config.names import OptimizerName

ACTIVATION = {"relu": 1, "tanh": 1, "sigmoid": 1}

DERIVATIVE = {"relu": 1, "tanh": 3, "sigmoid": 3}
"""relu: select by the mask; tanh: e * (1 - y*y); sigmoid: e * y * (1 - y)."""

BATCH_NORM = 7
"""Mean 1, centre 1, variance 2, normalize 1, scale and shift 2; what is done once a channel is left
out.
"""

BATCH_NORM_BACKWARD = 7
"""Gradient of the scale 2, of the shift 1, and scale * (e - mean(e) - normalized * mean(e *
normalized)) 4.
"""

SOFTMAX_LOSS = 6
"""Maximum, subtract, exp, sum, divide; subtract the one-hot label (the 1/N is folded into the
learning rate).
"""

OPTIMIZER: dict[str, int] = {
    OptimizerName.SGD: 2,
    OptimizerName.MOMENTUM: 4,
    OptimizerName.ADAM: 12,
}
"""sgd: w -= eta*g. momentum: v = alpha*v + g; w -= eta*v. adam: both moments 3 + 4; sqrt, add,
divide, multiply, subtract (bias corrections are scalars).
"""

MIXED_MOMENTUM = 7
"""A feedback step of the hybrid rule: v = alpha*v + g 2; u = gamma*v + (1-gamma)*v_bp 3; w -= eta*u
2.
"""

STATE_WORDS: dict[str, tuple[str, ...]] = {
    OptimizerName.SGD: (),
    OptimizerName.MOMENTUM: ("momentum",),
    OptimizerName.ADAM: ("moment1", "moment2"),
}
"""Tensors of optimizer state, each of the weights' shape."""

GATE = {"rnn": 1, "lstm": 9, "gru": 9}
"""An element of h. rnn: tanh. lstm: 4 gates, c = f*c + i*g 3, tanh(c), o*tanh(c). gru: 2 gates,
tanh(a + r*b) 3, (1-z)*n + z*h 4.
"""

GATE_BACKWARD = {"rnn": 3, "lstm": 21, "gru": 15}
"""An element of h. rnn: e * (1 - h*h). lstm: tanh(c) 1, its derivative 2, e to c 2, 4 a gate. gru:
z 5, n 5, r 4, r*dn 1.
"""

GATE_CARRY = {"rnn": 1, "lstm": 3, "gru": 3}
"""More of it where errors cross time. All: add the next step's error to e. lstm: add its cell
error, scale by f. gru: scale by z, add.
"""
