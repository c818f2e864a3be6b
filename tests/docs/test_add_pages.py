"""The pages on plug-ins: the rule's page shows every line of its example, and the table that a
command prints.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import CommandLine

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "add-a-rule.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "drtp.py"


def test_the_page_shows_every_line_of_the_rule_in_order() -> None:
    shown = re.findall(r"^```python examples/drtp\.py\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    lines = [line for block in shown for line in block.splitlines() if line.strip()]
    text = EXAMPLE.read_text(encoding="utf-8")
    assert lines == [line for line in text.splitlines() if line.strip()]


def test_the_rule_is_at_most_eighty_lines() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 80


def test_the_table_of_the_page_is_printed(run: CommandLine) -> None:
    rules = f"bp,{EXAMPLE}:drtp,dfa"
    printed = run("compare", "digits-fc", "--rules", rules, "--trace", "random:0.5")
    rows = [line.split() for line in printed.splitlines()]
    (table,) = re.findall(r"^```text\n( +time.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert all(line.split() in rows for line in table.splitlines())


def test_every_example_has_a_page() -> None:
    index = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    listed = re.findall(r"`examples/(\w+\.py)`", index)
    assert sorted(listed) == sorted(path.name for path in EXAMPLE.parent.glob("*.py"))
