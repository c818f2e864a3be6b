"""Checkpoints: all that the next step depends on comes back, and what is no checkpoint of the run
is refused.
"""

from __future__ import annotations

import errno
import json

import numpy as np
import pytest

from accelsim.errors import InputError
from accelsim.layers.fully_connected import FullyConnected
from accelsim.numerics.formats import StorageFormats
from accelsim.rules.spelling import parse_rule
from accelsim.training import checkpoint
from accelsim.training.data.datasets import load_dataset
from accelsim.training.optimizers import OPTIMIZERS
from accelsim.training.tasks import make_task
from accelsim.training.trainer import Recipe, Trainer
from accelsim.workload.network import Network
from tests.reference_networks import Builder

pytest.importorskip("sklearn", reason="scikit-learn is not installed: no data set to train on")

CAUSE = {"rule": "dfa", "seed": 0}


def trainer(optimizer="momentum", rule="dfa", formats=StorageFormats(), name="small"):  # noqa: B008  # frozen
    network = (
        Builder(name, (8, 8, 1))
        .conv(3, stride=2)
        .add("batch_norm")
        .add("relu")
        .add("dropout", rate=0.25)
        .add("fc", 10)
        .network()
    )
    task = make_task(load_dataset(None, network), network, 128, augmented=False)
    return Trainer(
        network, parse_rule(rule), task, Recipe(3, 0.01, "cosine", optimizer, 1e-4), formats
    )


def arrays(run):
    state = {("optimizer", *key): array for key, array in run.optimizer.state.items()}
    return {**run.model.parameters(), **run.model.running_moments(), **state}


def saved(path, run, record=None):
    checkpoint.save(path, run, CAUSE, record or {"epochs": []})
    return path


@pytest.mark.parametrize(
    "rule",
    [
        *(pytest.param(name, marks=pytest.mark.check) for name in ("dfa", "hdfa")),
        "bp-only",
    ],
)
@pytest.mark.parametrize(
    "optimizer",
    [
        each if each == "momentum" else pytest.param(each, marks=pytest.mark.check)
        for each in OPTIMIZERS
    ],
)
def test_a_run_goes_on_as_if_it_had_not_stopped(tmp_path, optimizer, rule):
    whole, first, second = (trainer(optimizer, rule) for _ in range(3))
    for _ in range(3):
        whole.epoch()
    first.epoch()
    path = saved(tmp_path / "c.npz", first, {"epochs": [1.5]})
    assert checkpoint.restore(path, second, CAUSE) == {"epochs": [1.5]}
    assert (second.epochs_done, second.steps_done) == (1, 11)
    second.epoch()
    second.epoch()
    assert second.losses == whole.losses
    expected, found = arrays(whole), arrays(second)
    assert set(expected) == set(found)
    assert [key for key in expected if not np.array_equal(expected[key], found[key])] == []
    assert (
        saved(tmp_path / "a.npz", whole).read_bytes()
        == saved(tmp_path / "b.npz", second).read_bytes()
    )


@pytest.mark.check
def test_the_masters_of_rounded_weights_come_back(tmp_path):
    formats = StorageFormats(weight="bf16", activation="fp16", error="e5m2")
    first, second = trainer(formats=formats), trainer(formats=formats)
    first.epoch()
    checkpoint.restore(saved(tmp_path / "c.npz", first), second, CAUSE)
    first.epoch()
    second.epoch()
    assert all(
        np.array_equal(array, second.model.parameters()[key])
        for key, array in first.model.parameters().items()
    )


def test_layers_may_have_slashes_in_their_names(tmp_path):
    layer = FullyConnected("block/1/fc", ("input",), ((8, 8, 1),), (1, 1, 10))
    network = Network("slashes", (8, 8, 1), (layer,))
    task = make_task(load_dataset(None, network), network, 128, augmented=False)
    first, second = (Trainer(network, parse_rule("bp"), task, Recipe()) for _ in range(2))
    first.epoch()
    checkpoint.restore(saved(tmp_path / "c.npz", first), second, CAUSE)
    assert (
        set(second.optimizer.state)
        == set(first.optimizer.state)
        >= {("momentum", "block/1/fc", "weight")}
    )


def test_a_killed_writer_leaves_the_old_file(tmp_path, monkeypatch):
    run = trainer()
    path = saved(tmp_path / "c.npz", run)
    before = path.read_bytes()

    def killed(*_arguments, **_arrays):
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", killed)
    with pytest.raises(KeyboardInterrupt):
        saved(path, run)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["c.npz"]


def test_a_full_disk_is_said_of_the_file(tmp_path, monkeypatch):
    def full(*_arguments, **_arrays):
        raise OSError(errno.ENOSPC, "No space left on device")  # what write() raises names no file

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left") as caught:
        saved(tmp_path / "c.npz", trainer())
    assert caught.value.filename == str(tmp_path / "c.npz")
    assert list(tmp_path.iterdir()) == []


def refusal(path, run=None, cause=CAUSE):
    with pytest.raises(InputError) as caught:
        checkpoint.restore(path, run or trainer(), cause)
    return str(caught.value)


def test_what_is_no_checkpoint_of_the_run_is_refused(tmp_path):
    path = saved(tmp_path / "c.npz", trainer())
    differing = "checkpoint must be of the same run, got rule dfa then, bp now; seed 0 then, 1 now"
    assert refusal(path, cause={"rule": "bp", "seed": 1}) == f"{path}: {differing}"
    whole, unreadable = (
        path.read_bytes(),
        "checkpoint must be one that accelsim wrote, got a file that cannot be read",
    )
    for broken in (
        b"",
        b"no zip",
        b"\x80\x04K\x01.",
        whole[:-100],
        whole[: len(whole) // 2],
        whole[:10],
        b"PK\x03\x04" + bytes(200),
    ):
        other = tmp_path / "broken.npz"
        other.write_bytes(broken)
        assert refusal(other) == f"{other}: {unreadable}"
    np.savez(
        tmp_path / "trace.npz",
        meta=np.frombuffer(json.dumps({"schema": "accelsim.trace/1"}).encode(), np.uint8),
    )
    assert (
        refusal(tmp_path / "trace.npz")
        == f"{tmp_path / 'trace.npz'}: schema must be accelsim.checkpoint/1, got accelsim.trace/1"
    )
    np.savez(tmp_path / "list.npz", meta=np.frombuffer(b"[1]", np.uint8))
    assert refusal(tmp_path / "list.npz") == f"{tmp_path / 'list.npz'}: {unreadable}"


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    path = saved(tmp_path / "c.npz", trainer())
    network = (
        Builder("small", (8, 8, 1))
        .conv(4, stride=2)
        .add("batch_norm")
        .add("relu")
        .add("fc", 10)
        .network()
    )
    run = Trainer(
        network,
        parse_rule("dfa"),
        make_task(load_dataset(None, network), network, 128, augmented=False),
        Recipe(),
    )
    assert (
        refusal(path, run)
        == f"{path}: checkpoint must hold parameter/conv0/weight of shape (4, 3, 3, 1)"
    )
