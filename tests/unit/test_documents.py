"""Result and comparison documents: the schema, what is refused and how, labels, and the laws that
any document must satisfy.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from accelsim.errors import InputError
from accelsim.experiment.simulate import simulate
from accelsim.report.labels import labels
from accelsim.results import kinds
from accelsim.results.comparison import Comparison
from accelsim.results.hybrid import HybridResult
from accelsim.results.laws import violations
from accelsim.results.result import Result
from tests import synthetic
from tests.random_machines import machine
from tests.reference_networks import Builder

DOCUMENTS = {
    "result": synthetic.result(),
    "comparison": synthetic.comparison(),
    "hybrid": synthetic.hybrid(),
}


def parse(value: object, source: str = "") -> Result | Comparison:
    return kinds.parse(value, kinds.SIMULATIONS, source)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_fit_the_schema_and_the_models(name: str, root: Path) -> None:
    schema = json.loads((root / "tests/golden/result.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(DOCUMENTS[name], schema)
    parsed = parse(DOCUMENTS[name])
    assert violations(parsed) == []
    written = parsed.to_json()
    assert parse(written) == parsed
    assert set(DOCUMENTS[name]) <= set(written)
    jsonschema.validate(json.loads(json.dumps(written)), schema)


def test_the_schema_is_the_stored_one(root: Path) -> None:
    stored = (root / "tests/golden/result.schema.json").read_text()
    assert json.loads(stored) == kinds.json_schema(), (
        "the contract changed: run `accelsim schema result > tests/golden/result.schema.json`, "
        "note it in CHANGELOG.md"
    )


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"cycles": -1}, ["r.json: cycles must be >= 0, got -1"]),
        (
            {"macs": {"dense": 1, "executed": 2, "skipped": -1}},
            ["r.json: macs.skipped must be >= 0, got -1"],
        ),
        ({"array_cycles": {"busy": -1}}, ["r.json: array_cycles.busy must be >= 0, got -1"]),
        ({"batch": "1"}, ['r.json: batch must be a valid integer, got "1"']),
        (
            {"schedule": 3, "batch": 0},
            ["r.json: batch must be >= 1, got 0", "r.json: schedule must be a valid string, got 3"],
        ),
        ({"passes": {"FF": {"energy_pj": 0.0}}}, ["r.json: passes.FF.cycles is missing"]),
        (
            {"schema": "accelsim.result/9"},
            [
                (
                    "r.json: schema must be accelsim.result/1, got accelsim.result/9: a newer "
                    "accelsim wrote this file; upgrade accelsim, or write the file again with this "
                    "version"
                )
            ],
        ),
    ],
)
def test_a_wrong_document_is_refused_key_by_key(change: dict[str, Any], faults: list[str]) -> None:
    with pytest.raises(InputError) as refused:
        parse(synthetic.result(**change), "r.json")
    assert [str(fault) for fault in refused.value.faults] == faults


@pytest.mark.parametrize(
    "key", ["interval_cycles", "integer", "float.int", "ops.0.kind", "strategy.0", "list[str]"]
)
def test_a_fault_names_the_whole_key(key: str) -> None:
    """Whatever the key begins with."""
    value = synthetic.result()
    if key in value:
        del value[key]
    elif key == "ops.0.kind":
        del value["ops"][0]["kind"]
    else:
        value["actions"] = {key: -1}
    with pytest.raises(InputError) as refused:
        parse(value, "x.json")
    expected = (
        f"x.json: {key} is missing"
        if key in {"interval_cycles", "ops.0.kind"}
        else f"x.json: actions.{key} must be >= 0, got -1"
    )
    assert str(refused.value) == expected


def test_a_result_of_one_kind_of_step_is_no_hybrid_result(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(synthetic.result("bp")))
    with pytest.raises(InputError, match="steps must be the kinds of step of a hybrid rule"):
        HybridResult.read(path)


def test_a_result_of_a_run_survives_its_file(tmp_path: Path) -> None:
    network = Builder("small", (4, 4, 3)).conv(4).add("relu").add("fc", 3).network()
    for result in (
        simulate(network, machine(), rule="bp", trace="dense"),
        simulate(network, machine(), rule="hdfa", trace="random:0.5"),
    ):
        path = tmp_path / "result.json"
        path.write_text(json.dumps(result.to_json()), encoding="utf-8")
        again = Result.read(path)
        assert again == result
        assert json.dumps(again.to_json()) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"schema": ', "{path}:1:12: must be JSON, got a syntax error: Expecting value"),
        (b"\xff\xfe", "{path}: must be JSON, got bytes that are not UTF-8"),
        (b"[" * 200_000, "{path}: must be JSON, got values that are nested too deep"),
        (b"9" * 5_000, "{path}: must be JSON, got an integer with too many digits"),
        (
            b'{"schema": "accelsim.result/1", "machine": %s}' % (b"[" * 500 + b"]" * 500),
            "{path}: must be JSON, got values that are nested too deep",
        ),
        (b"[]", "{path}: schema must be one of accelsim.result/1, accelsim.comparison/1, got null"),
    ],
)
def test_a_file_that_is_no_document_is_refused(tmp_path: Path, text: bytes, message: str) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(text)
    with pytest.raises(InputError) as refused:
        kinds.read(path, kinds.SIMULATIONS)
    assert str(refused.value) == message.format(path=path)


def test_labels_name_what_differs() -> None:
    def of(*results: dict[str, Any]) -> list[str]:
        return labels([Result.parse(result) for result in results])

    assert of(synthetic.result("bp"), synthetic.result("dfa")) == ["bp", "dfa"]
    assert of(synthetic.result("bp"), synthetic.result("bp", arch="von-neumann")) == [
        "near-memory/bp",
        "von-neumann/bp",
    ]
    assert of(synthetic.result("bp"), synthetic.result("bp", batch=4)) == [
        "bp, batch 1",
        "bp, batch 4",
    ]
    assert of(synthetic.result("bp", trace="a"), synthetic.result("dfa", trace="b")) == [
        "bp",
        "dfa",
    ]
    assert of(synthetic.result("bp", trace="a"), synthetic.result("bp", trace="b")) == [
        "bp, a",
        "bp, b",
    ]
    assert of(
        synthetic.result("bp", optimizer="sgd"), synthetic.result("dfa", optimizer="momentum")
    ) == ["bp, sgd", "dfa, momentum"]
    assert of(synthetic.result("bp"), synthetic.result("bp")) == ["bp #1", "bp #2"]


BREAKS: dict[str, tuple[tuple[str | int, ...], float, str]] = {
    "macs": (("macs", "skipped"), 1, "macs: dense = executed + skipped"),
    "gated": (("macs", "gated"), 10**9, "macs: gated is part of executed"),
    "op macs": (("ops", 0, "macs", "dense"), 5, "ops.conv1.FF.macs: dense = executed + skipped"),
    "component": (
        ("energy_by_component_pj", "dram"),
        2.0,
        "energy_pj = sum of energy_by_component_pj",
    ),
    "unattributed": (("unattributed_pj",), 2.0, "energy_pj = ops' energy_pj + unattributed_pj"),
    "pass energy": (("passes", "EP", "energy_pj"), 2.0, "passes.EP.energy_pj = sum of ops"),
    "pass words": (("passes", "EP", "words", "remote"), 2, "words.remote = sum of passes"),
    "op bytes": (("ops", 3, "bytes", "dram_read"), 2, "passes.EP.bytes.dram_read = sum of ops"),
    "array cycles": (
        ("ops", 0, "array_cycles", "stall", "dram"),
        1,
        "ops.conv1.FF: array_cycles add up to cycles",
    ),
    "area": (("area_mm2",), 1.0, "area_mm2 = sum of area_by_component_mm2"),
    "area of a part": (
        ("area_sources", 0, "mm2"),
        1.0,
        "area_by_component_mm2.mac = sum of area_sources",
    ),
    "end": (("ops", 7, "start_cycle"), 10**6, "ops.conv2.WU: ends in cycle"),
    "cycles": (("cycles",), 10, "cycles = sum of passes (serial schedule)"),
    "step array cycles": (("array_cycles", "stall", "noc"), 1, "array_cycles add up to cycles"),
    "op component": (
        ("ops", 0, "energy_by_component_pj", "noc"),
        2.0,
        "ops.conv1.FF: energy_pj = sum of energy_by_component_pj",
    ),
    "lanes": (
        ("ops", 0, "lane_cycles", "idle"),
        1,
        "ops.conv1.FF: lane_cycles are those of a whole number of lanes",
    ),
    "lanes of another op": (
        ("ops", 1, "lane_cycles", "idle"),
        20_940,
        (
            "ops.conv2.FF: lane_cycles are those of a whole number of lanes, the same for all: 3 "
            "is "
            "not 2"
        ),
    ),
    "mean of lanes": (
        ("ops", 0, "lane_cycles", "stall_dram"),
        100,
        "ops.conv1.FF: array_cycles.stall_dram is the mean of lane_cycles.stall_dram",
    ),
    "busy lanes": (
        ("ops", 0, "lane_cycles", "busy"),
        1,
        "ops.conv1.FF: busy lane_cycles = MACs executed",
    ),
    "actions": (("actions", "noc.hop"), 1, "energy_pj = actions times prices"),
    "price": (("energy_sources", 0, "pj"), 1e-6, "energy_pj = actions times prices"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_every_law_catches_its_breach(name: str) -> None:
    path, change, line = BREAKS[name]
    broken = copy.deepcopy(synthetic.result())
    target: Any = broken
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] += change
    assert any(found.startswith(line) for found in violations(parse(broken)))


def test_an_action_without_a_price_is_a_breach() -> None:
    unpriced = synthetic.result()
    unpriced["energy_sources"] = [
        entry for entry in unpriced["energy_sources"] if entry["component"] != "dram"
    ]
    assert violations(parse(unpriced)) == [
        "actions have a price in energy_sources: dram.macs has none"
    ]


def test_documents_of_before_actions_and_lanes_are_still_sound() -> None:
    old = synthetic.result()
    del old["actions"], old["array_cycles"], old["area_by_component_mm2"], old["area_sources"]
    old["area_mm2"] = None
    for op in old["ops"]:
        del op["lane_cycles"], op["energy_by_component_pj"]
    parsed = parse(old)
    assert violations(parsed) == []
    assert isinstance(parsed, Result)
    assert sum(parsed.cycles_by_cause().values()) == old["cycles"]


def test_the_laws_of_a_hybrid_cover_its_steps() -> None:
    broken = synthetic.hybrid()
    broken["steps"][0]["weight"] = 0.5
    broken["steps"][1]["result"]["macs"]["skipped"] += 1
    found = violations(parse(broken))
    assert any(line.startswith("steps: weights add up to 1") for line in found)
    assert any(line.startswith("steps.revised: macs: dense = executed + skipped") for line in found)
    assert any(line.startswith("cycles = weighted mean of steps") for line in found)
