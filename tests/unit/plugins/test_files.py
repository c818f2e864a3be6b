"""Plug-ins from files: when their code runs, what results say of them, and where no file may name
code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from accelsim import InputError, plugin, simulate
from accelsim.config.registries import LAYERS, RULES
from accelsim.experiment.trace_choice import choose_trace
from accelsim.rules.registry import family, parse_rule, parse_rules, same_family
from accelsim.workload.loading import load_network
from accelsim.zeros.trace import Trace
from tests.conftest import EXAMPLES
from tests.unit.plugins.conftest import RULE, Outcome

Write = Callable[..., Path]
DRTP = EXAMPLES / "drtp.py"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_result_names_each_plugin_that_it_used(outcome: Outcome, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(
        "name: serial\nbase: near-memory\npe_array: {kind: bit_serial}\n"
    )
    (tmp_path / "net.topology").write_text(
        "names\nFC1, 4, 4, 4, 4, 1, 6, 1,\nFC2, 1, 1, 1, 1, 6, 3, 1,\n"
    )
    files = [EXAMPLES / name for name in ("pe_bit_serial.py", "topology_csv.py", "blend.py")]
    words = [word for path in files for word in ("--plugin", str(path))]
    rule = ("--rule", f"{DRTP}:drtp:scale=2", "--arch", "m.yaml", "--trace", "dense")
    code, out, err = outcome("simulate", "net.topology", *rule, *words, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["rule"] == "drtp@drtp.py:scale=2.0"
    assert document["plugins"] == [
        {"kind": kind, "name": name, "file": path.name, "sha256": sha256(path)}
        for kind, name, path in (
            ("rule", "drtp", DRTP),
            ("importer", ".topology", files[1]),
            ("pe_kind", "bit_serial", files[0]),
        )
    ]  # blend.py was read, but no layer is one of its kind
    assert "bit_serial" not in LAYERS


def test_a_result_without_plugins_says_nothing_of_them() -> None:
    assert "plugins" not in simulate("digits-fc", trace="dense").to_json()


def test_a_rule_of_several_kinds_of_step_is_named_in_each(written: Write) -> None:
    text = """\
from accelsim import plugin
from accelsim.rules.declaration import Rule, StepKind
from accelsim.rules.spelling import parse_rule


def kinds(spec):
    return tuple(StepKind(name, 0.5, parse_rule(name)) for name in ("bp", "dfa"))


plugin.rule(Rule("mixed", "mixed", "Half of the steps by bp.", kinds=kinds))
"""
    result = simulate("digits-fc", rule=f"{written('', text)}:mixed", trace="dense")
    assert result.rule == "mixed@mine.py"
    for each in (result, *(step.result for step in result.steps)):
        assert [used.name for used in each.plugins] == ["mixed"]


def test_a_change_of_the_code_changes_the_hash(written: Write) -> None:
    path = written("Backprop()")
    first = simulate("digits-fc", rule=f"{path}:mine", trace="dense")
    again = simulate("digits-fc", rule=f"{path}:mine", trace="dense")
    path.write_text(f"{path.read_text()}# changed\n")
    changed = simulate("digits-fc", rule=f"{path}:mine", trace="dense")
    assert first.config_hash == again.config_hash != changed.config_hash
    assert first.cycles == changed.cycles
    assert simulate("digits-fc", trace="dense").config_hash != first.config_hash


def test_code_runs_once_for_the_same_content(
    written: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    path = written("Backprop()", f"{RULE}\nprint('ran')\n")
    for _ in range(3):
        parse_rule(f"{path}:mine")
    assert capfd.readouterr().out == "ran\n"
    path.write_text(f"{path.read_text()}\n")
    parse_rule(f"{path}:mine")
    assert capfd.readouterr().out == "ran\n"


def test_rules_of_files_in_a_list() -> None:
    text = f"bp,{DRTP}:drtp:scale=2,{DRTP}:drtp,sdfa:k=2,rank=5"
    titles = ["bp", "drtp@drtp.py:scale=2.0", "drtp@drtp.py", "sdfa:k=2,rank=5"]
    assert [spec.text for spec in parse_rules(text)] == titles
    with pytest.raises(InputError, match="use ; between the options of one rule"):
        parse_rules(f"{DRTP}:drtp,scale=2")


def test_the_option_makes_every_name_of_a_file_known(outcome: Outcome) -> None:
    code, out, _ = outcome("list", "rules", "--plugin", str(DRTP))
    assert code == 0
    (line,) = (line for line in out.splitlines() if line.startswith("drtp "))
    assert line.split()[:3] == ["drtp", "drtp.py", "Direct"]
    words = ("--rule", "drtp", "--trace", "dense", "--plugin", str(DRTP), "--json")
    code, out, _ = outcome("simulate", "digits-fc", *words)
    assert json.loads(out)["rule"] == "drtp@drtp.py"
    assert outcome("simulate", "digits-fc", "--rule", "drtp")[0] == 2, "for one command alone"


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("pe_bit_serial.py", ("schema", "arch")),
        ("blend.py", ("schema", "workload")),
        ("pe_bit_serial.py", ("list", "pe-kinds")),
        ("blend.py", ("list", "layers")),
        ("topology_csv.py", ("list", "importers")),
    ],
)
def test_schemas_and_lists_with_a_file(
    outcome: Outcome, file: str, command: tuple[str, str]
) -> None:
    name = {"pe_bit_serial.py": "bit_serial", "blend.py": "blend"}.get(file, ".topology")
    assert name not in outcome(*command)[1]
    assert name in outcome(*command, "--plugin", str(EXAMPLES / file))[1]


def test_two_files_cannot_declare_one_name(written: Write) -> None:
    other = written("Backprop()", RULE.replace('"mine"', '"drtp"'))
    with (
        pytest.raises(
            InputError, match=r"rule drtp must be declared once, got it from mine.py and "
        ),
        plugin.loaded([DRTP, other]),
    ):
        pass
    assert "drtp" not in RULES


def test_two_files_of_one_name_are_two_plugins(outcome: Outcome, tmp_path: Path) -> None:
    for folder, zeros in (("a", "bp"), ("b", "fa")):
        (tmp_path / folder).mkdir()
        text = RULE.replace("BODY", "Backprop()").replace('"bp"', f'"{zeros}"')
        (tmp_path / folder / "mine.py").write_text(text)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "mine.py").write_text((tmp_path / "a" / "mine.py").read_text())
    files = ("--plugin", "a/mine.py", "--plugin")
    owners = f"got it from {tmp_path}/b/mine.py and {tmp_path}/a/mine.py\n"
    told = f"rule mine must be declared once, {owners}"
    assert outcome("list", "rules", *files, "b/mine.py") == (2, "", told)
    assert outcome("list", "rules", *files, "b/../a/mine.py")[0] == 0, "the same file"
    assert outcome("list", "rules", *files, "c/mine.py")[0] == 0, "a copy of it"
    rules = ("--rules", "a/mine.py:mine,b/mine.py:mine", "--trace", "dense")
    told = f"mine@mine.py must be one rule, {owners}"
    assert outcome("compare", "digits-fc", *rules) == (2, "", told)


def test_a_file_with_a_refused_name_registers_none(written: Write) -> None:
    taken = 'plugin.rule(Rule("bp", "bp", "Taken.", ops=ops))'
    path = written("Backprop()", f"{RULE}{taken}\n")
    with pytest.raises(InputError, match=r"rule bp of mine\.py must have a name of its own"):
        plugin.load(path)
    assert "mine" not in RULES


def test_an_edited_file_replaces_its_declarations(written: Write) -> None:
    with plugin.loaded([written("Backprop()")]):
        path = written("Backprop()", RULE.replace("A rule of", "A changed rule of"))
        plugin.load(path)
        assert parse_rule("mine").rule.description == "A changed rule of one's own."


def test_no_file_names_code(outcome: Outcome, tmp_path: Path) -> None:
    """A rule, a layer kind and a PE kind of a file are for the command line and Python alone."""
    marker = tmp_path / "ran"
    (tmp_path / "evil.py").write_text(f"open({str(marker)!r}, 'w')\n")
    (tmp_path / "m.yaml").write_text(
        "name: m\nbase: near-memory\npe_array: {kind: 'evil.py:lanes'}\n"
    )
    layer = "{name: fc, kind: 'evil.py:fc', out_features: 10}"
    (tmp_path / "n.yaml").write_text(f"name: n\ninput: {{channels: 4}}\nlayers:\n  - {layer}\n")
    masks = {"fc1.input": np.ones((1, 4), np.bool_)}
    Trace.from_masks("digits-fc", "evil.py:bp", "made", 0, 0, masks).write(tmp_path / "t.npz")
    result = simulate("digits-fc", trace="dense").to_json() | {"rule": "evil.py:evil"}
    (tmp_path / "r.json").write_text(json.dumps(result))
    for command, told in (
        (("check", "m.yaml"), "m.yaml:3:18: pe_array.kind must be lanes, coupled, "),
        (("check", "n.yaml"), "n.yaml:4:22: layers[0].kind must be conv, "),
        (
            ("simulate", "digits-fc", "--trace", "t.npz"),
            "t.npz: meta.rule must be the name of a rule, got evil.py:bp: a trace names no code",
        ),
        (("check", "r.json"), "r.json: rule must be the name of a rule, not a file of code, got "),
        (("plot", "r.json"), "r.json: rule must be the name of a rule, not a file of code, got "),
        (
            ("simulate", "./evil.py"),
            "evil.py: a workload must be a file of .yaml, .yml, .onnx, .csv",
        ),
    ):
        code, _, err = outcome(*command)
        assert code == 2
        (line,) = err.splitlines()
        assert line.startswith(told)
    assert not marker.exists()


def test_what_needs_a_plugin_says_how_to_name_it(outcome: Outcome, tmp_path: Path) -> None:
    (tmp_path / "rule.py").write_text("1 // 0\n")
    (tmp_path / "n.topology").write_text("names\nFC1, 4, 4, 4, 4, 1, 6, 1,\n")
    layer = "{name: b, kind: blend, inputs: [input]}"
    (tmp_path / "n.yaml").write_text(f"name: n\ninput: {{channels: 4}}\nlayers: [{layer}]\n")
    for command, told in (
        (
            ("check", "rule.py"),
            (
                "rule.py: a plug-in is checked where it is used: accelsim list rules --plugin "
                "rule.py\n"
            ),
        ),
        (("check", "n.topology"), "; a plug-in that reads .topology needs --plugin FILE.py\n"),
        (("check", "n.yaml"), ", got blend; a plug-in's kind needs --plugin FILE.py\n"),
        (
            ("simulate", "./n.topology"),
            "got .topology; a plug-in's importer needs --plugin FILE.py\n",
        ),
    ):
        code, _, err = outcome(*command)
        assert code == 2
        assert err.endswith(told)


def test_rules_of_one_name_from_two_files_differ_by_their_labels(written: Write) -> None:
    path = written("", DRTP.read_text())
    specs = parse_rules(f"{DRTP}:drtp,{path}:drtp")
    assert [spec.text for spec in specs] == ["drtp@drtp.py", "drtp@mine.py"]
    assert "drtp" not in RULES


def test_a_trace_that_states_its_family_serves_it_without_the_file_that_made_it() -> None:
    network, spec = load_network("digits-fc"), parse_rule(f"{DRTP}:drtp")
    masks = {"fc1.input": np.ones((1, 64), np.bool_)}
    silent = Trace.from_masks("digits-fc", "sign@sign.py", "made", 0, 0, masks)
    stated = Trace.from_masks("digits-fc", "sign@sign.py", "made", 0, 0, masks, family="drtp")
    other = Trace.from_masks("digits-fc", "bp", "made", 0, 0, masks, family="drtp")
    assert choose_trace(network, spec, stated, False, 1, 0).trace is stated
    with pytest.raises(InputError, match=r", and --plugin sign\.py says its family$"):
        choose_trace(network, spec, silent, False, 1, 0)
    with pytest.raises(InputError, match=r"accepts it$"):
        choose_trace(network, spec, other, False, 1, 0)


@pytest.mark.parametrize(
    ("rule", "accepted"),
    [
        ("drtp@drtp.py", True),
        ("drtp@drtp.py:scale=2.0", True),
        ("sdfa:k=2,rank=10", True),
        ("evil.py", False),
        ("./evil.py :evil", False),
        ("folder/evil.py:evil:k=1", False),
        ("evil@folder/evil.py:evil", False),
    ],
)
def test_rules_of_traces(tmp_path: Path, rule: str, accepted: bool) -> None:
    masks = {"fc1.input": np.ones((1, 4), np.bool_)}
    Trace.from_masks("digits-fc", rule, "made", 0, 0, masks).write(tmp_path / "t.npz")
    if accepted:
        assert Trace.read(tmp_path / "t.npz").rule == rule
    else:
        with pytest.raises(InputError, match=r"meta.rule must be the name of a rule, got "):
            Trace.read(tmp_path / "t.npz")


def test_traces_of_a_plugins_rule_are_for_its_family() -> None:
    spec = parse_rule(f"{DRTP}:drtp")
    assert same_family("drtp@drtp.py", spec)
    assert same_family("drtp@renamed.py:scale=2.0", spec)
    assert not same_family("dfa", spec)
    assert family("drtp@drtp.py") == "drtp"
    assert not same_family("drtp@drtp.py", parse_rule("bp"))
