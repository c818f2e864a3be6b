"""`accelsim dram`: the document, the tables, the faults; and what `check` and `schema` know of
it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from accelsim.cli import app as cli
from accelsim.errors import InputError
from accelsim.results.dram import DramDocument

REQUESTS = "cycle,address,kind\n0,0,R\n0,256,R\n5,0x20000,W\n5,131072,R\n10,262144,W\n"


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    path = tmp_path / "requests.csv"
    path.write_text(REQUESTS)
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["accelsim", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert isinstance(stop.value.code, int)
    return stop.value.code


def document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> dict[str, Any]:
    assert run(monkeypatch, "dram", *arguments, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], requests: Path
) -> None:
    found = document(monkeypatch, capsys, "ddr4-2400", str(requests))
    contract = {
        "schema",
        "total_cycles",
        "mean_read_latency_cycles",
        "row_hits",
        "row_misses",
        "row_conflicts",
        "commands",
        "energy_pj",
        "done_cycles",
    }
    assert contract < set(found)
    assert found["schema"] == "accelsim.dram/1"
    # ACT 1, RD 18 and 24; PRE 1 + tRAS, ACT 57, WR 74, whose burst answers a read before; PRE 74 +
    # 34, ACT 125, WR 142
    assert found["done_cycles"] == [18 + 21, 24 + 21, 74 + 16, 6 + 1, 142 + 16]
    assert found["total_cycles"] == 158
    assert found["mean_read_latency_cycles"] == pytest.approx((39 + 44 + 1) / 3)
    assert found["requests"] == {"reads": 3, "writes": 2, "forwarded_reads": 1, "merged_writes": 0}
    assert {name: found["commands"][name] for name in ("ACT", "PRE", "RD", "WR", "REF")} == {
        "ACT": 3,
        "PRE": 2,
        "RD": 2,
        "WR": 2,
        "REF": 0,
    }
    assert (found["row_hits"], found["row_misses"], found["row_conflicts"]) == (1, 1, 2)
    assert found["energy_pj"] == pytest.approx(sum(found["energy_by_part_pj"].values()))
    jsonschema.validate(found, DramDocument.json_schema())
    assert found == document(monkeypatch, capsys, "ddr4-2400", str(requests))


def test_the_limit_on_reads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], requests: Path
) -> None:
    found = document(monkeypatch, capsys, "ddr4-2400", str(requests), "--max-outstanding", "1")
    assert found["max_outstanding"] == 1
    assert found["accept_cycles"][1] == found["done_cycles"][0] == 39


def test_a_standard_of_ones_own(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    requests: Path,
) -> None:
    from accelsim.config import catalog

    text = catalog.find("dram", "ddr4-2400").read_text()
    (tmp_path / "own.yaml").write_text(
        text.replace("name: ddr4-2400", "name: own")
        .replace("CL: 17", "CL: 20")
        .partition("energy:")[0]
    )
    found = document(monkeypatch, capsys, str(tmp_path / "own.yaml"), str(requests))
    assert (found["standard"], found["done_cycles"][0], found["energy_pj"]) == ("own", 42, None)
    assert run(monkeypatch, "dram", str(tmp_path / "own.yaml"), str(requests)) == 0
    assert "energy" not in capsys.readouterr().out


def test_the_tables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], requests: Path
) -> None:
    assert run(monkeypatch, "dram", "lpddr4-3200", str(requests)) == 0
    printed = capsys.readouterr().out
    for words in (
        "frfcfs_rowhit controller",
        "read latency in clocks",
        "row conflicts",
        "data bus",
        "total",
        "1 read answered by a waiting write",
    ):
        assert words in printed
    assert "*" not in printed
    requests.write_text("0,0,W\n")
    assert run(monkeypatch, "dram", "hbm2", str(requests), "--max-outstanding", "4") == 0
    printed = capsys.readouterr().out
    assert "at most 4 reads outstanding" in printed
    assert "latency" not in printed
    assert "*" not in printed


def test_every_fault_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("cycle,address,kind\n0,0,R\n-1,8589934592,X\n")
    assert run(monkeypatch, "dram", "ddr4-2400", str(path), "--max-outstanding", "0", "--json") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "--max-outstanding must be a whole number between 1 and 1073741824, got 0",
        f"{path}:3:1: cycle must be a whole number from 0 to 68719476736, got -1",
        (
            f"{path}:3:4: address must be a whole number from 0 to 8589934591, the last byte of "
            f"the "
            f"DRAM, got 8589934592"
        ),
        f"{path}:3:15: kind must be R or W, got X",
    ]
    assert run(monkeypatch, "dram", "ddr4-2401", str(tmp_path / "none.csv")) == 2
    assert capsys.readouterr().err.splitlines() == [
        (
            "unknown dram ddr4-2401; did you mean ddr4-2400? (known: ddr4-2400, ddr4-3200, hbm2, "
            "hbm2-pc, lpddr4-3200, lpddr5x-7500)"
        ),
        f"{tmp_path / 'none.csv'}: no such file",
    ]


def test_check_and_schema_know_the_document(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    requests: Path,
) -> None:
    found = document(monkeypatch, capsys, "hbm2", str(requests))
    path = tmp_path / "run.json"
    path.write_text(json.dumps(found))
    assert run(monkeypatch, "check", str(path)) == 0
    assert capsys.readouterr().out == f"{path}: ok\n"
    assert run(monkeypatch, "schema", "dram-result") == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(found, schema)
    path.write_text(json.dumps({**found, "utilization": 1.5}))
    assert run(monkeypatch, "check", str(path)) == 2
    assert capsys.readouterr().err == f"{path}: utilization must be <= 1, got 1.5\n"


@pytest.mark.parametrize(
    "changes",
    [
        {"total_cycles": 1},
        {"row_hits": 7},
        {"done_cycles": [1]},
        {"energy_pj": 1.0},
        {"energy_pj": None},
        {"requests": {"reads": 1, "writes": 1}},
    ],
)
def test_documents_that_contradict_themselves(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    requests: Path,
    changes: dict[str, Any],
) -> None:
    found = document(monkeypatch, capsys, "hbm2", str(requests))
    assert DramDocument.parse(found).total_cycles == found["total_cycles"]
    with pytest.raises(InputError):
        DramDocument.parse({**found, **changes})
    with pytest.raises(
        InputError, match=r'schema must be accelsim.dram/1, got "accelsim.result/1"'
    ):
        DramDocument.parse({**found, "schema": "accelsim.result/1"})
