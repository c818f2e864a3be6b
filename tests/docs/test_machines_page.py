"""The page on machines has every built-in machine. The numbers of this page and of the page on
results are computed again.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from accelsim.cli.commands.files.list import TEMPLATE, archs
from accelsim.config import catalog
from accelsim.cost.area import estimate, total
from accelsim.cost.technology import load_technology
from accelsim.experiment.simulate import simulate
from accelsim.machine.loading import load_machine

DOCS = Path(__file__).resolve().parents[2] / "docs"
MACHINES = (DOCS / "machines.md").read_text(encoding="utf-8")
RESULTS = (DOCS / "results.md").read_text(encoding="utf-8")
SKETCHES = ("lnpu-like", "dt-cnn-like", "transposable-like", "han-dfa-2019-like")


def mm2(name: str | Path) -> float:
    machine = load_machine(name)
    return total(estimate(machine, load_technology(machine.technology)))


def written(page: str, folder: Path) -> dict[str, Path]:
    """The page's YAML blocks as files, by their ``name``."""
    found = {}
    for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL):
        name = re.search(r"^name: (.+)$", block, re.MULTILINE)
        assert name is not None
        found[name[1]] = folder / f"{name[1]}.yaml"
        found[name[1]].write_text(block, encoding="utf-8")
    return found


def op(name: str, *run: Any, **settings: Any) -> dict[str, Any]:
    return next(
        each for each in simulate(*run, **settings).to_json()["ops"] if each["name"] == name
    )


def array(record: dict[str, Any]) -> int:
    """Cycles of an op without those in which the array waits for a memory."""
    return sum(
        record["array_cycles"][cause] for cause in ("busy", "window_empty", "imbalance", "idle")
    )


@pytest.mark.parametrize("name", [name for name in catalog.names("arch") if name != TEMPLATE])
def test_every_machine_has_a_section_and_a_line(name: str) -> None:
    assert f"## {name}\n" in MACHINES
    entries = re.split(r"\n(?=\S)", "\n".join(archs()))
    (words,) = (entry.split() for entry in entries if entry.split()[0] == name)
    assert len(load_machine(name).description) > 20
    area = re.search(r"\(about ([\d.]+) mm2 at \d+ nm\)", " ".join(words))
    assert area is not None
    assert float(area[1]) == pytest.approx(mm2(name), rel=0.005)
    assert "\n" not in load_machine(name).description


@pytest.mark.parametrize("name", SKETCHES)
@pytest.mark.parametrize("rule", ["bp", "dfa"])
def test_machines_modelled_on_chips_train(name: str, rule: str) -> None:
    document = simulate("digits-fc", name, rule=rule).to_json()
    assert document["cycles"] > 0
    assert document["area_mm2"] == mm2(name)


def test_areas_of_the_table_are_the_machines() -> None:
    rows = re.findall(
        r"^\| ([a-z0-9-]+) \| (\d+) \| (\d+) MHz \| (\d+) nm \| ([\d.]+) \|", MACHINES, re.MULTILINE
    )
    assert {name for name, *_ in rows} >= {
        "near-memory",
        "von-neumann",
        "systolic-32x32",
        *SKETCHES,
    }
    for name, macs, clock, node, area in rows:
        machine = load_machine(name)
        lanes = machine.pe_array.rows * machine.pe_array.cols * machine.pe_array.lanes
        assert (lanes, machine.clock_hz) == (int(macs), int(clock) * 10**6)
        assert load_technology(machine.technology).node == int(node)
        assert mm2(name) == pytest.approx(float(area), rel=0.005)


@pytest.mark.parametrize(
    ("network", "name", "bound", "cycles"),
    [("dilated", "conv1.FF", 169, 142), ("transposed", "conv2.EP", 4, 3.8)],
)
def test_structural_zeros_are_worth_their_bound(
    tmp_path: Path, network: str, name: str, bound: float, cycles: float
) -> None:
    """Bounds: ((2 * 19 + 1) / 3)^2 for dilation 19, stride^2 for a transposed convolution."""
    files = written(MACHINES, tmp_path)
    without, visited = (
        op(name, files[network], machine, rule="bp", trace="dense", objective="canonical")
        for machine in ("dt-cnn-like", files["zeros-visited"])
    )
    assert array(visited) / array(without) == bound
    assert visited["cycles"] / without["cycles"] == pytest.approx(cycles, rel=0.02)
    assert f"| {bound if bound > 4 else '4.0'}x | {cycles}x |" in MACHINES


@pytest.mark.parametrize("policy", ["transposable", "remote_read", "psum_reduce"])
def test_what_transposed_reads_cost(policy: str) -> None:
    machine = load_machine("transposable-like", {"near_memory.transpose": policy})
    part = simulate("digits-fc", machine, rule="bp").to_json()["passes"]["EP"]
    row = (
        f"| bp, `{policy}` | {part['cycles']} | {part['energy_pj'] / 1e3:.0f} nJ | "
        f"{part['words']['remote']:,} |"
    )
    assert row in MACHINES


def test_what_generated_feedback_saves() -> None:
    stored = load_machine("han-dfa-2019-like", {"near_memory.feedback": "stored"})
    read, made = (
        simulate("mnist-fc", machine, rule="dfa").to_json()["passes"]["EP"]["energy_pj"]
        for machine in (stored, "han-dfa-2019-like")
    )
    assert f"{1 - made / read:.0%}".replace("%", " %") in MACHINES


def test_the_example_of_equal_areas_is_one(tmp_path: Path) -> None:
    (path,) = written(RESULTS, tmp_path).values()
    assert mm2(path) == pytest.approx(mm2("near-memory"), rel=0.02)
    assert (
        f"{mm2('near-memory'):.0f} and {mm2('von-neumann'):.1f} mm2, "
        f"{mm2('von-neumann') / mm2('near-memory'):.2f}x" in " ".join(RESULTS.split())
    )


def test_the_example_of_a_hybrid_rule_is_a_run() -> None:
    text = " ".join(RESULTS.split())
    (command,) = re.findall(r"`accelsim simulate (\S+) --arch (\S+) --rule (\S+) --json`", text)
    workload, arch, rule = command
    document = simulate(workload, arch, rule=rule).to_json()
    assert (
        f'"workload": "{document["workload"]}", "arch": "{document["arch"]}", "rule": '
        f'"{document["rule"]}",' in text
    )
    assert f'"cycles": {document["cycles"]}, ...' in text
    parts = [
        f'{{"kind": "{each["kind"]}", "weight": {each["weight"]}, "result": {{"cycles": '
        f"{each['result']['cycles']}, ...}}}}"
        for each in document["steps"]
    ]
    assert f'"steps": [{", ".join(parts)}]' in text
    assert document["ops"] == []


def test_words_between_homes_and_the_vector_unit_are_remote() -> None:
    machine = load_machine("near-memory", {"vector_unit.update_in_pe": False})
    document = simulate("mnist-fc", machine, rule="bp").to_json()
    first, second = 28 * 28 * 400, 400 * 10
    remote = document["passes"]["WU"]["words"]["remote"]
    # weight, gradient and momentum there; weight (of fc2 to 25 PEs) and momentum back
    assert remote == first * 5 + second * (3 + 25 + 1)
    example = (
        f"five words for each of the {first:,} weights of `fc1`, and 29 for each of the {second:,} "
        f"of `fc2`, which 25 PEs hold: {remote:,} remote words"
    )
    assert example in " ".join(RESULTS.split())


def test_what_coupled_lanes_gain_is_said_with_its_batch() -> None:
    """The gain at batch 16 comes from the page on coupled lanes, which has its own test."""
    cycles = {}
    for trace in ("dense", "shipped"):
        ops = simulate(
            "vgg16-cifar10-nobn",
            "tensordash",
            rule="bp",
            batch=1,
            trace=trace,
            objective="canonical",
        ).to_json()["ops"]
        cycles[trace] = {
            each: sum(
                array(record)
                for record in ops
                if record["pass"] == each and record["kind"] != "vector"
            )
            for each in ("FF", "EP", "WG")
        }
    gains = [
        f"{each} {cycles['dense'][each] / cycles['shipped'][each]:.2f}x"
        for each in ("FF", "EP", "WG")
    ]
    mean = f"{sum(cycles['dense'].values()) / sum(cycles['shipped'].values()):.2f}x"
    assert "array cycles of FF, EP and WG at batch 1 |" in MACHINES
    assert f"`vgg16-cifar10-nobn` {mean} ({', '.join(gains)})" in MACHINES
    coupled = (DOCS / "pe-coupled.md").read_text(encoding="utf-8")
    assert (
        f"At batch 1, as in [machines.md](machines.md), `vgg16-cifar10-nobn` gains {mean}"
        in coupled
    )
    (sixteen,) = re.findall(
        r"^\| vgg16-cifar10-nobn \| moving \|.*\| ([\d.]+) \|$", coupled, re.MULTILINE
    )
    assert f"at batch 16 `vgg16-cifar10-nobn` gains {sixteen}x" in " ".join(MACHINES.split())
