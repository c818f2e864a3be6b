"""Optimizers: SGD, momentum, Adam, AdamW, Lion, and the two momenta of hybrid training. Gradients
may come from any learning rule.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import numpy as np

from accelsim.config.names import OptimizerName
from accelsim.errors import InputError
from accelsim.numerics.arrays import Array
from accelsim.rules.walk.numbers import BP

Key = tuple[str, str]
"""(layer, parameter)."""


class Optimizer(ABC):
    """Updates parameters in place. A parameter without a gradient is unchanged.

    ``weight_decay`` times each weight (not batch norm's scale and shift) is added to its gradient;
    if ``decouples``, it is subtracted from the weight itself, times the learning rate.
    ``state`` holds the arrays that persist between steps, by name and parameter; ``steps`` counts
    the updates. A checkpoint needs no more than these two.
    """

    decouples = False

    def __init__(self, learning_rate: float, weight_decay: float = 0.0) -> None:
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.steps = 0
        self.state: dict[tuple[str, *Key], Array] = {}

    def step(
        self, parameters: Mapping[Key, Array], gradients: Mapping[Key, Array], kind: str = BP
    ) -> None:
        """One update. ``kind`` is the kind of training step that produced the gradients."""
        self.steps += 1
        for key, gradient in gradients.items():
            parameter = parameters[key]
            decays = self.weight_decay and key[1] == "weight"
            if decays and self.decouples:
                parameter *= parameter.dtype.type(1 - self.learning_rate * self.weight_decay)
                decays = False
            self.update(
                key,
                parameter,
                gradient + parameter.dtype.type(self.weight_decay) * parameter
                if decays
                else gradient,
                kind,
            )

    @abstractmethod
    def update(self, key: Key, parameter: Array, gradient: Array, kind: str) -> None:
        """Update one parameter array in place."""

    def kept(self, name: str, key: Key, like: Array) -> Array:
        """A state array, initially zeros, of the shape of ``like``."""
        full = (name, *key)
        if full not in self.state:
            self.state[full] = np.zeros_like(like)
        return self.state[full]


class Sgd(Optimizer):
    """theta <- theta - eta g."""

    def update(self, key: Key, parameter: Array, gradient: Array, kind: str) -> None:
        parameter -= self.learning_rate * gradient


class Momentum(Optimizer):
    """v <- alpha v + g; theta <- theta - eta v (Sutskever et al. 2013, without Nesterov's
    look-ahead).
    """

    def __init__(
        self, learning_rate: float, weight_decay: float = 0.0, momentum: float = 0.9
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.momentum = momentum

    def update(self, key: Key, parameter: Array, gradient: Array, kind: str) -> None:
        parameter -= self.learning_rate * self._velocity("momentum", key, parameter, gradient)

    def _velocity(self, name: str, key: Key, parameter: Array, gradient: Array) -> Array:
        velocity = self.kept(name, key, parameter)
        velocity *= self.momentum
        velocity += gradient
        return velocity


class HybridMomentum(Momentum):
    """One momentum per kind of step (Han et al. 2020, algorithm 1, as amended).

    BP step: v_BP <- alpha v_BP + g; theta <- theta - eta v_BP.

    Feedback step: v_DFA <- alpha v_DFA + g; theta <- theta - eta (gamma v_DFA + (1 - gamma) v_BP).
    """

    def __init__(
        self,
        learning_rate: float,
        weight_decay: float = 0.0,
        momentum: float = 0.9,
        gamma: float = 0.9,
    ) -> None:
        super().__init__(learning_rate, weight_decay, momentum)
        self.gamma = gamma

    def update(self, key: Key, parameter: Array, gradient: Array, kind: str) -> None:
        if kind == BP:
            super().update(key, parameter, gradient, kind)
            return
        mixed = self.gamma * self._velocity("feedback_momentum", key, parameter, gradient)
        if self.gamma < 1:
            mixed += (1 - self.gamma) * self.kept("momentum", key, parameter)
        parameter -= self.learning_rate * mixed


class Adam(Optimizer):
    """Kingma & Ba 2015, algorithm 1, with bias correction. All kinds of step share the moments."""

    def __init__(
        self,
        learning_rate: float,
        weight_decay: float = 0.0,
        decay: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.decay, self.epsilon = decay, epsilon

    def update(self, key: Key, parameter: Array, gradient: Array, kind: str) -> None:
        first, second = self.kept("moment1", key, parameter), self.kept("moment2", key, parameter)
        first += (1 - self.decay[0]) * (gradient - first)
        second += (1 - self.decay[1]) * (gradient * gradient - second)
        corrected = first / (1 - self.decay[0] ** self.steps)
        parameter -= (
            self.learning_rate
            * corrected
            / (np.sqrt(second / (1 - self.decay[1] ** self.steps)) + self.epsilon)
        )


class AdamW(Adam):
    """Loshchilov & Hutter 2019, algorithm 2: Adam, with decoupled weight decay."""

    decouples = True


class Lion(Optimizer):
    """Chen et al. 2023, algorithm 2: u <- sign(beta1 m + (1 - beta1) g); theta <- theta - eta (u +
    lambda theta); m <- beta2 m + (1 - beta2) g.
    """

    decouples = True

    def __init__(
        self,
        learning_rate: float,
        weight_decay: float = 0.0,
        decay: tuple[float, float] = (0.9, 0.99),
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.decay = decay

    def update(self, key: Key, parameter: Array, gradient: Array, kind: str) -> None:
        moment = self.kept("moment", key, parameter)
        mixed = self.decay[0] * moment + (1 - self.decay[0]) * gradient
        parameter -= parameter.dtype.type(self.learning_rate) * np.sign(mixed)
        moment += (1 - self.decay[1]) * (gradient - moment)


OPTIMIZERS: dict[str, Callable[[float, float], Optimizer]] = {
    OptimizerName.SGD: Sgd,
    OptimizerName.MOMENTUM: Momentum,
    OptimizerName.ADAM: Adam,
    OptimizerName.ADAMW: AdamW,
    OptimizerName.LION: Lion,
}


def optimizer(
    name: str, learning_rate: float, weight_decay: float = 0.0, gamma: float | None = None
) -> Optimizer:
    """The optimizer ``name`` with default constants. Momentum with a ``gamma`` is the hybrid
    rule's.

    Raises InputError for an unknown name, a learning rate that is not positive, or a negative
    weight decay.
    """
    if name not in OPTIMIZERS:
        raise InputError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, got {name}")
    if not learning_rate > 0:
        raise InputError(f"learning rate must be > 0, got {learning_rate}")
    if weight_decay < 0:
        raise InputError(f"weight decay must be >= 0, got {weight_decay}")
    if name == OptimizerName.MOMENTUM and gamma is not None:
        return HybridMomentum(learning_rate, weight_decay, gamma=gamma)
    return OPTIMIZERS[name](learning_rate, weight_decay)
