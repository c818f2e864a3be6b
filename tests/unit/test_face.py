"""The Python interface: ``import accelsim`` and the names of its ``__all__``."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import accelsim
from accelsim import InputError, Setting
from accelsim.config.reading.options import options
from accelsim.step.ops import Pass

NETWORK, SMALL = "mnist-fc", {"trace": "random:0.5", "batch": 2}


def test_importing_accelsim_imports_nothing_heavy() -> None:
    code = (
        "import sys, accelsim; accelsim.Setting; dir(accelsim)\n"
        "print(*{'numpy', 'numba', 'pydantic', 'matplotlib', 'simpy', 'yaml'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_every_name_is_there_is_listed_and_has_a_docstring() -> None:
    assert sorted(accelsim.__all__) == accelsim.__all__
    assert set(accelsim.__all__) <= set(dir(accelsim))
    for name in accelsim.__all__:
        assert inspect.getdoc(getattr(accelsim, name)), name
    with pytest.raises(AttributeError, match="no attribute 'simulat'"):
        accelsim.simulat  # noqa: B018  # asking is the test


def test_keyword_arguments_are_the_fields_of_setting() -> None:
    named = {each.name for each in fields(Setting)}
    for function in (accelsim.simulate, accelsim.compare):
        parameters = inspect.signature(function).parameters
        assert named <= set(parameters)
        for each in fields(Setting):
            assert parameters[each.name].kind is inspect.Parameter.KEYWORD_ONLY
            assert parameters[each.name].default == each.default
    own = list(inspect.signature(accelsim.simulate).parameters)
    assert own[:3] == ["workload", "machine", "rule"]
    assert inspect.signature(accelsim.simulate).parameters["rule"].default == "bp"


def test_an_argument_that_does_not_exist_is_told_with_the_one_that_is_meant() -> None:
    with pytest.raises(
        TypeError, match=r"^simulate\(\) has no argument bacth; did you mean batch\?$"
    ):
        accelsim.simulate(NETWORK, bacth=2)  # type: ignore[call-arg]  # the slip is the test


def test_a_setting_tells_every_fault_at_once() -> None:
    with pytest.raises(InputError) as raised:
        Setting(
            batch=0, trace=["dense", "a.npz"], passes="ff,xx", schedule="x", optimizer=3, seed=1.5
        )  # type: ignore[arg-type]  # wrong on purpose
    words = "shipped, dense and random:DENSITY cannot be combined with others"
    assert [str(fault) for fault in raised.value.faults] == [
        "batch must be a whole number between 1 and 1048576, got 0",
        f"trace must be files when there are several: {words}, got dense, a.npz",
        "passes must be a comma-separated list of ff, ep, wg, wu, got ff,xx",
        "schedule must be one of serial, unlocked, got x",
        "optimizer must be one of sgd, momentum, adam, adamw, lion, got 3",
        "seed must be a whole number >= 0, got 1.5",
    ]


def test_a_notebook_shows_the_faults_and_no_traceback() -> None:
    with pytest.raises(InputError) as raised:
        Setting(batch=0, schedule="x")
    assert raised.value._render_traceback_() == [
        "InputError: batch must be a whole number between 1 and 1048576, got 0",
        "InputError: schedule must be one of serial, unlocked, got x",
    ]


def test_runs_can_be_sent_to_other_processes() -> None:
    machine = accelsim.load_machine("near-memory")
    for value in (Setting(batch=4), machine, accelsim.simulate(NETWORK, machine, **SMALL)):  # type: ignore[arg-type]
        again = pickle.loads(pickle.dumps(value))
        assert again == value
        assert type(again) is type(value)
    assert pickle.loads(pickle.dumps(accelsim.simulate)) is accelsim.simulate


def test_a_setting_takes_texts_and_objects_and_can_be_unpacked() -> None:
    setting = Setting(batch="4", passes=["wg", Pass.FF])  # type: ignore[arg-type]  # texts are taken
    assert setting.batch == 4
    assert setting.passes == (Pass.FF, Pass.WG)
    assert repr(setting.replace(passes="ff,ep,wg,wu")) == "Setting(batch=4)"
    assert Setting(**setting) == setting
    assert set(options(Setting)) < {*setting.keys()}


def test_paths_texts_and_objects_are_one_run(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("base: near-memory\nname: mine\n")
    network, machine = accelsim.load_network(NETWORK), accelsim.load_machine(file)
    hashes = {
        accelsim.simulate(*run, **SMALL).config_hash  # type: ignore[arg-type]  # of a dict
        for run in (
            (NETWORK,),
            (network, "near-memory"),
            (NETWORK, str(file)),
            (NETWORK, file),
            (NETWORK, machine),
        )
    }
    assert len(hashes) == 1
    one = accelsim.compare(NETWORK, machine, "bp,dfa", **SMALL)  # type: ignore[arg-type]
    two = accelsim.compare(network, [file], ["bp", "dfa"], **SMALL)  # type: ignore[arg-type]
    assert one.to_json() == two.to_json()
    assert len(accelsim.compare(NETWORK, "near-memory,eie", "bp", **SMALL).results) == 2  # type: ignore[arg-type]
    with pytest.raises(InputError, match="machines and rules to compare must be given, got none"):
        accelsim.compare(NETWORK, [], "bp")


def test_a_replaced_machine_is_that_of_a_file_with_a_base(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "base: near-memory\nname: mine\ndescription: d\nclock: 1GHz\n"
        "pe_array: {lanes: 8}\nscratchpad: {capacity: 64KiB}\n"
    )
    machine = accelsim.load_machine("near-memory")
    scratchpad = accelsim.load_machine(file).scratchpad
    for given in ({"capacity": "64KiB"}, scratchpad):
        made = machine.replace(
            name="mine", description="d", clock="1GHz", pe_array={"lanes": 8}, scratchpad=given
        )
        assert made == accelsim.load_machine(file)
    assert machine.replace() == machine
    assert machine.replace(pe_array={"kind": "systolic"}).organization == "von_neumann"
    for name in ("eie", "eyeriss-like", "lnpu-like", "tensordash"):
        assert accelsim.load_machine(name).replace() == accelsim.load_machine(name)


def test_replaced_machines_have_names_that_differ() -> None:
    machine = accelsim.load_machine("near-memory")
    machines = [machine, machine.replace(pe_array={"lanes": 8}), machine.replace(partitions=2)]
    assert [each.name for each in machines] == [
        "near-memory",
        "near-memory+pe_array.lanes=8",
        "near-memory+partitions=2",
    ]
    assert repr(machines[1]) == (
        "Machine(near-memory+pe_array.lanes=8: 16 x 16 PEs in an array of lanes, near_memory, "
        "800MHz)"
    )
    pinned = machine.replace(mapping={"pins": [{"op": "fc1.FF", "channel_pes": 4}]})
    assert pinned.name == "near-memory+mapping.pins"


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        (
            {"pe_aray": {}, "clock": "8", "pe_array": {"lans": 4}},
            [
                "clock must be a number with a unit of Hz, kHz, MHz, GHz, got 8",
                "pe_array.lans is not a known key; did you mean lanes?",
                "pe_aray is not a known key; did you mean pe_array?",
            ],
        ),
        ({"pe_array": 3}, ["pe_array must be a mapping, got 3"]),
        ({"base": "eie"}, ["base must be left out: replace() starts from near-memory"]),
    ],
)
def test_faults_of_a_replaced_machine_name_the_key(
    changes: dict[str, object], faults: list[str]
) -> None:
    with pytest.raises(InputError) as raised:
        accelsim.load_machine("near-memory").replace(**changes)
    assert sorted(str(fault) for fault in raised.value.faults) == sorted(faults)


def test_what_is_registered_is_a_mapping_that_prints_as_a_table() -> None:
    for listed in (accelsim.rules, accelsim.layers, accelsim.pe_kinds):
        names = list(listed)
        assert len(listed) == len(names) > 4
        lines = repr(listed).splitlines()
        assert [line.split()[0] for line in lines] == names
        assert all(len(text) > 10 for text in listed.values())
        assert names[0] in listed._repr_html_()
    assert accelsim.pe_kinds["systolic"] in repr(accelsim.pe_kinds)
    with pytest.raises(KeyError, match="unknown rule dfaa; did you mean dfa"):
        accelsim.rules["dfaa"]


def test_packages_that_list_are_packages_still() -> None:
    import accelsim.rules.registry
    from accelsim import rules
    from accelsim.rules.spelling import parse_rule

    assert rules is sys.modules["accelsim.rules"] is accelsim.rules
    assert rules == rules  # noqa: PLR0124  # modules are compared by identity
    assert hash(rules)
    assert rules.registry is sys.modules["accelsim.rules.registry"]  # type: ignore[attr-defined]
    assert str(parse_rule("dfa")) == "dfa"


def test_training_gives_back_its_record(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    traces = []
    run = accelsim.train(
        "digits-fc",
        rule="dfa",
        batch="256",  # type: ignore[arg-type]  # texts are taken
        trace_every=1,
        progress=lambda done, of, _loss, _accuracy: seen.append((done, of)),
        on_trace=lambda trace, _epoch: traces.append(trace),
    )
    assert seen[-1] == (5, 5)
    assert [row.epoch for row in run.epochs] == [1]
    assert traces[0].rule == "dfa"
    assert repr(run).startswith("TrainingDocument(digits-fc, rule dfa, on digits: 1 of 1 epochs, ")
    assert list(run.to_dataframe()["training_loss"]) == [run.epochs[0].training_loss]
    assert len(run.to_dataframe("densities")) == len(run.densities)
    written = run.save(tmp_path / "run")
    assert type(run).read(written) == run
    assert (tmp_path / "run" / "curves.csv").is_file()
    with pytest.raises(InputError, match="table must be one of curves, angles, densities, got x"):
        run.to_dataframe("x")  # type: ignore[arg-type]  # wrong on purpose


def test_training_tells_every_fault_at_once() -> None:
    with pytest.raises(InputError) as raised:
        accelsim.train("digits-fc", epochs=0, learning_rate="x", formats={"weight": "bf17"})  # type: ignore[arg-type]
    lines = str(raised.value).splitlines()
    assert lines[:2] == [
        "epochs must be a whole number >= 1, got 0",
        "learning_rate must be a number > 0, got x",
    ]
    assert lines[2].endswith("got weight=bf17")
    with pytest.raises(InputError) as raised:
        accelsim.train("digits", rule="dfaa", trace_every=1, batch=2)
    assert [line.split(",")[0] for line in str(raised.value).splitlines()] == [
        "samples must be at most the batch of 2",
        "unknown rule dfaa; did you mean dfa? (accelsim list rules)",
        "unknown workload digits; did you mean digits-fc? (accelsim list workloads)",
    ]
