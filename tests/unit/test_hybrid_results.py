"""The hybrid rule's two kinds of step in results: what each is, their means, the optimizer's two
momenta, and where traces come from.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from accelsim.config import catalog
from accelsim.errors import InputError, LawViolation
from accelsim.experiment.compare import compare
from accelsim.experiment.simulate import simulate
from accelsim.experiment.trace_choice import random_trace
from accelsim.results.hybrid import MEANS, hybrid_result
from accelsim.results.laws import check, violations
from accelsim.results.result import Result
from accelsim.rules.registry import check_rule, lower, step_kinds
from accelsim.step.ops import Role, TrainingStep, VectorWork
from accelsim.studies.accuracy.plan import cells
from accelsim.workload.loading import load_network
from accelsim.zeros.trace import Trace
from tests.random_machines import machine
from tests.random_networks import network_of
from tests.reference_networks import Builder

IMAGES = Builder("images", (4, 4, 4)).conv(4).add("relu").conv(4).add("relu").add("fc", 3).network()
WORDS = network_of(
    {
        "name": "words",
        "input": {"sequence": 3, "vocabulary": 9},
        "layers": [
            {"name": "embedding", "kind": "embedding", "dim": 4},
            {"name": "cell", "kind": "gru", "hidden": 4},
            {"name": "fc", "kind": "fc", "out_features": 5},
        ],
    }
)


def kinds(rule: str) -> list[tuple[str, float, str]]:
    return [(each.kind, each.weight, str(each.rule)) for each in step_kinds(rule)]


def hybrid(rule: str, network: Any = IMAGES, **settings: Any) -> Result:
    result = simulate(network, machine(), rule=rule, **{"trace": "random:0.5", **settings})
    assert result.steps
    assert result.to_json()["ops"] == []
    return result


# The rule


def test_kinds_of_step() -> None:
    assert kinds("hdfa") == [("bp", 0.1, "bp"), ("revised", 0.9, "revised:binary=true")]
    assert kinds("hdfa:p=0.25,groups=8,binary=false") == [
        ("bp", 0.25, "bp"),
        ("revised", 0.75, "revised:groups=8,binary=false"),
    ]
    assert kinds("hdfa:sparsity=0.98,gamma=0.5,init=bw,per_step=true") == [
        ("bp", 0.1, "bp"),
        ("revised", 0.9, "revised:sparsity=0.98,binary=true,init=bw,per_step=true"),
    ]
    assert kinds("hdfa:p=0") == [("revised", 1.0, "revised:binary=true")]
    assert kinds("hdfa:p=1") == [("bp", 1.0, "bp")]


def test_it_has_no_ops_of_its_own() -> None:
    with pytest.raises(
        InputError,
        match=r"^hdfa must be lowered as its kinds of step, bp and revised, got hdfa:p=0\.3$",
    ):
        lower(IMAGES, "hdfa:p=0.3", 1)


def updated(gamma: float | None, optimizer: str) -> TrainingStep:
    feedback = step_kinds("hdfa" if gamma is None else f"hdfa:gamma={gamma}")[1]
    return feedback.finish(lower(IMAGES, feedback.rule, 1, optimizer))


@pytest.mark.parametrize(
    ("gamma", "optimizer", "read", "written", "ops"),
    [
        (0.9, "momentum", ["feedback_momentum", "momentum"], ["feedback_momentum"], 7),
        (1.0, "momentum", ["feedback_momentum"], ["feedback_momentum"], 4),
        (None, "momentum", ["feedback_momentum", "momentum"], ["feedback_momentum"], 7),
        (None, "sgd", [], [], 2),
        (None, "adam", ["moment1", "moment2"], ["moment1", "moment2"], 12),
    ],
)
def test_a_feedback_step_mixes_two_momenta(
    gamma: float | None, optimizer: str, read: list[str], written: list[str], ops: int
) -> None:
    op = updated(gamma, optimizer).op("conv2.WU")
    state = [
        operand.tensor for operand in op.operands if operand.tensor.role is Role.OPTIMIZER_STATE
    ]
    assert [tensor.name for tensor in state] == [f"conv2.{name}" for name in read]
    assert [tensor.name for tensor in op.outputs] == [
        "conv2.weight",
        *(f"conv2.{name}" for name in written),
    ]
    assert {tensor.elements for tensor in state} <= {4 * 4 * 9}
    assert isinstance(op, VectorWork)
    assert op.ops_per_element == ops


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_gamma_that_would_do_nothing_is_refused(optimizer: str) -> None:
    refused = (
        r"^hdfa\.gamma must be left out unless --optimizer is momentum, the only optimizer that "
        r"uses it, got 0\.5$"
    )
    with pytest.raises(InputError, match=refused):
        hybrid("hdfa:gamma=0.5", optimizer=optimizer)
    with pytest.raises(InputError, match=refused):
        check_rule(IMAGES, "hdfa:p=0.3,gamma=0.5", optimizer)
    check_rule(IMAGES, "hdfa:p=0.3", optimizer)
    check_rule(IMAGES, "hdfa:p=0.3,gamma=0.5", "momentum")
    with pytest.raises(InputError, match=refused):  # the whole step runs, its updates included
        hybrid("hdfa:gamma=0.5", optimizer=optimizer, passes=["FF"])


def test_the_hybrids_of_the_study_have_the_optimizer_that_they_need() -> None:
    hybrids = [
        job
        for cell in cells()
        for job in [*cell.tuning(), cell.final(0.01, cell.options[0], 0)]
        if cell.rule.startswith("hdfa")
    ]
    assert any("gamma" in job.rule for job in hybrids)
    for job in hybrids:
        small = IMAGES if job.cell.setting.vocabulary is None else WORDS
        check_rule(
            load_network("gpt-tiny") if job.cell.setting.network == "gpt-tiny" else small,
            job.rule.replace("groups=4", "groups=2"),
            job.recipe.optimizer,
        )


# Results


@pytest.mark.parametrize(
    ("network", "rule", "optimizer"),
    [(IMAGES, "hdfa:p=0.3,groups=2", "momentum"), (WORDS, "hdfa:sparsity=0.5", "adam")],
)
@pytest.mark.parametrize("schedule", ["serial", "unlocked"])
def test_the_top_is_the_weighted_mean(
    network: Any, rule: str, optimizer: str, schedule: str
) -> None:
    document = hybrid(rule, network, optimizer=optimizer, schedule=schedule).to_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert violations(Result.parse(document)) == []
    assert document["ops"] == []
    assert [step["kind"] for step in document["steps"]] == ["bp", "revised"]

    def check(path: str, found: Any, values: list[Any]) -> None:
        if isinstance(found, dict):
            assert set(found) == {key for value in values for key in value}
            for key in found:
                check(f"{path}.{key}", found[key], [value.get(key, 0) for value in values])
        else:
            assert isinstance(found, float), path
            expected = sum(
                step["weight"] * value
                for step, value in zip(document["steps"], values, strict=True)
            )
            assert math.isclose(found, expected, rel_tol=1e-12), path

    for key in set(MEANS) - {"step"}:  # of a part of the passes only
        check(key, document[key], [step["result"][key] for step in document["steps"]])
    numbers = {
        key
        for key, value in document["steps"][0]["result"].items()
        if isinstance(value, int | float | dict)
    }
    assert numbers - set(MEANS) == {
        "seed",
        "batch",
        "warm",
        "area_mm2",
        "area_by_component_mm2",
        "energy_interval_by_component_pj",
        "samples",
        "sample_seed",
    }


def test_each_kind_is_the_run_of_its_rule() -> None:
    """Backpropagation's and, where the optimizer keeps no momentum, the revised rule's."""
    document = hybrid("hdfa:groups=2", optimizer="sgd").to_json()
    for step in document["steps"]:
        rule = step["result"]["rule"]
        alone = simulate(
            IMAGES, machine(), rule=rule, trace="random:0.5", optimizer="sgd"
        ).to_json()
        assert alone.pop("machine") == document["machine"]
        assert alone == step["result"]


def test_two_momenta_cost_more_than_one() -> None:
    feedback = hybrid("hdfa:p=0").steps[0].result
    alone = simulate(IMAGES, machine(), rule="revised:binary=true", trace="random:0.5").to_json()
    assert feedback.to_json()["passes"]["WU"]["words"]["local"] + feedback.to_json()["passes"][
        "WU"
    ]["words"]["dram"] > (
        alone["passes"]["WU"]["words"]["local"] + alone["passes"]["WU"]["words"]["dram"]
    )
    assert feedback.to_json()["passes"]["EP"] == alone["passes"]["EP"]


def test_hashes_tell_mixtures_apart() -> None:
    """What an option changes in training alone, as gamma does, makes no other mixture of steps."""
    default, *others, decayed = (
        hybrid(rule).to_json()["config_hash"]
        for rule in ("hdfa", "hdfa:p=0.2", "hdfa:groups=2", "hdfa:gamma=0.5")
    )
    assert len({default, *others}) == 3
    assert decayed == default


def test_progress_names_the_kind_of_step() -> None:
    said: list[str] = []
    hybrid("hdfa", progress=lambda *told: said.append(told[2]))
    assert list(dict.fromkeys(said)) == ["near-memory hdfa, bp", "near-memory hdfa, revised"]


def test_a_comparison_takes_it_as_any_other() -> None:
    found = compare(IMAGES, [machine()], ["bp", "hdfa:p=0.5"], trace="dense").to_json()
    base, mixed = found["results"]
    assert found["ratios"]["hdfa:p=0.5"]["cycles"] == mixed["cycles"] / base["cycles"]
    assert (
        found["ratios"]["hdfa:p=0.5"]["passes.EP.energy_pj"]
        == mixed["passes"]["EP"]["energy_pj"] / base["passes"]["EP"]["energy_pj"]
    )


def test_means_that_do_not_add_up_are_found() -> None:
    result = hybrid("hdfa")
    check(result)
    with pytest.raises(LawViolation, match=r"^steps: weights add up to 1: 0\.1 is not 1$"):
        check(hybrid_result(result.steps[:1], {}))
    document = result.to_json()
    document["array_cycles"]["stall"]["dram"] += 1
    document["passes"]["EP"]["words"]["remote"] += 1
    broken = [line.partition(" = ")[0] for line in violations(Result.parse(document))]
    # Sums of floats: the last digit of the means is not compared.
    assert {line.partition(": ")[0] for line in broken} == {
        "array_cycles add up to cycles",
        "array_cycles.stall.dram",
        "passes.EP.words.remote",
        "words.remote",
    }


# Traces


def traces(folder: Path, *rules: str) -> list[Path]:
    paths = []
    for rule in rules:
        paths.append(folder / f"{rule}.npz")
        Trace(IMAGES.name, rule, "data", 1, 0, random_trace(IMAGES, 0.5, 1, 0).tensors).write(
            paths[-1]
        )
    return paths


def test_each_kind_takes_the_trace_of_its_family(tmp_path: Path) -> None:
    paths = traces(tmp_path, "dfa", "revised", "bp")
    document = hybrid("hdfa", trace=paths).to_json()
    assert document["trace"] == [str(paths[2]), str(paths[1])]
    assert [step["result"]["trace"] for step in document["steps"]] == document["trace"]
    assert hybrid("hdfa").to_json()["trace"] == "random:0.5"


def test_a_trace_that_a_kind_lacks_is_refused(tmp_path: Path) -> None:
    (path,) = traces(tmp_path, "bp")
    message = (
        f"trace must be of the revised family for revised:binary=true, whose error masks "
        f"differ from others', got {path} (bp); "
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        simulate(IMAGES, machine(), rule="hdfa", trace=[path])
    document = hybrid("hdfa", trace=[path], trace_any_rule=True).to_json()
    assert document["notes"] == [
        (
            "revised steps: the trace was made under bp, of another family than "
            "revised:binary=true: "
            "its error masks are not those of revised:binary=true"
        )
    ]


def test_shipped_traces_must_exist_for_both_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here a trace of another rule ships."""
    names = catalog.names
    shipped = {"trace": ["mobilenetv2.fa"]}
    monkeypatch.setattr(catalog, "names", lambda kind: shipped.get(kind) or names(kind))
    network = replace(IMAGES, name="mobilenetv2")
    with pytest.raises(InputError) as refusal:
        simulate(network, machine(), rule="hdfa", trace="shipped")
    assert [str(fault).partition(":")[0] for fault in refusal.value.faults] == [
        "mobilenetv2 has no shipped trace for bp",
        "mobilenetv2 has no shipped trace for revised",
    ]
