"""Weight updates: SGD, momentum, Adam. State is kept by parameter, gradients come from any learning rule."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import numpy as np

from accelsim.errors import InputError
from accelsim.reference.numerics import Array

Key = tuple[str, str]


class Optimizer(ABC):
    """Updates parameters in place; a parameter without a gradient stays as it is."""

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate

    def step(self, parameters: Mapping[Key, Array], gradients: Mapping[Key, Array]) -> None:
        for key, gradient in gradients.items():
            self.update(key, parameters[key], gradient)

    @abstractmethod
    def update(self, key: Key, parameter: Array, gradient: Array) -> None:
        """Update one parameter array in place."""


class Sgd(Optimizer):
    """theta <- theta - eta g."""

    def update(self, key: Key, parameter: Array, gradient: Array) -> None:
        parameter -= self.learning_rate * gradient


class Momentum(Optimizer):
    """v <- alpha v + g; theta <- theta - eta v."""

    def __init__(self, learning_rate: float, momentum: float = 0.9) -> None:
        super().__init__(learning_rate)
        self.momentum = momentum
        self.velocity: dict[Key, Array] = {}

    def update(self, key: Key, parameter: Array, gradient: Array) -> None:
        velocity = self.velocity.setdefault(key, np.zeros_like(parameter))
        velocity *= self.momentum
        velocity += gradient
        parameter -= self.learning_rate * velocity


class Adam(Optimizer):
    """Kingma & Ba 2015, algorithm 1, with bias correction."""

    def __init__(self, learning_rate: float, decay: tuple[float, float] = (0.9, 0.999), epsilon: float = 1e-8) -> None:
        super().__init__(learning_rate)
        self.decay, self.epsilon = decay, epsilon
        self.steps = 0
        self.first: dict[Key, Array] = {}
        self.second: dict[Key, Array] = {}

    def step(self, parameters: Mapping[Key, Array], gradients: Mapping[Key, Array]) -> None:
        self.steps += 1
        super().step(parameters, gradients)

    def update(self, key: Key, parameter: Array, gradient: Array) -> None:
        first = self.first.setdefault(key, np.zeros_like(parameter))
        second = self.second.setdefault(key, np.zeros_like(parameter))
        first += (1 - self.decay[0]) * (gradient - first)
        second += (1 - self.decay[1]) * (gradient * gradient - second)
        corrected = first / (1 - self.decay[0] ** self.steps)
        parameter -= self.learning_rate * corrected / (np.sqrt(second / (1 - self.decay[1] ** self.steps)) + self.epsilon)


OPTIMIZERS: dict[str, Callable[[float], Optimizer]] = {"sgd": Sgd, "momentum": Momentum, "adam": Adam}


def optimizer(name: str, learning_rate: float) -> Optimizer:
    """The optimizer of that name with its default constants. InputError for an unknown name or a rate that is not positive."""
    if name not in OPTIMIZERS:
        raise InputError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, got {name}")
    if not learning_rate > 0:
        raise InputError(f"learning rate must be > 0, got {learning_rate}")
    return OPTIMIZERS[name](learning_rate)
