"""The pages on lanes and coupled lanes: diagrams equal those of the twins, tables those of kernels
and simulator.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from accelsim.experiment.simulate import simulate
from accelsim.kernels.bits import bitmaps
from accelsim.kernels.coupled import staging as coupled
from accelsim.kernels.lanes import zero_skip
from accelsim.machine.loading import load_machine
from tests.naive import coupled as naive
from tests.naive.zero_skip import closed_form, walk

DOCS = Path(__file__).resolve().parents[2] / "docs"
COUPLED = (DOCS / "pe-coupled.md").read_text(encoding="utf-8")
LANES = (DOCS / "pe-lanes.md").read_text(encoding="utf-8")
ONE_TAP = np.zeros((1, 1), np.int32)


def blocks(page: str) -> list[list[str]]:
    """Lines of the page's blocks without a language."""
    return [block.splitlines() for block in re.findall(r"```\n(.*?)```", page, re.DOTALL)]


def table(page: str, first: str) -> list[list[str]]:
    """Cells of the table whose first heading is ``first``, without the heading row."""
    (found,) = re.findall(rf"^\| {first} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", page, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found.splitlines()]


def test_the_coupled_diagram_is_what_the_twin_does() -> None:
    pairs, cycles = blocks(COUPLED)
    rows = [
        sum(1 << lane for lane, cell in enumerate(line.split()[2:]) if cell == "x")
        for line in pairs[1:]
    ]
    assert [line.split()[:2] for line in pairs[1:]] == [
        ["row", str(row)] for row in range(len(rows))
    ]
    steps = naive.cycle_by_cycle(rows)
    first = 0
    for number, (line, taken) in enumerate(zip(cycles[1:], steps, strict=True), 1):
        words = line.split()
        assert words[:3] == [str(number), "rows", f"{first}-{first + 2}"]
        assert words[3:-1] == [
            f"{lane:x}:{row}.{other:x}" for lane, (row, other) in sorted(taken.items())
        ]
        first += int(words[-1])
    assert first >= len(rows)
    assert coupled.staging_cycles(np.array(rows, np.uint16)) == len(steps)
    busy = sum(len(taken) for taken in steps)
    assert (
        f"Of the {16 * len(steps)} lane cycles, {busy} are `busy`, one MAC each. The other "
        f"{16 * len(steps) - busy} are `window_empty`" in " ".join(COUPLED.split())
    )


def test_the_choices_of_the_page_are_the_twins() -> None:
    (rows,) = re.findall(r"^\| row of the buffer \|(.*)\|$", COUPLED, re.MULTILINE)
    (lanes,) = re.findall(
        r"^\| lane of the pair, relative to the choosing lane \|(.*)\|$", COUPLED, re.MULTILINE
    )
    said = zip(map(int, rows.split("|")), map(int, lanes.split("|")), strict=True)
    assert tuple(said) == naive.CHOICES


def test_speedups_of_random_pairs_are_what_the_staging_kernel_gives() -> None:
    random = np.random.default_rng(0)
    said = table(COUPLED, "density")
    assert len(said) == 5
    for density, alone, barrier, bound in said:
        bits = random.random((2048, 288, 16)) < float(density)
        cycles = coupled.batch_cycles((bits @ (1 << np.arange(16))).astype(np.uint16))
        # Other streams of that density: their mean is known to a tenth of a per cent, that of eight
        # barriers to half a per cent.
        assert 288 / cycles.mean() == pytest.approx(float(alone), abs=0.01)
        assert 288 / cycles.reshape(-1, 256).max(axis=1).mean() == pytest.approx(
            float(barrier), abs=0.02
        )
        assert f"{min(3, 1 / float(density)):.2f}" == bound


def test_the_lane_diagram_is_what_the_twin_does() -> None:
    pairs, cycles = blocks(LANES)
    stream = [int(cell == "x") for cell in pairs[1].split()[1:]]
    place, window, taken = 0, 4, 0
    for number, line in enumerate(cycles[1:], 1):
        found = next((p for p in range(place, min(place + window, len(stream))) if stream[p]), None)
        seen = f"{place:x}-{min(place + window, len(stream)) - 1:x}"
        place = place + window if found is None else found + 1
        taken += found is not None
        assert line.split() == [
            str(number),
            seen,
            "-" if found is None else f"{found:x}",
            f"{place:x}",
        ]
    assert (place, taken) == (len(stream), sum(stream))
    assert walk(stream, window) == closed_form(stream, window) == len(cycles) - 1


def test_speedups_of_windows_are_what_the_lanes_give_and_near_the_formula() -> None:
    said = table(LANES, "density")
    assert len(said) == 10
    for density, window, alone, formula, barrier in said:
        d, w = float(density), int(window)
        mask = np.random.default_rng(0).random((256, 1, 1, 4608)) < d
        cycles, _, _ = zero_skip.stream_cycles(bitmaps.from_mask(mask), 4608, ONE_TAP, ONE_TAP, w)
        assert [f"{4608 / value:.2f}" for value in (cycles.mean(), cycles.max())] == [
            alone,
            barrier,
        ]
        expected = (1 - (1 - d) ** w) / d
        assert f"{expected:.2f}" == formula
        # 256 streams of 4608 positions: their mean is known to a few tenths of a per cent.
        assert 4608 / cycles.mean() == pytest.approx(expected, rel=0.005)


def array_cycles(network: str, skip: str) -> dict[str, float]:
    """Cycles of the array by pass, without stalls. The mapping is canonical, so that skipping alone
    makes a difference.
    """
    skips = {"pe_array.skip": dict.fromkeys(("ff", "ep", "wg"), skip)}
    machine = load_machine("tensordash", {**skips, "mapping.objective": "canonical"})
    found = dict.fromkeys(("FF", "EP", "WG"), 0.0)
    for op in simulate(network, machine, rule="bp", batch=16).to_json()["ops"]:
        if op["kind"] != "vector":
            found[op["pass"]] += sum(
                op["array_cycles"][cause] for cause in ("busy", "window_empty", "imbalance", "idle")
            )
    return found


@pytest.mark.check
@pytest.mark.parametrize("network", ["vgg16-cifar10-nobn", "vgg16-cifar10"])
def test_speedups_of_vgg16_are_what_the_simulator_gives(network: str) -> None:
    dense = array_cycles(network, "none")
    said = [line for line in table(COUPLED, "network") if line[0] == network]
    assert said
    for _, skip, *speedups in said:
        found = array_cycles(network, skip)
        ratios = [
            *(dense[name] / found[name] for name in found),
            sum(dense.values()) / sum(found.values()),
        ]
        assert [f"{ratio:.2f}" for ratio in ratios] == speedups
        assert max(ratios) <= 3
