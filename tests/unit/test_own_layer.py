"""A layer kind from a file outside the package goes wherever a built-in one does: check, simulate,
compare, map, train, schema and pages; its ops have the words of its numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from accelsim import plugin
from accelsim.cli.pages.documentation import page
from accelsim.config.loader import faults_of
from accelsim.config.registries import LAYERS
from accelsim.config.schema import file_schema
from accelsim.config.source import parse_document, read_document
from accelsim.layers.model import Model
from accelsim.numerics.loss import softmax_loss
from accelsim.results.laws import violations
from accelsim.results.result import Result
from accelsim.rules.chained.numbers import Backprop
from accelsim.rules.registry import lower
from accelsim.step.ops import Pass, Role
from accelsim.workload.file import Workload
from accelsim.workload.loading import load_network
from tests.conftest import EXAMPLES, CommandLine

NETWORK = """\
name: blended
input: {height: 8, width: 8, channels: 1}
layers:
  - {name: conv1, kind: conv, out_channels: 4, kernel: 3, padding: 1}
  - {name: relu1, kind: relu}
  - {name: conv2, kind: conv, out_channels: 4, kernel: 3, padding: 1}
  - {name: both, kind: blend, inputs: [relu1, conv2]}
  - {name: relu2, kind: relu}
  - {name: fc, kind: fc, out_features: 10}
"""


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    with plugin.loaded([EXAMPLES / "blend.py"]):
        yield


@pytest.fixture
def network(tmp_path: Path) -> str:
    """The file of a network with such a layer."""
    path = tmp_path / "blended.yaml"
    path.write_text(NETWORK)
    return str(path)


@pytest.mark.parametrize("arch", ["near-memory", "eyeriss-like"])
@pytest.mark.parametrize("rule", ["bp", "dfa"])
def test_check_and_simulate(
    run: CommandLine, network: str, tmp_path: Path, arch: str, rule: str
) -> None:
    assert run("check", network)
    settings = ("--rule", rule, "--arch", arch, "--trace", "random:0.5", "--out", str(tmp_path))
    document = json.loads(run("simulate", network, *settings, "--json"))
    assert violations(Result.parse(document)) == []
    assert {"both.FF", "both.EP", "both.WU"} <= {op["name"] for op in document["ops"]}
    assert run("check", str(tmp_path / "result.json"))


def test_compare_and_map(run: CommandLine, network: str) -> None:
    document = json.loads(
        run("compare", network, "--rules", "bp,fa,modular", "--trace", "dense", "--json")
    )
    assert [each["rule"] for each in document["results"]] == ["bp", "fa", "modular"]
    assert "conv2.EP" in run("map", network, "--trace", "dense", "--ops", "*.EP")


def test_train_keeps_a_record(run: CommandLine, network: str) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: no data set to train on")
    settings = ("--rule", "bp", "--epochs", "2", "--learning-rate", "0.02", "--json")
    first, last = (
        epoch["training_loss"] for epoch in json.loads(run("train", network, *settings))["epochs"]
    )
    assert last < first


def test_its_ops_read_and_make_what_its_numbers_do(network: str) -> None:
    step = lower(load_network(network), "bp", 3)
    assert [tensor.name for tensor in step.op("both.EP").outputs] == [
        "relu1.error.both",
        "conv2.error",
        "both.first.gradient",
        "both.second.gradient",
    ]
    assert [each.tensor.name for each in step.op("both.FF").operands] == [
        "relu1.out",
        "conv2.out",
        "both.first",
        "both.second",
    ]
    (update,) = (op for op in step.ops if op.pass_ is Pass.WU and op.layer == "both")
    written = {tensor.name: tensor.elements for tensor in update.outputs}
    assert written == dict.fromkeys(
        ("both.first", "both.second", "both.first.momentum", "both.second.momentum"), 4
    )
    held = Model(load_network(network)).parameters()
    words = {
        tensor.name: tensor.elements
        for op in step.ops
        for tensor in op.outputs
        if tensor.role is Role.WEIGHT
    }
    assert sum(words.values()) == sum(array.size for array in held.values())


def test_backpropagation_equals_finite_differences(network: str) -> None:
    """1e-6 of rounding and curvature is left at this step."""
    model, random = Model(load_network(network), dtype=np.float64), np.random.default_rng(0)
    images, labels = random.standard_normal((5, 8, 8, 1)), random.integers(0, 10, 5)
    _, error = softmax_loss(model.forward(images), labels)
    Backprop(model).propagate(error, labels)
    gradients = {key: array.copy() for key, array in model.gradients().items()}
    assert {("both", "first"), ("both", "second")} < gradients.keys()
    step = 1e-5
    for key, array in model.parameters().items():
        direction, original = random.standard_normal(array.shape), array.copy()
        losses = []
        for sign in (1, -1):
            array[...] = original + sign * step * direction
            losses.append(softmax_loss(model.forward(images), labels)[0])
        array[...] = original
        slope = (losses[0] - losses[1]) / (2 * step)
        assert slope == pytest.approx((gradients[key] * direction).sum(), rel=1e-5, abs=1e-7), key


def test_its_faults_are_worded_like_the_others(network: str) -> None:
    path = Path(network)
    path.write_text(NETWORK.replace("[relu1, conv2]", "[relu1, fc]"))
    document = read_document(path)
    assert faults_of(document, Workload) == ()
    path.write_text(NETWORK.replace("inputs: [relu1, conv2]", "inputs: [relu1, conv2], begin: 1"))
    (fault,) = faults_of(read_document(path), Workload)
    assert fault.message == "layers[3].begin is not a known key; known keys: name, inputs, kind"


def test_schema_and_page_show_it() -> None:
    validator = jsonschema.Draft202012Validator(file_schema(Workload))
    data = parse_document(NETWORK).data
    validator.validate(data)
    data["layers"][3]["start"] = 1
    assert not validator.is_valid(data)
    text = page("", Workload)
    assert "## `layers`, kind `blend`" in text
    assert "| `kind` | blend | required | Weighted sum of two maps, channel by channel. |" in text


def test_it_is_unknown_where_it_is_not_registered(network: str) -> None:
    LAYERS.restore(({}, {}))
    (fault,) = faults_of(read_document(network), Workload)
    assert fault.message.startswith("layers[3].kind must be conv, conv_transpose, fc,")
    assert fault.message.endswith(", got blend; a plug-in's kind needs --plugin FILE.py")
