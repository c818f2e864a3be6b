"""The stored set: a compressed canonical document a case, and one file with the texts of all."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable, Iterator, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any

from tests.golden.runs.canonical import Text

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "stored"
TEXTS = HERE / "texts.txt"


def stored_names() -> set[str]:
    """Name the cases that are stored."""
    return {path.name.removesuffix(".json.xz") for path in FOLDER.glob("*.json.xz")}


def load(name: str) -> Any:
    """Read the document of a case; None when none is stored."""
    path = _path(name)
    return json.loads(lzma.decompress(path.read_bytes())) if path.exists() else None


def save(name: str, document: Any) -> None:
    """Write the document of a case, unless the same is there."""
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    path = _path(name)
    if not path.exists() or lzma.decompress(path.read_bytes()).decode() != text:
        path.write_bytes(lzma.compress(text.encode(), preset=9))


def remove(name: str) -> None:
    """Forget a case."""
    _path(name).unlink()


def text_lines(name: str, texts: Iterable[Text]) -> list[str]:
    """Make the lines of a case for the file of texts."""
    return [f"{name}: {path}: {' '.join(text.splitlines())}\n" for path, text in texts]


def load_texts() -> dict[str, list[str]]:
    """Read the lines of the file of texts, by case."""
    lines: dict[str, list[str]] = {}
    if TEXTS.exists():
        for line in TEXTS.read_text(encoding="utf-8").splitlines(keepends=True):
            lines.setdefault(line.split(":", 1)[0], []).append(line)
    return lines


def save_texts(lines: dict[str, list[str]]) -> None:
    """Write the file of texts, in order of the cases' names."""
    TEXTS.write_text("".join(_flat(lines, sorted(lines))), encoding="utf-8")


def text_diff(now: dict[str, list[str]]) -> list[str]:
    """Compare the stored texts of these cases with what they are now."""
    stored, names = load_texts(), sorted(now)
    old, new = list(_flat(stored, names)), list(_flat(now, names))
    return list(unified_diff(old, new, f"stored {TEXTS.name}", f"{TEXTS.name} now", n=0))


def _path(name: str) -> Path:
    return FOLDER / f"{name}.json.xz"


def _flat(lines: dict[str, list[str]], names: Sequence[str]) -> Iterator[str]:
    for name in names:
        yield from lines.get(name, [])
