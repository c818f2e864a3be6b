"""Numbers of recurrent layers and embeddings: against plain loops, against complex steps, and what
they multiply.
"""

from __future__ import annotations

import re
from math import prod, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.errors import InputError
from accelsim.kernels.tensors.recurrent import add_rows
from accelsim.layers.embedding import Embedding, EmbeddingNumerics
from accelsim.layers.recurrent import KINDS as CELLS
from accelsim.layers.recurrent_numerics import RecurrentNumerics
from accelsim.numerics import products
from accelsim.rules.registry import lower
from accelsim.workload.network import Network
from tests.naive import recurrent as naive

KINDS = ("rnn", "lstm", "gru")
TOLERANCE = {np.float32: 3e-5, np.float64: 1e-12}


class Case:
    """A layer with random weights, initial state, inputs and errors at its output."""

    def __init__(self, kind, sizes, seed=0, dtype=np.float64):
        self.kind, self.dtype = kind, dtype
        self.steps, self.batch, self.channels, self.hidden = sizes
        self.random = np.random.default_rng(seed)
        self.layer = CELLS[kind]("cell", ("input",), ((1, 1, self.channels),), (1, 1, self.hidden))
        self.weight, self.other = (self.normal(*self.layer.weight_shape) for _ in range(2))
        self.inputs = self.normal(self.steps * self.batch, 1, 1, self.channels)
        self.error = self.normal(self.steps * self.batch, 1, 1, self.hidden)
        names = ("hidden", "cell") if kind == "lstm" else ("hidden",)
        self.state = {name: self.normal(self.batch, self.hidden) for name in names}

    def normal(self, *shape):
        return self.random.standard_normal(shape).astype(self.dtype)

    def numerics(self):
        """After a forward."""
        found = RecurrentNumerics(self.layer, np.dtype(self.dtype), self.steps)
        found.parameters, found.state = {"weight": self.weight}, self.state
        found.forward((self.inputs,), training=True)
        return found

    def sequence(self, array):
        return array.reshape(self.steps, self.batch, -1).tolist()

    def record(self):
        return naive.forward(
            self.kind,
            self.weight.tolist(),
            self.sequence(self.inputs),
            {k: v.tolist() for k, v in self.state.items()},
        )

    def naive_backward(self, through_time, carrier=None):
        carrier = (self.weight if carrier is None else carrier).tolist()
        arguments = (
            self.weight.tolist(),
            self.sequence(self.inputs),
            self.record(),
            self.sequence(self.error),
            carrier,
        )
        return naive.backward(self.kind, *arguments, through_time)

    def close(self, found, expected):
        scale = max(1.0, float(np.abs(expected).max(initial=0)))
        return np.asarray(found).reshape(np.shape(expected)) == pytest.approx(
            np.asarray(expected), rel=0, abs=TOLERANCE[self.dtype] * scale
        )


sizes = st.tuples(*(st.integers(1, 4) for _ in range(4)))
cases = st.builds(
    Case,
    st.sampled_from(KINDS),
    sizes,
    st.integers(0, 2**32 - 1),
    st.sampled_from([np.float32, np.float64]),
)


@given(cases)
def test_forward_equals_the_twin(case):
    numerics = case.numerics()
    states = [
        [[neuron["hidden"] for neuron in sample] for sample in step] for step in case.record()
    ]
    output = numerics.forward((case.inputs,), training=True)
    assert output.dtype == case.dtype
    assert case.close(output, states[1:])
    assert numerics.final_state.keys() == case.state.keys()
    for name, state in numerics.final_state.items():
        assert state.dtype == case.dtype
        assert case.close(
            state, [[neuron[name] for neuron in sample] for sample in case.record()[-1]]
        )


@given(cases)
def test_backward_through_time_equals_the_twin(case):
    numerics = case.numerics()
    gradient, at_inputs, at_state = case.naive_backward(through_time=True)
    (found,) = numerics.backward(case.error, propagate=True)
    assert found.shape == case.inputs.shape
    assert found.dtype == numerics.gradients["weight"].dtype == case.dtype
    assert case.close(numerics.gradients["weight"], gradient)
    assert case.close(found, at_inputs)
    assert all(case.close(numerics.state_error[name], at_state[name]) for name in case.state)
    assert numerics.backward(case.error, propagate=False) == ()
    assert case.close(numerics.gradients["weight"], gradient)


@given(cases)
def test_transport_takes_the_place_of_the_weights_where_errors_are_carried_back(case):
    numerics = case.numerics()
    gradient, at_inputs, _ = case.naive_backward(through_time=True, carrier=case.other)
    (found,) = numerics.backward(case.error, True, case.other)
    assert case.close(numerics.gradients["weight"], gradient)
    assert case.close(found, at_inputs)


@given(cases)
def test_learning_equals_the_twin_whose_errors_do_not_cross_time(case):
    numerics = case.numerics()
    numerics.learn(case.error)
    assert case.close(numerics.gradients["weight"], case.naive_backward(through_time=False)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_learning_from_the_last_step_alone_is_the_gradient_of_a_sequence_of_one_step(kind):
    """An error at one time step sets the gradient that this step has on its own, its state before
    being given.
    """
    case = Case(kind, (3, 2, 3, 4))
    numerics = case.numerics()
    case.error[: -case.batch] = 0
    numerics.learn(case.error)
    alone = RecurrentNumerics(case.layer, np.dtype(np.float64), 1)
    alone.parameters = numerics.parameters
    alone.state = {
        name: states[-2 * case.batch : -case.batch] for name, states in numerics.cell.states.items()
    }
    alone.forward((case.inputs[-case.batch :],), training=True)
    alone.backward(case.error[-case.batch :], propagate=False)
    assert numerics.gradients["weight"] == pytest.approx(alone.gradients["weight"], rel=1e-12)


def smooth_loss(case, weight, inputs, state):
    """<error, h> in arithmetic that carries complex numbers: the formulas of the layers once more,
    in arrays.
    """
    gates, c, h = case.layer.weight_shape[0] // case.hidden, state.get("cell"), state["hidden"]
    total = 0
    for x, e in zip(
        inputs.reshape(case.steps, case.batch, -1),
        case.error.reshape(case.steps, case.batch, -1),
        strict=True,
    ):
        a = np.split(x @ weight[:, : case.channels].T, gates, axis=1)
        b = np.split(h @ weight[:, case.channels :].T, gates, axis=1)
        if case.kind == "rnn":
            h = np.tanh(a[0] + b[0])
        elif case.kind == "lstm":
            i, f, o = (1 / (1 + np.exp(-a[gate] - b[gate])) for gate in (0, 1, 3))
            c = f * c + i * np.tanh(a[2] + b[2])
            h = o * np.tanh(c)
        else:
            r, z = (1 / (1 + np.exp(-a[gate] - b[gate])) for gate in (0, 1))
            h = (1 - z) * np.tanh(a[2] + r * b[2]) + z * h
        total += (e * h).sum()
    return total


@pytest.mark.parametrize("kind", KINDS)
def test_backward_is_the_derivative_by_complex_steps(kind):
    case = Case(kind, (4, 2, 3, 3), seed=5)
    numerics = case.numerics()
    (at_inputs,) = numerics.backward(case.error, propagate=True)
    found = {"weight": numerics.gradients["weight"], "inputs": at_inputs, **numerics.state_error}
    values = {"weight": case.weight, "inputs": case.inputs, **case.state}
    step = 1e-30
    for name, derivative in found.items():
        for place in np.ndindex(values[name].shape):
            moved = {key: value.astype(complex) for key, value in values.items()}
            moved[name][place] += 1j * step
            loss = smooth_loss(case, moved.pop("weight"), moved.pop("inputs"), moved)
            assert derivative[place] == pytest.approx(loss.imag / step, rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_gate_errors_are_the_derivatives_at_the_sums(kind):
    """The gradient is the outer product of the gates' errors with [x, h']: the GRU's candidate has
    a word of its own for each part.
    """
    case = Case(kind, (3, 2, 3, 4))
    numerics = case.numerics()
    numerics.backward(case.error, propagate=False)
    words = np.split(numerics.gate_errors, {"rnn": 1, "lstm": 4, "gru": 4}[kind], axis=1)
    of_hidden = words if kind != "gru" else [*words[:2], words[3]]
    of_input = words[: len(of_hidden)]
    before = np.concatenate([case.state["hidden"], numerics.cell.hidden[case.batch : -case.batch]])
    expected = np.hstack(
        [
            np.hstack(of_input).T @ case.inputs.reshape(len(before), -1),
            np.hstack(of_hidden).T @ before,
        ]
    )
    assert numerics.gradients["weight"] == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_carried_over_continues_the_sequence(kind):
    case = Case(kind, (6, 2, 3, 4))
    whole = case.numerics().forward((case.inputs,), training=True)
    half = RecurrentNumerics(case.layer, np.dtype(np.float64), 3)
    half.parameters, half.state = {"weight": case.weight}, case.state
    first = half.forward((case.inputs[:6],), training=True)
    half.state = half.final_state
    second = half.forward((case.inputs[6:],), training=True)
    assert np.concatenate([first, second]) == pytest.approx(whole, rel=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_of_another_batch_is_not_taken(kind):
    case = Case(kind, (3, 2, 3, 4))
    numerics = case.numerics()
    numerics.state = {name: np.ones((5, 4)) for name in case.state}
    found = numerics.forward((case.inputs,), training=True)
    numerics.state = None
    assert np.array_equal(found, numerics.forward((case.inputs,), training=True))


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_handed_in_and_out_are_never_written_to(kind):
    case = Case(kind, (3, 2, 3, 4))
    for array in (case.weight, case.other, case.inputs, case.error, *case.state.values()):
        array.flags.writeable = False
    numerics = case.numerics()
    output = numerics.forward((case.inputs,), training=True)
    kept, final = (
        output.copy(),
        {name: state.copy() for name, state in numerics.final_state.items()},
    )
    handed = numerics.final_state
    numerics.backward(case.error, True, case.other)
    numerics.learn(case.error)
    numerics.state = handed
    numerics.forward((case.inputs,), training=True)
    assert np.array_equal(output, kept)
    assert all(np.array_equal(handed[name], final[name]) for name in final)


@pytest.mark.parametrize("kind", KINDS)
def test_multiply_accumulates_are_those_of_the_lowered_step(kind, monkeypatch):
    """One matmul of [x, h'] a time step forward and backward, wanted or not, and one outer product
    over the sequence.
    """
    case = Case(kind, (5, 2, 3, 4))
    multiplied = 0
    original = products.product

    def counted(left, right, out=None):
        nonlocal multiplied
        multiplied += prod(left.shape) * right.shape[1]
        return original(left, right, out)

    monkeypatch.setattr(products, "product", counted)
    found = {}
    numerics = case.numerics()
    found["FF"], multiplied = multiplied, 0
    numerics.learn(case.error)
    found["WG"], multiplied = multiplied, 0
    numerics.backward(case.error, propagate=False)
    found["EP"], multiplied = multiplied - found["WG"], 0
    numerics.backward(case.error, propagate=True)
    assert multiplied == found["EP"] + found["WG"]
    network = Network("one cell", (1, 1, case.channels), (case.layer,), case.batch, case.steps)
    lowered = lower(network, "bp", case.batch, "sgd", ["FF", "EP", "WG"])
    counts = dict.fromkeys(found, 0)
    for op in lowered.ops:
        counts[str(op.pass_)] += op.dense_macs
    assert found == counts


@pytest.mark.parametrize("kind", KINDS)
def test_fresh_weights_are_uniform_up_to_one_over_the_root_of_the_neurons(kind):
    layer = CELLS[kind]("cell", ("input",), ((1, 1, 30),), (1, 1, 64))
    weight = RecurrentNumerics(layer, np.dtype(np.float32), 3).fresh_parameters(
        np.random.default_rng(0), makes_logits=False
    )["weight"]
    assert weight.shape == layer.weight_shape
    assert weight.dtype == np.float32
    assert 0.99 / sqrt(64) < np.abs(weight).max() <= 1 / sqrt(64)
    assert weight.std() == pytest.approx(1 / 8 / sqrt(3), rel=0.03)


def test_rows_that_are_not_whole_sequences_are_refused():
    case = Case("lstm", (3, 2, 3, 4))
    with pytest.raises(
        InputError, match=re.escape("cell: rows must be a multiple of 3, the time steps, got 5")
    ):
        case.numerics().forward((case.inputs[:5],), training=True)


def embedding(vocabulary=7, channels=3):
    numerics = EmbeddingNumerics(
        Embedding("words", ("input",), ((1, 1, 1),), (1, 1, channels), vocabulary),
        np.dtype(np.float64),
    )
    numerics.parameters = numerics.fresh_parameters(np.random.default_rng(0), makes_logits=False)
    return numerics


@pytest.mark.parametrize("dtype", [np.int64, np.uint16, np.float32])
def test_an_embedding_gathers_rows_and_sums_their_errors(dtype):
    numerics = embedding()
    words = np.array([3, 0, 3, 6]).astype(dtype).reshape(4, 1, 1, 1)
    output = numerics.forward((words,), training=True)
    assert output.shape == (4, 1, 1, 3)
    assert np.array_equal(output[:, 0, 0], numerics.parameters["weight"][[3, 0, 3, 6]])
    error = np.arange(12.0).reshape(4, 1, 1, 3)
    assert numerics.backward(error, propagate=True) == ()
    expected = np.zeros((7, 3))
    expected[3], expected[0], expected[6] = [6, 8, 10], [3, 4, 5], [9, 10, 11]
    assert np.array_equal(numerics.gradients["weight"], expected)
    numerics.gradients = {}
    numerics.learn(error)
    assert np.array_equal(numerics.gradients["weight"], expected)


@pytest.mark.parametrize("word", [-1, 7])
def test_a_word_without_a_row_is_refused(word):
    with pytest.raises(
        InputError, match=re.escape(f"words: word numbers must be between 0 and 6, got {word}")
    ):
        embedding().forward((np.array([1, word, 2]).reshape(3, 1, 1, 1),), training=True)


def test_fresh_embeddings_are_uniform_in_a_tenth():
    weight = embedding(1000, 20).parameters["weight"]
    assert weight.shape == (1000, 20)
    assert 0.0999 < np.abs(weight).max() <= 0.1
    assert weight.std() == pytest.approx(0.1 / sqrt(3), rel=0.02)


@given(
    st.integers(0, 40),
    st.integers(1, 4),
    st.integers(1, 6),
    st.integers(0, 2**32 - 1),
    st.sampled_from([np.float32, np.float64]),
)
def test_added_rows_equal_the_twin_to_the_bit(count, columns, places, seed, dtype):
    random = np.random.default_rng(seed)
    rows, where = (
        random.standard_normal((count, columns)).astype(dtype),
        random.integers(0, places, count),
    )
    found, expected = np.zeros((2, places, columns), dtype)
    add_rows(rows, where, found)
    naive.add_rows(rows, where, expected)
    assert np.array_equal(found, expected)
