"""Recurrent cells, computed for each neuron, sample and time step in loops, with errors by the
chain rule, one factor after another.

Sequences are lists [time][sample][neuron]; a state is a list of samples by name. Weights are rows
[gate * H + neuron][C + H].
"""

from __future__ import annotations

from math import exp, tanh

import numpy as np

Matrix = list[list[float]]
Sequence = list[Matrix]
State = dict[str, Matrix]

GATES = {"rnn": "h", "lstm": "ifgo", "gru": "rzn"}


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


def gate_sums(
    weight: Matrix, vector: list[float], gates: str, first: int
) -> dict[str, list[float]]:
    """Sums by gate over one part of [x, h]. The part's weights begin at column ``first``."""
    hidden = len(weight) // len(gates)
    sums = {}
    for index, gate in enumerate(gates):
        rows = weight[index * hidden : (index + 1) * hidden]
        sums[gate] = [sum(row[first + c] * value for c, value in enumerate(vector)) for row in rows]
    return sums


def rnn_cell(
    a: dict[str, float], b: dict[str, float], _before: dict[str, float]
) -> dict[str, float]:
    """Gates and new states of one neuron at one time step, from the input parts a and hidden parts
    b of its sums.
    """
    return {"hidden": tanh(a["h"] + b["h"])}


def lstm_cell(
    a: dict[str, float], b: dict[str, float], before: dict[str, float]
) -> dict[str, float]:
    i, f, o = (sigmoid(a[gate] + b[gate]) for gate in "ifo")
    g = tanh(a["g"] + b["g"])
    cell = f * before["cell"] + i * g
    return {"i": i, "f": f, "g": g, "o": o, "cell": cell, "hidden": o * tanh(cell)}


def gru_cell(
    a: dict[str, float], b: dict[str, float], before: dict[str, float]
) -> dict[str, float]:
    r, z = (sigmoid(a[gate] + b[gate]) for gate in "rz")
    n = tanh(a["n"] + r * b["n"])
    return {"r": r, "z": z, "n": n, "b": b["n"], "hidden": (1 - z) * n + z * before["hidden"]}


CELLS = {"rnn": rnn_cell, "lstm": lstm_cell, "gru": gru_cell}
Record = list[list[list[dict[str, float]]]]


def forward(kind: str, weight: Matrix, inputs: Sequence, state: State) -> Record:
    """Gates and states of every neuron, [time + 1][sample][neuron]. The first entry is the initial
    state.
    """
    batch, hidden = len(state["hidden"]), len(state["hidden"][0])
    record: Record = [
        [[{name: state[name][n][k] for name in state} for k in range(hidden)] for n in range(batch)]
    ]
    for maps in inputs:
        made = []
        for n, x in enumerate(maps):
            a = gate_sums(weight, x, GATES[kind], 0)
            b = gate_sums(
                weight, [neuron["hidden"] for neuron in record[-1][n]], GATES[kind], len(x)
            )
            made.append(
                [
                    CELLS[kind](
                        {gate: a[gate][k] for gate in a},
                        {gate: b[gate][k] for gate in b},
                        record[-1][n][k],
                    )
                    for k in range(hidden)
                ]
            )
        record.append(made)
    return record


def rnn_errors(
    now: dict[str, float], _before: dict[str, float], at: dict[str, float]
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """For one neuron at one time step: errors at the input parts of its sums, at the hidden parts,
    and at the previous states. ``at``: errors at its states.
    """
    sums = {"h": at["hidden"] * (1 - now["hidden"] ** 2)}
    return sums, sums, {"hidden": 0.0}


def lstm_errors(
    now: dict[str, float], before: dict[str, float], at: dict[str, float]
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    squashed = tanh(now["cell"])
    at_cell = at["cell"] + at["hidden"] * now["o"] * (1 - squashed**2)
    at_gate = {
        "i": at_cell * now["g"],
        "f": at_cell * before["cell"],
        "g": at_cell * now["i"],
        "o": at["hidden"] * squashed,
    }
    sums = {
        gate: at_gate[gate] * (1 - now[gate] ** 2 if gate == "g" else now[gate] * (1 - now[gate]))
        for gate in "ifgo"
    }
    return sums, sums, {"hidden": 0.0, "cell": at_cell * now["f"]}


def gru_errors(
    now: dict[str, float], before: dict[str, float], at: dict[str, float]
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    at_n = at["hidden"] * (1 - now["z"]) * (1 - now["n"] ** 2)
    at_z = at["hidden"] * (before["hidden"] - now["n"]) * now["z"] * (1 - now["z"])
    at_r = at_n * now["b"] * now["r"] * (1 - now["r"])
    return (
        {"r": at_r, "z": at_z, "n": at_n},
        {"r": at_r, "z": at_z, "n": at_n * now["r"]},
        {"hidden": at["hidden"] * now["z"]},
    )


ERRORS = {"rnn": rnn_errors, "lstm": lstm_errors, "gru": gru_errors}


def backward(
    kind: str,
    weight: Matrix,
    inputs: Sequence,
    record: Record,
    error: Sequence,
    carrier: Matrix,
    through_time: bool,
) -> tuple[Matrix, Sequence, State]:
    """Weight gradient, errors at the inputs, and errors at the initial state, from the errors at
    every h.

    ``carrier`` replaces the weights where errors are carried back. If not ``through_time``, each
    step receives only the error from above.
    """
    gates, channels = GATES[kind], len(inputs[0][0])
    hidden, batch = len(weight) // len(gates), len(inputs[0])
    gradient = [[0.0] * (channels + hidden) for _ in weight]
    input_errors = [[[0.0] * channels for _ in range(batch)] for _ in inputs]
    names = [name for name in ("hidden", "cell") if name in record[0][0][0]]
    carried = {name: [[0.0] * hidden for _ in range(batch)] for name in names}
    for t in reversed(range(len(inputs))):
        arriving, carried = (
            carried,
            {name: [[0.0] * hidden for _ in range(batch)] for name in names},
        )
        for n in range(batch):
            for k in range(hidden):
                at = {name: arriving[name][n][k] if through_time else 0.0 for name in names}
                at["hidden"] += error[t][n][k]
                by_input, by_hidden, around = ERRORS[kind](record[t + 1][n][k], record[t][n][k], at)
                for name in names:
                    carried[name][n][k] += around[name]
                for index, gate in enumerate(gates):
                    row = index * hidden + k
                    for c in range(channels):
                        gradient[row][c] += by_input[gate] * inputs[t][n][c]
                        input_errors[t][n][c] += by_input[gate] * carrier[row][c]
                    for j in range(hidden):
                        gradient[row][channels + j] += by_hidden[gate] * record[t][n][j]["hidden"]
                        carried["hidden"][n][j] += by_hidden[gate] * carrier[row][channels + j]
    return gradient, input_errors, carried


def add_rows(rows: np.ndarray, places: np.ndarray, total: np.ndarray) -> None:
    for row, place in zip(rows, places, strict=True):
        for column, value in enumerate(row):
            total[place][column] += value
