"""Rules of the source tree itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LONGEST = 600
"""Lines: a file holds one purpose."""


def test_no_source_file_is_too_long(root: Path) -> None:
    sources = [path for folder in ("accelsim", "tests") for path in (root / folder).rglob("*.py")]
    assert len(sources) > 50
    lengths = {
        str(path.relative_to(root)): len(path.read_text(encoding="utf-8").splitlines())
        for path in sources
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


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
