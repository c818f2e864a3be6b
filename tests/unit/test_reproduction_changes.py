"""Two reproduction documents side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from accelsim.results.reproduction import ReproductionDocument
from accelsim.studies.papers.changes import lines, main

STORED = Path("reports/reproduction/reproduction.json")


def test_a_changed_number_is_listed_with_both_values(
    capsys: pytest.CaptureFixture[str],
) -> None:
    new = ReproductionDocument.read(STORED)
    at = next(i for i, item in enumerate(new.items) if item.target == "claims" and item.computed)
    item = new.items[at]
    other = replace(item, computed=1234.5)
    old = replace(new, version="0.1.0", items=(*new.items[:at], other, *new.items[at + 1 :]))
    text = lines(old, new)
    assert f"{item.id} | {item.unit} | 1,234 | {item.computed:,.4g}" in text
    assert any(f"{len(new.items):,} items in both documents 1 have" in line for line in text)
    assert not any("| 1,234 |" in line for line in lines(new, new))
    assert main([str(STORED), str(STORED)]) == 0
    assert "0 have another number" in capsys.readouterr().out
    assert main([]) == 2
