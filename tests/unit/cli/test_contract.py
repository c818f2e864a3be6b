"""What scripts rely on: exit codes, faults word for word, one document on stdout, and nothing
written unless all succeeded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import accelsim.experiment
from accelsim.cli import app as cli
from accelsim.errors import Fault, InputError
from accelsim.report.tables.registry import FILES
from accelsim.rules.spelling import AnyRule
from tests import synthetic


class Document:
    """What experiment's functions return, as far as the command line looks at it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def to_json(self) -> dict[str, Any]:
        return self.document


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Replaces the simulator; records what it is asked for."""
    recorded: list[tuple[Any, ...]] = []

    def simulate(workload: str, arch: str, *, rule: str, **settings: Any) -> Document:
        recorded.append((workload, arch, rule, settings))
        return Document(synthetic.result(rule))

    def compare(
        workload: str, archs: tuple[str, ...], rules: tuple[AnyRule, ...], **settings: Any
    ) -> Document:
        names = tuple(str(rule) for rule in rules)
        recorded.append((workload, archs, names, settings))
        return Document(
            synthetic.comparison(
                *(synthetic.result(rule, arch) for arch in archs for rule in names)
            )
        )

    replace_experiment(monkeypatch, simulate=simulate, compare=compare)
    return recorded


def replace_experiment(monkeypatch: pytest.MonkeyPatch, **functions: Any) -> None:
    for name, function in functions.items():
        module = types.ModuleType(f"accelsim.experiment.{name}")
        setattr(module, name, function)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(accelsim.experiment, name, module, raising=False)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["accelsim", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert isinstance(stop.value.code, int)
    return stop.value.code


def test_simulate_passes_the_defaults_of_the_contract(
    monkeypatch: pytest.MonkeyPatch, calls: list[tuple[Any, ...]]
) -> None:
    assert run(monkeypatch, "simulate", "vgg16-cifar10", "--json") == 0
    ((workload, arch, rule, settings),) = calls
    assert (workload, arch, rule) == ("vgg16-cifar10", "near-memory", "bp")
    assert callable(settings.pop("progress"))
    assert settings == {
        "batch": None,
        "trace": "shipped",
        "trace_any_rule": False,
        "passes": ("FF", "EP", "WG", "WU"),
        "schedule": "serial",
        "optimizer": "momentum",
        "checkpoint": None,
        "microbatch": None,
        "objective": None,
        "warm": True,
        "prices": None,
        "seed": 0,
        "samples": 2000,
        "sample_seed": 0,
        "dram_trace": None,
    }


def test_compare_passes_lists_and_every_option_of_simulate(
    monkeypatch: pytest.MonkeyPatch, calls: list[tuple[Any, ...]]
) -> None:
    arguments = (
        "--arch near-memory,von-neumann --batch 4 --trace a.npz --trace b.npz "
        "--trace-any-rule --passes WG,ff"
    )
    arguments += " --schedule unlocked --optimizer adam --no-warm --seed 7 --dram-trace t.csv"
    assert (
        run(
            monkeypatch,
            "compare",
            "net",
            "--rules",
            "bp,revised:groups=8;binary=true",
            *arguments.split(),
        )
        == 0
    )
    ((_, archs, rules, settings),) = calls
    assert archs == ("near-memory", "von-neumann")
    assert rules == ("bp", "revised:groups=8,binary=true")
    assert settings["trace"] == ("a.npz", "b.npz")
    assert settings["passes"] == ("FF", "WG")
    assert (settings["batch"], settings["seed"], settings["schedule"], settings["optimizer"]) == (
        4,
        7,
        "unlocked",
        "adam",
    )
    assert settings["dram_trace"] == Path("t.csv")
    assert settings["trace_any_rule"] is True
    assert settings["warm"] is False


@pytest.mark.parametrize("command", ["simulate", "compare"])
def test_json_is_one_document_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    calls: list[tuple[Any, ...]],
    tmp_path: Path,
    command: str,
) -> None:
    assert run(monkeypatch, command, "net", "--json", "--out", str(tmp_path / "out")) == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert (
        document["schema"]
        == {"simulate": "accelsim.result/1", "compare": "accelsim.comparison/1"}[command]
    )
    assert printed.err.startswith("wrote ")
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["simulate", "net", "--batch", "0"],
            "--batch must be a whole number between 1 and 1048576, got 0",
        ),
        (
            ["simulate", "net", "--batch", "1048577"],
            "--batch must be a whole number between 1 and 1048576, got 1048577",
        ),
        (
            ["simulate", "net", "--batch", "two"],
            "--batch must be a whole number between 1 and 1048576, got two",
        ),
        (
            ["simulate", "net", "--schedule", "fast"],
            "--schedule must be one of serial, unlocked, got fast",
        ),
        (
            ["compare", "net", "--optimizer", "rmsprop"],
            "--optimizer must be one of sgd, momentum, adam, adamw, lion, got rmsprop",
        ),
        (["simulate", "net", "--out", ""], "--out must be a folder, got an empty name"),
        (["plot", "nowhere.json", "--out", ""], "--out must be a folder, got an empty name"),
        (
            ["compare", "net", "--trace", "shipped", "--trace", "dense"],
            (
                "--trace must be files when there are several: shipped, dense and random:DENSITY "
                "cannot be combined with others, got shipped, dense"
            ),
        ),
        (
            ["compare", "net", "--trace", "a.npz", "--trace", "random:0.5"],
            (
                "--trace must be files when there are several: shipped, dense and random:DENSITY "
                "cannot be combined with others, got a.npz, random:0.5"
            ),
        ),
        (
            ["compare", "net", "--arch", "near-memory,near-memory"],
            "--arch must be different machines, got near-memory,near-memory",
        ),
        (
            ["trace", "net", "-o", "t.npz", "--batch", "4", "--samples", "5"],
            "--samples must be at most the --batch of 4, got 5",
        ),
        (
            ["trace", "net", "-o", "t.npz", "--learning-rate", "nan"],
            "--learning-rate must be a number > 0, got nan",
        ),
        (
            ["trace", "net", "-o", "t.npz", "--learning-rate", "fast"],
            "--learning-rate must be a number > 0, got fast",
        ),
        (
            ["trace", "net", "-o", "t.npz", "--optimizer", "rmsprop"],
            "--optimizer must be one of sgd, momentum, adam, adamw, lion, got rmsprop",
        ),
        (
            ["trace", "net", "-o", "t.npz", "--data", ""],
            "--data must be a folder, got an empty name",
        ),
        (["simulate", "net", "--seed", "-1"], "--seed must be a whole number >= 0, got -1"),
        (
            ["simulate", "net", "--passes", "ff,xx"],
            "--passes must be a comma-separated list of ff, ep, wg, wu, got ff,xx",
        ),
        (
            ["compare", "net", "--rules", "bp,,dfa"],
            "--rules must be a comma-separated list without empty items, got 'bp,,dfa'",
        ),
        (
            ["compare", "net", "--rules", "bp,dffa,sdfa:k=-1;rnk=2"],
            (
                "unknown rule dffa; did you mean dfa? (accelsim list rules)\n"
                "sdfa.k must be an integer >= 0, got -1\n"
                "sdfa.rnk is not a known option; did you mean rank?"
            ),
        ),
        (
            ["compare", "net", "--rules", "bp,revised:groups=8,oops"],
            (
                "unknown rule oops (accelsim list rules); use ; between the options of one rule, "
                "as in revised:groups=8;oops=VALUE"
            ),
        ),
        (
            ["list", "moods"],
            (
                "what to list must be one of archs, workloads, rules, layers, pe-kinds, "
                "importers, got moods"
            ),
        ),
        (["simulate"], "accelsim: Missing argument 'WORKLOAD'."),
        (["plot", "nowhere.json"], "nowhere.json: cannot be read: No such file or directory"),
    ],
)
def test_wrong_input_is_one_line_and_exit_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    calls: list[tuple[Any, ...]],
    arguments: list[str],
    message: str,
) -> None:
    assert run(monkeypatch, *arguments) == 2
    printed = capsys.readouterr()
    assert printed.err == f"{message}\n"
    assert printed.out == ""
    assert calls == []


def test_an_unknown_option_is_one_line_and_exit_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "simulate", "net", "--modus=x") == 2
    printed = capsys.readouterr().err
    assert printed.startswith("accelsim: No such option: --modus")
    assert printed.count("\n") == 1


def test_every_fault_has_its_line_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    faults = (
        Fault("net.yaml", 3, 5, "kernel must be >= 1, got 0"),
        Fault("net.yaml", 9, 1, "unknown key stirde, did you mean stride?"),
    )

    def refuse(*_arguments: Any, **_settings: Any) -> None:
        raise InputError(*faults)

    replace_experiment(monkeypatch, simulate=refuse)
    assert run(monkeypatch, "simulate", "net.yaml", "--out", str(tmp_path / "out")) == 2
    printed = capsys.readouterr()
    assert (
        printed.err
        == "net.yaml:3:5: kernel must be >= 1, got 0\nnet.yaml:9:1: unknown key stirde, did you "
        "mean stride?\n"
    )
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


def test_interrupt_is_130_without_a_traceback_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def interrupt(*_arguments: Any, **_settings: Any) -> None:
        raise KeyboardInterrupt

    replace_experiment(monkeypatch, compare=interrupt)
    assert run(monkeypatch, "compare", "net", "--out", str(tmp_path / "out")) == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert list(tmp_path.iterdir()) == []


def test_out_that_is_a_file_is_refused_before_the_run(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    calls: list[tuple[Any, ...]],
    tmp_path: Path,
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    assert run(monkeypatch, "simulate", "net", "--out", str(taken)) == 2
    assert capsys.readouterr().err == f"--out must be a folder, got {taken} ({taken} is a file)\n"
    assert calls == []
    assert taken.read_text() == "mine"


def test_simulate_writes_its_result(
    monkeypatch: pytest.MonkeyPatch, calls: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "out"
    assert run(monkeypatch, "simulate", "net", "--out", str(out)) == 0
    assert json.loads((out / "result.json").read_text()) == synthetic.result("bp")
    assert len(calls) == 1
    assert [path.name for path in tmp_path.rglob("*") if "partial" in path.name] == []


def test_compare_writes_every_result_tables_and_plots(
    monkeypatch: pytest.MonkeyPatch, calls: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    assert (
        run(
            monkeypatch,
            "compare",
            "net",
            "--rules",
            "bp,sdfa:k=2;rank=10",
            "--out",
            str(tmp_path / "out"),
        )
        == 0
    )
    written = {
        str(path.relative_to(tmp_path / "out"))
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    tables = {f"{name}.csv" for name in FILES if name != "notes"}
    plots = {
        f"{name}{suffix}"
        for name in ("energy", "data_movement", "cycles")
        for suffix in (".png", ".svg")
    }
    assert (
        written
        == {"comparison.json", "bp/result.json", "sdfa-k=2-rank=10/result.json"} | tables | plots
    )
    assert len(calls) == 1


def test_plot_reads_both_kinds_of_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "comparison.json").write_text(json.dumps(synthetic.comparison()))
    (tmp_path / "result.json").write_text(json.dumps(synthetic.hybrid()))
    out = tmp_path / "out"
    assert (
        run(
            monkeypatch,
            "plot",
            str(tmp_path / "comparison.json"),
            str(tmp_path / "result.json"),
            "--out",
            str(out),
        )
        == 0
    )
    assert (out / "energy.png").stat().st_size > 1000
    assert [line.split(",")[0] for line in (out / "totals.csv").read_text().splitlines()] == [
        "run",
        "bp",
        "dfa",
        "ssdfa",
        "hdfa:p=0.25",
    ]
    assert capsys.readouterr().out == ""


def test_version_and_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"accelsim {accelsim.__version__}\n"
    assert run(monkeypatch, "--help") == 0
    shown = capsys.readouterr().out
    for command in ("simulate", "compare", "plot", "check", "list", "schema", "trace", "train"):
        assert f"\n  {command} " in shown


def test_the_command_line_starts_without_heavy_modules() -> None:
    heavy = "{'numpy', 'numba', 'scipy', 'matplotlib', 'simpy', 'yaml'}"
    code = f"import sys, accelsim.cli; sys.exit(str(sorted({heavy} & set(sys.modules)) or ''))"
    assert subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    ).stderr.strip() in ("", "[]")


def test_a_reader_that_goes_away_is_quiet() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "accelsim", "schema", "result"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            MemoryError("Unable to allocate 3.00 TiB"),
            (
                "the input must be small enough for the memory of this computer: Unable to "
                "allocate "
                "3.00 TiB"
            ),
        ),
        (MemoryError(), "the input must be small enough for the memory of this computer"),
        (
            OverflowError("too large"),
            "the input must not make numbers beyond what can be counted: too large",
        ),
        (PermissionError(13, "Permission denied", "secret.yaml"), "secret.yaml: Permission denied"),
        (
            OSError(28, "No space left on device"),
            "standard output cannot be written: No space left on device",
        ),
    ],
)
def test_what_the_computer_cannot_do_is_one_line_and_exit_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    error: BaseException,
    message: str,
) -> None:
    def fail(*_arguments: Any, **_settings: Any) -> None:
        raise error

    replace_experiment(monkeypatch, simulate=fail)
    assert run(monkeypatch, "simulate", "net", "--out", str(tmp_path / "out")) == 2
    assert capsys.readouterr() == ("", f"{message}\n")
    assert list(tmp_path.iterdir()) == []


STAND_IN = """
import sys, types, accelsim.experiment
from tests import synthetic
module = types.ModuleType("accelsim.experiment.simulate")
class Document:
    def to_json(self):
        return synthetic.result(RULE)
module.simulate = lambda *a, **k: Document()
sys.modules["accelsim.experiment.simulate"] = accelsim.experiment.simulate = module
from accelsim import cli
cli.main()
"""


def shell(line: str, rule: str = "bp", **environment: str) -> subprocess.CompletedProcess[str]:
    """A command line of `sh` in which `run` is accelsim with a simulator that answers at once."""
    code = STAND_IN.replace("RULE", repr(rule))
    whole = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "CODE": code,
        **environment,
    }
    command = f'run() {{ {sys.executable} -c "$CODE" "$@"; }}; {line}'
    return subprocess.run(
        ["sh", "-c", command], check=False, capture_output=True, text=True, env=whole
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("json_option", ["", "--json"])
def test_a_full_disk_behind_stdout_is_one_line_and_nothing_is_written(
    tmp_path: Path, json_option: str
) -> None:
    done = shell(f"run simulate net {json_option} --out {tmp_path}/out > /dev/full")
    assert (done.returncode, done.stderr) == (
        2,
        "standard output cannot be written: No space left on device\n",
    )
    assert list(tmp_path.iterdir()) == []
    done = shell("run list rules > /dev/full")
    assert (done.returncode, done.stderr) == (
        2,
        "standard output cannot be written: No space left on device\n",
    )


def test_a_closed_stdout_is_one_line_and_nothing_is_written(tmp_path: Path) -> None:
    done = shell(f"run simulate net --out {tmp_path}/out >&-")
    assert (done.returncode, done.stderr) == (2, "standard output must be open, got a closed one\n")
    assert list(tmp_path.iterdir()) == []


def test_a_closed_stderr_leaves_stdout_to_the_document(tmp_path: Path) -> None:
    done = shell(f"run simulate net --json --out {tmp_path}/out 2>&-")
    assert done.returncode == 0
    assert json.loads(done.stdout) == json.loads((tmp_path / "out" / "result.json").read_text())
    done = shell("run simulate net --batch 0 2>&-")
    assert (done.returncode, done.stdout) == (2, "")


def test_a_reader_that_has_had_enough_still_leaves_the_files(tmp_path: Path) -> None:
    done = shell(
        f"{{ sleep 2; run simulate net --json --out {tmp_path}/out; echo $? >&2; }} | true"
    )
    assert done.stderr == "141\n"
    assert (tmp_path / "out" / "result.json").is_file()


def test_an_encoding_that_lacks_a_letter_is_no_fault() -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = shell("run simulate net --json", rule="b\u03b5ta", **ascii_only)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["rule"] == "b\u03b5ta"
    done = shell("run simulate net", rule="b\u03b5ta", **ascii_only)
    assert (done.returncode, done.stderr) == (0, "")
    assert "b?ta" in done.stdout
    done = shell("run check b\u03b5ta.yaml", **ascii_only)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_machines_of_one_name_are_refused_with_what_to_change(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    calls: list[tuple[Any, ...]],
    tmp_path: Path,
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("base: near-memory\nname: near-memory\nclock: 1GHz\n")
    assert run(monkeypatch, "compare", "net", "--arch", f"near-memory,{path}") == 2
    message = (
        f"--arch must be machines of different names, got near-memory in near-memory and "
        f"{path}: change `name` in one of them\n"
    )
    assert capsys.readouterr().err == message
    assert calls == []


def test_a_pass_named_twice_is_simulated_once(
    monkeypatch: pytest.MonkeyPatch, calls: list[tuple[Any, ...]]
) -> None:
    assert run(monkeypatch, "simulate", "net", "--passes", "ff,ff") == 0
    assert calls[0][3]["passes"] == ("FF",)


def test_the_roles_of_stored_formats_are_those_that_training_takes() -> None:
    from accelsim.experiment.training_setting import STORED
    from accelsim.numerics import formats

    assert tuple(vars(formats.StorageFormats())) == STORED


@pytest.mark.parametrize("command", ["simulate net", "compare net", "map net"])
def test_every_faulty_option_of_a_step_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    wrong = ["--batch", "0", "--passes", "zz", "--schedule", "lazy", "--seed", "-1"]
    assert run(monkeypatch, *command.split(), *wrong, "--optimizer", "rmsprop") == 2
    told = [line.split()[0] for line in capsys.readouterr().err.splitlines()]
    assert told == ["--batch", "--passes", "--schedule", "--optimizer", "--seed"]


def test_faults_of_rules_tables_and_settings_are_told_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ["--rules", "bp,dfaa", "--tables", "foo", "--batch", "0"]
    assert run(monkeypatch, "compare", "net", *wrong) == 2
    told = capsys.readouterr().err
    assert [word for word in ("dfaa", "--tables", "--batch") if word not in told] == []
