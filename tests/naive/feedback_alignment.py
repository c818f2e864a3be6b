"""Direct feedback alignment in a chain of fully connected tanh layers, neuron by neuron: e_i = (B_i
e_L) f'(a_i).
"""

from __future__ import annotations

from math import exp, log, tanh

Matrix = list[list[float]]


def _times(matrix: Matrix, vector: list[float]) -> list[float]:
    return [sum(w * x for w, x in zip(row, vector, strict=True)) for row in matrix]


def direct_feedback(
    weights: list[Matrix], feedback: list[Matrix], images: Matrix, labels: list[int]
) -> tuple[float, list[Matrix], list[Matrix]]:
    """Loss, weight gradients, and errors at the layers' outputs, (samples, neurons) per layer, for
    the mean cross-entropy.

    ``weights``: one matrix (outputs, inputs) per layer; tanh follows all except the last.
    ``feedback[i]``: matrix B (neurons, classes) that carries the output error to the output of
    layer i, for all layers except the last.
    """
    gradients = [[[0.0] * len(row) for row in matrix] for matrix in weights]
    errors: list[Matrix] = [[] for _ in weights]
    loss = 0.0
    for image, label in zip(images, labels, strict=True):
        inputs = [image]
        for matrix in weights[:-1]:
            inputs.append([tanh(a) for a in _times(matrix, inputs[-1])])
        scores = [exp(a) for a in _times(weights[-1], inputs[-1])]
        chances = [score / sum(scores) for score in scores]
        loss -= log(chances[label]) / len(images)
        output = [(chance - (index == label)) / len(images) for index, chance in enumerate(chances)]
        own = [
            [carried * (1 - y * y) for carried, y in zip(_times(b, output), after, strict=True)]
            for b, after in zip(feedback, inputs[1:], strict=True)
        ]
        for layer, error in enumerate([*own, output]):
            errors[layer].append(error)
            for k, e in enumerate(error):
                for c, x in enumerate(inputs[layer]):
                    gradients[layer][k][c] += e * x
    return loss, gradients, errors
