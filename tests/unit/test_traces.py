"""Which trace a run uses, what random traces are, and every way in which a trace can be refused,
word for word.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accelsim.config import catalog
from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.experiment.trace_choice import choose_trace, random_trace
from accelsim.rules.registry import parse_rule
from accelsim.workload.loading import load_network
from accelsim.workload.network import Network
from accelsim.zeros.trace import Trace
from tests.random_machines import machine
from tests.random_networks import network_of
from tests.reference_networks import Builder


def small() -> Network:
    """Two convolutions, a pooled ReLU between them, a residual add and two readers of one map."""
    builder = (
        Builder("small", (4, 4, 3))
        .conv(8)
        .add("relu")
        .add("max_pool", kernel=(2, 2), stride=(2, 2))
    )
    builder.conv(8).add("tanh").conv(8, side=1, inputs=("max_pool2",)).add(
        "add", inputs=("tanh4", "conv5")
    )
    return builder.add("fc", 8).add("relu").add("fc", 4).network()


def choose(network: Network, choice: Any, rule: str = "bp", any_rule: bool = False) -> Trace:
    trace = choose_trace(network, parse_rule(rule), choice, any_rule, 2, 0).trace
    assert trace is not None
    return trace


def refused(network: Network, choice: Any, rule: str = "bp") -> list[str]:
    """Messages of the faults of a choice."""
    with pytest.raises(InputError) as refusal:
        choose(network, choice, rule)
    return [str(fault) for fault in refusal.value.faults]


# Random traces


@pytest.mark.parametrize("density", [0.0, 0.25, 0.5, 1.0])
def test_random_masks_have_the_density(density: float) -> None:
    trace = choose(load_network("vgg16-cifar10"), f"random:{density}")
    bits = sum(tensor.mask().size for tensor in trace.tensors.values())
    deviation = 6 * np.sqrt(density * (1 - density) / bits)
    assert (
        abs(sum(int(tensor.mask().sum()) for tensor in trace.tensors.values()) / bits - density)
        <= deviation
    )


def test_layers_that_read_one_map_see_the_same_zeros() -> None:
    trace = random_trace(small(), 0.5, 3, 0)
    masks = {key: tensor.mask() for key, tensor in trace.tensors.items()}
    assert np.array_equal(masks["conv3.input"], masks["conv5.input"])
    assert not np.array_equal(masks["conv3.error"], masks["conv5.error"])
    assert not np.array_equal(masks["conv3.input"][0], masks["conv3.input"][1])


def test_masks_are_the_inputs_zeros_and_only_behind_a_relu() -> None:
    trace = random_trace(small(), 0.5, 3, 0)
    assert {key for key in trace.tensors if key.endswith(".mask")} == {
        "conv3.mask",
        "conv5.mask",
        "fc9.mask",
    }
    for name in ("conv3", "conv5", "fc9"):
        assert np.array_equal(
            trace.tensors[f"{name}.mask"].mask(), trace.tensors[f"{name}.input"].mask()
        )


def test_neither_weights_nor_feedback_nor_tokens_are_drawn() -> None:
    data = {"name": "words", "input": {"sequence": 3, "vocabulary": 9}}
    layers = [
        {"name": "e", "kind": "embedding", "dim": 8},
        {"name": "cell", "kind": "lstm", "hidden": 4},
        {"name": "out", "kind": "fc", "out_features": 9},
    ]
    trace = random_trace(network_of({**data, "layers": layers}), 0.5, 2, 0)
    shapes = {key: tensor.shape for key, tensor in trace.tensors.items()}
    assert shapes == {
        "cell.input": (3, 2, 8),
        "cell.error": (3, 2, 4),
        "out.input": (3, 2, 4),
        "out.error": (3, 2, 9),
    }


def test_the_seed_decides_the_zeros() -> None:
    network = small()
    first, again, other = (random_trace(network, 0.5, 2, seed) for seed in (0, 0, 1))
    for key, tensor in first.tensors.items():
        assert np.array_equal(tensor.packed, again.tensors[key].packed)
        assert not np.array_equal(tensor.packed, other.tensors[key].packed)
    results = [
        simulate(network, machine(), trace="random:0.5", seed=seed).to_json() for seed in (0, 0, 1)
    ]
    assert results[0] == results[1]
    assert results[0]["macs"]["executed"] != results[2]["macs"]["executed"]
    assert (
        results[0]["notes"][0]
        == "zeros are drawn at random with density 0.5, seed 0; they do not come from training"
    )


@pytest.mark.parametrize(
    "text", ["random:", "random:1.5", "random:-0.1", "random:half", "random:nan"]
)
def test_a_density_is_from_0_to_1(text: str) -> None:
    assert refused(small(), text) == [
        f"trace random:DENSITY must have a density between 0 and 1, got {text}"
    ]


# Choices


def test_dense_is_no_trace() -> None:
    chosen = choose_trace(small(), parse_rule("bp"), "dense", False, 1, 0)
    assert (chosen.trace, chosen.name) == (None, "dense")


def test_a_missing_shipped_trace_says_what_else_there_is() -> None:
    """Of the recurrent networks only traces for recurrent networks are shipped."""
    network = replace(small(), name="lstm-wikitext2")
    assert refused(network, "shipped", "modular") == [
        (
            "lstm-wikitext2 has no shipped trace for modular: give as trace a file (made by "
            "`accelsim trace`), random:DENSITY or dense"
        )
    ]


def test_a_built_in_network_of_which_no_trace_ships_is_dense() -> None:
    network = replace(small(), name="mobilenetv2")
    assert choose_trace(network, parse_rule("bp"), "shipped", False, 1, 0).name == "dense"


def test_a_network_of_ones_own_without_a_trace_is_dense() -> None:
    chosen = choose_trace(small(), parse_rule("ssdfa"), "shipped", False, 1, 0)
    assert (chosen.trace, chosen.name) == (None, "dense")
    assert chosen.notes == ["small has no trace: every operand is dense (docs/traces.md)"]


def test_a_rule_without_a_trace_of_its_own_uses_its_familys() -> None:
    network = load_network("vgg16-cifar10")
    assert "vgg16-cifar10.ssdfa" in catalog.names("trace")
    assert (
        choose_trace(network, parse_rule("sdfa:k=2"), "shipped", False, 1, 0).name
        == "shipped:vgg16-cifar10.ssdfa"
    )


def made(network: Network, rule: str) -> Trace:
    trace = random_trace(network, 0.5, 2, 0)
    return Trace(network.name, rule, "data", 1, 0, trace.tensors)


@pytest.mark.parametrize(
    ("trace_rule", "rule"),
    [
        ("bp", "bp"),
        ("bp-only", "bp"),
        ("bdfa", "dfa"),
        ("dfa", "dfa"),
        ("ssdfa", "sdfa:k=2"),
        ("sdfa:k=3,rank=9", "ssdfa"),
    ],
)
def test_traces_serve_the_rules_of_their_family(trace_rule: str, rule: str) -> None:
    assert choose(small(), made(small(), trace_rule), rule).rule == trace_rule


@pytest.mark.parametrize(
    ("trace_rule", "rule", "own"),
    [("bp", "dfa", "dfa"), ("dfa", "ssdfa", "sdfa"), ("fa", "bp", "bp"), ("frozen", "dfa", "dfa")],
)
def test_traces_of_another_family_are_refused_unless_told_otherwise(
    tmp_path: Path, trace_rule: str, rule: str, own: str
) -> None:
    path = tmp_path / "other.npz"
    made(small(), trace_rule).write(path)
    refusal = (
        f"trace must be of the {own} family for {rule}, whose error masks differ from "
        f"others', got {path} ({trace_rule}); "
    )
    assert refused(small(), path, rule) == [refusal + "trace-any-rule accepts it"]
    result = simulate(small(), machine(), rule=rule, trace=path, trace_any_rule=True)
    assert result.notes == (
        (
            f"the trace was made under {trace_rule}, of another family than {rule}: its error "
            f"masks "
            f"are not those of {rule}"
        ),
    )


def test_of_several_files_each_rule_takes_its_own(tmp_path: Path) -> None:
    paths = [tmp_path / f"{rule}.npz" for rule in ("bp", "dfa", "ssdfa")]
    for path in paths:
        made(small(), path.stem).write(path)
    for rule in ("bp", "dfa", "ssdfa"):
        assert choose(small(), paths, rule).rule == rule


# Faults


def test_a_missing_file(tmp_path: Path) -> None:
    assert refused(small(), tmp_path / "none.npz") == [
        f"{tmp_path}/none.npz: trace file does not exist"
    ]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 truncated", b"no archive at all" * 20])
def test_a_corrupt_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "corrupt.npz"
    path.write_bytes(content)
    assert refused(small(), path) == [
        (
            f"{path}: trace must be a readable .npz archive of plain arrays, got a corrupt or "
            f"foreign "
            f"file"
        )
    ]


def test_a_damaged_file_is_refused_wherever_it_is_cut_or_flipped(tmp_path: Path) -> None:
    path = tmp_path / "whole.npz"
    made(small(), "bp").write(path)
    whole = path.read_bytes()
    for cut in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:cut])
        assert refused(small(), path)
    for at in range(0, len(whole), max(1, len(whole) // 80)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            choose(small(), path)
        except InputError as refusal:
            assert refusal.faults  # noqa: PT017 - a flipped bit may fall into what nobody reads; what matters is that nothing else is raised


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "pickled.npz"
    np.savez(path, meta=np.array([{"schema": "accelsim.trace/1"}], dtype=object))
    assert refused(small(), path) == [
        (
            f"{path}: trace must be a readable .npz archive of plain arrays, got a corrupt or "
            f"foreign "
            f"file"
        )
    ]


def written(path: Path, meta: object, **tensors: np.ndarray) -> Path:
    np.savez(path, meta=np.frombuffer(json.dumps(meta).encode(), np.uint8), **tensors)
    return path


META = {
    "schema": "accelsim.trace/1",
    "workload": "small",
    "rule": "bp",
    "data": "d",
    "step": 0,
    "seed": 0,
    "version": "0",
    "tensors": {},
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"schema": "accelsim.trace/2"},
            'meta.schema must be "accelsim.trace/1", got "accelsim.trace/2"',
        ),
        ({"seed": "0"}, 'meta.seed must be a whole number, got "0"'),
        ({"workload": 3}, "meta.workload must be text, got 3"),
        ({"tensors": []}, "meta.tensors must be a mapping of tensor names to shapes"),
        (
            {"tensors": {"conv0.input": [0, 4]}},
            "meta.tensors[conv0.input] must be a list of positive extents, got [0, 4]",
        ),
        (
            {"tensors": {"conv0.noise": [2, 4]}},
            (
                "tensor conv0.noise must be named <layer>.<role> with a role of input, error, "
                "mask, "
                "weight, feedback"
            ),
        ),
        (
            {"tensors": {"conv0.error": [2, 4]}},
            "tensor conv0.error must be in the archive, got none",
        ),
        (
            {"tensors": {"conv0.input": [3, 9]}},
            "tensor conv0.input must be uint8 of shape (3, 2), got uint8 of shape (2, 1)",
        ),
        (
            {"tensors": {"conv0.input": [2, 4]}},
            "tensor conv0.input must have zero padding bits in its last byte",
        ),
        ({}, "tensor conv0.input has no shape in meta.tensors"),
    ],
)
def test_what_is_wrong_inside_a_file(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    path = written(
        tmp_path / "wrong.npz", META | change, **{"conv0.input": np.full((2, 1), 255, np.uint8)}
    )
    assert f"{path}: {message}" in refused(small(), path)


def test_what_is_wrong_with_the_meta_entry(tmp_path: Path) -> None:
    path = tmp_path / "wrong.npz"
    np.savez(path, other=np.zeros(3, np.uint8))
    assert refused(small(), path) == [f"{path}: trace must have a meta entry, got none"]
    np.savez(path, meta=np.frombuffer(b"\xff{", np.uint8))
    assert refused(small(), path) == [f"{path}: meta must be UTF-8 JSON, got something else"]
    np.savez(path, meta=np.full(200_000, ord("["), np.uint8))
    assert refused(small(), path) == [
        f"{path}: meta must be JSON, got values that are nested too deep"
    ]
    assert refused(small(), written(path, {"schema": "accelsim.trace/1", "rule": "bp"})) == [
        (
            f"{path}: meta must have workload, rule, data, step, seed, version, tensors, got none "
            f"of "
            f"workload, data, step, seed, version, tensors"
        )
    ]


def test_all_that_does_not_fit_the_network_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "foreign.npz"
    masks = {
        "conv0.input": np.ones((2, 4, 4, 3), bool),
        "conv3.error": np.ones((1, 2, 2, 8), bool),
        "conv5.error": np.ones((2, 2, 8), bool),
        "fc7.weight": np.ones((8, 33), bool),
        "relu1.input": np.ones((2, 4, 4, 8), bool),
    }
    Trace.from_masks("other", "bp", "d", 0, 0, masks).write(path)
    assert refused(small(), path) == [f"{path}: trace must be of workload small, got one of other"]
    Trace.from_masks("small", "bp", "d", 0, 0, masks).write(path)
    assert refused(small(), path) == [
        f"{path}: tensor conv5.error must be of shape (N, 2, 2, 8), got (2, 2, 8)",
        f"{path}: tensor fc7.weight must be of shape (8, 32), got (8, 33)",
        f"{path}: tensor relu1.input must be of a weighted layer of small, got relu1",
        (
            f"{path}: tensors of a trace must have one number of samples, got 1 (conv3.error), 2 "
            f"(conv0.input)"
        ),
    ]


def test_what_a_trace_lacks_is_dense_and_listed() -> None:
    network = small()
    whole = random_trace(network, 0.5, 2, 0)
    part = Trace(
        network.name,
        "bp",
        "d",
        0,
        0,
        {key: tensor for key, tensor in whole.tensors.items() if key.startswith("conv3")},
    )
    result = simulate(network, machine(), trace=part)
    listed = [
        f"{layer}.{role}"
        for layer in ("conv0", "conv5", "fc7", "fc9")
        for role in ("error", "input")
    ]
    assert list(result.dense_tensors) == sorted([*listed, "conv5.mask", "fc9.mask"])
    dense = {op.name: op for op in simulate(network, machine(), trace="dense").ops}
    for op in result.ops:
        assert (op.macs == dense[op.name].macs) == (op.layer != "conv3" or op.macs.dense == 0)


def test_a_trace_in_memory_is_a_trace(tmp_path: Path) -> None:
    trace = made(small(), "bp")
    trace.write(tmp_path / "t.npz")
    from_file, in_memory = (
        simulate(small(), machine(), trace=each).to_json() for each in (tmp_path / "t.npz", trace)
    )
    assert from_file["trace"] == f"{tmp_path}/t.npz"
    assert re.fullmatch(r"in memory", in_memory["trace"])
    assert from_file["ops"] == in_memory["ops"]


def test_files_of_the_same_masks_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        made(small(), "bp").write(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_repeated_samples_are_told() -> None:
    """With the mean errors of docs/traces.md: 2 samples as measured with 2, 3 of 5 too."""
    for batch, samples, size in (
        (5, 3, "with 2, mean cycles were off by -1.4 to 0.0 %, imbalance of WG by +4 to +55 %"),
        (2, 1, "with 1, mean cycles were off by -3.6 to 0.0 %, imbalance of WG by +9 to +94 %"),
    ):
        drawn = random_trace(small(), 0.5, samples, 0)
        trace = replace(drawn, data="digits")
        are = "sample is" if samples == 1 else "samples are"
        note = f"{samples} distinct {are} repeated for the batch of {batch}"
        assert simulate(small(), machine(), batch=batch, trace=drawn).notes == (note,)
        found = simulate(small(), machine(), batch=batch, trace=trace).notes
        assert found == (f"{note}: measured {size} (docs/traces.md)",)
        assert simulate(small(), machine(), batch=samples, trace=trace).notes == ()
