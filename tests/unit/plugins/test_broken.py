"""A broken plug-in is one line with its own file and line, exit 2, and no traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from accelsim.config.plugins.faults import plugin_errors_told
from accelsim.config.plugins.files import load_file
from accelsim.config.registries import RULES
from accelsim.errors import InputError
from tests.conftest import EXAMPLES
from tests.unit.plugins.conftest import RULE, Outcome

Write = Callable[..., Path]
OF_NULL_BYTES = "SyntaxError" if sys.version_info >= (3, 11, 4) else "ValueError"
"""What Python raises for them; which release changed it is in its changelog."""
SIMULATE = ("simulate", "digits-fc", "--trace", "random:0.5", "--rule")


def line(outcome: Outcome, *arguments: str) -> str:
    """The only line on stderr of a command line that is refused."""
    code, out, err = outcome(*arguments)
    assert (code, out) == (2, "")
    (only,) = err.splitlines()
    return only


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def ops(:\n", "mine.py:1: SyntaxError: invalid syntax"),
        ("x = 1\ny = missing\n", "mine.py:2: NameError: name 'missing' is not defined"),
        ("import no_such_module\n", "mine.py:1: ModuleNotFoundError: No module named "),
        ("raise ValueError('a\\nb')\n", "mine.py:1: ValueError: a b"),
        ("raise SystemExit(3)\n", "mine.py:1: SystemExit: 3"),
        ("raise GeneratorExit\n", "mine.py:1: GeneratorExit"),
        ("class E(BaseException): pass\nraise E('a')\n", "mine.py:2: E: a"),
        ("x = '\0'\n", f"mine.py: {OF_NULL_BYTES}: source code string cannot contain null bytes"),
        (
            f"{RULE}\nplugin.rule(Rule('mine', 'bp', 'Again.', ops=ops))\n".replace("BODY", "1"),
            "mine.py:12: ValueError: rule mine must be declared once, got it again",
        ),
        (RULE.replace('"bp"', "None"), "mine.py:10: TypeError: family of a rule must be a text, "),
        (RULE.replace('"mine"', '""'), "mine.py:10: TypeError: name of a rule must be a text, "),
        (
            RULE.replace('"mine"', "5"),
            "mine.py:10: TypeError: name of a rule must be a text, ",
        ),
        (
            RULE.replace('"mine"', '"a,b:c@d"'),
            "mine.py:10: ValueError: rule must have a name of letters, digits, - and _, got 'a,b:c",
        ),
        (
            RULE.replace("ops=ops", "kinds=lambda rule: ()"),
            "kinds of rule mine must return a tuple of at least one StepKind, got ()",
        ),
        ("x = 1\n", "mine.py: must declare rule mine, got nothing"),
        (
            RULE.replace('"mine"', '"mime"'),
            "mine.py: must declare rule mine, got rule mime; did you mean mime?",
        ),
        (
            "from accelsim import plugin\nplugin.rule('mine')\n",
            "mine.py:2: TypeError: rule must be declared by a Rule, got a str",
        ),
        (
            "from accelsim import plugin\n\n\n@plugin.layer\nclass Mine:\n    pass\n",
            (
                "mine.py:4: TypeError: layer kind must be declared by a class that extends "
                "LayerSection, got Mine"
            ),
        ),
        (
            "from accelsim import plugin\n\n\n@plugin.importer('csv')\ndef read(path):\n    pass\n",
            "mine.py:4: TypeError: an importer must have a suffix in lower case as .csv, got 'csv'",
        ),
    ],
)
def test_a_file_that_cannot_be_read(outcome: Outcome, written: Write, text: str, told: str) -> None:
    written("", text)
    assert line(outcome, *SIMULATE, "mine.py:mine").startswith(told)


def test_a_built_ins_name(outcome: Outcome, written: Write) -> None:
    written("", RULE.replace('"mine"', '"bp"'))
    told = "rule bp of mine.py must have a name of its own, got that of a built-in rule"
    assert line(outcome, *SIMULATE, "mine.py:bp") == told
    assert line(outcome, "list", "rules", "--plugin", "mine.py") == told


def test_a_declaration_of_another_kind(outcome: Outcome, written: Write) -> None:
    written("", RULE.replace('plugin.rule(Rule("mine"', 'plugin.rule(Rule("other"'))
    told = line(outcome, *SIMULATE, "mine.py:mine")
    assert told == "mine.py: must declare rule mine, got rule other"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("1 // 0", "mine.py:7: ZeroDivisionError: integer division or modulo by zero"),
        ("Backprop(no=1)", "mine.py:7: TypeError: "),
        ("network.layer('nowhere')", "mine.py:7: KeyError: 'nowhere'"),
        ("__import__('sys').exit(0)", "mine.py:7: SystemExit: 0"),
    ],
)
def test_code_that_fails_while_a_step_is_lowered(
    outcome: Outcome, written: Write, body: str, told: str
) -> None:
    written(body)
    assert line(outcome, *SIMULATE, "mine.py:mine").startswith(told)
    assert line(outcome, *SIMULATE, "mine", "--plugin", "mine.py").startswith(told)


@pytest.mark.parametrize("error", ["BrokenPipeError", "GeneratorExit"])
def test_an_error_that_ends_a_program_is_told(outcome: Outcome, written: Write, error: str) -> None:
    written(f"_stop()\n\n\ndef _stop():\n    raise {error}")
    assert line(outcome, *SIMULATE, "mine.py:mine") == f"mine.py:11: {error}"


@pytest.mark.parametrize("characters", [1, 100_000])
def test_a_plugin_that_prints_to_a_closed_stdout(
    written: Write, monkeypatch: pytest.MonkeyPatch, characters: int
) -> None:
    """Python buffers a short text and tries again, but not a long one."""
    text = f"print('x' * {characters}, flush=True)"
    declaration = load_file(written(text)).get("rule", "mine")
    assert declaration is not None
    read, write = os.pipe()
    os.close(read)
    stdout = os.fdopen(write, "w")
    monkeypatch.setattr(sys, "stdout", stdout)
    with pytest.raises(BrokenPipeError), plugin_errors_told():
        declaration.value.ops(None, None)
    with suppress(BrokenPipeError):
        stdout.close()


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("no.such.module:x", "a function of a rule must be at no.such.module:x, got: No module "),
        ("nocolon", "a function of a rule must be at package.module:attribute, got 'nocolon'"),
        (":x", "a function of a rule must be at package.module:attribute, got ':x'"),
        ("json:nowhere", "a function of a rule must be at json:nowhere, got: module 'json' has "),
    ],
)
def test_a_place_that_does_not_exist(
    outcome: Outcome, written: Write, place: str, told: str
) -> None:
    written("", RULE.replace("ops=ops", f"ops={place!r}"))
    assert line(outcome, *SIMULATE, "mine.py:mine").startswith(told)


def test_a_place_whose_module_imports_one_that_does_not_exist(
    outcome: Outcome, written: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_helper.py").write_text("import no_such_module\n")
    written("", RULE.replace("ops=ops", "ops='own_helper:ops'"))
    told = line(outcome, *SIMULATE, "mine.py:mine")
    assert told.startswith("mine.py: ModuleNotFoundError: No module named 'no_such_module', at ")
    assert told.endswith("own_helper.py:1, after code of the plug-in had run")


OBJECT = "ops of rule mine@mine.py must return an object with direct, carried and propagate, got "


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("None", f"{OBJECT}None without direct, carried and propagate"),
        ("made()", f"{OBJECT}a Made without direct, carried and propagate"),
        ("made(direct=True, propagate=max)", f"{OBJECT}a Made without carried"),
        (
            "made(direct=True, carried=True, propagate=lambda low, layer: None)",
            (
                "propagate of rule mine@mine.py must be a function of (low, layer, error, target), "
                "got one of (low, layer)"
            ),
        ),
        (
            "made(direct=True, carried=True, propagate=lambda *_: None)",
            (
                "propagate of rule mine@mine.py must return the error that the weight gradient of "
                "fc3 reads, a tuple of tensors, got None"
            ),
        ),
        ("made(direct=1, carried=1, propagate=negative)", "mine.py:15: ValueError: fc3.EP: work "),
        ("made(direct=1, carried=1, propagate=halves)", "mine.py:19: TypeError: 'float' object "),
    ],
)
def test_ops_that_break_the_contract(
    outcome: Outcome, written: Write, body: str, told: str
) -> None:
    text = RULE.replace("\n\ndef ops", f"{PROPAGATIONS}\n\ndef ops")
    written(body, text)
    assert line(outcome, *SIMULATE, "mine.py:mine").startswith(told)


PROPAGATIONS = """from accelsim.step.ops import Pass
from accelsim.workload.lowering import Work


class Made:
    def __init__(self, **given):
        self.__dict__ = given


made = Made
def negative(low, layer, error, target):
    low.vector("fc3.EP", "fc3", Pass.EP, Work("x", -100, 1), (), target)


def halves(low, layer, error, target):
    low.vector("fc3.EP", "fc3", Pass.EP, Work("x", 100 / 2, 1), (), target)
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (", ops=ops", "", "TypeError: rule mine must have ops (or kinds), got neither"),
        ("ops=ops", "ops=3", "must be a function of (network, rule), got a int"),
        (
            "ops=ops",
            "ops=lambda: 0",
            "TypeError: ops of rule mine must be a function of (network, rule), got one of ()",
        ),
        (
            "ops=ops",
            "ops=ops, numbers=lambda model: 0",
            "numbers of rule mine must be a function of (model, seed, rule), got one of (model)",
        ),
        ("ops=ops", "ops=ops, options=dict", "options of rule mine must be a class that extends"),
    ],
)
def test_a_declaration_that_breaks_the_contract(
    outcome: Outcome, written: Write, old: str, new: str, told: str
) -> None:
    written("Backprop()", RULE.replace(old, new))
    printed = line(outcome, *SIMULATE, "mine.py:mine")
    assert printed.startswith("mine.py:10: TypeError: ")
    assert told in printed


def test_a_rule_without_numbers_cannot_be_trained(outcome: Outcome, written: Write) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: no data set to train on")
    written("Backprop()")
    assert line(outcome, "train", "digits-fc", "--rule", "mine.py:mine") == (
        "rule mine@mine.py must have numbers to be trained, got a declaration without them"
    )


def test_errors_that_cannot_be_used(outcome: Outcome, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: no data set to train on")
    file, _ = changed(tmp_path, "drtp.py", "return ()", "return None")
    code, _, err = outcome("train", "digits-fc", "--rule", f"{file}:drtp", "--epochs", "1")
    assert (code, err.splitlines()[-1]) == (
        2,
        (
            "TargetNumbers.cross must return a tuple of the error at the input map of fc1, or (), "
            "got None"
        ),
    )


def changed(tmp_path: Path, example: str, old: str, new: str) -> tuple[str, int]:
    """An example with one change; the file's name, and the first line of the change."""
    text = (EXAMPLES / example).read_text()
    assert old in text
    (tmp_path / "mine.py").write_text(text.replace(old, new))
    return "mine.py", text[: text.index(old)].count("\n") + 1


def test_code_that_fails_while_a_network_is_trained(outcome: Outcome, tmp_path: Path) -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: no data set to train on")
    file, at = changed(tmp_path, "drtp.py", "numerics.learn(error)", "numerics.lern(error)")
    code, _, err = outcome("train", "digits-fc", "--rule", f"{file}:drtp", "--epochs", "1")
    told = f"mine.py:{at}: AttributeError: "
    assert code == 2
    assert [each for each in err.splitlines() if each.startswith(told)] == err.splitlines()[-1:]
    assert "Traceback" not in err


def test_a_pe_kind_that_fails_while_it_times_an_op(outcome: Outcome, tmp_path: Path) -> None:
    file, at = changed(tmp_path, "pe_bit_serial.py", "turns = mapping.op,", "turns = mapping.no,")
    (tmp_path / "m.yaml").write_text("name: m\nbase: near-memory\npe_array: {kind: bit_serial}\n")
    words = ("--arch", "m.yaml", "--plugin", file, "--trace", "dense")
    told = line(outcome, "simulate", "digits-fc", *words)
    assert told.startswith(f"mine.py:{at}: AttributeError: ")


def test_a_layer_and_an_importer_that_fail_while_a_network_is_read(
    outcome: Outcome, tmp_path: Path
) -> None:
    file, at = changed(tmp_path, "blend.py", "sources.fault(", "sources.flaw(")
    layers = "[{name: b, kind: blend, inputs: [input, a]}, {name: f, kind: fc, out_features: 2}]"
    first = "{name: a, kind: fc, out_features: 3}"
    text = f"name: n\ninput: {{channels: 4}}\nlayers: [{first}, {layers[1:]}\n"
    (tmp_path / "n.yaml").write_text(text)
    told = line(outcome, "check", "n.yaml", "--plugin", file)
    assert told.startswith(f"mine.py:{at}: AttributeError: ")
    file, at = changed(tmp_path, "topology_csv.py", "path.read_text(", "path.read_txt(")
    (tmp_path / "n.topology").write_text("x\n")
    told = line(outcome, "check", "n.topology", "--plugin", file)
    assert told.startswith(f"mine.py:{at}: AttributeError: ")
    file, _ = changed(tmp_path, "topology_csv.py", "    return resolve(", "    resolve(")
    (tmp_path / "n.topology").write_text("x\nFC1, 4, 4, 4, 4, 1, 6, 1,\n")
    told = line(outcome, "check", "n.topology", "--plugin", file)
    assert told == "importer .topology of mine.py must return a Network, got a NoneType"


def test_an_input_error_of_its_own_passes_as_it_is(outcome: Outcome, written: Write) -> None:
    body = "_refuse(network)\n\n\ndef _refuse(network):\n    raise InputError('no ' + network.name)"
    written("", RULE.replace("BODY", body).replace("from accelsim import plugin", IMPORTS))
    assert line(outcome, *SIMULATE, "mine.py:mine") == "no digits-fc"


IMPORTS = "from accelsim import plugin\nfrom accelsim.errors import InputError"


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("nowhere.py:mine", "nowhere.py: no such file"),
        ("mine.py", "rule must be written FILE.py:NAME, got mine.py"),
        ("mine.py:", "rule must be written FILE.py:NAME, got mine.py"),
        ("mine.py:mine:k=1", "mine.k is not a known option; the rule has none"),
        ("mine@mine.py", "unknown rule mine@mine.py; write FILE.py:mine or add --plugin FILE.py"),
    ],
)
def test_a_rule_that_is_written_wrong(
    outcome: Outcome, written: Write, rule: str, told: str
) -> None:
    written("Backprop()")
    assert line(outcome, *SIMULATE, rule) == told


def test_an_option_that_names_no_plugin(outcome: Outcome, tmp_path: Path) -> None:
    assert line(outcome, "list", "rules", "--plugin", "mine.py") == "mine.py: no such file"
    assert line(outcome, "list", "rules", "--plugin", "m.yaml") == (
        "m.yaml: a plug-in must be a .py file"
    )
    (tmp_path / "folder.py").mkdir()
    assert line(outcome, "list", "rules", "--plugin", "folder.py") == (
        "folder.py: a plug-in must be a file, got a folder"
    )


def test_a_result_that_breaks_a_law_names_the_plugin(outcome: Outcome, tmp_path: Path) -> None:
    """A PE kind that counts MACs it does not execute."""
    file, _ = changed(tmp_path, "pe_bit_serial.py", "busy=executed,", "busy=executed + 1,")
    array = "pe_array: {kind: bit_serial}"
    (tmp_path / "m.yaml").write_text(f"name: m\nbase: near-memory\n{array}\n")
    words = ("--arch", "m.yaml", "--plugin", file)
    told = line(outcome, "simulate", "digits-fc", "--trace", "dense", *words)
    assert told.startswith(
        "mine.py: a result with pe kind bit_serial must obey the laws of docs/results.md, got: "
    )


def test_in_python_errors_of_a_running_plugin_keep_their_traceback(written: Write) -> None:
    from accelsim import simulate

    path = written("1 // 0")
    with pytest.raises(ZeroDivisionError):
        simulate("digits-fc", rule=f"{path}:mine", trace="dense")
    written("", "1 // 0\n")
    with pytest.raises(InputError, match=r"mine.py:1: ZeroDivisionError"):
        simulate("digits-fc", rule=f"{path}:mine", trace="dense")
    assert "mine" not in RULES
