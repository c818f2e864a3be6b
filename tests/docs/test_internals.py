"""The page on internals: every station of its three walks exists and is passed by a run, and its
folders are those of the import contract, in order.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path
from types import FrameType

import numpy as np
import pytest

from accelsim.experiment.simulate import simulate
from accelsim.layers.model import Model
from accelsim.rules.registry import rule_numerics
from accelsim.zeros.trace import Trace
from tests.random_machines import machine
from tests.reference_networks import Builder

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "internals.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(accelsim/[\w/]+\.py)` \| `(\w+)` \|", re.MULTILINE)
WALKS = [section for section in PAGE.split("\n## ") if ROW.search(section)]


def run(name: str, folder: Path) -> None:
    """Two runs of a network of that name and a model: one on a trace of weights, with weights from
    DRAM, and one with an option of a rule.
    """
    builder = Builder(name, (8, 8, 4)).conv(4).add("relu").conv(4).add("relu").add("fc", 4)
    network = builder.network()
    simulate(network, machine(), rule="revised:groups=2", trace="dense")
    rule_numerics("revised:groups=2", Model(network), seed=0)
    masks = {
        "conv2.weight": np.arange(4 * 3 * 3 * 4).reshape(4, 3, 3, 4) % 3 > 0,
        "conv2.input": np.arange(8 * 8 * 4).reshape(1, 8, 8, 4) % 2 > 0,
    }
    path = folder / f"{name}.npz"
    Trace.from_masks(name, "bp", "made up", 0, 0, masks).write(path)
    skips = dict.fromkeys(("ff", "ep", "wg"), "both")
    simulate(network, machine("von_neumann", pe_array__skip=skips), rule="bp", trace=str(path))


def passed(folder: Path) -> set[tuple[str, str]]:
    """(file, function) of everything that a run calls outside compiled kernels.

    Another network compiles the kernels first, which takes much longer while it is watched.
    """
    run("warm", folder)
    found: set[tuple[str, str]] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            found.add((frame.f_code.co_filename, frame.f_code.co_name))

    sys.setprofile(note)
    try:
        run("watched", folder)
    finally:
        sys.setprofile(None)
    return {
        (Path(file).relative_to(ROOT).as_posix(), name)
        for file, name in found
        if file.startswith(str(ROOT))
    }


@pytest.mark.parametrize(("walk", "most"), list(zip(WALKS, (10, 6, 8), strict=True)))
def test_a_walk_enters_few_files_and_each_has_what_the_page_names(walk: str, most: int) -> None:
    rows = ROW.findall(walk)
    assert len(rows) == walk.count("\n| `accelsim/") >= 4
    assert len({file for file, _ in rows}) <= most
    for file, name in rows:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        defined = {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        assert name in defined, f"{file} has no {name}"


def test_a_run_passes_every_station(tmp_path: Path) -> None:
    seen = passed(tmp_path)
    stations = {
        (file, name)
        for walk in WALKS
        for file, name in ROW.findall(walk)
        if not file.startswith("accelsim/kernels/") and name == name.lower()
    }
    assert len(stations) >= 15
    assert stations - seen == set()


def test_the_folders_are_those_of_the_import_contract() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (
        each for each in project["tool"]["importlinter"]["contracts"] if each["type"] == "layers"
    )
    folders = [name for name in contract["layers"] if (ROOT / "accelsim" / name).is_dir()]
    assert re.findall(r"^\| `accelsim/(\w+)` \|", PAGE, re.MULTILINE) == folders
