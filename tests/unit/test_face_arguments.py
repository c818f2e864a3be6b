"""Wrong arguments in Python are one `InputError`, and NumPy's numbers are numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accelsim
from accelsim import InputError, Result, Setting, Trace
from tests import synthetic

NETWORK = "mnist-fc"
near_memory = accelsim.load_machine("near-memory")


def lines(call: Callable[[], object]) -> list[str]:
    with pytest.raises(InputError) as raised:
        call()
    return [str(fault) for fault in raised.value.faults]


def test_numbers_of_numpy_are_numbers() -> None:
    wide = near_memory.replace(pe_array={"lanes": np.int64(8)}, blocks_per_op=np.uint8(2))
    assert wide == near_memory.replace(pe_array={"lanes": 8}, blocks_per_op=2)
    assert wide.name == "near-memory+pe_array.lanes=8+blocks_per_op=2"
    made = accelsim.load_machine("near-memory", {"pe_array.lanes": np.int32(8)})
    assert made.pe_array == wide.pe_array
    given: dict[str, object] = {
        "batch": np.int64(2),
        "seed": np.uint8(1),
        "trace_any_rule": np.bool_(True),
    }
    setting = Setting(**given)  # type: ignore[arg-type]  # NumPy's types are taken
    assert setting == Setting(batch=2, seed=1, trace_any_rule=True)
    assert {type(setting.batch), type(setting.seed)} == {int}


def test_wrong_types_are_all_told_at_once() -> None:
    wrong: dict[str, object] = {
        "rule": ["dfa"],
        "batch": "x",
        "trace": 0.5,
        "trace_any_rule": 1,
        "passes": 4,
        "schedule": [],
        "optimizer": {},
        "seed": 1.0,
        "transform": 3,
        "progress": 3,
        "observers": 4,
    }
    rule = "the text of a rule, such as sdfa:k=2"
    trace = "shipped, dense, random:DENSITY, a file, a list of files or a Trace"
    assert sorted(lines(lambda: accelsim.simulate(None, ["near-memory"], **wrong))) == sorted(  # type: ignore[arg-type]
        [
            "batch must be a whole number between 1 and 1048576, got x",
            f"trace must be {trace}, got 0.5; did you mean random:0.5?",
            "trace_any_rule must be True or False, got 1",
            "passes must be a comma-separated list of ff, ep, wg, wu, got 4",
            "schedule must be one of serial, unlocked, got []",
            "optimizer must be one of sgd, momentum, adam, adamw, lion, got {}",
            "seed must be a whole number >= 0, got 1.0",
            "transform must be a function, got 3",
            "workload must be a built-in name, a file or a Network, got None",
            "machine must be a built-in name, a file or a Machine, got ['near-memory']",
            f"rule must be {rule}, got ['dfa']",
            "progress must be a function, got 3",
            "observers must be a list of Observer objects, got 4",
        ]
    )
    assert lines(lambda: accelsim.compare(NETWORK, [near_memory, 4], 5)) == [  # type: ignore[arg-type]
        "machines[1] must be a built-in name, a file or a Machine, got 4",
        f"rules must be {rule}, or a list of them, got 5",
    ]
    assert lines(lambda: accelsim.compare("x", ["y", "eie"], ["bp", "q"])) == [
        "unknown workload x (accelsim list workloads)",
        "unknown machine y (accelsim list archs)",
        "unknown rule q (accelsim list rules)",
    ]


def test_wrong_types_of_a_training_are_all_told_at_once() -> None:
    names = (
        "rule data epochs width vocabulary learning_rate schedule optimizer weight_decay augment"
    )
    more = "held_out formats trace_every samples seed progress on_trace batch"
    wrong = {name: [] for name in f"{names} {more}".split()}
    told = lines(lambda: accelsim.train(3, **wrong))  # type: ignore[arg-type]
    assert {line.split(" must be ")[0] for line in told} == {*wrong, "workload"}
    assert all(line.endswith(("got []", "got 3")) for line in told)


three: Any = 3
"""A value of a wrong type."""


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: accelsim.load_machine(three), "machine must be a built-in name or a file, got 3"),
        (
            lambda: accelsim.load_machine("eie", three),
            "overrides must be a mapping of keys to values, got 3",
        ),
        (
            lambda: accelsim.load_machine("eie", {three: 4}),
            "a key of overrides must be a text, got 3",
        ),
        (
            lambda: Result.parse(synthetic.result()).plot.cycles(ax=three),
            "ax must be axes of matplotlib, got 3",
        ),
        (
            lambda: Setting(trace=7.5),  # type: ignore[arg-type]
            (
                "trace must be shipped, dense, random:DENSITY, a file, a list of files or a Trace, "
                "got 7.5"
            ),
        ),
        (lambda: accelsim.load_network(three), "workload must be a built-in name or a file, got 3"),
        (lambda: Setting(trace=["a.npz", three]), "trace[1] must be a file, got 3"),
        (
            lambda: Setting(trace="random:3"),
            "trace random:DENSITY must have a density between 0 and 1, got random:3",
        ),
        (
            lambda: Setting(seed=-(10**5000)),
            "seed must be a whole number >= 0, got a number of thousands of digits",
        ),
        (lambda: Trace.read(three), "path must be a file, got 3"),
        (lambda: Result.read(three), "path must be a file or a folder, got 3"),
        (lambda: accelsim.plugin.load(three), "file must be a file, got 3"),
        (
            lambda: accelsim.Machine(name="x"),  # type: ignore[call-arg]
            "a Machine is made by load_machine() or by replace(), not by Machine()",
        ),
    ],
)
def test_a_wrong_argument_is_one_line(call: Callable[[], object], line: str) -> None:
    assert lines(call) == [line]


def test_a_value_of_many_lines_is_one_short_line() -> None:
    (line,) = lines(lambda: Setting(batch=np.zeros((30, 30))))  # type: ignore[arg-type]
    assert "\n" not in line
    assert len(line) < 120


def test_arguments_too_many_or_too_few_name_the_function() -> None:
    with pytest.raises(TypeError, match=r"^simulate\(\): too many positional arguments$"):
        accelsim.simulate(NETWORK, "near-memory", "dfa")  # type: ignore[misc]
    with pytest.raises(TypeError, match=r"^compare\(\): missing a required argument: 'rules'$"):
        accelsim.compare(NETWORK, "near-memory")  # type: ignore[call-arg]


def test_an_abbreviated_argument_is_told_in_full() -> None:
    fault = r"^train\(\) has no argument lr; did you mean learning_rate\?$"
    with pytest.raises(TypeError, match=fault):
        accelsim.train("digits-fc", lr=0.1)  # type: ignore[call-arg]


def test_machines_and_settings_do_not_change() -> None:
    hint = "lanes cannot be set; Machine.replace makes a machine with other values"
    with pytest.raises(AttributeError, match=hint):
        near_memory.pe_array.lanes = 8  # type: ignore[misc]
    with pytest.raises(AttributeError, match="cannot assign to field 'batch'"):
        Setting().batch = 8  # type: ignore[misc]


def test_a_rule_object_stands_alone_in_a_comparison() -> None:
    from accelsim.rules.spelling import parse_rule

    compared = accelsim.compare(NETWORK, near_memory, parse_rule("dfa"), trace="dense")
    assert [result.rule for result in compared.results] == ["dfa"]


def test_a_folder_of_save_is_read(tmp_path: Path) -> None:
    result = Result.parse(synthetic.result())
    result.save(tmp_path / "run")
    assert Result.read(tmp_path / "run") == result
    compared = accelsim.Comparison.parse(
        synthetic.comparison(synthetic.result(), synthetic.result("dfa"))
    )
    compared.save(tmp_path / "both")
    assert accelsim.Comparison.read(tmp_path / "both") == compared
