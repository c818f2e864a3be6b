"""DRAM files: what follows from what, and how their faults read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from accelsim.config import catalog
from accelsim.config.loader import load_model
from accelsim.dram.standard import DramSpec
from accelsim.dram.table import controller_policy, resolve
from accelsim.errors import InputError
from accelsim.kernels.dram import queues
from accelsim.kernels.dram import state as k

NAMES = catalog.names("dram")


def written(path: Path, **changes: Any) -> Path:
    """lpddr4-3200 with keys changed ("timing.CL") or, with None, left out."""
    data = yaml.safe_load(catalog.find("dram", "lpddr4-3200").read_text(encoding="utf-8"))
    for key, value in changes.items():
        section, name = key.split("__") if "__" in key else ("", key)
        target = data[section] if section else data
        if value is None:
            del target[name]
        else:
            target[name] = value
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


def faults(path: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_model(path, DramSpec)
    return [fault.message for fault in caught.value.faults]


@pytest.mark.parametrize("name", NAMES)
def test_built_in_standards(name: str) -> None:
    spec = load_model(catalog.find("dram", name), DramSpec)
    assert spec.name == name
    assert spec.energy is not None
    table = resolve(spec)
    assert table.delays.dtype == table.shape.dtype == "int64"
    assert (table.delays >= 0).all()


def test_the_standards_that_are_shipped() -> None:
    assert (*("ddr4-2400", "ddr4-3200", "hbm2", "hbm2-pc", "lpddr4-3200", "lpddr5x-7500"),) == NAMES


def test_a_stack_is_sixteen_pseudo_channels() -> None:
    """16 x 32 B per 2 clocks of 1 ns are 256 GB/s; 16 x 16 banks of 32768 rows of 1 KiB, 8 GiB."""
    stack, one = (load_model(catalog.find("dram", name), DramSpec) for name in ("hbm2", "hbm2-pc"))
    organisation = stack.organisation
    assert (organisation.channels, one.organisation.channels) == (16, 1)
    assert (organisation.capacity_bytes, one.organisation.capacity_bytes) == (8 << 30, 512 << 20)
    rate = 16 * organisation.burst / (organisation.burst_clocks * stack.timing.tCK)
    assert rate == 256
    same = {"name": one.name, "description": one.description, "organisation": one.organisation}
    assert stack.model_copy(update=same) == one


@pytest.mark.parametrize(
    ("name", "stripe"),
    [
        ("ddr4-2400", 4 * 64),
        ("ddr4-3200", 4 * 64),
        ("hbm2", 4 * 32),
        ("hbm2-pc", 4 * 32),
        ("lpddr4-3200", 4096),
        ("lpddr5x-7500", 4 * 64),
    ],
)
def test_channels_interleave(name: str, stripe: int) -> None:
    """A channel has so many bytes in a row, one burst in each bank group or a whole row, then the
    next channel has as many.
    """
    spec = load_model(catalog.find("dram", name), DramSpec)
    o = spec.organisation.model_copy(update={"channels": 3})
    table = resolve(spec.model_copy(update={"organisation": o}))
    bursts = np.arange(2 * 3 * stripe // o.burst, dtype=np.int64)
    listed = np.zeros((len(bursts), 6), np.int64)
    listed[:, queues.BURST] = bursts
    queues.locate(listed, table.shape)
    assert listed[:, queues.CHANNEL].tolist() == (bursts * o.burst // stripe % 3).tolist()
    banks = listed[: stripe // o.burst, queues.BANK].tolist()
    assert len(set(banks)) == o.bankgroups


def test_sizes_follow() -> None:
    lpddr4, ddr4 = (
        load_model(catalog.find("dram", name), DramSpec).organisation
        for name in ("lpddr4-3200", "ddr4-2400")
    )
    assert (lpddr4.burst, lpddr4.row_bursts, lpddr4.capacity_bytes) == (64, 64, 2 << 30)
    assert (ddr4.burst, ddr4.row_bursts, ddr4.capacity_bytes) == (64, 128, 8 << 30)


def test_trc_is_tras_plus_trp_unless_given(tmp_path: Path) -> None:
    spec = load_model(written(tmp_path / "a.yaml"), DramSpec)
    assert resolve(spec).delays[k.SAME_BANK, k.ACT, k.ACT] == 68 + 29
    spec = load_model(written(tmp_path / "b.yaml", timing__tRC=101), DramSpec)
    assert resolve(spec).delays[k.SAME_BANK, k.ACT, k.ACT] == 101


@pytest.mark.parametrize(
    ("protocol", "two"),
    [(None, False), ("DDR4", False), ("GDDR6", False), ("HBM", True), ("HBM2", True)],
)
def test_hbm_has_two_command_buses(tmp_path: Path, protocol: str | None, two: bool) -> None:
    assert load_model(written(tmp_path / "a.yaml", protocol=protocol), DramSpec).two_buses is two


def test_a_refresh_may_be_as_rare_as_one_likes(tmp_path: Path) -> None:
    """Configurations of other simulators switch refresh off so."""
    assert (
        resolve(
            load_model(written(tmp_path / "a.yaml", timing__tREFI=1_000_000_000), DramSpec)
        ).shape[k.REFI]
        == 1_000_000_000
    )


def test_what_the_controller_reads(tmp_path: Path) -> None:
    policy = {
        "scheduler": "frfcfs",
        "read_queue": 16,
        "write_queue": 10,
        "drain_high": 0.7,
        "drain_low": 0.3,
        "refresh": "none",
    }
    spec = load_model(written(tmp_path / "a.yaml", policy=policy, protocol="HBM"), DramSpec)
    assert controller_policy(spec, 5).tolist() == [queues.FRFCFS, 16, 10, 7, 3, 2, 5]
    assert controller_policy(spec)[queues.OUTSTANDING] > 1 << 50
    assert resolve(spec).shape[k.REFI] == 0


def test_data_may_move_faster_than_twice_a_clock(tmp_path: Path) -> None:
    """A burst of 16 in 2 clocks: the data bus is free for the next after tCCD_S, and RD to WR is CL
    + 2 - CWL + tRTRS.
    """
    spec = load_model(
        written(
            tmp_path / "a.yaml",
            protocol="LPDDR5",
            organisation__burst_clk=2,
            timing__tCCD_S=2,
            timing__tCCD_L=4,
        ),
        DramSpec,
    )
    table = resolve(spec)
    assert table.burst_bytes == 64
    assert (table.shape[k.READ_DATA], table.shape[k.WRITE_DATA]) == (28 + 2, 14 + 2)
    assert table.delays[k.SAME_RANK, k.RD, k.RD] == 2
    assert table.delays[k.SAME_RANK, k.RD, k.WR] == 28 + 2 - 14 + 2
    assert spec.two_buses is False


def test_activation_times_of_reads_and_writes_may_differ(tmp_path: Path) -> None:
    delays = resolve(
        load_model(written(tmp_path / "a.yaml", timing__tRCDRD=30, timing__tRCDWR=20), DramSpec)
    ).delays
    assert (delays[k.SAME_BANK, k.ACT, k.RD], delays[k.SAME_BANK, k.ACT, k.WR]) == (30, 20)


def test_runs_of_a_row(tmp_path: Path) -> None:
    """The column field lies lowest, or every field below it has one value: whole rows are
    consecutive addresses.
    """
    for mapping, channels, run in (
        ("rochrababgco", 4, 64),
        ("rochrabacobg", 4, 64),
        ("rorababgchco", 4, 64),
        ("rorabacobgch", 4, 1),
        ("rorabacobgch", 1, 64),
    ):
        spec = load_model(written(tmp_path / "a.yaml", address_mapping=mapping), DramSpec)
        assert resolve(spec, channels).shape[k.RUN_BURSTS] == run


def test_bare_numbers_are_energies_without_a_source(tmp_path: Path) -> None:
    energy = dict.fromkeys(
        ("ACT", "RD", "WR", "REF", "active_standby_per_clk", "precharge_standby_per_clk"), 1.5
    )
    spec = load_model(written(tmp_path / "a.yaml", energy=energy), DramSpec)
    assert spec.energy is not None
    assert (spec.energy.ACT.pj, spec.energy.ACT.verified) == (1.5, False)


def test_energies_may_be_left_out(tmp_path: Path) -> None:
    assert load_model(written(tmp_path / "a.yaml", energy=None), DramSpec).energy is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"timing__CL": 0}, "timing.CL must be >= 1, got 0"),
        (
            {"timing__tCK": 0.8333333},
            "timing.tCK must be a whole number of ps, given in ns, got 0.8333333",
        ),
        (
            {"timing__tREFI": 600},
            "timing.tREFI must be > 664, the maximum duration of a refresh, got 600",
        ),
        ({"organisation__BL": 15}, "organisation.BL must be even, got 15"),
        (
            {"organisation__banks": 9},
            "organisation.banks must be 8, which follows from the other keys, got 9",
        ),
        (
            {"organisation__burst_bytes": 32},
            "organisation.burst_bytes must be 64, which follows from the other keys, got 32",
        ),
        (
            {"organisation__burst_clk": 3},
            (
                "organisation.burst_clk must be BL / 2, or BL / 4, BL / 6 and so on where data "
                "move "
                "more than twice per clock, got 3"
            ),
        ),
        (
            {"organisation__burst_clk": 4},
            (
                "organisation.burst_clk must be 8, which is BL / 2, unless protocol is one of "
                "GDDR5, "
                "GDDR5X, GDDR6, LPDDR5, HBM3, got 4"
            ),
        ),
        (
            {"organisation__bursts_per_row": None},
            "organisation.bursts_per_row must be given, or columns, got nothing",
        ),
        ({"policy__drain_low": 0.9}, "policy.drain_low must be <= drain_high (0.8), got 0.9"),
        (
            {"address_mapping": "rochrababg"},
            (
                "address_mapping must be the six fields ro ch ra ba bg co in some order, top bit "
                "first, got rochrababg"
            ),
        ),
        (
            {"energy": {"ACT": -1}},
            (
                "energy.ACT must be a number of pJ >= 0, or a mapping of pj, source and verified, "
                "got "
                "-1"
            ),
        ),
        (
            {"protocol": "DDR"},
            (
                "protocol must be DDR3, DDR4, DDR5, GDDR5, GDDR5X, GDDR6, LPDDR, LPDDR3, LPDDR4, "
                "LPDDR5, HBM, HBM2, HBM3 or null, "
                "got DDR; did you mean DDR3?"
            ),
        ),
        ({"timing__tFAWW": 64}, "timing.tFAWW is not a known key; did you mean tFAW?"),
    ],
)
def test_faults(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    assert message in faults(written(tmp_path / "a.yaml", **changes))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("timing__CL", 1 << 21, "timing.CL must be <= 1048576, got 2097152"),
        ("organisation__channels", 257, "organisation.channels must be <= 256, got 257"),
        (
            "organisation__rows",
            (1 << 24) + 1,
            "organisation.rows must be <= 16777216, got 16777217",
        ),
        ("organisation__bus_width", 65537, "organisation.bus_width must be <= 65536, got 65537"),
        ("policy__read_queue", 65537, "policy.read_queue must be <= 65536, got 65537"),
    ],
)
def test_absurd_numbers_are_faults(tmp_path: Path, key: str, value: int, message: str) -> None:
    assert message in faults(written(tmp_path / "d.yaml", **{key: value}))
