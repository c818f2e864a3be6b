"""What tensors take in each format, against encoders that make every field."""

from __future__ import annotations

import numpy as np
import pytest

from accelsim.experiment.simulate import simulate
from accelsim.results.result import Result
from accelsim.rules.registry import lower
from accelsim.sim.encodings import Encoding, Encodings, encode
from accelsim.step.ops import Role
from accelsim.workload.network import Network
from accelsim.zeros.masks import MaskSource
from accelsim.zeros.trace import Trace
from tests.naive import tensor_formats as naive
from tests.random_machines import machine, trace_of
from tests.reference_networks import Builder

FORMS = ("bitmap", "rle", "csc")
BATCH = 3


def network() -> Network:
    return Builder("coded", (3, 4, 5)).conv(4).add("relu").add("fc", 6).network()


def masks() -> dict[str, np.ndarray]:
    """Two samples, which a batch of three repeats."""
    random = np.random.default_rng(7)
    shapes = {
        "conv0.input": (2, 3, 4, 5),
        "conv0.error": (2, 3, 4, 4),
        "fc2.input": (2, 48),
        "conv0.weight": (4, 3, 3, 5),
        "fc2.weight": (6, 48),
    }
    return {key: random.random(shape) < 0.2 for key, shape in shapes.items()}


def encoded(
    form: str, rule: str = "bp", trace: Trace | None = None, **overrides: object
) -> Encodings:
    roles = {
        f"format__{role}": form
        for role in ("weight", "activation", "error", "feedback", "gradient")
    }
    architecture = machine(
        "von_neumann",
        **roles,
        format__run_bits=2,
        format__index_bits=1,
        format__pointer_bits=8,
        **overrides,
    )
    step = lower(network(), rule, BATCH)
    return encode(
        step, architecture, MaskSource(trace or trace_of(network(), masks()), network(), BATCH)
    )


def size(form: str, streams: list[list[int]], columns: list[list[int]]) -> int:
    """Bits of a tensor given as streams for `rle`, and as columns for `csc`."""
    if form == "bitmap":
        return sum(
            len(bits) + 16 * len(stored) for bits, stored in map(naive.encode_bitmap, streams)
        )
    if form == "rle":
        return sum(len(naive.encode_runs(stream, 3)) * 18 for stream in streams)
    return sum(len(naive.encode_runs(column, 1)) * 17 for column in columns) + 8 * (
        len(columns) + 1
    )


def check(found: Encoding, form: str, tensor: np.ndarray, weight: bool) -> None:
    streams = tensor.reshape(len(tensor), -1).astype(int)
    columns = streams.T if weight else tensor.reshape(-1, tensor.shape[-1]).astype(int)
    assert found.bits == size(form, streams.tolist(), columns.tolist())
    assert found.elements == tensor.size
    assert found.bits_of(tensor.size) == found.bits
    assert found.words_of(2 * tensor.size) == 2 * found.entries


@pytest.mark.parametrize("form", FORMS)
def test_maps_repeat_the_samples_of_the_trace(form: str) -> None:
    found, given = encoded(form).of, masks()
    for name, key, shape in (
        ("input", "conv0.input", (3, 4, 5)),
        ("conv0.error", "conv0.error", (3, 4, 4)),
        ("relu1.out", "fc2.input", (3, 4, 4)),
    ):
        tensor = given[key].reshape(2, *shape)[np.arange(BATCH) % 2]
        check(found[name], form, tensor, weight=False)


@pytest.mark.parametrize("form", FORMS)
def test_weights_have_columns_of_output_channels(form: str) -> None:
    found, given = encoded(form).of, masks()
    for key in ("conv0.weight", "fc2.weight"):
        check(found[key], form, given[key], weight=True)


@pytest.mark.parametrize("form", FORMS)
def test_sparse_feedback_is_known_from_the_rule(form: str) -> None:
    network_ = (
        Builder("sparse", (2, 3, 2)).conv(4).add("relu").conv(3).add("relu").add("fc", 6).network()
    )
    architecture = machine(
        format__feedback=form, format__run_bits=2, format__index_bits=1, format__pointer_bits=8
    )
    step, source = lower(network_, "sdfa:k=2", 1), MaskSource(None, network_, 1)
    found = encode(step, architecture, source).of["conv2.feedback"]
    rows = source.feedback_indices(step.op("conv2.EP"))
    matrix = np.zeros((2, 3, 4, 6), int)
    for neuron, errors in enumerate(rows):
        y, x, c = np.unravel_index(neuron, (2, 3, 4))
        matrix[y, x, c, errors] = 1
    by_channel = matrix.transpose(2, 0, 1, 3)
    assert found.bits == size(
        form, by_channel.reshape(4, -1).tolist(), by_channel.reshape(-1, 6).T.tolist()
    )
    assert found.elements == 2 * 3 * 4 * 2


def test_what_nobody_knows_is_dense_and_named() -> None:
    found = encoded("bitmap")
    gradients = {
        tensor.name
        for op in lower(network(), "bp", BATCH).ops
        for tensor in op.outputs
        if tensor.role is Role.GRADIENT
    }
    assert gradients
    assert gradients <= set(found.dense)
    assert not gradients & set(found.of)
    assert encoded("dense").dense == ()


def test_compressed_weights_find_room_where_dense_ones_spill() -> None:
    pads = {"scratchpad__capacity": "700B", "scratchpad__working": "600B"}
    dense, packed = (
        simulate(
            network(), machine(format__weight=form, **pads), trace=trace_of(network(), masks())
        )
        for form in ("dense", "bitmap")
    )
    assert isinstance(dense, Result)
    assert isinstance(packed, Result)
    assert dense.spilled_words > packed.spilled_words
    assert dense.to_json()["bytes"]["dram_read"] > packed.to_json()["bytes"]["dram_read"]
    assert dense.to_json()["macs"] == packed.to_json()["macs"]
