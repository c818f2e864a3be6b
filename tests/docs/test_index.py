"""The index of docs/ has every page, and whatever a page points at exists: links, anchors, files
named in text, and pages cited in docstrings and comments.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
TEXTS = [*PAGES, ROOT / "README.md", ROOT / "CHANGELOG.md"]
PYTHON = sorted(
    path for folder in ("accelsim", "tests", "examples") for path in (ROOT / folder).rglob("*.py")
)
OTHERS = [
    *(ROOT / "arch_configs").rglob("*.yaml"),
    *(ROOT / "workloads").glob("*.*"),
    *(ROOT / "tests" / "rtl").glob("*.sv"),
]
"""Files whose comments may cite a page."""
MADE = {"NAME.md", "crafton2019-table1.md"}
"""Pages that a command writes into a folder of the user's."""
ELSEWHERE = re.compile(r"\b(?:HOUSE|DESIGN|STYLE|PREAMBLE)\b(?!\w)|\bDESIGN's|shared/|/work/")


def prose(path: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"```.*?\n```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(path: Path) -> set[str]:
    """Anchors of the headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        found.add(re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-"))
    return found


def cited(path: Path) -> Iterator[str]:
    """Docstrings and comments of a Python file that may cite a page."""
    source = path.read_text(encoding="utf-8")
    if ".md" not in source and not ELSEWHERE.search(source):
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.value.value


def test_every_page_is_in_the_index_with_one_line() -> None:
    index = prose(DOCS / "README.md")
    listed = re.findall(r"^\| \[([\w-]+\.md)\]\(\1\) \| [^|]+ \|$", index, re.MULTILINE)
    assert sorted(listed) == [page.name for page in PAGES if page.name != "README.md"]


@pytest.mark.parametrize("page", TEXTS, ids=lambda path: path.name)
def test_links_and_anchors_resolve(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        path = page.parent / file if file else page
        known = path.exists() and (not anchor or path.suffix != ".md" or anchor in anchors(path))
        if not known:
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda path: path.name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = re.findall(
        r"`((?:accelsim|docs|tests|workloads|arch_configs|reports|examples)/[\w/.*-]+)`",
        prose(page),
    )
    assert [name for name in named if not list(ROOT.glob(name))] == []


def test_pages_that_docs_docstrings_and_comments_cite_exist() -> None:
    broken = []
    for path in [*TEXTS, *PYTHON, *OTHERS]:
        texts = cited(path) if path.suffix == ".py" else [prose(path)]
        for text in texts:
            for name in re.findall(r"(?<![\w./<{-])[\w./-]*\w\.md\b", text):
                places = (ROOT, DOCS, path.parent)
                if name not in MADE and not any((place / name).exists() for place in places):
                    broken.append(f"{path.relative_to(ROOT)}: {name}")
            if found := ELSEWHERE.search(text):
                broken.append(f"{path.relative_to(ROOT)}: {found[0]}")
    assert broken == []
