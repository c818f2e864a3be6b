"""The page on RTL has the counts of what is compared."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.rtl import test_broadcast_array as broadcast
from tests.rtl import test_staging_pe as staging
from tests.rtl import test_zero_skip_pe as zero_skip
from tests.rtl.simulation import Tile

pytestmark = pytest.mark.rtl

DRIVEN = {
    "zero_skip_pe": lambda: [
        tile for design in zero_skip.DESIGNS for tile in zero_skip.driven(*design)
    ],
    "staging_pe": staging.driven,
    "broadcast_array": lambda: [
        tile for design in broadcast.DESIGNS for tile in broadcast.driven(*design)
    ],
}


def counts(tiles: list[Tile]) -> tuple[int, int, int]:
    return (
        len(tiles),
        sum(tile["cycles"] for tile in tiles),
        sum(len(tile["results"]) for tile in tiles),
    )


def test_the_table_has_what_is_compared(root: Path) -> None:
    page = (root / "docs" / "rtl.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)\.sv` \|.*\| (\d+) \| (\d+) \| (\d+) \|$", page, re.MULTILINE)
    assert {module: tuple(map(int, numbers)) for module, *numbers in rows} == {
        module: counts(tiles()) for module, tiles in DRIVEN.items()
    }
