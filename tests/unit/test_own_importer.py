"""An importer from a file outside the package goes wherever the package's own does: check,
simulate, compare, map and train take its files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from accelsim import plugin
from accelsim.config.registries import IMPORTERS
from accelsim.errors import InputError
from accelsim.results.laws import violations
from accelsim.results.result import Result
from accelsim.workload.loading import load_network
from tests.conftest import EXAMPLES, CommandLine

TOPOLOGY = """\
Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
Conv1, 8, 8, 3, 3, 1, 4, 1,
Conv2, 8, 8, 3, 3, 4, 6, 2,
FC, 3, 3, 3, 3, 6, 10, 1,
"""


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    with plugin.loaded([EXAMPLES / "topology_csv.py"]):
        yield


@pytest.fixture
def topology(tmp_path: Path) -> Path:
    """A file in SCALE-Sim's columns."""
    path = tmp_path / "small.topology"
    path.write_text(TOPOLOGY)
    return path


def test_shapes(topology: Path) -> None:
    network = load_network(topology)
    assert network.name == "small"
    assert [(layer.kind, layer.in_shape, layer.out_shape) for layer in network.layers] == [
        ("conv", (8, 8, 1), (6, 6, 4)),
        ("conv", (6, 6, 4), (3, 3, 6)),
        ("fc", (3, 3, 6), (1, 1, 10)),
    ]
    assert [layer.weight_shape for layer in network.layers] == [
        (4, 3, 3, 1),
        (6, 3, 3, 4),
        (10, 54),
    ]


def test_check_simulate_compare_and_map(run: CommandLine, topology: Path, tmp_path: Path) -> None:
    file = str(topology)
    assert run("check", file)
    settings = ("--trace", "random:0.5", "--out", str(tmp_path))
    document = json.loads(run("simulate", file, "--rule", "dfa", *settings, "--json"))
    assert document["workload"] == "small"
    assert violations(Result.parse(document)) == []
    compared = json.loads(run("compare", file, "--rules", "bp,dfa", "--trace", "dense", "--json"))
    assert [each["workload"] for each in compared["results"]] == ["small", "small"]
    assert "Conv2.WG" in run("map", file, "--trace", "dense", "--ops", "*.WG")


def test_train(run: CommandLine, topology: Path) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: no data set to train on")
    settings = ("--rule", "bp", "--epochs", "1", "--json")
    assert len(json.loads(run("train", str(topology), *settings))["epochs"]) == 1


def test_its_faults_have_lines(topology: Path) -> None:
    topology.write_text(TOPOLOGY.replace("4, 1,", "4, one,"))
    words = f"{topology}:2:1: a layer must be a name and 7 numbers, got Conv1,"
    with pytest.raises(InputError, match=re.escape(words)):
        load_network(topology)


def test_it_is_unknown_where_it_is_not_registered(topology: Path) -> None:
    IMPORTERS.restore(({}, {}))
    known = r"\.yaml, \.yml, \.onnx, \.csv"
    with pytest.raises(InputError, match=rf"must be a file of {known}, got \.topology; "):
        load_network(topology)
