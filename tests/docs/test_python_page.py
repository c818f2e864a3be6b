"""docs/python.md has every name of the Python interface; test_code_blocks.py runs its blocks."""

from __future__ import annotations

import re
from pathlib import Path

import accelsim

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_has_every_name_with_a_section_and_an_example() -> None:
    names = {name for name in accelsim.__all__ if name != "__version__"}
    titles = " ".join(re.findall(r"^## (.*)$", PAGE, re.MULTILINE))
    assert set(re.findall(r"\w+", titles.replace(" and ", " "))) == names
    listed = re.findall(r"^\| (\[?`.*?) \|", PAGE, re.MULTILINE)
    linked = [line for line in listed if line.startswith("[")]
    assert set(re.findall(r"`(\w+)`", " ".join(linked))) == names
    code = "\n".join(BLOCKS)
    assert [name for name in names if f"accelsim.{name}" not in code] == []


def test_links_of_the_page_lead_to_its_sections() -> None:
    anchors = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) <= anchors
