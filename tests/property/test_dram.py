"""Addresses of random DRAMs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from accelsim.dram.standard import DramSpec
from accelsim.dram.table import resolve
from accelsim.kernels.dram import addresses
from tests.naive import dram as naive
from tests.random_drams import MAPPINGS, timings

KINDS = ("ACT", "PRE", "RD", "WR", "REF")


@st.composite
def specs(draw: st.DrawFn) -> DramSpec:
    """Small organizations with any timings, and refreshes as frequent as possible."""
    timing = draw(timings())
    groups, banks, ranks = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    timing["tREFI"] = 120 + groups * banks * ranks * 12 + draw(st.integers(0, 80))
    organisation = {
        "channels": draw(st.integers(1, 3)),
        "ranks": ranks,
        "bankgroups": groups,
        "banks_per_group": banks,
        "rows": draw(st.integers(1, 4)),
        "bursts_per_row": draw(st.integers(1, 12)),
        "bus_width": 8,
        "BL": draw(st.sampled_from([2, 4, 8])),
    }
    policy = {"refresh": draw(st.sampled_from(["all_bank", "all_bank", "none"]))}
    return DramSpec.model_validate(
        {
            "timing": timing,
            "organisation": organisation,
            "policy": policy,
            "address_mapping": draw(st.sampled_from(MAPPINGS)),
        }
    )


@given(specs(), st.integers(0, 5000))
def test_addresses(spec: DramSpec, burst: int) -> None:
    channel, rank, group, bank, row = naive.decode(spec, burst)
    o = spec.organisation
    assert addresses.decode(burst, resolve(spec).shape) == (
        channel,
        (rank * o.bankgroups + group) * o.banks_per_group + bank,
        row,
    )
