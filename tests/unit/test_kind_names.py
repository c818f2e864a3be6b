"""No module outside a PE kind's folder asks for the kind's name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from accelsim.config.registries import PE_KINDS

PACKAGE = Path(__file__).resolve().parents[2] / "accelsim"

LITERALS = {
    **{("config/registries.py", kind): "the registry" for kind in PE_KINDS.names()},
    ("pe/skipping/loops.py", "lanes"): "a level of a loop nest",
    ("report/reproduction/claims/rows.py", "lanes"): "a column of a table",
    ("studies/papers/claims/counted/sparse_feedback.py", "broadcast"): "how an error is sent",
    ("studies/papers/claims/dilation.py", "lanes"): "a column of a table",
    ("studies/validation/subjects.py", "systolic"): "a chapter of the report",
    ("studies/validation/summary.py", "systolic"): "a chapter of the report",
}
"""Literals that equal a kind's name, and what each of them is."""
KEYS = {
    "cli/pages/heads.py": "the page on machines",
    "machine/loading.py": "an override that changes the kind",
}
"""Modules that write the key ``pe_array.kind``."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Modules outside the folders of kinds, by path in the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).parts
        if not (parts[0] == "pe" and parts[1] in PE_KINDS):
            yield "/".join(parts), ast.parse(path.read_text(encoding="utf-8"))


def texts(module: ast.Module) -> Iterator[str]:
    """Its text literals."""
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_kinds_have_a_folder_each() -> None:
    for kind in PE_KINDS.names():
        assert PE_KINDS.place(kind).startswith(f"accelsim.pe.{kind}.section:")


def test_names_of_kinds() -> None:
    found = {
        (path, text) for path, module in modules() for text in texts(module) if text in PE_KINDS
    }
    assert found == LITERALS.keys()


def test_the_key_of_the_kind() -> None:
    assert {
        path for path, module in modules() for text in texts(module) if "pe_array.kind" in text
    } == KEYS.keys()


def test_the_field_of_the_kind() -> None:
    asking = [
        f"{path}:{node.lineno}"
        for path, module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute)
        and node.attr == "kind"
        and isinstance(node.value, ast.Attribute | ast.Name)
        and getattr(node.value, "attr", getattr(node.value, "id", "")) in {"pe_array", "array"}
    ]
    assert asking == []
