"""The stored runs: the comparison notices what it must; machines, rules, networks are covered."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.golden.runs import store
from tests.golden.runs.canonical import canonical, differences, texts
from tests.golden.runs.cases import CASES
from tests.golden.runs.running import run_command

STORED: dict[str, Any] = {
    "version": "1",
    "config_hash": "ab",
    "cycles": 830,
    "energy_pj": 0.1 + 0.2,
    "notes": ["a note"],
    "ops": [{"name": "fc1.FF", "cycles": 1}, {"name": "fc2.FF", "cycles": 2}],
    "energy_sources": [{"action": "mac", "price_pj": 0.5, "source": "a paper"}],
}


def changed(**changes: Any) -> dict[str, Any]:
    return deepcopy(STORED) | changes


def compared(now: dict[str, Any], close: bool = False) -> list[str]:
    return [str(found) for found in differences(canonical(STORED), canonical(now), close)]


def values_of(option: str) -> set[str]:
    """What the cases give for an option."""
    return {
        value
        for case in CASES
        for name, value in zip(case.arguments, case.arguments[1:], strict=False)
        if name == option
    }


def test_the_same_document_does_not_differ() -> None:
    assert compared(deepcopy(STORED)) == []


def test_a_changed_number_is_named_with_its_place() -> None:
    ops = [{"name": "fc1.FF", "cycles": 1}, {"name": "fc2.FF", "cycles": 3}]
    assert compared(changed(ops=ops)) == ["ops[1].cycles: stored 2, now 3"]


def test_the_last_digit_of_a_float_counts() -> None:
    assert compared(changed(energy_pj=0.3)) == ["energy_pj: stored 0.30000000000000004, now 0.3"]


def test_an_integer_is_no_float() -> None:
    assert compared(changed(cycles=830.0)) == ["cycles: stored 830, now 830.0"]


def test_a_key_that_goes_or_comes_is_noticed() -> None:
    fewer = changed()
    del fewer["cycles"]
    assert compared(fewer) == ["cycles: stored 830, now nothing"]
    assert compared(changed(seconds=1)) == ["seconds: stored nothing, now 1"]


def test_order_in_lists_counts_and_order_of_keys_does_not() -> None:
    assert compared(changed(ops=STORED["ops"][::-1]))
    assert compared(changed(ops=STORED["ops"][:1])) == ["ops: stored 2 entries, now 1 entries"]
    assert compared(dict(reversed(STORED.items()))) == []


def test_texts_and_versions_do_not_count() -> None:
    sources = [{"action": "mac", "price_pj": 0.5, "source": "another paper"}]
    assert compared(changed(notes=[], version="2", config_hash="cd", energy_sources=sources)) == []


def test_texts_are_kept_by_place() -> None:
    assert list(texts(STORED)) == [("energy_sources[0].source", "a paper"), ("notes[0]", "a note")]


@pytest.mark.parametrize(("off", "noticed"), [(1e-8, True), (1e-12, False)])
def test_training_may_differ_in_last_digits_alone(off: float, noticed: bool) -> None:
    near = changed(energy_pj=STORED["energy_pj"] * (1 + off))
    assert bool(compared(near, close=True)) is noticed
    assert compared(near)


def test_training_counts_are_exact() -> None:
    assert compared(changed(cycles=831), close=True)


def test_a_stored_document_reads_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "FOLDER", tmp_path / "stored")
    store.save("a-run", STORED)
    assert list(differences(store.load("a-run"), STORED)) == []
    assert store.stored_names() == {"a-run"}


def test_a_changed_text_is_in_the_diff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "TEXTS", tmp_path / "texts.txt")
    store.save_texts({name: store.text_lines(name, texts(STORED)) for name in ("a-run", "other")})
    now = store.text_lines("a-run", texts(changed(notes=["a new note"])))
    changes = ["-a-run: notes[0]: a note\n", "+a-run: notes[0]: a new note\n"]
    assert store.text_diff({"a-run": now})[3:] == changes


def test_every_case_is_stored_and_nothing_else() -> None:
    assert store.stored_names() == {case.name for case in CASES}
    assert len(CASES) == len({case.name for case in CASES})


def test_the_cases_cover_every_machine(root: Path) -> None:
    machines = {path.stem for path in (root / "arch_configs").glob("*.yaml")} - {"template"}
    assert machines <= values_of("--arch")


def test_the_cases_cover_every_rule_and_standard(root: Path) -> None:
    listed = run_command(["list", "rules"]).stdout.splitlines()
    rules = {line.split()[0] for line in listed if line and not line.startswith(" ")} - {"bp"}
    assert rules <= {value.split(":")[0] for value in values_of("--rule")}
    standards = {path.stem for path in (root / "arch_configs" / "dram").glob("*.yaml")}
    assert standards == {case.arguments[1] for case in CASES if case.arguments[0] == "dram"}


def test_the_cases_cover_twelve_built_in_networks(root: Path) -> None:
    networks = {path.stem for path in (root / "workloads").glob("*.yaml")}
    simulated = {case.arguments[1] for case in CASES if case.arguments[0] == "simulate"}
    assert len(networks & simulated) >= 12
