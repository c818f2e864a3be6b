"""The page on dense arrays: diagrams equal those of the stepped arrays, the table that of the
validation.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from accelsim.kernels.dense.systolic import fold_cycles
from accelsim.studies.validation.chips import eyeriss
from accelsim.studies.validation.simulators import systolic as golden
from tests.naive import row_stationary, systolic

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "pe-systolic.md").read_text(encoding="utf-8")


def diagram(name: str) -> str:
    (found,) = re.findall(rf"<!-- diagram: {name} -->\n```\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def drawn(seen: systolic.Seen, cycles: int) -> str:
    """One line per PE of 2 x 2."""
    lines = ["cycle  " + "".join(f"{cycle + 1:3}" for cycle in range(cycles))]
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        lines.append(
            f"PE {i},{j} "
            + "".join(f"{seen.get((cycle, i, j), '.'):>3}" for cycle in range(cycles))
        )
    return "\n".join(lines) + "\n"


def test_output_stationary() -> None:
    seen: systolic.Seen = {}
    _, cycles = systolic.output_stationary(
        np.ones((2, 3), np.int64), np.ones((3, 2), np.int64), seen
    )
    assert cycles == 3 + 2 + 2 - 2
    assert diagram("os") == drawn(seen, cycles)


def test_weight_stationary() -> None:
    seen: systolic.Seen = {}
    _, cycles = systolic.operand_stationary(
        np.ones((3, 2), np.int64), np.ones((2, 2), np.int64), seen
    )
    assert cycles == 3 + 2 * 2 + 2 - 2
    assert diagram("ws") == drawn(seen, cycles)


def row_stationary_pass() -> str:
    """The pass of the page. It follows an earlier pass, so sums come in."""
    limits = (224, 12, 24, 2, 1, 2, 10**6)
    x, w = np.ones((1, 1, 3, 3), np.int64), np.ones((2, 1, 2, 2), np.int64)
    one = row_stationary.Pass(
        x, w, [0], [0, 1], [0], [0, 1], [0, 1], [0, 1], (1, 1), 2, (1, 1), (1, 1), limits
    )
    _, cycles, _ = one.run(np.zeros((1, 2, 2, 2), np.int64))
    names = ("filters", "inputs", "sums in", "sums out", "step")
    rows = [
        [value if value or name == "step" else None for value in column]
        for name, column in zip(names, zip(*one.log, strict=True), strict=True)
    ]
    lines = ["cycle   " + "".join(f"{cycle + 1:3}" for cycle in range(cycles))]
    for name in ("filters", "inputs", "sums in", "step", "sums out"):
        cells = ["." if value is None else str(value) for value in rows[names.index(name)]]
        lines.append(f"{name:8}" + "".join(f"{cell:>3}" for cell in cells))
    return "\n".join(lines) + "\n"


def test_row_stationary() -> None:
    assert diagram("rows") == row_stationary_pass()


def eyeriss_table() -> str:
    """Latency, deviation, active PEs and mapping of every layer."""
    lines = [
        "| layer | measured, ms | here, ms | | active PEs | here | mapping |",
        "|---|---|---|---|---|---|---|",
    ]
    found = eyeriss.checks()
    pes = {check.subject: check for check in found if check.quantity == "active PEs"}
    for check in found:
        if (
            check.quantity != "processing latency"
            or "mapping" in check.subject
            or check.deviation is None
        ):
            continue
        own = pes.get(check.subject)
        name, active = (
            check.subject.partition(",")[0],
            f"{own.expected} | {own.measured} | {check.note.partition(';')[0]}" if own else "| |",
        )
        lines.append(
            f"| {name} | {check.expected:.1f} | {check.measured:.1f} | "
            f"{100 * check.deviation:+.1f} % | {active} |"
        )
    return "\n".join(lines) + "\n"


def test_the_table_is_what_the_validation_gives() -> None:
    (found,) = re.findall(r"<!-- table: eyeriss -->\n\n(.*?)\n\n", PAGE, re.DOTALL)
    assert found + "\n" == eyeriss_table()


def test_the_sentences_about_the_table() -> None:
    """Within 13 % and 8 %; and the round trip of the sums of VGG16's CONV1-2."""
    limited = [check for check in eyeriss.checks() if check.limit == "within 20%"]
    assert 0.12 < max(abs(check.deviation or 0) for check in limited) < 0.13
    assert (
        0.07
        < max(abs(check.deviation or 0) for check in limited if "chip's mapping" in check.subject)
        < 0.08
    )
    assert round(2 * 64 * 224 * 224 * 3 * 2 / 2**20, 2) == 36.75
    assert round(2402.8 / 64, 1) == 37.5
    roofline = next(
        check
        for check in eyeriss.checks()
        if check.subject.startswith("VGG16 CONV1-2,") and "roofline" in check.quantity
    )
    assert roofline.expected is not None
    assert round(100 * roofline.measured / roofline.expected) == 82


def test_ragged_folds_and_the_one_cycle() -> None:
    """The numbers in the text: K + 2 cycles a fold of 3 outputs on 2 x 2 PEs, and the golden runs
    with one cycle more.
    """
    left, right = np.ones((3, 7), np.int64), np.ones((7, 1), np.int64)
    assert (
        systolic.matrix_product(left, right, 2, 2, "os")[1:]
        == (2 * (7 + 2), 2)
        == fold_cycles(3, 1, 7, 2, 2, "os")
    )
    reported = [int(check.measured) for check in golden.checks()]
    text = " ".join(PAGE.split())
    assert "10175, 11199, 14207 and 112283" in text
    assert reported == [10175, 11199, 14207, 112283]
    assert "{}, {}, {} and {} cycles here".format(*(cycles + 1 for cycles in reported)) in text
