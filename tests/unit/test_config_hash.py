"""`config_hash` changes with what decides a result, and with nothing else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accelsim.config import catalog
from accelsim.experiment import config_hash
from accelsim.experiment.config_hash import hybrid_hash, packed
from accelsim.experiment.simulate import simulate
from accelsim.experiment.trace_choice import random_trace
from accelsim.machine.loading import load_machine
from accelsim.step.ops import TrainingStep
from tests.random_machines import machine
from tests.reference_networks import Builder

NETWORK = Builder("net", (4, 4, 2)).conv(3).add("relu").add("fc", 5).network()
FOLDER = catalog.folder("technology")


def document(arch: Any = None, rule: str = "bp", **setting: Any) -> dict[str, Any]:
    arch = machine() if arch is None else arch
    found: dict[str, Any] = simulate(
        NETWORK, arch, rule=rule, **{"trace": "dense", **setting}
    ).to_json()
    return found


def hashed(arch: Any = None, rule: str = "bp", **setting: Any) -> str:
    return str(document(arch, rule, **setting)["config_hash"])


def written(folder: Path, text: str, name: str = "m.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def edited(path: Path, old: str, new: str) -> None:
    """Change a file's content, its time of change kept as a copying program keeps it."""
    times = path.stat()
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


# Other results: another hash


def test_an_edited_dram_file(tmp_path: Path) -> None:
    dram = Path(shutil.copy(catalog.find("dram", "ddr4-2400"), tmp_path / "d.yaml"))
    path = written(tmp_path, "name: m\nbase: near-memory\ndram: {standard: d.yaml}\n")
    before = document(path)
    edited(dram, "CL: ", "CL: 1")
    after = document(path)
    assert before["cycles"] != after["cycles"]
    assert before["config_hash"] != after["config_hash"]


def test_channels_left_to_the_standard(tmp_path: Path) -> None:
    """`hbm2` has 16; a machine that says so, or that gives `hbm2-pc` 16, is the same machine."""
    drams = ("standard: hbm2", "standard: hbm2, channels: 16", "standard: hbm2-pc, channels: 16")
    left, said, given = (
        document(written(tmp_path, f"name: m\nbase: near-memory\ndram: {{{dram}}}\n", f"{i}.yaml"))
        for i, dram in enumerate(drams)
    )
    assert left["config_hash"] == said["config_hash"] == given["config_hash"]
    assert left["cycles"] == said["cycles"] == given["cycles"]
    one = document(written(tmp_path, "name: m\nbase: near-memory\ndram: {standard: hbm2-pc}\n"))
    assert one["config_hash"] != left["config_hash"]
    assert one["cycles"] != left["cycles"]


@pytest.fixture
def own_technology(tmp_path: Path) -> Path:
    for name in ("45nm.yaml", "sram-45nm.csv", "28nm.yaml", "sram-28nm.csv"):
        shutil.copy(FOLDER / name, tmp_path / name)
    return written(tmp_path, "name: m\nbase: near-memory\ntechnology: ./45nm.yaml\n")


def test_an_edited_entry_of_a_technology(own_technology: Path) -> None:
    before = document(own_technology)
    edited(own_technology.with_name("45nm.yaml"), "energy: 0.2pJ", "energy: 0.25pJ")
    after = document(own_technology)
    assert before["energy_pj"] != after["energy_pj"]
    assert before["config_hash"] != after["config_hash"]


def test_an_edited_sram_table(own_technology: Path) -> None:
    before = document(own_technology)
    table = own_technology.with_name("sram-45nm.csv")
    rows = table.read_text(encoding="utf-8").splitlines()
    twice = [
        ",".join([*row.split(",")[:3], "9.5", *row.split(",")[4:]]) if row[:4] == "lstp" else row
        for row in rows
    ]
    table.write_text("\n".join(twice) + "\n", encoding="utf-8")
    after = document(own_technology)
    assert before["energy_pj"] != after["energy_pj"]
    assert before["config_hash"] != after["config_hash"]


def test_an_edited_technology_that_another_is_scaled_from(own_technology: Path) -> None:
    folder = own_technology.parent
    edited(folder / "28nm.yaml", "technology: 45nm", "technology: ./45nm.yaml")
    path = written(folder, "name: m\nbase: near-memory\ntechnology: ./28nm.yaml\n", "scaled.yaml")
    before = document(path)
    edited(folder / "45nm.yaml", "energy: 0.2pJ", "energy: 0.25pJ")
    after = document(path)
    assert before["energy_pj"] != after["energy_pj"]
    assert before["config_hash"] != after["config_hash"]


def without(name: str) -> Callable[[TrainingStep], TrainingStep]:
    def transform(step: TrainingStep) -> TrainingStep:
        ops = tuple(
            replace(op, depends_on=tuple(each for each in op.depends_on if each != name))
            for op in step.ops
            if op.name != name
        )
        return replace(step, ops=ops, carried={})

    return transform


def test_transforms_of_one_name() -> None:
    names = [op.name for op in _last_updates()]
    assert len({hashed(transform=without(name)) for name in names}) == len(names) > 1
    assert hashed(transform=lambda step: step) == hashed()


def _last_updates() -> list[Any]:
    steps: list[TrainingStep] = []
    document(transform=lambda step: steps.append(step) or step)
    return [op for op in steps[0].ops if op.name.endswith(".WU")]


def test_another_version_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    before = hashed()
    monkeypatch.setattr(config_hash, "__version__", "9.9.9")
    assert hashed() != before


def test_densities_that_look_alike() -> None:
    assert hashed(trace="random:0.5") != hashed(trace="random:0.5000001")


# The same result: the same hash


def test_where_the_machines_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    text = "name: m\nbase: near-memory\ndram: {standard: ./d.yaml}\ntechnology: ./45nm.yaml\n"
    for folder in (tmp_path, tmp_path / "sub"):
        shutil.copy(catalog.find("dram", "ddr4-2400"), folder / "d.yaml")
        for name in ("45nm.yaml", "sram-45nm.csv"):
            shutil.copy(FOLDER / name, folder / name)
    first, copied = written(tmp_path, text), written(tmp_path / "sub", text)
    monkeypatch.chdir(tmp_path)
    named = load_machine("near-memory", {"dram.standard": "ddr4-2400"})
    assert len({hashed(path) for path in (first, Path("m.yaml"), copied, named)}) == 1


def test_how_a_machine_is_written(tmp_path: Path) -> None:
    text = """name: mine
clock: 1GHz
organization: near_memory
pe_array: {kind: lanes, rows: 2, cols: 2}
scratchpad: {capacity: 16KiB}
global_buffer: {capacity: 64KiB, staging: 8KiB}
"""
    respelt = text.replace("1GHz", "1000MHz").replace("16KiB", "0.015625MiB")
    one = hashed(written(tmp_path, text))
    assert one == hashed(written(tmp_path, f"partitions: 1\n{respelt}"))
    assert one != hashed(written(tmp_path, text.replace("rows: 2", "rows: 4")))
    assert len(one) == 16


def test_what_a_trace_is_called(tmp_path: Path) -> None:
    trace = random_trace(NETWORK, 0.5, 1, 3)
    paths = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for path in paths:
        trace.write(path)
    assert len({hashed(trace=each) for each in (*paths, trace)}) == 1


def test_names_and_descriptions(tmp_path: Path) -> None:
    one = written(tmp_path, "name: one\nbase: near-memory\n")
    other = written(tmp_path, "name: two\ndescription: other\nbase: near-memory\n", "n.yaml")
    assert hashed(one) == hashed(other)
    renamed = replace(NETWORK, name="other", description="of another name", batch=7)
    found = simulate(renamed, machine(), trace="dense", batch=1).to_json()
    assert found["config_hash"] == hashed(batch=1)


def test_spellings_of_a_rule() -> None:
    assert len({hashed(rule=rule) for rule in ("ssdfa", "sdfa", "sdfa:k=1")}) == 1
    assert hashed(rule="sdfa:k=2") != hashed(rule="sdfa")


# Mixtures, and what a hash is made of


def test_a_mixture_has_the_hash_of_its_kinds_and_weights() -> None:
    found = document(rule="hdfa:p=0.3")
    kinds = [(step["weight"], step["result"]["config_hash"]) for step in found["steps"]]
    assert found["config_hash"] == hybrid_hash(kinds) != hybrid_hash(kinds[::-1])
    assert document(rule="hdfa:p=0.2")["config_hash"] != found["config_hash"]


@dataclass(frozen=True)
class Held:
    name: str
    inner: Any


def test_all_content_counts() -> None:
    long = np.arange(5000)
    other = long.copy()
    other[2500] = 0
    values = [
        Held("a", long),
        Held("a", other),
        Held("a", long.astype(np.int32)),
        Held("a", (1, 2)),
        Held("a", ((1,), 2)),
        Held("a", {"x": 1, "y": 2}),
        Held("a", {"x": 1}),
        Held("a", None),
        Held("b", None),
        Held("a", "None"),
        Held("a", 1),
        Held("a", True),
        Held("a", 1.5),
    ]
    assert len({packed(value) for value in values}) == len(values)
    assert packed(Held("a", long.copy())) == packed(values[0])
    assert packed({"y": 2, "x": 1}) == packed({"x": 1, "y": 2})
    with pytest.raises(TypeError, match=r"^a configuration must hold data, got a function$"):
        packed(Held("a", hashed))
