"""The page that follows three values through the source names files and functions that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "walks.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(accelsim/[\w/]+\.py)` \| `(\w+)` \|", re.MULTILINE)
WALKS = PAGE.split("\n## ")[1:]


@pytest.mark.parametrize(("walk", "most"), list(zip(WALKS, (10, 6, 8), strict=True)))
def test_a_walk_enters_few_files_and_each_has_what_the_page_names(walk: str, most: int) -> None:
    rows = ROW.findall(walk)
    assert len(rows) == walk.count("\n| `accelsim/") >= 4
    assert len({file for file, _ in rows}) <= most
    for file, name in rows:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        defined = {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        assert name in defined, f"{file} has no {name}"
