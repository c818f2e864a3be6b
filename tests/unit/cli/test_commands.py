"""Commands with nothing replaced, on the smallest network: documents obey the schema and the laws,
files are judged, lists are whole.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import jsonschema
import pytest

from accelsim.cli import file_kinds
from accelsim.config import catalog
from accelsim.config.registries import IMPORTERS, LAYERS, PE_KINDS, RULES
from accelsim.results import kinds
from accelsim.results.laws import violations
from tests import synthetic
from tests.conftest import Ended as Run

SMALL = ("mnist-fc", "--trace", "random:0.5")


@pytest.fixture
def run(ended: Run) -> Run:
    """Here a command may fail."""
    return ended


@pytest.mark.parametrize("schedule", ["serial", "unlocked"])
@pytest.mark.parametrize("arch", catalog.names("arch"))
def test_results_of_every_machine_obey_the_schema_and_the_laws(
    run: Run, arch: str, schedule: str
) -> None:
    code, out, err = run(
        "simulate", *SMALL, "--arch", arch, "--schedule", schedule, "--batch", "2", "--json"
    )
    assert (code, err) == (0, "")
    document = json.loads(out)
    jsonschema.validate(document, kinds.json_schema())
    assert violations(kinds.parse(document, kinds.SIMULATIONS)) == []
    assert {entry["component"] for entry in document["energy_sources"]} <= set(
        document["energy_by_component_pj"]
    )


def test_a_comparison_obeys_the_schema_and_the_laws_and_says_the_same_twice(
    run: Run, tmp_path: Path
) -> None:
    outs = [tmp_path / "a", tmp_path / "b"]
    for folder in outs:
        code, out, _ = run(
            "compare",
            *SMALL,
            "--arch",
            "near-memory,systolic-32x32",
            "--rules",
            "bp,sdfa:k=2;rank=10",
            "--out",
            str(folder),
            "--json",
        )
        assert code == 0
    document = json.loads(out)
    jsonschema.validate(document, kinds.json_schema())
    assert violations(kinds.parse(document, kinds.SIMULATIONS)) == []
    assert document["baseline"] == "near-memory/bp"
    assert {path.name for path in outs[0].iterdir() if path.is_dir()} == {
        "near-memory-bp",
        "near-memory-sdfa-k=2-rank=10",
        "systolic-32x32-bp",
        "systolic-32x32-sdfa-k=2-rank=10",
    }
    files = sorted(path.relative_to(outs[0]) for path in outs[0].rglob("*") if path.is_file())
    assert len(files) > 12
    assert [
        name for name in files if (outs[0] / name).read_bytes() != (outs[1] / name).read_bytes()
    ] == []


def test_a_hybrid_rule_is_delivered_like_any_other(run: Run, tmp_path: Path) -> None:
    """Means at the top and both kinds of step below; tables, plots, `check` and `plot` take them,
    and lists bind options with ``;``.
    """
    rules = "bp,revised:groups=1;binary=true,hdfa:p=0.3;groups=1"
    folder = tmp_path / "compared"
    code, out, _ = run("compare", *SMALL, "--rules", rules, "--out", str(folder), "--json")
    assert code == 0
    document = json.loads(out)
    jsonschema.validate(document, kinds.json_schema())
    assert violations(kinds.parse(document, kinds.SIMULATIONS)) == []
    mixed = document["results"][2]
    assert mixed["rule"] == "hdfa:p=0.3,groups=1"
    assert mixed["ops"] == []
    assert [(step["kind"], step["weight"], step["result"]["rule"]) for step in mixed["steps"]] == [
        ("bp", 0.3, "bp"),
        ("revised", 0.7, "revised:groups=1,binary=true"),
    ]
    assert isinstance(mixed["cycles"], float)
    assert set(document["ratios"]["hdfa:p=0.3,groups=1"]) == set(
        document["ratios"]["revised:groups=1,binary=true"]
    )
    alone = str(folder / "hdfa-p=0.3-groups=1" / "result.json")
    assert run("check", alone, str(folder / "comparison.json"))[0] == 0
    assert run("plot", alone, "--out", str(tmp_path / "plots"))[0] == 0
    for name in ("totals.csv", "passes.csv", "energy.csv", "array_cycles.csv"):
        lines = (folder / name).read_text().splitlines()
        assert any(f'"{mixed["rule"]}"' in line for line in lines), name
        assert (tmp_path / "plots" / name).is_file()
    assert repr(mixed["cycles"]) in (folder / "totals.csv").read_text()


def test_a_hybrid_rule_is_simulated_on_a_recurrent_network(run: Run) -> None:
    arguments = (
        "--rule",
        "hdfa:sparsity=0.98",
        "--trace",
        "random:0.5",
        "--optimizer",
        "adam",
        "--batch",
        "1",
    )
    code, out, _ = run("simulate", "rnn-wikitext2", *arguments, "--json")
    assert code == 0
    document = json.loads(out)
    jsonschema.validate(document, kinds.json_schema())
    assert violations(kinds.parse(document, kinds.SIMULATIONS)) == []
    code, out, _ = run("simulate", "mnist-fc", "--rule", "hdfa:sparsity=0.98", "--trace", "dense")
    assert (code, out) == (2, "")


def test_passes_that_are_left_out_do_nothing(run: Run) -> None:
    code, out, _ = run("simulate", *SMALL, "--passes", "ff", "--json")
    assert code == 0
    assert {op["pass"] for op in json.loads(out)["ops"]} == {"FF"}


def test_a_trace_is_made_used_and_refused_for_another_family(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    code, out, err = run(
        "trace",
        "mnist-fc",
        "--rule",
        "ssdfa",
        "--steps",
        "1",
        "--batch",
        "4",
        "--samples",
        "2",
        "-o",
        str(path),
    )
    assert (code, out) == (0, "")
    assert re.fullmatch(r"loss \d+\.\d{3} -> \d+\.\d{3}; wrote .*t\.npz\n", err)
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.npz"]
    assert run("check", str(path))[:2] == (0, f"{path}: ok\n")
    assert run("simulate", "mnist-fc", "--rule", "ssdfa", "--trace", str(path))[0] == 0
    code, out, err = run("simulate", "mnist-fc", "--rule", "bp", "--trace", str(path))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


def test_training_that_diverged_is_refused(run: Run, tmp_path: Path) -> None:
    options = (
        "--steps",
        "40",
        "--batch",
        "8",
        "--learning-rate",
        "3",
        "-o",
        str(tmp_path / "t.npz"),
    )
    code, out, err = run("trace", "mnist-fc", *options)
    assert (code, out) == (2, "")
    assert re.fullmatch(
        r"training diverged: loss 2\.\d+ -> \S+; lower --learning-rate \(3\)\n", err
    )
    assert list(tmp_path.iterdir()) == []


def test_check_names_right_files_and_every_fault_of_wrong_ones(run: Run, tmp_path: Path) -> None:
    right, wrong, lawless = (
        tmp_path / "right.json",
        tmp_path / "wrong.yaml",
        tmp_path / "lawless.json",
    )
    right.write_text(json.dumps(synthetic.result()))
    wrong.write_text(
        "schema: accelsim.arch/1\nbase: near-memory\nname: x\npe_array:\n  lanes: 0\n  windw: 4\n"
    )
    lawless.write_text(json.dumps(synthetic.result(unattributed_pj=0.0)))
    code, out, err = run("check", str(right), str(wrong), str(lawless))
    assert code == 2
    assert out == f"{right}: ok\n"
    lines = err.splitlines()
    assert f"{wrong}:5:10: pe_array.lanes must be >= 1, got 0" in lines
    assert any(line.startswith(f"{wrong}:6:3: ") and "window" in line for line in lines)
    assert any(
        line.startswith(f"{lawless}: energy_pj = ops' energy_pj + unattributed_pj")
        for line in lines
    )


def test_every_built_in_file_is_right(run: Run) -> None:
    paths = [
        str(catalog.find(kind, name))
        for kind in get_args(catalog.FileKind)
        for name in catalog.names(kind)
    ]
    code, out, err = run("check", *paths)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == len(paths)


def test_lists_name_everything_built_in(run: Run) -> None:
    for kind, names in {
        "archs": tuple(name for name in catalog.names("arch") if name != "template"),
        "workloads": catalog.names("workload"),
        "rules": RULES.names(),
        "layers": LAYERS.names(),
        "pe-kinds": PE_KINDS.names(),
        "importers": IMPORTERS.names(),
    }.items():
        code, out, _ = run("list", kind)
        assert code == 0
        assert [
            line.split()[0] for line in out.splitlines() if not line.startswith((" ", "files:"))
        ] == list(names)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--tables", "energy,enrgy"), "--tables must be a comma-separated list of totals, "),
        (("--tables", "energy", "--json"), "--tables must be left out with --json, got energy\n"),
    ],
)
@pytest.mark.parametrize("command", ["simulate", "compare"])
def test_unknown_tables_and_tables_beside_json_are_refused(
    run: Run, command: str, arguments: tuple[str, ...], fault: str
) -> None:
    code, out, err = run(command, *SMALL, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(fault)


def test_tables_are_printed_below_the_summary(run: Run) -> None:
    code, out, _ = run("compare", *SMALL, "--rules", "bp,dfa", "--tables", "passes")
    summary, _, tables = out.partition("More: --tables")
    assert code == 0
    assert "Against bp" in summary
    assert "By pass" in tables
    assert "Energy by component" not in tables


def test_show_prints_a_machine_file_and_its_document(run: Run, tmp_path: Path) -> None:
    code, out, err = run("show", "near-memory")
    assert (code, err) == (0, "")
    path = tmp_path / "shown.yaml"
    path.write_text(out)
    assert run("check", str(path)) == (0, f"{path}: ok\n", "")
    code, out, _ = run("show", "near-memory", "--json")
    document = tmp_path / "machine.json"
    document.write_text(out)
    assert json.loads(out)["peaks"]["lanes"] == 1024
    assert run("check", str(document)) == (0, f"{document}: ok\n", "")


def test_check_help_names_the_kinds_of_files(run: Run) -> None:
    text = " ".join(run("check", "--help")[1].split())
    for kind in ("Machines", "workloads", "DRAM standards", "technologies", "traces", "result"):
        assert kind in text


def test_check_warns_of_implausible_machines(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "vast.yaml"
    path.write_text(
        "name: vast\nbase: near-memory\npe_array: {rows: 4096, cols: 4096, lanes: 1024}\n"
    )
    code, out, err = run("check", str(path))
    assert (code, out) == (0, f"{path}: ok\n")
    lanes, memories = err.splitlines()
    assert lanes == (
        f"{path}: warning: pe_array has 17,179,869,184 lanes (4096 x 4096 PEs x 1024), more than "
        "1,048,576: larger than any chip"
    )
    assert memories == (
        f"{path}: warning: scratchpads and global buffer hold 2,048 GiB, more than 1 GiB: larger "
        "than any chip"
    )


@pytest.mark.parametrize(
    "kind", ["arch", "workload", "dram", "technology", "result", "reproduction", "machine"]
)
def test_schemas_are_schemas(run: Run, kind: str) -> None:
    code, out, _ = run("schema", kind)
    assert code == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(out))


def test_an_unknown_schema_is_refused(run: Run) -> None:
    assert run("schema", "mood") == (
        2,
        "",
        (
            "schema must be one of arch, workload, dram, technology, result, reproduction, "
            "dram-result, machine, got mood\n"
        ),
    )


def test_one_wrong_number_gives_few_lines_and_no_plot(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    document = synthetic.result()
    for op in document["ops"]:
        op["macs"]["dense"] += 1
        op["cycles"] += 1
    path.write_text(json.dumps(document))
    code, _, err = run("check", str(path))
    lines = err.splitlines()
    assert code == 2
    assert len(lines) == file_kinds.MOST_LAWS + 1
    assert re.fullmatch(rf"{path}: and \d+ more broken laws", lines[-1])
    code, _, err = run("plot", str(path))
    assert code == 2
    (line,) = err.splitlines()
    assert line.startswith(f"{path}: must obey the laws of results (accelsim check), but ")
    assert [each.name for each in tmp_path.iterdir()] == ["wrong.json"]


def test_results_of_a_newer_version_in_a_comparison_are_one_fault(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    document = synthetic.comparison()
    for result in document["results"]:
        result["schema"] = "accelsim.result/2"
    path.write_text(json.dumps(document))
    code, _, err = run("check", str(path))
    assert code == 2
    assert err == (
        f"{path}: results.0.schema must be accelsim.result/1, got accelsim.result/2: a newer "
        "accelsim wrote this file; upgrade accelsim, or write the file again with this version\n"
    )
    path.write_text(json.dumps(synthetic.comparison() | {"results": []}))
    assert run("check", str(path))[2] == (
        f"{path}: results must be a list of at least 1 item, got []\n"
    )


def test_the_list_of_rules_fits_100_columns_and_describes_an_option_once(run: Run) -> None:
    lines = run("list", "rules")[1].splitlines()
    assert max(map(len, lines)) <= 100
    assert sum("Factor of the feedback weights" in line for line in lines) == 1
    assert sum("options described below:" in line for line in lines) > 5


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (
            ("simulate", "mnist-fc", "--trace", "random"),
            (
                "--trace must be shipped, dense, random:DENSITY or files, got random; did you mean "
                "random:DENSITY?"
            ),
        ),
        (
            ("simulate", "mnist-fc", "--trace", "0.5"),
            (
                "--trace must be shipped, dense, random:DENSITY or files, got 0.5; did you mean "
                "random:0.5?"
            ),
        ),
        (
            ("simulate", "mnist-fc", "--rules", "bp"),
            "accelsim: No such option: --rules; did you mean --rule?",
        ),
        (
            ("compare", "mnist-fc", "--rule", "bp"),
            "accelsim: No such option: --rule; did you mean --rules?",
        ),
        (
            ("show", "mychip"),
            "unknown machine mychip; did you mean mychip.yaml? (accelsim list archs)",
        ),
        (
            ("check", "mychip.yaml"),
            (
                "mychip.yaml:3:8: clock must be a number with a unit of Hz, kHz, MHz, GHz, "
                "got 1200;"
                " did you mean 1200MHz?"
            ),
        ),
        (
            ("check", "comma.yaml"),
            (
                "comma.yaml:3:8: clock must be a number with a unit of Hz, kHz, MHz, GHz, "
                "got 1,2GHz;"
                " did you mean 1.2GHz?"
            ),
        ),
    ],
)
def test_usual_slips_are_answered_with_what_was_meant(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    fault: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, clock in (("mychip", "1200"), ("comma", "1,2GHz")):
        Path(f"{name}.yaml").write_text(f"base: near-memory\nname: {name}\nclock: {clock}\n")
    assert run(*arguments) == (2, "", f"{fault}\n")


def test_show_writes_a_clock_in_the_larger_unit(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "fast.yaml"
    path.write_text("base: near-memory\nname: fast\nclock: 1200MHz\n")
    assert "clock: 1.2GHz\n" in run("show", str(path))[1]


def test_simulate_and_plot_say_what_they_write(run: Run, tmp_path: Path) -> None:
    _, _, err = run("simulate", *SMALL, "--out", str(tmp_path / "a"))
    assert err == f"wrote {tmp_path}/a/result.json, tables and plots\n"
    assert (tmp_path / "a" / "energy.png").is_file()
    _, _, err = run("plot", str(tmp_path / "a" / "result.json"))
    assert err == f"wrote plots and tables in {tmp_path}/a\n"


def test_map_says_what_was_searched(run: Run) -> None:
    _, _, err = run("map", *SMALL, "--objective", "edp", "--ops", "fc1.FF")
    assert err.startswith("objective edp: loop orders and tile sizes were searched for every op ")
    _, _, err = run("map", *SMALL, "--objective", "canonical")
    assert err == "objective canonical: nothing was searched; pins apply\n"
