"""Unbranched recurrent networks, computed token by token: embedding, cells, tanh and fully
connected layers, with any rule's landing of errors.

Maps are sequences [time][sample][neuron].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import exp, log, tanh

from accelsim.workload.network import INPUT, Layer, Network
from tests.naive import recurrent
from tests.naive.layers import Weights, blank, matrix_of

Matrix = list[list[float]]
Sequence = list[Matrix]


@dataclass
class Errors:
    """Errors so far: at the layers' outputs, at plain RNNs' sums before tanh, and at the input of
    the current cell through its own derivatives.
    """

    at_output: dict[str, Sequence] = field(default_factory=dict)
    at_sums: dict[str, Sequence] = field(default_factory=dict)
    at_input: Sequence = field(default_factory=list)


Landing = Callable[[Layer, Errors], Sequence]


def mapped(function: Callable[[list[float]], list[float]], sequence: Sequence) -> Sequence:
    return [[function(vector) for vector in step] for step in sequence]


def paired(function: Callable[[float, float], float], left: Sequence, right: Sequence) -> Sequence:
    return [
        [
            [function(a, b) for a, b in zip(one, other, strict=True)]
            for one, other in zip(step, same, strict=True)
        ]
        for step, same in zip(left, right, strict=True)
    ]


def starting(kind: str, samples: int, hidden: int) -> recurrent.State:
    return {
        name: [[0.0] * hidden for _ in range(samples)]
        for name in (("hidden", "cell") if kind == "lstm" else ("hidden",))
    }


def forward(
    network: Network, weights: Weights, words: list[list[int]]
) -> tuple[dict[str, Sequence], dict[str, recurrent.Record]]:
    """All maps, and the gates and states of every cell."""
    maps: dict[str, Sequence] = {}
    records: dict[str, recurrent.Record] = {}
    for layer in network.layers:
        if layer.kind == "embedding":
            maps[layer.name] = [[weights[layer.name][word] for word in step] for step in words]
            continue
        read = maps[layer.inputs[0]]
        if layer.recurrent:
            state = starting(layer.kind, len(words[0]), layer.out_shape[2])
            records[layer.name] = recurrent.forward(layer.kind, weights[layer.name], read, state)
            maps[layer.name] = [
                [[neuron["hidden"] for neuron in sample] for sample in step]
                for step in records[layer.name][1:]
            ]
        elif layer.kind == "fc":
            maps[layer.name] = mapped(
                lambda x, matrix=weights[layer.name]: matrix_of(matrix, x), read
            )
        else:
            maps[layer.name] = mapped(lambda x: [tanh(value) for value in x], read)
    return maps, records


def output_errors(scores_of: Sequence, labels: list[int]) -> tuple[float, Sequence]:
    """(mean cross-entropy of softmax, errors at the logits)."""
    answers = iter(labels)
    loss, arrived = 0.0, []
    for step in scores_of:
        arrived.append([])
        for scores in step:
            chances = [exp(a) / sum(map(exp, scores)) for a in scores]
            label = next(answers)
            loss -= log(chances[label]) / len(labels)
            arrived[-1].append(
                [(chance - (index == label)) / len(labels) for index, chance in enumerate(chances)]
            )
    return loss, arrived


def trained(
    network: Network,
    weights: Weights,
    words: list[list[int]],
    labels: list[int],
    landing: Landing,
    carriers: Mapping[str, Matrix] | None,
) -> tuple[float, Weights, dict[str, Sequence]]:
    """Loss, weight gradients, and errors at the weighted layers' outputs. ``carriers``: matrices
    that carry errors through time, or None.
    """
    maps, records = forward(network, weights, words)
    loss, arrived = output_errors(maps[network.output.name], labels)
    gradients = {name: blank(weight) for name, weight in weights.items()}
    errors = Errors()
    for layer in reversed(network.layers):
        if layer.kind == "tanh":
            arrived = paired(lambda e, y: e * (1 - y * y), arrived, maps[layer.name])
            continue
        errors.at_output[layer.name] = arrived
        if layer.kind == "embedding":
            for step, same in zip(words, arrived, strict=True):
                for word, error in zip(step, same, strict=True):
                    for c, e in enumerate(error):
                        gradients[layer.name][word][c] += e
            continue
        read = maps[layer.inputs[0]]
        if layer.recurrent:
            carrier = weights[layer.name] if carriers is None else carriers[layer.name]
            gradients[layer.name], errors.at_input, _ = recurrent.backward(
                layer.kind,
                weights[layer.name],
                read,
                records[layer.name],
                arrived,
                carrier,
                through_time=carriers is not None,
            )
            errors.at_sums[layer.name] = paired(
                lambda e, h: e * (1 - h * h), arrived, maps[layer.name]
            )
        else:
            for step, same in zip(read, arrived, strict=True):
                for x, error in zip(step, same, strict=True):
                    for k, e in enumerate(error):
                        for c, value in enumerate(x):
                            gradients[layer.name][k][c] += e * value
        if layer.inputs[0] != INPUT:
            arrived = landing(layer, errors)
    return loss, gradients, errors.at_output


def transposed(weights: Mapping[str, Matrix]) -> Landing:
    """Landing through ``weights`` of the layers' shapes. Cells' errors have already passed through
    theirs.
    """

    def landing(layer: Layer, errors: Errors) -> Sequence:
        if layer.recurrent:
            return errors.at_input
        columns = [
            [row[c] for row in weights[layer.name]] for c in range(len(weights[layer.name][0]))
        ]
        return mapped(lambda e: matrix_of(columns, e), errors.at_output[layer.name])

    return landing


def from_output(output: str, matrices: Mapping[str, list[Matrix]]) -> Landing:
    """Landing of direct feedback at each time step from that step's output. Matrices are [step or a
    single one][neuron][class].
    """

    def landing(layer: Layer, errors: Errors) -> Sequence:
        own = matrices[layer.name]
        return [
            [matrix_of(own[min(t, len(own) - 1)], e) for e in step]
            for t, step in enumerate(errors.at_output[output])
        ]

    return landing
