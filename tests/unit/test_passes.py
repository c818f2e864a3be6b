"""Who maps, times or counts an op reads its loop nest, and seldom asks for its pass or its kind."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "accelsim"
ROOMS = ("mapping", "pe", "sim", "cost")

MOST = 15
PLACES = {
    "cost/accountings.py": [
        "op for op in contractions(ops) if op.layer in names and op.pass_ in (Pass.EP, Pass.WG)",
        "propagating = [op for op in backward if op.pass_ is Pass.EP]",
        "propagating = [op for op in contractions(ops) if op.pass_ is Pass.EP]",
    ],
    "mapping/residency.py": ["and (op.updates_weights or op.adds_gradients)"],
    "pe/skipping/array.py": [
        'if op.fixed_feedback and self.architecture.near_memory.feedback == "prng":'
    ],
    "pe/skipping/setting.py": [
        "mode = getattr(architecture.pe_array.skip, op.pass_.value.lower())"
    ],
    "sim/ledger.py": [
        "generated = op.fixed_feedback and self._memory.architecture.generates_feedback"
    ],
    "sim/memory/stash.py": ["forward = [op for op in step.ops if op.pass_ is Pass.FF]"],
    "sim/planning/cold.py": [
        'load = Load(f"{tensor.name}.load", op.layer, op.pass_, read, (), ())'
    ],
    "sim/planning/plan.py": ["if op.fixed_feedback and self._architecture.generates_feedback:"],
}
"""Lines that ask for a pass, or for a predicate that names a pass or a kind of op. A new one is
added here on purpose, or better reads an axis of the op's nest.
"""

PREDICATES = {"pass_", "fixed_feedback", "updates_weights"}
PASSES = {"ff", "ep", "wg", "wu"}
FORMER = re.compile(r"\b(bounds_of|operand_of|OpKind|is_contraction)\b")
NOT_OF_OPS = {
    "cost/technology.py: assert file.sram is not None",
    "sim/partitions.py: assert freed.callbacks is not None",
    "sim/pipeline.py: assert event.callbacks is not None",
    "sim/pipeline.py: assert waiting is not None",
    "sim/pipeline.py: assert waiting.callbacks is not None",
}
"""Asserts of these rooms that concern no op: a file that was read, SimPy's events, a kernel's
slots.
"""


def files(*rooms: str) -> Iterator[tuple[str, str]]:
    """(path in the package, text) of every module of the rooms."""
    for room in rooms:
        for path in sorted((PACKAGE / room).rglob("*.py")):
            yield path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")


def asks(node: ast.AST) -> bool:
    """Whether the expression names a pass, or a predicate of one."""
    if not isinstance(node, ast.Attribute):
        return False
    owner = node.value
    of_op = (isinstance(owner, ast.Name) and owner.id in {"op", "nest"}) or (
        isinstance(owner, ast.Attribute) and owner.attr in {"op", "nest"}
    )
    return (
        (isinstance(owner, ast.Name) and owner.id == "Pass")
        or node.attr in PREDICATES
        or bool(PASSES & set(node.attr.lower().split("_")))
        or (of_op and node.attr == "kind")
    )


def test_places_that_ask_for_a_pass_or_a_kind() -> None:
    places: dict[str, list[str]] = {}
    for path, text in files(*ROOMS):
        lines = text.splitlines()
        numbers = {node.lineno for node in ast.walk(ast.parse(text)) if asks(node)}
        if numbers:
            places[path] = sorted(lines[number - 1].strip() for number in numbers)
    assert places == PLACES
    assert sum(map(len, places.values())) <= MOST


def test_former_names_are_gone() -> None:
    rooms = [path.name for path in PACKAGE.iterdir() if path.is_dir()]
    assert [path for path, text in files(*rooms) if FORMER.search(text)] == []


def test_no_operand_or_loop_of_an_op_is_asserted_to_exist() -> None:
    asserts = {
        f"{path}: {line.strip()}"
        for path, text in files(*ROOMS)
        for line in text.splitlines()
        if re.match(r"\s*assert .* is not None", line)
    }
    assert asserts == NOT_OF_OPS
