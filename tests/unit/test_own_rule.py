"""A learning rule from a file outside the package goes wherever a built-in one does: list,
simulate, compare, map, check, train, trace; its counts are those of its numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from math import prod
from pathlib import Path

import numpy as np
import pytest

from accelsim import plugin
from accelsim.config.registries import RULES
from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.layers.model import Model
from accelsim.machine.loading import load_machine
from accelsim.numerics.loss import softmax_loss
from accelsim.results.laws import violations
from accelsim.results.result import Result
from accelsim.rules.registry import family, lower, parse_rule, rule_numerics
from accelsim.step.ops import Pass, Role, VectorWork
from accelsim.training.tracing import TracedTraining, train_and_trace
from accelsim.workload.loading import load_network
from accelsim.zeros.trace import Trace
from tests.conftest import EXAMPLES, CommandLine
from tests.multiplications import Multiplications, macs, stored_words
from tests.reference_networks import SAMPLES, batch_of, sequence_networks, small_networks

FILE = EXAMPLES / "drtp.py"
NETWORKS = {**small_networks(), **sequence_networks()}


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    with plugin.loaded([FILE]):
        yield


def test_it_is_listed_with_its_options(run: CommandLine) -> None:
    lines = [line.strip() for line in run("list", "rules").splitlines()]
    at = next(index for index, line in enumerate(lines) if line.startswith("drtp "))
    assert lines[at].endswith("errors are rows of fixed random matrices.")
    assert lines[at + 1] == "options described below: scale="


def test_its_options_are_read_and_refused_like_any_rules() -> None:
    assert str(parse_rule("drtp:scale=2")) == "drtp@drtp.py:scale=2.0"
    assert parse_rule("drtp@drtp.py:scale=2.0") == parse_rule("drtp:scale=2")
    with pytest.raises(InputError, match=r"^drtp\.scle is not a known option; did you mean scale"):
        parse_rule("drtp:scle=2")
    with pytest.raises(InputError, match=r"^drtp\.scale must be a number > 0, got 0$"):
        parse_rule("drtp:scale=0")
    assert family("drtp:scale=2") == "drtp"


def test_it_is_unknown_where_it_is_not_registered() -> None:
    RULES.restore(({}, {}))
    with pytest.raises(InputError, match=r"^unknown rule drtp \("):
        parse_rule("drtp")
    with pytest.raises(InputError, match=r"^unknown rule drtp@drtp.py; write FILE.py:drtp or add"):
        parse_rule("drtp@drtp.py")


@pytest.mark.parametrize("arch", ["near-memory", "eyeriss-like"])
def test_simulate_and_check(run: CommandLine, tmp_path: Path, arch: str) -> None:
    rule = f"{FILE}:drtp:scale=2"
    settings = ("--rule", rule, "--arch", arch, "--trace", "random:0.5", "--out", str(tmp_path))
    document = json.loads(run("simulate", "digits-fc", *settings, "--json"))
    assert document["rule"] == "drtp@drtp.py:scale=2.0"
    sha256 = hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert document["plugins"] == [
        {"kind": "rule", "name": "drtp", "file": "drtp.py", "sha256": sha256}
    ]
    assert violations(Result.parse(document)) == []
    assert {"fc2.EP", "fc3.EP"} <= {op["name"] for op in document["ops"]}
    assert run("check", str(tmp_path / "result.json"))


def test_compare_with_other_rules(run: CommandLine) -> None:
    rules = f"bp,{FILE}:drtp:scale=0.5,dfa"
    document = json.loads(
        run("compare", "digits-fc", "--rules", rules, "--trace", "dense", "--json")
    )
    assert [each["rule"] for each in document["results"]] == [
        "bp",
        "drtp@drtp.py:scale=0.5",
        "dfa",
    ]


def test_map_prints_its_loop_nests(run: CommandLine) -> None:
    printed = run("map", "digits-fc", "--rule", "drtp", "--trace", "dense", "--ops", "*.WG")
    assert "fc2.WG" in printed


def test_its_errors_are_gathered_from_the_start_without_a_product() -> None:
    """Batch 4, 100 neurons: a row of 100 words for each sample, and its label."""
    network = load_network("digits-fc")
    step = lower(network, "drtp", 4)
    gathers = [op for op in step.ops if isinstance(op, VectorWork) and op.function == "gather"]
    assert [op.name for op in gathers] == ["fc3.EP", "fc2.EP"]
    for op in gathers:
        assert (op.dense_macs, op.vector_ops, op.depends_on) == (0, 4 * 100, ())
        read = {each.tensor.name: each.words_read for each in op.operands}
        assert read == {"labels": 4, f"{op.layer}.feedback": 4 * 100}
        room = {each.tensor.name: each.tensor.elements for each in op.operands}
        assert room == {"labels": 4, f"{op.layer}.feedback": 10 * 100}
        assert [tensor.elements for tensor in op.outputs] == [4 * 100]
    machine = load_machine("near-memory").replace(fusion="none")
    setting = {"trace": "dense", "schedule": "unlocked", "objective": "canonical"}
    result = simulate(network, machine, rule="drtp", batch=4, **setting)
    started = {op.name: op.start_cycle for op in result.ops}
    assert started["fc3.EP"] < started["fc2.FF"]


def test_its_matrices_take_the_room_of_dense_feedback_whatever_the_batch() -> None:
    """Two matrices of 10 x 100 words. In scratchpads without room they spill as those of dfa do,
    and each gather reads from DRAM the part of its rows that spilled.
    """
    network = load_network("digits-fc")
    small = load_machine("near-memory").replace(scratchpad={"capacity": "8320B"})
    for batch in (1, 40):
        setting = {"batch": batch, "trace": "dense", "optimizer": "sgd", "objective": "canonical"}
        notes = {
            rule: list(simulate(network, small, rule=rule, **setting).notes)
            for rule in ("drtp", "dfa")
        }
        spilled = [note for note in notes["drtp"] if "feedback" in note]
        assert spilled
        assert spilled == [note for note in notes["dfa"] if "feedback" in note]
        result = simulate(network, small, rule="drtp", **setting)
        words = sum(op.words.dram for op in result.ops if op.name in ("fc2.EP", "fc3.EP"))
        assert 0 < words <= 2 * batch * 100


def test_its_error_is_the_projected_target_and_the_output_learns_from_its_own_error() -> None:
    network = load_network("digits-fc")
    model, random = Model(network, dtype=np.float64), np.random.default_rng(0)
    numbers = rule_numerics("drtp", model, seed=1)
    images, labels = random.standard_normal((6, 8, 8, 1)), random.integers(0, 10, 6)
    _, error = softmax_loss(model.forward(images), labels)
    found = numbers.propagate(error, labels)
    weights = numbers.feedback_weights()
    one_hot = np.eye(10)[labels] / 6
    for layer, after in (("fc1", "fc2"), ("fc2", "fc3")):
        derivative = 1 - model.maps[f"tanh{layer[-1]}"].reshape(6, -1) ** 2
        expected = one_hot @ weights[after] * derivative
        assert np.allclose(found[layer].reshape(6, -1), expected, atol=1e-12)
    assert np.allclose(found["fc3"].reshape(6, -1), error)
    hidden = model.maps["tanh2"].reshape(6, -1)
    assert np.allclose(model.gradients()["fc3", "weight"].reshape(10, -1), error.T @ hidden)


def test_it_learns_and_its_trace_is_for_itself(run: CommandLine, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: no data set to train on")
    network = load_network("digits-fc")
    trace, losses = train_and_trace(
        network, parse_rule("drtp"), None, TracedTraining(60, 32, 2, learning_rate=0.01)
    )
    assert np.mean(losses[-10:]) < 0.8 * losses[0]
    file = tmp_path / "drtp.npz"
    trace.write(file)
    RULES.restore(({}, {}))
    settings = ("--rule", f"{FILE}:drtp:scale=2", "--trace", str(file), "--json")
    document = json.loads(run("simulate", "digits-fc", *settings))
    assert document["trace"] == str(file)
    assert Trace.read(file).rule == "drtp@drtp.py"
    assert Trace.read(file).extra["family"] == "drtp"
    with pytest.raises(AssertionError, match="must be of the dfa family for dfa"):
        run("simulate", "digits-fc", "--rule", "dfa", "--trace", str(file))


def test_a_run_is_not_resumed_with_changed_code(run: CommandLine, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: no data set to train on")
    copy = tmp_path / "mine.py"
    copy.write_text(FILE.read_text())
    settings = ("--rule", f"{copy}:drtp", "--epochs", "1", "--out", str(tmp_path / "out"))
    run("train", "digits-fc", *settings)
    copy.write_text(f"{FILE.read_text()}# changed\n")
    words = r"same run, got plugins mine\.py \([0-9a-f]{8}\) then, mine\.py \([0-9a-f]{8}\) now"
    with pytest.raises(AssertionError, match=words):
        run("train", "digits-fc", *settings, "--resume")


def test_train_keeps_a_record(run: CommandLine) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: no data set to train on")
    settings = ("--rule", "drtp", "--epochs", "2", "--learning-rate", "0.01", "--json")
    document = json.loads(run("train", "digits-fc", *settings))
    assert document["cause"]["rule"] == "drtp@drtp.py"
    assert document["cause"]["plugins"][0]["file"] == "drtp.py"
    first, last = (epoch["training_loss"] for epoch in document["epochs"])
    assert last < first


@pytest.mark.parametrize("name", NETWORKS)
def test_its_ops_have_the_multiplications_and_words_of_its_numbers(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    network = NETWORKS[name]
    model, step = Model(network), lower(network, "drtp", SAMPLES)
    numbers = rule_numerics("drtp", model, seed=0)
    images, labels = batch_of(network)
    counted = Multiplications(monkeypatch)
    error = softmax_loss(model.forward(images), labels)[1]
    counted.count = 0
    numbers.propagate(error, labels)
    assert counted.count == macs(op for op in step.ops if op.pass_ in (Pass.EP, Pass.WG))
    feedback = {
        each.tensor.name: prod(each.tensor.shape)
        for op in step.ops
        for each in op.operands
        if each.tensor.role is Role.FEEDBACK
    }
    assert sum(feedback.values()) == stored_words(numbers)
