"""DRAM traces: the lines of a file, files of several runs, faults, and their replay."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accelsim
from accelsim.cli import app as cli
from accelsim.dram.requests import read_requests
from accelsim.dram.trace import COLUMNS, Bursts, TraceFile, trace_files, write_bursts
from accelsim.errors import InputError
from tests.reference_networks import Builder
from tests.replays import replay

BURSTS = Bursts(
    offered=np.array([0, 1, 7]),
    addresses=np.array([0, 64, 128]),
    writes=np.array([False, True, False]),
    channels=np.array([0, 0, 1]),
    sources=np.array([0, 1, 0]),
    done=np.array([39, 50, 60]),
    names=[("input", "a.FF", "operand"), ('x, "y"\nz', "b.FF", "output")],
)


def test_a_line_per_burst(tmp_path: Path) -> None:
    out = io.StringIO()
    write_bursts(BURSTS, out)
    assert out.getvalue().splitlines() == [
        "cycle,address,kind,channel,tensor,op,cause,done",
        "0,0,R,0,input,a.FF,operand,39",
        '1,64,W,0,"x, ""y"" z",b.FF,output,50',
        "7,128,R,1,input,a.FF,operand,60",
    ]
    (tmp_path / "t.csv").write_text(out.getvalue())
    read = read_requests(tmp_path / "t.csv", 1 << 20)
    assert read.cycles.tolist() == [0, 1, 7]
    assert read.addresses.tolist() == [0, 64, 128]
    assert read.writes.tolist() == [False, True, False]


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def fail_after_writing(file: TraceFile) -> None:
    file.write(BURSTS)
    raise ZeroDivisionError


def test_all_files_of_several_runs_or_none(tmp_path: Path) -> None:
    with trace_files(tmp_path / "new" / "t.csv", ["bp", "dfa"]) as by_run:
        by_run["bp"].write(BURSTS)
        by_run["dfa"].write(BURSTS)
        assert not (tmp_path / "new" / "t-bp.csv").exists()
    assert files(tmp_path / "new") == ["t-bp.csv", "t-dfa.csv"]
    with pytest.raises(ZeroDivisionError), trace_files(tmp_path / "u.csv", ["bp"]) as by_run:
        fail_after_writing(by_run["bp"])
    assert files(tmp_path) == ["new", "new/t-bp.csv", "new/t-dfa.csv"]
    with trace_files(tmp_path / "u", ["bp"]) as by_run:
        by_run["bp"].write(BURSTS)
    assert (tmp_path / "u").is_file()


def test_a_path_that_a_folder_has_is_refused_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "t-dfa.csv").mkdir()
    with pytest.raises(InputError) as caught, trace_files(tmp_path / "t.csv", ["bp", "dfa"]):
        raise AssertionError
    assert str(caught.value) == f"{tmp_path / 't-dfa.csv'}: Is a directory"
    with pytest.raises(InputError) as caught, trace_files(tmp_path / "t.csv", ["a", "b", "a"]):
        raise AssertionError
    assert str(caught.value) == f"{tmp_path / 't-a.csv'} must be the trace of one run, got several"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


NETWORK = Builder("small", (6, 6, 3)).conv(5).add("relu").conv(4).add("relu").add("fc", 3).network()
SMALL = {"global_buffer.capacity": "2064B", "global_buffer.staging": "1KiB", "fusion": "none"}
"""A network, and a machine whose global buffer holds no tensor of it."""
OPTIONS: dict[str, Any] = {"batch": 2, "trace": "random:0.5"}


def test_every_burst_of_a_run_is_in_its_trace(tmp_path: Path) -> None:
    """The trace has the bytes that each op moves, in whole bursts, under the op's name; and the
    result is the same with and without it.
    """
    machine = accelsim.load_machine("von-neumann", SMALL)
    plain = accelsim.simulate(NETWORK, machine, **OPTIONS)
    traced = accelsim.simulate(NETWORK, machine, **OPTIONS, dram_trace=tmp_path / "t.csv")
    assert traced.to_json() == plain.to_json()
    found = rows(tmp_path / "t.csv")
    assert tuple(found[0]) == COLUMNS
    assert {row["op"] for row in found} == {op.name for op in traced.ops if op.words.dram}
    for op in traced.ops:
        for kind, moved in (("R", op.bytes.dram_read), ("W", op.bytes.dram_write)):
            bursts = sum(row["op"] == op.name and row["kind"] == kind for row in found)
            assert 64 * bursts >= moved
            assert bursts > 0 or moved == 0
    assert {row["cause"] for row in found} == {"operand", "output", "stash"}


def test_weights_that_arrive_are_loads(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    accelsim.simulate(NETWORK, **OPTIONS, warm=False, dram_trace=path)
    loads = {row["op"] for row in rows(path) if row["cause"] == "load"}
    assert {f"{layer.name}.weight.load" for layer in NETWORK.weighted} <= loads
    accelsim.simulate(NETWORK, **OPTIONS, dram_trace=path)
    assert "load" not in {row["cause"] for row in rows(path)}


def test_a_file_per_run(tmp_path: Path) -> None:
    """Rules with several kinds of step, and comparisons."""
    rule = "hdfa"
    accelsim.simulate(NETWORK, rule=rule, **OPTIONS, dram_trace=tmp_path / "s.csv")
    assert files(tmp_path) == ["s-bp.csv", "s-revised.csv"]
    machines = ["near-memory", "von-neumann"]
    accelsim.compare(NETWORK, machines, ["bp", rule], **OPTIONS, dram_trace=tmp_path / "c")
    assert files(tmp_path)[:6] == [
        f"c-{machine}-{run}" for machine in machines for run in ("bp", "hdfa-bp", "hdfa-revised")
    ]


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["accelsim", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert isinstance(stop.value.code, int)
    return stop.value.code


@pytest.mark.parametrize("name", ["simulate", "compare"])
def test_faults_are_one_line_and_nothing_is_written(
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    for given, told in (
        ("file/t.csv", f"{tmp_path}/file is a file"),
        ("file/a/t.csv", f"{tmp_path}/file is a file"),
        ("", f"{tmp_path} is a folder"),
    ):
        path = str(tmp_path / given)
        out = str(tmp_path / "out")
        assert command(monkeypatch, name, "mnist-fc", "--dram-trace", path, "--out", out) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err == (
            f"--dram-trace must be a file that can be written, got {path}: {told}\n"
        )
    assert command(monkeypatch, name, "mnist-fc", "--dram-trace", "") == 2
    assert capsys.readouterr().err == "--dram-trace must be a file, got an empty name\n"
    assert files(tmp_path) == ["file"]


def test_a_fault_of_the_input_leaves_no_trace(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        accelsim.simulate(
            "mnist-fc", rule="dfa", trace="none.npz", dram_trace=tmp_path / "new" / "t.csv"
        )
    assert files(tmp_path) == []


@pytest.mark.parametrize("channels", [1, 2, 8])
@pytest.mark.parametrize("standard", ["ddr4-2400", "ddr4-3200", "hbm2-pc", "lpddr4-3200"])
def test_replayed_it_gives_the_machines_own_times(
    standard: str, channels: int, tmp_path: Path
) -> None:
    machine = accelsim.load_machine(
        "von-neumann", {**SMALL, "dram.standard": standard, "dram.channels": channels}
    )
    path = tmp_path / "t.csv"
    accelsim.simulate(NETWORK, machine, **OPTIONS, dram_trace=path)
    assert replay(path, standard, channels) > 400


def test_the_command_replays_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """`accelsim dram` with the machine's number of channels."""
    path = tmp_path / "t.csv"
    machine = accelsim.load_machine("near-memory", {**SMALL, "dram.channels": 2})
    accelsim.simulate(NETWORK, machine, **OPTIONS, schedule="unlocked", dram_trace=path)
    standard = machine.dram.standard
    assert command(monkeypatch, "dram", standard, str(path), "--channels", "2", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["channels"] == 2
    assert document["done_cycles"] == [int(row["done"]) for row in rows(path)]
