"""The committed reproduction is what the program makes: targets that take seconds are made anew,
and all tables are written anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from accelsim.report.reproduction.tables import csv, markdown
from accelsim.results.reproduction import ReproductionDocument
from accelsim.studies.papers.items import TARGETS, reproduce

FOLDER = Path(__file__).resolve().parents[2] / "reports" / "reproduction"
FAST = ("han2020-table2", "han2020-table4", "crafton2019-table1", "crafton2019-fig8")
AGAIN = "accelsim reproduce all --out reports/reproduction writes it anew"


def committed() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "reproduction.json").read_text(encoding="utf-8"))
    return found


def of_target(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {
        kind: [each for each in document[kind] if each["target"] == name]
        for kind in ("items", "figures")
    }


def test_holds_every_target() -> None:
    assert {target["name"] for target in committed()["targets"]} == set(TARGETS), AGAIN


@pytest.mark.parametrize(
    "name",
    [
        *FAST,
        *(pytest.param(name, marks=pytest.mark.nightly) for name in TARGETS if name not in FAST),
    ],
)
def test_is_what_the_program_makes(name: str) -> None:
    made, surprises = reproduce(name, lambda *_: None)
    assert surprises == []
    assert of_target(json.loads(json.dumps(made)), name) == of_target(committed(), name), AGAIN


def test_tables_are_those_of_the_document() -> None:
    document = ReproductionDocument.parse(committed())
    for target in document.targets:
        assert (FOLDER / f"{target.name}.md").read_text(encoding="utf-8") == markdown(
            document, target
        ), AGAIN
        assert (FOLDER / f"{target.name}.csv").read_text(encoding="utf-8") == csv(
            document, target
        ), AGAIN
