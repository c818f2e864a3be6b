"""The page on results explains every key of a result and of an op."""

from __future__ import annotations

import re
from pathlib import Path

from accelsim.results.kinds import json_schema

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "results.md").read_text(encoding="utf-8")


def explained(title: str) -> set[str]:
    """Keys in the first column of the table behind ``title``."""
    table = PAGE.partition(title)[2].partition("|---|---|\n")[2].partition("\n\n")[0]
    return {key for row in table.splitlines() for key in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_every_key_of_a_result_is_explained() -> None:
    keys = json_schema()["$defs"]["ResultDocument"]["properties"]
    hidden = {"optimizer", "unattributed_by_component_pj"}  # null in documents of earlier versions
    assert explained("## Keys of a result") == set(keys) | hidden


def test_every_key_of_an_op_is_explained() -> None:
    assert explained("Keys of an op:") == set(json_schema()["$defs"]["OpTotals"]["properties"])
