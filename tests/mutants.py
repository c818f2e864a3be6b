"""Mutants: small faults put into the code that counts words, one at a time, and the tests that must
notice them.

Of all mutants of `SOURCES`, a sample is drawn by seed. Each is applied to a copy of the tree, in
which the tests of its folder run until one fails or the time is over. A mutant that no test notices
is a survivor: either a test is missing, or the program has not changed (`EQUIVALENT`).

    python -m tests.mutants --seed 0 --count 50
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

SOURCES = (
    "accelsim/mapping/*.py",
    "accelsim/mapping/fusion/*.py",
    "accelsim/mapping/tiling/*.py",
    "accelsim/pe/kind.py",
    "accelsim/pe/mapping.py",
    "accelsim/pe/skipping/*.py",
    "accelsim/pe/*/kind.py",
    "accelsim/pe/row_stationary/passes.py",
    "accelsim/pe/*/traffic.py",
    "accelsim/pe/dense/product.py",
    "accelsim/sim/planning/riders.py",
    "accelsim/sim/planning/traffic.py",
    "accelsim/sim/planning/stash_leg.py",
    "accelsim/sim/fused.py",
    "accelsim/sim/memory/scratch_stash.py",
    "accelsim/sim/memory/tensors.py",
)
"""Files whose functions are mutated."""

ORACLE = "tests/property/test_traffic_oracle.py"
DOCUMENTS = "tests/property/test_document_oracle.py"
SHARES = "tests/property/test_shares.py"
PLACES = "tests/property/test_places_oracle.py"
CHOICES = "tests/property/test_tiling_choices.py"
LEVELS = "tests/property/test_level_oracle.py"
FUSION = ("tests/unit/test_fusion.py", "tests/unit/test_fusion_limits.py")
WHOLE = "tests/property/test_whole_machine.py"
TILINGS = "tests/unit/test_tilings.py"
ROWS = "tests/unit/test_row_stationary.py"
UNITS = (
    "tests/unit/test_mapper.py",
    "tests/unit/test_residency.py",
    "tests/unit/test_plan.py",
    "tests/unit/test_systolic.py",
    ROWS,
    "tests/unit/test_broadcast.py",
    TILINGS,
    CHOICES,
    "tests/property/test_tilings.py",
    "tests/property/test_row_stationary_machine.py",
    WHOLE,
    "tests/property/test_simulator.py",
)
TESTS = (
    ("accelsim/mapping/layer_partitions.py", (PLACES, DOCUMENTS)),
    ("accelsim/mapping/residency.py", (PLACES, DOCUMENTS)),
    ("accelsim/mapping/rooms.py", (PLACES, DOCUMENTS)),
    ("accelsim/mapping/stash_room.py", (PLACES, DOCUMENTS)),
    ("accelsim/mapping/fusion/", (*FUSION, DOCUMENTS)),
    ("accelsim/mapping/tiling/footprint.py", (SHARES, ORACLE)),
    ("accelsim/mapping/loop_nest.py", (TILINGS, ORACLE)),
    ("accelsim/mapping/tiling/choices.py", (TILINGS, CHOICES)),
    ("accelsim/sim/memory/", (PLACES, DOCUMENTS)),
    ("accelsim/sim/fused.py", (*FUSION, DOCUMENTS)),
    ("accelsim/sim/planning/riders.py", (*FUSION, DOCUMENTS, WHOLE)),
    ("accelsim/sim/planning/", (LEVELS, DOCUMENTS)),
    ("accelsim/pe/kind.py", ("tests/unit/test_mapper.py", DOCUMENTS, ORACLE)),
    ("accelsim/pe/skipping/receivers.py", (SHARES, ORACLE)),
    ("accelsim/pe/row_stationary/passes.py", (ROWS, ORACLE, DOCUMENTS)),
    ("accelsim/", (ORACLE, DOCUMENTS)),
)
"""Tests that run first on a mutant, by the beginning of its path; the first match counts. `UNITS`
follow.
"""

EQUIVALENT: dict[str, str] = {
    "accelsim/mapping/fusion/draft.py resolved: given.words if tensor is given.tensor else "
    "given.words_read -> (given.words_read)": "the words of a tensor that is read as it is stored",
    "accelsim/mapping/fusion/draft.py made_before: 1 -> (2)": (
        "what no op makes is there before any op: -2 is as early as -1"
    ),
    "accelsim/sim/planning/riders.py beside: t.words -> (t.dram_words)": (
        "an operand of which words are sent has words to come from DRAM, and the reverse"
    ),
    "accelsim/sim/fused.py _done_elsewhere: False -> (True)": (
        "an op without cycles has no lanes to count, on the array or not"
    ),
    "accelsim/mapping/loop_nest.py loop_nest: True -> (False)": (
        "zip() of a list with itself: its parts have one length"
    ),
    "accelsim/mapping/rooms.py slice_bytes: channels >= pes -> (channels > pes)": (
        "with a channel per PE, a PE holds one whole channel either way"
    ),
    "accelsim/pe/skipping/array.py moving_room: 0 -> (1)": (
        "a room of one bit holds as many words of several bits as none"
    ),
}
"""Mutants that do not change what the program does, by `Mutant.key`, and why."""

SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}
PAIRS = (
    ("rows", "columns"),
    ("channels", "positions"),
    ("channel_tiles", "position_tiles"),
    ("buffer_channels", "buffer_positions"),
    ("moving", "stationary"),
    ("dram_moving", "dram_stationary"),
    ("samples", "depth"),
    ("resident", "spilled"),
    ("working_bits", "staging_bits"),
    ("words", "dram_words"),
    ("inbound", "spilled"),
    ("largest", "total"),
    ("taps", "size"),
)
ATTRIBUTES = {a: b for pair in PAIRS for a, b in (pair, pair[::-1])}
"""Attributes that are taken for each other."""


@dataclass(frozen=True)
class Mutant:
    """One changed expression: characters ``first`` to ``last`` of a file become ``text``."""

    path: str
    function: str
    line: int
    first: int
    last: int
    old: str
    text: str

    @property
    def key(self) -> str:
        """Identity that survives other changes of the file."""
        return f"{self.path} {self.function}: {self.old} -> {self.text}"

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.function}: {self.old} -> {self.text}"


def mutants_of(path: str) -> list[Mutant]:
    """All mutants of a file, in the order of its text."""
    source = (ROOT / path).read_text()
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for function in _functions(ast.parse(source)):
        names = sorted(_variables(function))
        for node in _expressions(function):
            first = starts[node.lineno - 1] + node.col_offset
            last = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
            old = " ".join(source.encode()[first:last].decode().split())
            found += [
                Mutant(path, function.name, node.lineno, first, last, old, f"({text})")
                for text in dict.fromkeys(map(ast.unparse, _changed(node, names)))
            ]
    return found


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Functions and methods, outermost only."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            yield node
        elif isinstance(node, ast.ClassDef):
            yield from (each for each in node.body if isinstance(each, ast.FunctionDef))


def _variables(function: ast.FunctionDef) -> set[str]:
    """Variables that a function calculates with: others would only raise a TypeError."""
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.BinOp):
            operands = [node.left, node.right]
        elif isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
        else:
            continue
        found |= {each.id for each in operands if isinstance(each, ast.Name)}
    return {each for each in found if each.islower()}


def _expressions(node: ast.AST) -> Iterator[ast.expr]:
    """Expressions that compute: no annotations, decorators, texts, or reasons of faults. Nor the
    argument of `reads`, which tells zeros of strides from zeros of padding: neither is a word.
    """
    if isinstance(node, (ast.Raise, ast.JoinedStr, ast.Assert)):
        return
    if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "reads":
        return
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "args"} and isinstance(
            node, (ast.FunctionDef, ast.arg, ast.AnnAssign)
        ):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.expr):
                yield child
            if isinstance(child, ast.AST):
                yield from _expressions(child)


def _changed(node: ast.expr, names: list[str]) -> Iterator[ast.expr]:
    """Versions of an expression with one fault: another operator, one more or less, a lost term or
    factor, rounding down for up, another variable or attribute.
    """
    if isinstance(node, (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp)):
        yield from _changed_operation(node)
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield from (ast.Constant(node.value + 1), ast.Constant(node.value - 1))
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id in FUNCTIONS:
            yield ast.Call(ast.Name(FUNCTIONS[node.func.id]), node.args, node.keywords)
    elif isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES:
        yield ast.Attribute(node.value, ATTRIBUTES[node.attr])
    elif isinstance(node, ast.Name) and node.id in names and len(names) > 1:
        yield ast.Name(names[names.index(node.id) - 1])


def _changed_operation(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp):
        yield from _swapped(node)
        if isinstance(node.op, (ast.Add, ast.Mult)):
            yield from (node.left, node.right)
        elif isinstance(node.op, (ast.Sub, ast.FloorDiv)):
            yield node.left
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
        inner = node.operand
        if isinstance(inner, ast.BinOp) and isinstance(inner.left, ast.UnaryOp):
            yield ast.BinOp(inner.left.operand, inner.op, inner.right)
    elif isinstance(node, ast.BoolOp):
        yield from (*_swapped(node), *node.values)
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPPED and len(node.ops) == 1:
        other = SWAPPED[type(node.ops[0])]()
        yield ast.Compare(node.left, [other], node.comparators)  # type: ignore[list-item]
    elif isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)


def _swapped(node: ast.BinOp | ast.BoolOp) -> Iterator[ast.expr]:
    other = SWAPPED.get(type(node.op))
    if other is not None:
        changed = copy.copy(node)
        changed.op = other()  # type: ignore[assignment]
        yield changed


def sample(seed: int, count: int) -> list[Mutant]:
    """``count`` mutants, drawn without those that are known to change nothing."""
    paths = sorted({str(path.relative_to(ROOT)) for each in SOURCES for path in ROOT.glob(each)})
    every = [each for path in paths for each in mutants_of(path)]
    drawn = random.Random(seed).sample(every, len(every))
    return [each for each in drawn if each.key not in EQUIVALENT][:count]


def tests_for(path: str) -> list[str]:
    """Tests that run on a mutant of a file, in this order."""
    first = next(tests for start, tests in TESTS if path.startswith(start))
    return list(dict.fromkeys((*first, *UNITS)))


def failure(tests: Iterable[str], tree: Path, seconds: float) -> str | None:
    """The first test that fails; None if all pass, or if none fails in that many seconds of CPU
    time, which do not depend on what else the machine does.
    """
    found = subprocess.run(
        (sys.executable, "-m", "pytest", "-xqp", "no:cacheprovider", "-p", "no:xdist", *tests),
        cwd=tree,
        env={
            **os.environ,
            "PYTHONPATH": str(tree),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HYPOTHESIS_PROFILE": "mutants",
            "NUMBA_NUM_THREADS": "1",
        },
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds))),
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode in (0, -signal.SIGXCPU, -signal.SIGKILL):
        return None
    lines = [line for line in found.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return lines[0].split(" - ")[0] if lines else f"pytest ends with {found.returncode}"


def killer(mutant: Mutant, tree: Path, seconds: float) -> str | None:
    """The test that fails on the mutant; None if none does in time."""
    file = tree / mutant.path
    original = file.read_bytes()
    file.write_bytes(original[: mutant.first] + mutant.text.encode() + original[mutant.last :])
    try:
        return failure(tests_for(mutant.path), tree, seconds)
    finally:
        file.write_bytes(original)


def main() -> None:
    """Run a sample; exit with 1 if a mutant survives."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120, help="CPU time of each mutant")
    parser.add_argument("--only", default="", help="numbers of the sample, such as 3,7-9")
    parser.add_argument("--list", action="store_true", help="print the sample and end")
    given = parser.parse_args()
    drawn = list(enumerate(sample(given.seed, given.count)))
    if given.only:
        chosen = _numbers(given.only)
        drawn = [each for each in drawn if each[0] in chosen]
    survivors = []
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        if not given.list:
            left = shutil.ignore_patterns(".*", "__pycache__", "out", "reports", "build")
            shutil.copytree(ROOT, tree, ignore=left)
            every = dict.fromkeys(test for start, _ in TESTS for test in tests_for(start))
            broken = failure(every, tree, 3600)  # compiles the kernels of the copy too
            if broken:
                sys.exit(f"without a mutant, a test fails: {broken}")
        for number, mutant in drawn:
            if given.list:
                print(f"{number:3}  {mutant}")
                continue
            start = cpu_seconds()
            by = killer(mutant, tree, given.seconds)
            took = f"{cpu_seconds() - start:5.0f} s"
            print(f"{number:3} {took}  {mutant}\n{'':13}{by or 'SURVIVES'}", flush=True)
            survivors += [] if by else [mutant]
    if not given.list:
        print(f"{len(drawn) - len(survivors)} of {len(drawn)} killed")
    sys.exit(bool(survivors))


def cpu_seconds() -> float:
    """CPU time of all tests so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _numbers(text: str) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


if __name__ == "__main__":
    main()
