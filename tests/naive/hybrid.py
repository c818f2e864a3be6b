"""Optimizers for a single number: algorithm 1 of Han et al. 2020 as amended, momentum, and Adam
(Kingma & Ba 2015, algorithm 1).
"""

from __future__ import annotations

from math import sqrt


def custom_optimizer(
    theta: float, steps: list[tuple[bool, float]], eta: float, alpha: float, gamma: float
) -> list[float]:
    """theta after each step. ``steps``: (whether it is a BP step, gradient)."""
    v_bp = v_dfa = 0.0
    found = []
    for by_backprop, g in steps:
        if by_backprop:
            v_bp = alpha * v_bp + g
            theta = theta - eta * v_bp
        else:
            v_dfa = alpha * v_dfa + g
            u = gamma * v_dfa + (1 - gamma) * v_bp
            theta = theta - eta * u
        found.append(theta)
    return found


def momentum(theta: float, gradients: list[float], eta: float, alpha: float) -> list[float]:
    """theta after each step. alpha = 0 is plain gradient descent."""
    velocity, found = 0.0, []
    for g in gradients:
        velocity = alpha * velocity + g
        theta = theta - eta * velocity
        found.append(theta)
    return found


def adam(
    theta: float,
    gradients: list[float],
    eta: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> list[float]:
    """theta after each step."""
    m = v = 0.0
    found = []
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        theta = theta - eta * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + epsilon)
        found.append(theta)
    return found
