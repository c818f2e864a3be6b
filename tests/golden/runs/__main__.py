"""Write the stored set of runs, or compare runs with it: `python -m tests.golden.runs compare`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatch
from itertools import islice
from typing import Any

from tests.golden.runs import headline, store
from tests.golden.runs.canonical import NOTHING, Difference, canonical, differences, texts
from tests.golden.runs.cases import CASES, Case
from tests.golden.runs.running import run_all

SHOWN = 20
"""Differences of a case that are printed; the rest is counted."""


@dataclass
class Outcome:
    """What runs made: documents and texts by case, failures, and changes of stored numbers."""

    documents: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    changes: dict[str, list[Difference]] = field(default_factory=dict)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.golden.runs", description=__doc__)
    parser.add_argument("command", choices=("make", "compare"))
    parser.add_argument("--only", metavar="PATTERN", help="cases of these names: rule-*")
    parser.add_argument("--slow", action="store_true", help="also the cases of minutes")
    asked = parser.parse_args()
    cases = [case for case in CASES if _is_asked(case, asked.only, asked.slow)]
    if not cases:
        parser.error(f"no case is named {asked.only}")
    outcome = run(cases)
    strays = sorted(store.stored_names() - {case.name for case in CASES}) if not asked.only else []
    report(outcome, strays)
    if asked.command == "make":
        return make(outcome, strays)
    return 1 if outcome.changes or outcome.failures or strays else 0


def run(cases: list[Case]) -> Outcome:
    """Run cases and hold each against what is stored."""
    outcome = Outcome()
    for case, made in run_all(cases):
        if isinstance(made, Exception):
            outcome.failures[case.name] = f"{type(made).__name__}: {made}"
            continue
        document = canonical(made)
        outcome.documents[case.name] = document
        outcome.texts[case.name] = store.text_lines(case.name, texts(made))
        changes = changes_of(case, document)
        if changes:
            outcome.changes[case.name] = changes
    return outcome


def changes_of(case: Case, document: Any) -> list[Difference]:
    """List where the document of a case differs from the stored one."""
    stored = store.load(case.name)
    if stored is None:
        return [Difference("document", NOTHING, "made")]
    return list(differences(stored, document, close=case.trains))


def report(outcome: Outcome, strays: list[str]) -> None:
    """Print what differs, the numbers that matter before and after, and the texts that changed."""
    for name, changes in sorted(outcome.changes.items()):
        for change in islice(changes, SHOWN):
            print(f"{name}: {change}")
        if len(changes) > SHOWN:
            print(f"{name}: {len(changes):,} differences, of which {SHOWN} are shown")
    for name, failure in sorted(outcome.failures.items()):
        print(f"{name}: failed, {failure}")
    for name in strays:
        print(f"{name}: stored, but there is no such case")
    table = [
        row
        for name in sorted(outcome.changes)
        for row in headline.rows(name, store.load(name), outcome.documents[name])
    ]
    if table:
        print(headline.head(), *table, sep="\n")
    sys.stdout.writelines(store.text_diff(outcome.texts))
    same = len(outcome.documents) - len(outcome.changes)
    print(f"{same} runs as stored, {len(outcome.changes)} differ, {len(outcome.failures)} failed")


def make(outcome: Outcome, strays: list[str]) -> int:
    """Store what runs made; nothing when one failed."""
    if outcome.failures:
        print("nothing is written", file=sys.stderr)
        return 1
    for name in outcome.changes:
        store.save(name, outcome.documents[name])
    for name in strays:
        store.remove(name)
    known = {case.name for case in CASES}
    lines = {name: old for name, old in store.load_texts().items() if name in known}
    store.save_texts(lines | outcome.texts)
    return 0


def _is_asked(case: Case, only: str | None, slow: bool) -> bool:
    return (slow or not case.slow) and (only is None or fnmatch(case.name, only))


if __name__ == "__main__":
    sys.exit(main())
