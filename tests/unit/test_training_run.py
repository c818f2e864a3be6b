"""A whole run: its record, epoch by epoch, is the same twice, with any number of threads, and after
a stop.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.numerics.formats import StorageFormats
from accelsim.results.training import TrainingDocument
from accelsim.rules.spelling import parse_rule
from accelsim.training.run import RunSpec, TrainingRun, network_hash, published_task
from accelsim.training.trainer import Recipe
from accelsim.workload.loading import load_network
from tests.reference_networks import Builder

pytest.importorskip("sklearn", reason="scikit-learn is not installed: no data set to train on")

SPEC = RunSpec(
    Recipe(epochs=2, learning_rate=0.01), batch=128, held_out=0.1, trace_every=1, samples=2
)


def network():
    return (
        Builder("tiny", (8, 8, 1))
        .conv(4, stride=2)
        .add("batch_norm")
        .add("relu")
        .add("fc", 12)
        .add("relu")
        .add("fc", 10)
        .network()
    )


def run_of(spec=SPEC, rule="dfa"):
    return TrainingRun(network(), parse_rule(rule), spec, published_task(network(), spec, None))


def finished(run, on_trace=None):
    while not run.done:
        run.epoch(on_trace=on_trace)
    return run


def test_the_record_has_a_row_for_everything_measured():
    traces = []
    run = finished(
        run_of(),
        lambda trace, epoch: traces.append((epoch, trace.step, trace.tensors["fc5.input"].shape)),
    )
    assert traces == [(1, 10, (2, 12)), (2, 20, (2, 12))]
    document = run.record.to_json()
    read = TrainingDocument.parse(json.loads(json.dumps(document, allow_nan=False)))
    assert [row.epoch for row in read.epochs] == [1, 2]
    assert all(
        row.steps == 10 and row.held_out_accuracy is not None and row.test_loss is not None
        for row in read.epochs
    )
    angles = {(row.epoch, row.kind, row.layer): row.degrees for row in read.angles}
    kinds = [("update", layer) for layer in ("conv0", "fc3", "fc5", "all")] + [
        ("feedback", "fc3"),
        ("feedback", "fc5"),
    ]
    assert set(angles) == {(epoch, *kind) for epoch in (1, 2) for kind in kinds}
    assert angles[2, "update", "fc5"] == pytest.approx(0, abs=1e-3), (
        "the output layer's error is the same"
    )
    assert angles[2, "update", "conv0"] > 10
    assert {(row.layer, row.role) for row in read.densities} == {
        *((layer, role) for layer in ("conv0", "fc3", "fc5") for role in ("input", "error")),
        *((layer, "mask") for layer in ("fc3", "fc5")),
    }


def test_looking_does_not_change_the_run():
    looked = finished(run_of())
    plain = finished(run_of(replace(SPEC, angles=False, trace_every=0, score_every=2)))
    assert looked.trainer.losses == plain.trainer.losses
    assert set(plain.record.epochs[0]) == {"epoch", "steps", "training_loss", "training_accuracy"}
    assert plain.record.epochs[1] == looked.record.epochs[1]
    for (key, array), other in zip(
        looked.trainer.model.running_moments().items(),
        plain.trainer.model.running_moments().values(),
        strict=True,
    ):
        assert np.array_equal(array, other), key


@pytest.mark.parametrize(
    "rule",
    ["hdfa", *(pytest.param(name, marks=pytest.mark.check) for name in ("bp", "dfa", "revised"))],
)
def test_a_resumed_run_ends_in_the_same_record(tmp_path: Path, rule):
    spec = replace(
        SPEC, recipe=Recipe(3, 0.01, "cosine"), formats=StorageFormats("bf16", "fp16", "e5m2")
    )
    whole = finished(run_of(spec, rule))
    first = run_of(spec, rule)
    first.epoch()
    first.save(tmp_path / "c.npz")
    second = run_of(spec, rule)
    second.resume(tmp_path / "c.npz")
    assert not second.done
    assert json.dumps(finished(second).record.to_json()) == json.dumps(whole.record.to_json())


def test_an_epoch_without_a_step_has_no_scores_of_training():
    run = run_of(RunSpec(Recipe(epochs=1, seed=1), batch=1437, angles=False), rule="bp-only")
    run.epoch()
    assert run.record.epochs[0]["training_loss"] is None
    assert run.record.epochs[0]["training_accuracy"] is None
    json.dumps(run.record.to_json(), allow_nan=False)


def test_networks_of_one_name_are_told_apart():
    other = (
        Builder("tiny", (8, 8, 1))
        .conv(4, stride=2)
        .add("batch_norm")
        .add("tanh")
        .add("fc", 12)
        .add("relu")
        .add("fc", 10)
        .network()
    )
    assert network_hash(network()) == network_hash(network()) != network_hash(other)


def test_what_does_not_fit_is_refused(tmp_path: Path):
    with pytest.raises(InputError) as caught:
        run_of(replace(SPEC, held_out=0.0001))
    assert str(caught.value) == "the held-out part of digits must be large enough to score"
    with pytest.raises(InputError) as caught:
        run_of().resume(tmp_path / "none.npz")
    assert (
        str(caught.value)
        == f"{tmp_path / 'none.npz'}: checkpoint does not exist: nothing to resume"
    )
    run = run_of()
    run.epoch()
    run.save(tmp_path / "c.npz")
    with pytest.raises(InputError) as caught:
        run_of(replace(SPEC, recipe=Recipe(epochs=3, learning_rate=0.01))).resume(
            tmp_path / "c.npz"
        )
    assert (
        str(caught.value)
        == f"{tmp_path / 'c.npz'}: checkpoint must be of the same run, got epochs 2 then, 3 now"
    )


CODE = """
import json, sys
import numba
from accelsim.training.run import RunSpec, TrainingRun, published_task
from accelsim.training.trainer import Recipe
from accelsim.workload.loading import load_network
from accelsim.rules.registry import parse_rule
numba.set_num_threads(int(sys.argv[1]))
network, spec = load_network("mnist-conv"), RunSpec(Recipe(epochs=1), batch=479, trace_every=1)
run = TrainingRun(network, parse_rule("ssdfa"), spec, published_task(network, spec, None))
run.epoch()
parameters = run.trainer.model.parameters().values()
print(json.dumps(run.record.to_json()), float(sum(abs(array).sum() for array in parameters)))
"""


@pytest.mark.check
def test_the_record_does_not_depend_on_threads():
    def said(threads: int, at_most: int) -> str:
        environment = {
            **os.environ,
            "NUMBA_NUM_THREADS": str(at_most),
            "OPENBLAS_NUM_THREADS": str(at_most),
        }
        return subprocess.run(
            [sys.executable, "-c", CODE, str(threads)],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    assert load_network("mnist-conv").name in said(1, 1)
    assert said(1, 1) == said(2, 2) == said(1, 2)
