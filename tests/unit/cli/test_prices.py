"""`accelsim prices`, overlays and Accelergy's tables: what is listed comes back, and faults have
their places.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from accelsim.cost.ert import read_prices
from accelsim.cost.overlay import COLUMNS
from accelsim.results.machine import PricesDocument
from tests.conftest import Ended as Run

SMALL = ("mnist-fc", "--trace", "random:0.5")
HEAD = ",".join(COLUMNS)


@pytest.fixture
def run(ended: Run) -> Run:
    """Here a command may fail."""
    return ended


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes a file in the working folder, and returns its name."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, *lines: str) -> str:
        Path(name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return name

    return write


def simulated(run: Run, *arguments: str) -> dict[str, object]:
    code, out, _ = run("simulate", *SMALL, "--json", *arguments)
    assert code == 0
    document: dict[str, object] = json.loads(out)
    return document


UNSOURCED = 0.114
"""Share of the vector unit in a step of `SMALL`."""


def test_prices_are_listed_with_the_shares_of_a_run(run: Run, files: Callable[..., str]) -> None:
    result = files("r.json", json.dumps(simulated(run)))
    code, out, err = run("prices", "near-memory", "--result", result, "--json")
    assert (code, err) == (0, "")
    document = PricesDocument.parse(json.loads(out))
    shares = [each.share for each in document.prices]
    assert sum(share for share in shares if share is not None) == pytest.approx(1)
    assert document.unsourced == pytest.approx(UNSOURCED, abs=1e-3)
    assert all(each.low <= each.pj <= each.high * 1.00001 for each in document.prices)
    code, out, err = run("prices", "near-memory", "--result", result)
    assert "shares are those of mnist-fc, rule bp; 11 % of its energy is unsourced" in out
    code, out, err = run("prices", "von-neumann", "--result", result)
    assert (code, err) == (2, "--result must be a result of von-neumann, got one of near-memory\n")


def test_what_is_listed_is_an_overlay_that_changes_nothing(
    run: Run, files: Callable[..., str]
) -> None:
    code, out, _ = run("prices", "near-memory", "--csv")
    assert code == 0
    assert next(csv.reader(io.StringIO(out))) == list(COLUMNS)
    before, after = simulated(run), simulated(run, "--prices", files("own.csv", out))
    assert after["energy_pj"] == before["energy_pj"]
    assert after["energy_by_component_pj"] == before["energy_by_component_pj"]
    assert after["config_hash"] != before["config_hash"]


def test_an_overlay_replaces_prices_and_is_named(run: Run, files: Callable[..., str]) -> None:
    own = files("own.csv", "# of a chip", HEAD, 'noc,bit_hops,1,0.5,2,"a chip, measured",true')
    before, after = simulated(run), simulated(run, "--prices", own)
    assert after["energy_pj"] > before["energy_pj"]  # type: ignore[operator]
    (source,) = [
        each
        for each in after["energy_sources"]  # type: ignore[attr-defined]
        if (each["component"], each["action"]) == ("noc", "bit_hops")
    ]
    assert (source["pj"], source["low"], source["high"]) == (1, 0.5, 2)
    assert source["source"] == "a chip, measured"
    assert any("prices of own.csv" in note for note in after["notes"])  # type: ignore[attr-defined]
    assert simulated(run, "--prices", own)["config_hash"] == after["config_hash"]
    files("own.csv", HEAD, "noc,bit_hops,1,0.5,3,a chip,true")
    assert simulated(run, "--prices", own)["config_hash"] != after["config_hash"]


def test_every_fault_of_an_overlay_is_placed(run: Run, files: Callable[..., str]) -> None:
    own = files(
        "own.csv",
        HEAD,
        "scratchpad,read_bits,0.1,0.09,0.2,mine,",
        'mac,multiply_add,x,,,"a, b",maybe',
        "mac,gated,0.1,0.2,,,true",
        "noc,bit_hops,0.1,",
        "vector,op,1,,,mine,true",
        "vector,op,1,,,mine,true",
    )
    code, out, err = run("simulate", *SMALL, "--prices", own)
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        (
            "own.csv:2:26: low must be <= 0.0333333, a third of a number that is not verified, got "
            "0.09"
        ),
        "own.csv:2:31: high must be >= 0.3, three times a number that is not verified, got 0.2",
        "own.csv:3:18: pj must be a number >= 0, got x",
        "own.csv:3:29: verified must be true or false, got maybe",
        "own.csv:4:20: source must be given, got nothing",
        "own.csv:5:1: a row must have 7 cells, got 4",
        "own.csv:7:8: action must be listed once, got vector.op again",
    ]


def test_an_overlay_prices_actions_of_the_machine(run: Run, files: Callable[..., str]) -> None:
    own = files("own.csv", HEAD, "scratchpad,reed_bits,0.1,,,mine,true")
    code, _, err = run("compare", *SMALL, "--rules", "bp,dfa", "--prices", own)
    assert (code, err) == (
        2,
        (
            "own.csv:2:12: component and action must be those of a price that `accelsim prices` "
            "lists, got scratchpad.reed_bits; did you mean scratchpad.read_bits?\n"
        ),
    )
    own = files("own.csv", "component,pj")
    code, _, err = run("prices", "near-memory", "--prices", own)
    assert err == f"own.csv:1:1: the header must be {HEAD}, got component,pj\n"
    code, _, err = run("prices", "near-memory", "--prices", "none.csv")
    assert err == "--prices must be a file of prices, got none.csv: no such file\n"
    code, _, err = run("simulate", *SMALL, "--prices", "none.csv")
    assert err == "--prices must be a file of prices, got none.csv: no such file\n"


def test_an_ert_comes_back_as_it_went(run: Run, files: Callable[..., str]) -> None:
    code, out, err = run("prices", "near-memory", "--ert", "own.yaml", "--json")
    assert (code, err) == (0, "wrote own.yaml\n")
    prices = json.loads(out)["prices"]
    mapped = [
        {
            "component": each["component"],
            "action": each["action"],
            "ert": f"system.{each['component']}",
            "ert_action": each["action"],
        }
        for each in prices
    ]
    document = {"schema": "accelsim.ert-map/1", "ert": "own.yaml", "prices": mapped}
    given = read_prices(Path(files("map.yaml", yaml.safe_dump(document))))
    assert [(each.component, each.action, each.pj) for each in given] == [
        (each["component"], each["action"], each["pj"]) for each in prices
    ]
    code, out, err = run("prices", "near-memory", "--prices", "map.yaml", "--ert", "again.yaml")
    assert (code, err) == (0, "wrote again.yaml\n")
    assert Path("again.yaml").read_text() == Path("own.yaml").read_text()


ERT = (
    "ERT:",
    "  version: 0.3",
    "  tables:",
    "  - name: system.PE[1..168].weights_spad",
    "    actions:",
    "    - {name: read, arguments: {data_delta: 0}, energy: 0.5}",
    "    - {name: read, arguments: {data_delta: 1}, energy: 1.6}",
    "    - {name: leak, arguments: {}, energy: 0.01}",
)


def test_a_map_takes_prices_of_an_ert(files: Callable[..., str]) -> None:
    files("eyeriss.yaml", *ERT)
    path = files(
        "map.yaml",
        "schema: accelsim.ert-map/1",
        "ert: eyeriss.yaml",
        "prices:",
        "  - component: scratchpad",
        "    action: read_bits",
        '    ert: "system.PE[1..168].weights_spad"',
        "    ert_action: read",
        "    arguments: data_delta=1",
        "    per: 16",
    )
    (price,) = read_prices(Path(path))
    assert price.pj == pytest.approx(0.1)
    assert price.source == "eyeriss.yaml: system.PE[1..168].weights_spad.read"
    assert price.price().low == pytest.approx(0.1 / 3)


def test_faults_of_a_map_and_of_an_ert(run: Run, files: Callable[..., str]) -> None:
    files("eyeriss.yaml", *ERT)
    path = files(
        "map.yaml",
        "schema: accelsim.ert-map/1",
        "ert: eyeriss.yaml",
        "prices:",
        "  - {component: mac, action: gated, ert: system.PE.weight_spad, ert_action: read}",
        "  - {component: mac, action: gated, ert: system.PE.weights_spad, ert_action: update}",
        "  - {component: mac, action: gated, ert: system.PE.weights_spad, ert_action: read}",
        "  - {component: mac, action: gated, ert: system.PE.weights_spad, ert_action: leak, "
        "low: 0.009}",
    )
    code, _, err = run("prices", "near-memory", "--prices", path)
    assert code == 2
    assert err.splitlines() == [
        (
            "map.yaml:4:42: ert must be a component of the ERT, got system.PE.weight_spad; did you "
            "mean system.PE.weights_spad?"
        ),
        "map.yaml:5:78: ert_action must be one of read, leak, got update",
        (
            "map.yaml:6:5: arguments must be those of one entry (data_delta=0; data_delta=1), "
            "got nothing"
        ),
        (
            "map.yaml:7:89: low must be <= 0.00333333, a third of a number that is not verified, "
            "got 0.009"
        ),
    ]
    files(
        "eyeriss.yaml",
        "ERT:",
        "  version: 0.2",
        "  tables:",
        "  - {name: 3, actions: [{name: read, energy: -1}, {energy: 2}]}",
    )
    code, _, err = run("prices", "near-memory", "--prices", path)
    assert code == 2
    assert err.splitlines() == [
        "eyeriss.yaml:2:12: version must be one of 0.3, 0.4, got 0.2",
        "eyeriss.yaml:4:12: name must be a text, got 3",
        "eyeriss.yaml:4:46: energy must be a number >= 0, got -1",
        "eyeriss.yaml:4:51: name must be a text, got nothing",
    ]


def test_faults_of_the_command_line(run: Run) -> None:
    for arguments, fault in (
        (("--csv", "--json"), "--csv must be left out with --json, got both"),
        (("--ert", ""), "--ert must be a file, got an empty name"),
    ):
        code, out, err = run("prices", "near-memory", *arguments)
        assert (code, out, err) == (2, "", f"{fault}\n")
    code, _, err = run("simulate", *SMALL, "--samples", "-1")
    assert (code, err) == (
        2,
        "--samples must be a whole number between 0 and 1000000, got -1\n",
    )
    code, _, err = run("simulate", *SMALL, "--sample-seed", "x")
    assert (code, err) == (2, "--sample-seed must be a whole number >= 0, got x\n")
