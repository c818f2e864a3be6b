"""The page on broadcast arrays shows what happens: its diagrams are those of the twin, its figures
those of the program.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accelsim.experiment.simulate import simulate
from accelsim.kernels.bits.bitmaps import from_mask
from accelsim.kernels.broadcast.columns import broadcast_split, column_costs
from accelsim.machine.loading import load_machine
from accelsim.results.result import Result
from accelsim.studies.validation.chips import eie
from tests.naive.broadcast import PE

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "pe-broadcast.md").read_text(
    encoding="utf-8"
)


def block(name: str) -> list[str]:
    (found,) = re.findall(rf"^```{name}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return found.splitlines()


def diagram(costs: np.ndarray, depth: int) -> list[str]:
    """A column a cycle: tokens issued, and each PE's token in service."""
    pes, tokens, issued = [PE(row) for row in costs], costs.shape[1], 0
    lines = ["issue   ", *(f"PE {p}    " for p in range(len(pes)))]
    while any(pe.served < tokens for pe in pes):
        if issued < tokens and all(len(pe.queue) < depth for pe in pes):
            lines[0] += str(issued)
            for pe in pes:
                pe.queue.append(issued)
            issued += 1
        elif issued < tokens:
            lines[0] += "-"
        for p, pe in enumerate(pes):
            finished, token = pe.served == tokens, pe.queue[0] if pe.queue else None
            lines[p + 1] += str(token) if pe.work() else "*" if finished else "."
    return lines


@pytest.mark.parametrize("depth", [1, 2, 8])
def test_the_diagrams_are_what_the_twin_does(depth: int) -> None:
    costs = np.array([line.split()[2:] for line in block("costs")], dtype=np.int64)
    lines = diagram(costs, depth)
    assert block(f"depth {depth}") == lines
    assert len(lines[1]) - 8 == broadcast_split(costs, depth)[0]


def row(first: str) -> list[str]:
    (line,) = re.findall(rf"^\| {re.escape(first)} \| (.*) \|$", PAGE, re.MULTILINE)
    return line.split(" | ")


def test_balance_by_depth() -> None:
    layers = {layer.name: layer for layer in eie.layers()}
    depths = [int(depth) for depth in row("slots")]
    for name in ("VGG-7", "NT-We"):
        assert row(name) == [f"{eie.balance(layers[name], depth) * 100:.0f} %" for depth in depths]


def test_padding_by_index_bits() -> None:
    columns = from_mask(np.random.default_rng(0).random((2000, 4096)) < 0.04)
    walked, stored = row("words walked for each non-zero"), row("bits stored for each non-zero")
    for place, bits in enumerate(int(each) for each in row("index bits")):
        entries, padding = column_costs(columns, 4096, 64, bits)
        ratio = (entries.sum() + padding.sum()) / entries.sum()
        assert (walked[place], stored[place]) == (f"{ratio:.2f}", f"{ratio * (4 + bits):.1f}")


def run(**overrides: Any) -> Result:
    machine = load_machine(
        "eie", {key.replace("__", "."): value for key, value in overrides.items()}
    )
    result = simulate("vgg16-cifar10-nobn", machine, rule="bp", batch=1)
    assert isinstance(result, Result)
    return result


@pytest.mark.parametrize("skip", ["both", "moving"])
@pytest.mark.parametrize("outputs", [False, True])
def test_outputs_that_nobody_needs(skip: str, outputs: bool) -> None:
    ops = [
        op
        for op in run(pe_array__skip={"ep": skip}, pe_array__skip_outputs=outputs).to_json()["ops"]
        if op["pass"] == "EP" and op["kind"] != "vector"
    ]
    cycles = sum(op["cycles"] - sum(op["array_cycles"]["stall"].values()) for op in ops)
    executed = sum(op["macs"]["executed"] for op in ops)
    assert f"| {skip} | {str(outputs).lower()} | {cycles} | {executed} |" in PAGE


def test_gating() -> None:
    none = {"ff": "none", "ep": "none", "wg": "none"}
    gated, full = (
        run(pe_array__skip=none, pe_array__gating=gating).to_json() for gating in (True, False)
    )
    assert gated["cycles"] <= full["cycles"]
    energies = [
        f"{document['energy_by_component_pj']['mac'] / 1e6:.0f}" for document in (gated, full)
    ]
    assert f"multiplications cost {energies[0]} instead of {energies[1]} uJ" in PAGE.replace(
        "\n", " "
    )
    assert [each["macs"]["executed"] for each in gated["ops"]] == [
        each["macs"]["executed"] for each in full["ops"]
    ]
    assert run().to_json()["macs"]["gated"] == 0
