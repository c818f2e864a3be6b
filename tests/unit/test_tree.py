"""Rules of the source tree itself: how large files, classes, folders and signatures may be.

Each limit has a list of what does not keep it yet. The lists only shrink: an entry that keeps its
limit fails the test as a new offender does.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from accelsim.cli.app import COMMANDS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "accelsim"

LONGEST_FILE = 350
LONGEST_TEST_FILE = 600
LONGEST_CLASS = 250
MOST_PARAMETERS = 8
MOST_KERNEL_PARAMETERS = 10
MOST_ENTRIES = 14
"""Files and folders of a folder."""

WIDE_FOLDERS = frozenset({"accelsim", "accelsim/layers"})
"""Folders with a room, or a layer kind, per entry."""

LONG_FILES = frozenset({})
LONG_CLASSES = frozenset({})
LONG_SIGNATURES = frozenset({})
CROWDED_FOLDERS: frozenset[str] = frozenset()


def path_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


@cache
def definitions() -> tuple[tuple[str, ast.AST], ...]:
    """(``file:name``, node) of every class and function of the package."""
    return tuple(
        (f"{path_of(path)}:{node.name}", node)
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
    )


def is_kernel(function: ast.FunctionDef) -> bool:
    """True for a function that numba compiles."""
    return any(ast.unparse(each).endswith("jit") for each in function.decorator_list)


def parameters(function: ast.FunctionDef) -> int:
    """Parameters without ``self`` or ``cls``."""
    arguments = function.args
    names = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return len([each for each in names if each.arg not in {"self", "cls"}])


def long_files() -> Iterator[str]:
    for path in PACKAGE.rglob("*.py"):
        if lines_of(path) > LONGEST_FILE:
            yield path_of(path)


def long_classes() -> Iterator[str]:
    for name, node in definitions():
        if isinstance(node, ast.ClassDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LONGEST_CLASS:
                yield name


def long_signatures() -> Iterator[str]:
    commands = {
        f"{function.__module__.replace('.', '/')}.py:{function.__name__}"
        for _, function in COMMANDS
    }
    for name, node in definitions():
        if isinstance(node, ast.FunctionDef) and name not in commands:
            most = MOST_KERNEL_PARAMETERS if is_kernel(node) else MOST_PARAMETERS
            if parameters(node) > most:
                yield name


def crowded_folders() -> Iterator[str]:
    for folder in (PACKAGE, *(path for path in PACKAGE.rglob("*") if path.is_dir())):
        entries = [each for each in folder.iterdir() if each.name != "__pycache__"]
        holds_code = any(each.suffix == ".py" for each in entries)
        if holds_code and len(entries) > MOST_ENTRIES and path_of(folder) not in WIDE_FOLDERS:
            yield path_of(folder)


@pytest.mark.parametrize(
    ("offenders", "known"),
    [
        pytest.param(long_files, LONG_FILES, id="files"),
        pytest.param(long_classes, LONG_CLASSES, id="classes"),
        pytest.param(long_signatures, LONG_SIGNATURES, id="signatures"),
        pytest.param(crowded_folders, CROWDED_FOLDERS, id="folders"),
    ],
)
def test_nothing_is_larger_than_its_limit_but_what_is_listed(
    offenders: Callable[[], Iterator[str]], known: frozenset[str]
) -> None:
    larger = set(offenders())
    assert sorted(larger - known) == [], "larger than the limit"
    assert sorted(known - larger) == [], "keep the limit now: strike them off the list"


def test_no_test_file_is_too_long() -> None:
    lengths = {path_of(path): lines_of(path) for path in (ROOT / "tests").rglob("*.py")}
    assert len(lengths) > 50
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_TEST_FILE} == {}


def test_every_module_says_what_it_is(root: Path) -> None:
    silent = [
        str(path)
        for path in (root / "accelsim").rglob("*.py")
        if not path.read_text(encoding="utf-8").startswith(('"""', 'r"""'))
    ]
    assert silent == []


def test_the_version_needs_no_import_of_the_rest() -> None:
    code = "import sys, accelsim; print(accelsim.__version__, 'numpy' in sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert printed[1] == "False"


def test_scipy_is_imported_where_it_is_used(root: Path) -> None:
    importers = re.compile(r"^(import|from) scipy\b", re.MULTILINE)
    texts = {path: path.read_text(encoding="utf-8") for path in (root / "accelsim").rglob("*.py")}
    assert [path for path, text in texts.items() if importers.search(text)] == []
    assert any("    from scipy" in text for text in texts.values())


def test_simpy_is_used_through_its_public_names(root: Path) -> None:
    private = re.compile(r"\._(queue|now|ok|value|defused|target|schedule|resume)\b|\benv\._")
    users = [
        path
        for path in (root / "accelsim").rglob("*.py")
        if "simpy" in path.read_text(encoding="utf-8")
    ]
    assert len(users) >= 3
    found = [
        f"{path.relative_to(root)}:{number}: {line.strip()}"
        for path in users
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if private.search(line)
    ]
    assert found == []
