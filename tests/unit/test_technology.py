"""Technology tables: the numbers as their sources have them, interpolation, scaling, and how faults
read.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.config import catalog
from accelsim.cost.srams import loglog, read_srams
from accelsim.cost.technology import load_technology
from accelsim.errors import InputError

TECH = load_technology("45nm")
SMALL = load_technology("28nm")


@pytest.mark.parametrize(
    ("component", "action", "bits", "value"),
    [
        # Horowitz, ISSCC 2014
        ("mac", "multiply", 8, 0.2),
        ("mac", "multiply", 32, 3.1),
        ("mac", "add", 8, 0.03),
        ("mac", "add", 16, 0.05),
        ("mac", "add", 32, 0.1),
        # Eyeriss in Accelergy's tables
        ("mac", "gated_reference", 16, 0.06595),
        ("mac", "active_reference", 16, 2.20035),
        # EIE: 1.874 and 1.026 mW of a PE at 800 MHz; 638024 - 594786 um2
        ("control", "clock", 1, 1.874 / 0.8),
        ("control", "registers", 1, 1.026 / 0.8),
        ("control", "lane_area", 1, (638024 - 594786) * 1e-6),
        # Aladdin, 40 nm
        ("register", "bit", 1, 0.009),
        ("leakage", "multiplier", 32, 0.08),
        ("leakage", "adder", 32, 0.0024),
        ("noc", "bit_mm", 1, 0.1),
    ],
)
def test_cited_numbers(component: str, action: str, bits: int, value: float) -> None:
    assert TECH.at_bits(component, action, bits).value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("leakage", "size", "width", "read", "write", "power", "area"),
    [
        ("hp", 8192, 64, 5.28833, 6.50229, 4.30737, 0.0262912),
        ("hp", 32768, 64, 14.9248, 12.6898, 16.1704, 0.0949153),
        ("hp", 1 << 20, 64, 67.6875, 55.8938, 469.914, 3.16952),
        ("lstp", 256, 16, 0.545265, 0.718069, 6.26919e-06, 0.00102059),
    ],
)
def test_srams_of_the_table(
    leakage: str, size: int, width: int, read: float, write: float, power: float, area: float
) -> None:
    """CACTI 7 at 45 nm."""
    point = TECH.sram(leakage, size, width)  # type: ignore[arg-type]
    assert (point.read_pj, point.write_pj, point.leakage_mw, point.area_mm2) == pytest.approx(
        (read, write, power, area)
    )
    assert point.inside


def test_leakage_classes_are_four_orders_apart() -> None:
    ratio = TECH.sram("hp", 32768, 64).leakage_mw / TECH.sram("lstp", 32768, 64).leakage_mw
    assert 1e4 < ratio < 1e5


def test_multiplication_grows_almost_as_the_square_of_the_width() -> None:
    exponent = math.log(3.1 / 0.2) / math.log(4)
    assert exponent == pytest.approx(1.98, abs=0.005)
    sixteen = TECH.at_bits("mac", "multiply", 16)
    assert sixteen.value == pytest.approx(0.2 * 2**exponent) == pytest.approx(math.sqrt(0.2 * 3.1))
    assert sixteen.verified
    assert sixteen.factors == (0.3, 1.3)
    four = TECH.at_bits("mac", "multiply", 4)
    assert four.value == pytest.approx(0.2 * 0.5**exponent)
    assert not four.verified  # beyond the widths of the source
    assert four.factors == (0.3, 3.0)


def test_srams_between_the_points_follow_power_laws() -> None:
    low, high = TECH.sram("hp", 8192, 64), TECH.sram("hp", 16384, 64)
    middle = TECH.sram("hp", 11585, 64)  # 8192 * sqrt(2)
    assert middle.read_pj == pytest.approx(math.sqrt(low.read_pj * high.read_pj), rel=1e-4)
    narrow, wide = TECH.sram("hp", 8192, 64), TECH.sram("hp", 8192, 128)
    assert TECH.sram("hp", 8192, 90).read_pj == pytest.approx(
        narrow.read_pj * (wide.read_pj / narrow.read_pj) ** math.log2(90 / 64)
    )


@pytest.mark.parametrize(
    ("size", "width"), [(128, 16), (4 << 20, 64), (8192, 512), (8192, 8), (256, 128)]
)
def test_srams_beyond_the_table_are_known_to_be(size: int, width: int) -> None:
    point = TECH.sram("lstp", size, width)
    assert not point.inside
    assert min(point.read_pj, point.write_pj, point.leakage_mw, point.area_mm2) > 0


@given(st.sampled_from(["hp", "lstp"]), st.integers(256, 2 << 20), st.integers(16, 256))
def test_srams_stay_between_their_neighbours(leakage: str, size: int, width: int) -> None:
    points = TECH.srams[leakage]
    point = TECH.sram(leakage, size, width)  # type: ignore[arg-type]
    if point.inside:
        assert min(p.read_pj for p in points) <= point.read_pj <= max(p.read_pj for p in points)
        assert min(p.area_mm2 for p in points) <= point.area_mm2 <= max(p.area_mm2 for p in points)


@given(st.floats(0.01, 100), st.floats(-3, 3), st.floats(0.01, 1000))
def test_a_power_law_is_met_everywhere(scale: float, exponent: float, x: float) -> None:
    xs = [1.0, 3.0, 20.0]
    assert loglog(x, xs, [scale * known**exponent for known in xs]) == pytest.approx(
        scale * x**exponent, rel=1e-9
    )


def test_logic_of_28_nm_is_that_of_45_nm_between_two_factors() -> None:
    """Stillmaker and Baas at 0.9 V, 0.507, and EIE's projection of its PE, 0.667; areas 0.377.
    Wires have their own number, leakage is not scaled.
    """
    projected = (2.36 / 256 / 1200) / (0.59 / 64 / 800)
    assert projected == pytest.approx(0.667, abs=5e-4)
    for component, action in (
        ("mac", "multiply"),
        ("mac", "add"),
        ("control", "clock"),
        ("control", "registers"),
        ("register", "bit"),
    ):
        for old, new in zip(
            TECH.find(component, action), SMALL.find(component, action), strict=True
        ):
            assert new.value == pytest.approx(math.sqrt(0.507 * 0.667) * old.value, rel=1e-4)
            assert new.factors[0] * new.value == pytest.approx(0.507 * old.value * old.factors[0])
            assert new.factors[1] * new.value == pytest.approx(0.667 * old.value * old.factors[1])
            assert new.verified
            assert new.source.startswith(old.source)
            assert "0.5815" in new.source
    assert SMALL.one("noc", "bit_mm").value == 0.08
    leakage = SMALL.one("leakage", "multiplier")
    assert leakage.value == TECH.one("leakage", "multiplier").value
    assert not leakage.verified
    assert SMALL.area("control", "clock_area").value == pytest.approx(0.377 * 0.000866)


@pytest.mark.parametrize(
    ("leakage", "size", "width", "at_32", "at_22"),
    [
        ("hp", 8192, 64, 2.90825, 1.50402),
        ("hp", 131072, 64, 14.4453, 7.49484),
        ("lstp", 32768, 64, 8.25708, 3.78646),
    ],
)
def test_srams_of_28_nm_are_between_those_of_32_and_22_nm(
    leakage: str, size: int, width: int, at_32: float, at_22: float
) -> None:
    """CACTI 7, read energy in pJ: on the line between 32 and 22 nm in logarithmic scales."""
    point = SMALL.sram(leakage, size, width)  # type: ignore[arg-type]
    share = math.log(32 / 28) / math.log(32 / 22)
    assert point.read_pj == pytest.approx(at_32 ** (1 - share) * at_22**share, rel=1e-5)
    assert point.inside
    known = TECH.srams[leakage]
    assert [(p.size_bytes, p.width_bits) for p in SMALL.srams[leakage]] == [
        (p.size_bytes, p.width_bits) for p in known
    ]


@pytest.mark.parametrize("name", catalog.names("technology"))
def test_every_entry_names_its_source_and_node(name: str) -> None:
    tech = load_technology(name)
    for entries in tech.entries.values():
        for entry in entries:
            assert len(entry.source) > 10
            assert entry.node > 0


def written(folder: Path, text: str, table: str = "") -> Path:
    (folder / "s.csv").write_text(
        "class,size_bytes,width_bits,read_pj,write_pj,leakage_mw,area_mm2\n" + table,
        encoding="utf-8",
    )
    path = folder / "t.yaml"
    path.write_text("name: t\nnode: 45\n" + text, encoding="utf-8")
    return path


SRAM = "sram: {table: s.csv, source: mine, verified: false}\n"
ENTRY = (
    "{component: mac, action: add, bits: 8, energy: 1pJ, node: 45, source: mine, verified: false}"
)


@pytest.mark.parametrize(
    ("text", "table", "message"),
    [
        ("", "", "sram must be given if scaled_from is not, got nothing"),
        (
            SRAM + f"entries: [{ENTRY}, {ENTRY}]\n",
            "",
            "entries[1].action must be listed once per component and width, got add",
        ),
        (
            SRAM + f"entries: [{ENTRY.replace('energy: 1pJ, ', '')}]\n",
            "",
            (
                "entries[0].energy must be given, or power, or area_mm2, or multiple, and only one "
                "of them, got nothing"
            ),
        ),
        (
            SRAM.replace("s.csv", "no.csv"),
            "",
            "sram.table must be a file in the same folder, got no.csv",
        ),
        (
            SRAM,
            "hp,256,16,1,1,1,0\n",
            "a row must be hp or lstp and six numbers > 0, got hp,256,16,1,1,1,0",
        ),
        (
            SRAM,
            "lop,256,16,1,1,1,1\n",
            "a row must be hp or lstp and six numbers > 0, got lop,256,16,1,1,1,1",
        ),
        (
            (
                "scaled_from: {technology: 45nm, energy: 0.5, high: 0.6, area: 0.5, source: mine, "
                "verified: false}\n"
            ),
            "",
            "scaled_from.high must be >= 1.5, three times a number that is not verified, got 0.6",
        ),
        (
            (
                "scaled_from: {technology: 28nm, energy: 0.5, area: 0.5, source: mine, verified: "
                "false}\n"
            ),
            "",
            "scaled_from.technology must be a technology that is not itself scaled, got 28nm",
        ),
    ],
)
def test_faults(tmp_path: Path, text: str, table: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        load_technology(written(tmp_path, text, table))
    assert [fault.message.endswith(message) for fault in caught.value.faults] == [True]


def test_a_table_without_its_header(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("hp,256,16,1,1,1,1\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_srams(path)
    assert (
        str(caught.value) == f"{path}:1:1: the header must be "
        f"class,size_bytes,width_bits,read_pj,write_pj,leakage_mw,area_mm2, got "
        f"hp,256,16,1,1,1,1"
    )


def test_missing_entries_are_named(tmp_path: Path) -> None:
    tech = load_technology(written(tmp_path, SRAM, "hp,256,16,1,1,1,1\n"))
    with pytest.raises(InputError) as caught:
        tech.one("control", "clock")
    assert str(caught.value) == "technology t must have an entry for control.clock, got none"
    with pytest.raises(InputError) as caught:
        tech.sram("lstp", 256, 16)
    assert str(caught.value) == "technology t must have SRAMs of class lstp, got none"
