"""Plug-ins of an installed distribution: listed from its metadata, imported when a name is used."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from importlib import import_module, reload
from pathlib import Path

import pytest

from accelsim import InputError, plugin
from accelsim.config.registries import IMPORTERS, LAYERS, PE_KINDS, RULES
from accelsim.rules.registry import parse_rule
from tests.conftest import EXAMPLES
from tests.unit.plugins.conftest import RULE, Outcome

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Lays a distribution of one module, with these entry points, into a folder of ``sys.path``."""

    def lay(name: str, text: str, **groups: str) -> Path:
        folder = tmp_path / f"site-{name}"
        info = folder / f"{name}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        points = "\n".join(f"[accelsim.{group}]\n{line}" for group, line in groups.items())
        (info / "entry_points.txt").write_text(f"{points}\n")
        module = folder / f"{name}_module.py"
        module.write_text(text)
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, module.stem, raising=False)
        states = [(each, each.state()) for each in (RULES, LAYERS, PE_KINDS, IMPORTERS)]
        restored.extend(states)
        return module

    restored: list[tuple[object, object]] = []
    yield lay
    for registry, state in reversed(restored):
        registry.restore(state)


def test_names_and_origins_come_from_metadata_without_an_import(
    outcome: Outcome, install: Install
) -> None:
    install(
        "made",
        "raise RuntimeError('imported')\n",
        rules="odd = made_module:ODD",
        layers="odd_layer = made_module:Odd",
        pe_kinds="odd_array = made_module:Odd",
        importers=".odd = made_module:odd",
    )
    for kind, name in {
        "rules": "odd",
        "layers": "odd_layer",
        "pe-kinds": "odd_array",
        "importers": ".odd",
    }.items():
        code, out, err = outcome("list", kind)
        assert (code, err) == (0, "")
        assert [name, "made", "1.2"] in [line.split() for line in out.splitlines()]
    assert outcome("simulate", "digits-fc", "--trace", "dense")[0] == 0
    assert outcome("check", "--help")[0] == 0
    assert outcome("schema", "workload")[0] == 0
    code, _, err = outcome("simulate", "digits-fc", "--rule", "odd")
    assert code == 2
    assert err.endswith("made_module.py:1: RuntimeError: imported\n")
    assert len(err.splitlines()) == 1


def test_a_rule_of_a_distribution_is_named_with_it(outcome: Outcome, install: Install) -> None:
    module = install(
        "made", EXAMPLES.joinpath("drtp.py").read_text(), rules="drtp = made_module:DRTP"
    )
    words = ("--rule", "drtp:scale=2", "--trace", "dense", "--json")
    code, out, err = outcome("simulate", "digits-fc", *words)
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["rule"] == "drtp@made:scale=2.0"
    assert document["plugins"] == [
        {
            "kind": "rule",
            "name": "drtp",
            "file": "made_module.py",
            "sha256": hashlib.sha256(module.read_bytes()).hexdigest(),
            "distribution": "made 1.2",
        }
    ]
    assert parse_rule(document["rule"]) == parse_rule("drtp:scale=2")
    listed = outcome("list", "rules")[1]
    assert "made 1.2  Direct random target projection" in listed, "its code has run now"


def test_a_layer_of_a_distribution_is_imported_when_a_file_names_it(
    outcome: Outcome, install: Install, tmp_path: Path
) -> None:
    install(
        "made", EXAMPLES.joinpath("blend.py").read_text(), layers="blend = made_module:BlendSection"
    )
    conv = "{name: c, kind: conv, out_channels: 1, kernel: 1}"
    blend = "{name: b, kind: blend, inputs: [input, c]}"
    layers = "".join(
        f"  - {layer}\n" for layer in (conv, blend, "{name: f, kind: fc, out_features: 2}")
    )
    head = "name: n\ninput: {height: 2, width: 2, channels: 1}\nlayers:\n"
    (tmp_path / "n.yaml").write_text(head + layers)
    assert "made_module" not in sys.modules
    code, out, err = outcome("simulate", "n.yaml", "--trace", "dense", "--json")
    assert (code, err) == (0, "")
    assert [each["name"] for each in json.loads(out)["plugins"]] == ["blend"]


@pytest.mark.parametrize(
    ("place", "text", "told"),
    [
        ("nowhere:ODD", "", "rule odd of made 1.2 must be declared at nowhere:ODD, got: No module"),
        (
            "made_module:ODD",
            "",
            "rule odd of made 1.2 must be declared at made_module:ODD, got: module 'made_module' ",
        ),
        (
            "made_module:ODD",
            "ODD = 3\n",
            "rule odd of made 1.2: rule must be declared by a Rule, got a int",
        ),
        (
            "made_module:ODD",
            RULE.replace("plugin.rule(", "ODD = plugin.rule("),
            "rule odd of made 1.2 must be declared by that name at made_module:ODD, got mine",
        ),
    ],
)
def test_broken_entry_points(install: Install, place: str, text: str, told: str) -> None:
    install("made", text, rules=f"odd = {place}")
    with pytest.raises(InputError) as raised:
        parse_rule("odd")
    assert str(raised.value).startswith(told)
    assert len(str(raised.value).splitlines()) == 1


def test_an_import_of_its_module_is_no_second_declaration(install: Install) -> None:
    text = RULE.replace("plugin.rule(", "MINE = plugin.rule(").replace("BODY", "Backprop()")
    module = install("made", text, rules="mine = made_module:MINE")
    imported = import_module("made_module")
    spec = parse_rule("mine")
    assert spec.rule is imported.MINE
    assert spec.plugin is not None
    assert spec.plugin.distribution == "made 1.2"
    module.write_text(text.replace("A rule of", "A changed rule of one's own, and of"))
    assert reload(imported).MINE is parse_rule("mine").rule is not spec.rule


def test_a_file_may_import_a_module_with_entry_points(install: Install, tmp_path: Path) -> None:
    text = RULE.replace("plugin.rule(", "MINE = plugin.rule(").replace("BODY", "Backprop()")
    install("made", text, rules="mine = made_module:MINE")
    (tmp_path / "user.py").write_text("import made_module\n")
    with plugin.loaded([tmp_path / "user.py"]):
        assert parse_rule("mine").title == "mine@made"


def test_a_module_without_a_file_is_refused(install: Install) -> None:
    install("made", "", importers=".odd = builtins:open")
    told = "importer .odd of made 1.2 must be declared in a module with a file, whose SHA-256"
    with pytest.raises(InputError, match=told):
        IMPORTERS.resolve(".odd")


def test_a_built_ins_name_is_refused(outcome: Outcome, install: Install) -> None:
    install("made", "", rules="bp = made_module:BP")
    told = "rule bp of made 1.2 must have a name of its own, got that of a built-in rule\n"
    assert outcome("simulate", "digits-fc", "--rule", "bp") == (2, "", told)
    assert outcome("list", "rules") == (2, "", told)
    assert outcome("simulate", "digits-fc", "--rule", "dfa", "--trace", "dense")[0] == 0


def test_two_distributions_with_one_name_are_refused(install: Install) -> None:
    install("first", "", rules="odd = first_module:ODD")
    install("second", "", rules="odd = second_module:ODD")
    with pytest.raises(InputError, match=r"^rule odd must be declared by one distribution, got "):
        parse_rule("odd")
