"""The claims page: little prose, no sentence of many values, one row per sentence, stable CSV."""

from __future__ import annotations

import csv as csv_module
import io
import re
from dataclasses import replace
from pathlib import Path
from string import Formatter

import pytest
from rich.console import Console

from accelsim.report.reproduction.claims import rows as claims
from accelsim.report.reproduction.claims.cells import HEADS, Line, measured, number
from accelsim.report.reproduction.claims.html import READING
from accelsim.report.reproduction.claims.templates import MOST_FIELDS, TEMPLATES
from accelsim.report.reproduction.page import page
from accelsim.report.reproduction.summary import MOST_LINES, print_summary
from accelsim.report.reproduction.tables import markdown
from accelsim.results.reproduction import ReproductionDocument, Sentence

FOLDER = Path("reports/reproduction")
MOST_WORDS, MOST_BYTES = 400, 500_000
KEYS = ["claim", "workload", "rules", "feedback", "machine", "setting", "batch", "mapping", "cost"]
ENDS = ("", "_low", "_high")


@pytest.fixture(scope="module")
def document() -> ReproductionDocument:
    return ReproductionDocument.read(FOLDER / "reproduction.json")


def with_intervals(sentence: Sentence) -> Sentence:
    costs = [
        replace(each, low=each.value - 1, high=each.value + 1)
        if each.cost == "energy" and each.value is not None
        else each
        for each in sentence.costs
    ]
    return replace(sentence, costs=costs)


def prose(text: str) -> str:
    """The text of a page outside tables and folded parts."""
    for tag in ("style", "title", "details", "table"):
        text = re.sub(rf"<{tag}\b.*?</{tag}>", " ", text, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", " ", text)


def test_the_page_has_little_prose_and_is_small(document: ReproductionDocument) -> None:
    text = page(document)
    assert len(prose(text).split()) < MOST_WORDS
    assert len(text.encode()) < MOST_BYTES
    assert (FOLDER / "index.html").read_text(encoding="utf-8") == text


def test_no_text_is_made_from_more_than_three_values() -> None:
    for template in TEMPLATES.values():
        fields = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
        assert len(fields) <= MOST_FIELDS, template


def test_every_number_in_the_prose_comes_from_a_template(document: ReproductionDocument) -> None:
    """Fixed texts and headings aside, prose is the sentence of the marks and the origin."""
    text = prose(page(document))
    target = next(each for each in document.targets if each.assumptions)
    fixed = [READING, *target.assumptions, target.title, *(e.says for e in document.sentences)]
    for each in fixed:
        text = text.replace(each.replace("'", "&#x27;"), " ")
    assert len(re.findall(r"\b\d+\b", text.replace(document.version, ""))) <= MOST_FIELDS


def test_the_table_opens_the_page_with_a_row_per_sentence(document: ReproductionDocument) -> None:
    text = page(document)
    table = text[text.index('<table class="sentences">') : text.index("</table>")]
    assert text.index("<table") == text.index('<table class="sentences">')
    assert table.count('<th scope="row">') == len(document.sentences)
    assert len(re.findall(r"<td ", table)) == len(HEADS) * len(document.sentences)
    for sentence in document.sentences:
        assert text.count(f'src="{sentence.figure}.svg"') == 1
        assert f'id="claim-{sentence.figure}"' in text


def test_a_cell_has_both_machines_and_the_interval_of_the_energy(
    document: ReproductionDocument,
) -> None:
    sentence = with_intervals(document.sentences[0])
    costs = [each for each in sentence.costs if (each.scope, each.batch) == ("step", 64)]
    (near, far) = (each.value for each in costs if each.cost == "energy")
    assert near is not None
    assert far is not None
    lines = measured(sentence, "step", 1)
    assert lines[0].cost == "words"
    assert lines[1] == Line("energy", f"{number(near, '%')} / {number(far, '%')} %")
    low, high = number(min(near, far) - 1, "%"), number(max(near, far) + 1, "%")
    assert lines[2] == Line("", f"[{low}, {high}]")


def test_another_batch_than_that_of_the_column_is_named(document: ReproductionDocument) -> None:
    sentence = next(each for each in document.sentences if each.name == "parallel-35x")
    assert measured(sentence, "EP", 0)[0] == Line("", "batch 20")
    assert measured(sentence, "EP", 1) == []


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (-188.96, "%", "\N{MINUS SIGN}189"),
        (2.05, "%", "2.0"),
        (2120.98, "x", "2,121"),
        (17.87, "x", "17.9"),
        (1.082, "x", "1.08"),
    ],
)
def test_numbers_are_short(value: float, unit: str, text: str) -> None:
    assert number(value, unit) == text


def test_the_csv_has_a_row_per_place_and_mapping_and_stable_columns(
    document: ReproductionDocument,
) -> None:
    target = next(each for each in document.targets if each.name == "claims")
    text = claims.csv(document, target)
    assert (FOLDER / claims.FILE).read_text(encoding="utf-8") == text
    found = list(csv_module.DictReader(io.StringIO(text)))
    scopes = [f"{scope}{end}" for scope in claims.SCOPES for end in ENDS]
    assert [*found[0]] == [*KEYS, "unit", "printed", "counted", *scopes]
    keys = [tuple(row[key] for key in KEYS) for row in found]
    assert len(set(keys)) == len(keys)
    assert {row["mapping"] for row in found} == {"edp", "canonical"}
    first = found[0]
    assert (first["claim"], first["printed"], first["counted"]) == ("memory-99.0%", "99.0", "90.13")
    items = {item.id: item for item in document.items}
    of = items["claims/memory-99.0%/resnet50-cifar10/near-memory/batch=1/words moved/EP"]
    assert first["EP"] == repr(float(of.computed or 0))
    assert found[1]["EP"] == repr(float(str(of.context["canonical mapping"])))


def test_intervals_of_cells_are_in_the_csv(document: ReproductionDocument) -> None:
    target = next(each for each in document.targets if each.name == "claims")
    id_ = "claims/memory-99.0%/resnet50-cifar10/near-memory/batch=1/energy/EP"
    ends = {"low": "-160", "high": "-150", "canonical low": "-161", "canonical high": "-151"}
    items = [
        replace(each, context={**each.context, **ends}) for each in document.items if each.id == id_
    ]
    best, canonical = claims.rows(replace(document, items=items), target)
    assert best.values["EP"][1:] == (-160, -150)
    assert canonical.values["EP"][1:] == (-161, -151)


def test_markdown_has_the_same_rows(document: ReproductionDocument) -> None:
    target = next(each for each in document.targets if each.name == "claims")
    lines = markdown(document, target).splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("| ---"))
    rows = lines[start + 1 : start + 1 + len(document.sentences)]
    assert all(line.startswith("| ") for line in rows)
    assert lines[start + 1 + len(document.sentences)] == ""
    assert len("\n".join(lines)) < 20_000


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_gets_at_most_forty_lines(document: ReproductionDocument, width: int) -> None:
    text = io.StringIO()
    print_summary(document, Console(file=text, width=width, highlight=False))
    lines = text.getvalue().splitlines()
    assert len(lines) <= MOST_LINES
    for sentence in document.sentences:
        assert any(sentence.name in line and sentence.mark in line for line in lines)
