"""The page on DRAM: its requests run, its keys are those of the document, its numbers are computed
again.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from accelsim.config import catalog
from accelsim.config.loader import load_model
from accelsim.dram.channels import DramChannels
from accelsim.dram.requests import Requests, read_requests
from accelsim.dram.run import simulate
from accelsim.dram.standard import DramSpec, Policy
from accelsim.results.dram import DramDocument
from accelsim.studies.validation.simulators import dram
from tests.dram_transfers import transfer

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "dram.md").read_text(encoding="utf-8")


def test_the_requests_of_the_page_run(tmp_path: Path) -> None:
    (block,) = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "r.csv").write_text(block)
    spec = load_model(catalog.find("dram", "ddr4-2400"), DramSpec)
    run = simulate(spec, read_requests(tmp_path / "r.csv", spec.organisation.capacity_bytes))
    assert run.rows == (2, 1, 2)


@pytest.mark.parametrize("name", catalog.names("dram"))
def test_a_machine_takes_as_long_as_the_controller(name: str) -> None:
    """A sequential read of 1 MiB, handed over at once."""
    spec = load_model(catalog.find("dram", name), DramSpec)
    channels = DramChannels(spec)
    burst, size = channels.table.burst_bytes, 1 << 20
    inside = transfer(channels, 0, 0, size, write=False) // channels.table.tck_ps
    addresses = np.arange(0, size, burst, dtype=np.int64)
    requests = Requests(np.zeros_like(addresses), addresses, np.zeros(len(addresses), np.bool_))
    assert simulate(spec, requests).total_cycles == inside
    o = spec.organisation
    busy = size // burst * o.burst_clocks / (inside * o.channels)
    assert f"| `{name}` | {inside} | {busy:.0%} |".replace("%", " %") in PAGE


RATES = re.findall(
    r"^\| `([\w-]+)` \| `(\w{12})` \| ([\d. ]+) \| ([\d. ]+) \|$", PAGE, re.MULTILINE
)


def test_the_page_has_rates_of_every_mapping_that_is_built_in() -> None:
    specs = {
        name: load_model(catalog.find("dram", name), DramSpec) for name in catalog.names("dram")
    }
    own = {(name, spec.address_mapping) for name, spec in specs.items() if name != "hbm2-pc"}
    assert own < {(name, mapping) for name, mapping, *_ in RATES}


@pytest.mark.parametrize(
    ("name", "mapping", "sequential", "mixed"),
    [
        pytest.param(*rates, marks=[] if rates[1] == "rorababgchco" else pytest.mark.check)
        for rates in RATES
    ],
)
def test_the_rates_of_the_page(name: str, mapping: str, sequential: str, mixed: str) -> None:
    spec = load_model(catalog.find("dram", name), DramSpec)
    burst, count = spec.organisation.burst, (1 << 20) // spec.organisation.burst
    alone = np.arange(count, dtype=np.int64) * burst
    thirds = np.arange(count // 3, dtype=np.int64)[:, None] * burst
    turns = (thirds + np.array([0, 64 << 20, (128 << 20) + 8192])).reshape(-1)
    for addresses, written, said in (
        (alone, np.zeros(count, np.bool_), sequential),
        (turns, np.tile([False, False, True], count // 3), mixed),
    ):
        rates = []
        for channels in (1, 2, 4, 8):
            organisation = spec.organisation.model_copy(update={"channels": channels})
            run = simulate(
                spec.model_copy(update={"address_mapping": mapping, "organisation": organisation}),
                Requests(np.zeros_like(addresses), addresses, written),
            )
            busy = len(addresses) * organisation.burst_clocks
            rates.append(f"{busy / run.total_cycles / channels:.2f}")
        assert " ".join(rates) == said


def test_the_page_names_every_key_of_the_document() -> None:
    table = PAGE.partition("prints one document")[2].partition("\n## ")[0]
    named = set(
        re.findall(
            r"`(\w+)`",
            "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `")),
        )
    )
    assert named == set(DramDocument.field_names()) - {"schema_"}


def test_the_page_names_every_standard_and_their_one_policy() -> None:
    names = catalog.names("dram")
    assert sorted(
        re.findall(r"`([\w-]+)`", PAGE.partition("Built in: ")[2].partition(".")[0])
    ) == list(names)
    assert {load_model(catalog.find("dram", name), DramSpec).policy for name in names} == {Policy()}
    assert (
        "`frfcfs_rowhit`, 32 reads, 32 writes, drains from 0.8 to 0.2, all-bank refresh"
        in " ".join(PAGE.split())
    )


def test_the_differences_from_dramsim3_are_those_of_the_page() -> None:
    found = dict(re.findall(r"^\| `(\w+)` \| ([-+0-9. |]+) \|$", PAGE, re.MULTILINE))
    assert len(found) == 13
    for stream, line in found.items():
        for name, said in zip(dram.CONFIGURATIONS, line.split(" | "), strict=True):
            theirs = dram.measurements()[name, stream]["dramsim3"].total_cycles
            assert 100 * (dram.run(name, stream).total_cycles / theirs - 1) == pytest.approx(
                float(said), abs=0.0501
            )


def test_the_energy_that_differs_most_is_that_of_the_page() -> None:
    energies = [check for check in dram.checks() if check.quantity == "energy"]
    worst = max(energies, key=lambda check: abs(check.deviation or 0))
    assert (worst.subject, f"{100 * (worst.deviation or 0):.1f}") == ("hbm2_pc seq_read", "5.9")
    assert sum(check.holds is False for check in energies) == 1
