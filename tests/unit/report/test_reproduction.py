"""The reproduction document: what is one, what a reader is told of it, and the page that holds
it.
"""

from __future__ import annotations

import csv as csv_module
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from accelsim.cli.file_kinds import faults, schema
from accelsim.errors import InputError
from accelsim.report.reproduction import (
    tables as reproduction_tables,
)
from accelsim.report.reproduction import (
    words as reproduction_words,
)
from accelsim.report.reproduction.console import folded, print_reproduction
from accelsim.report.reproduction.page import page
from accelsim.results.document import checked
from accelsim.results.reproduction import Item, ReproductionDocument
from tests import made_up_reproduction as made


def test_a_document_is_read_as_it_was_written_and_has_the_schema(tmp_path: Path) -> None:
    document = made.document()
    path = tmp_path / "reproduction.json"
    path.write_text(json.dumps(document))
    assert ReproductionDocument.read(path).to_json() == document
    jsonschema.validate(document, schema("reproduction"))
    assert faults(path) == []
    assert isinstance(ReproductionDocument.parse(document).items[4].computed, int), (
        "counts stay exact"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"items": [made.item(unit="mood")]},
            "items.0.unit must be 'MB', 'GOP', 'MAC', 'words', '%' or 'x', got \"mood\"",
        ),
        (
            {"items": [made.item(printed=None)]},
            "items.0 must be not-printed where nothing is printed, got",
        ),
        (
            {"items": [made.item(computed=None)]},
            "items.0 must be mismatch or not-printed where nothing was computed, got",
        ),
        (
            {"items": [made.item(rounded="56.12")]},
            "items.0 must be mismatch where rounded is not what is printed, got",
        ),
        (
            {"items": [made.item(rounded="56.12", match="within-rounding")]},
            "items.0 must be mismatch where rounded is not what is printed, got",
        ),
        (
            {"items": [made.item(rounded="56.12", match="not-printed")]},
            "items.0 must be mismatch where rounded is not what is printed, got",
        ),
        (
            {"items": [made.item(match="mismatch")]},
            "items.0 must be exact or within-rounding where rounded is what is printed, got",
        ),
        (
            {"items": [made.item(match="not-printed")]},
            "items.0 must be exact or within-rounding where rounded is what is printed, got",
        ),
        (
            {"items": [made.item("a"), made.item("b"), made.item("a"), made.item("b")]},
            "the document must be cells of different ids: a, b more than once, got",
        ),
        (
            {"items": [made.item(target="other")]},
            "the document must be about its targets only: other is none, got",
        ),
        (
            {"targets": [{"name": "../x", "title": "", "about": ""}]},
            "targets.0.name must match pattern '^[A-Za-z0-9][A-Za-z0-9_.-]*$', got \"../x\"",
        ),
        (
            {"targets": [{"name": "tab", "title": "", "about": ""}] * 2},
            "the document must be targets and figures of different names: tab, tab",
        ),
        ({"command": 3}, "command must be a valid string, got 3"),
    ],
)
def test_faults_are_named_by_their_key(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = tmp_path / "reproduction.json"
    path.write_text(json.dumps(made.document(figures=[]) | change))
    found = [str(fault) for fault in faults(path)]
    assert any(line.startswith(f"{path}: {message}") for line in found), found


@pytest.mark.parametrize(
    ("printed", "rounded", "match"),
    [
        ("56.130", "56.13", "exact"),
        ("-2", "-2.0", "within-rounding"),
        ("2", "-2", "mismatch"),
        ("2|W|", "117243904", "exact"),
        ("2|W|", "117243904", "mismatch"),
        ("2|W|", "2|W|", "mismatch"),
        ("9.7", None, "exact"),
        ("inf", "1", "exact"),
    ],
)
def test_a_match_is_held_against_plain_numbers_alone(
    printed: str, rounded: str | None, match: str
) -> None:
    assert checked(Item, made.item(printed=printed, rounded=rounded, match=match)).match == match


@pytest.mark.parametrize(
    ("panel", "message"),
    [
        (
            made.panel("lines", made.series("a", [1, 2], [1])),
            "series.0 must be as many y (and end and names, where there are any) as x",
        ),
        (
            made.panel("lines", made.series("a", ["one"], [1])),
            "must be a panel with numbers as x, which only bars may name",
        ),
        (made.panel("bars", made.series("a", [1], ["one"])), "must be a panel with numbers as y"),
        (
            made.panel("timeline", made.series("a", [1], ["one"])),
            "must be a timeline with an end for every x and y that name rows",
        ),
        (made.panel("timeline", log_x=True), "must be a timeline without logarithmic axes"),
        (made.panel("lines", made.series("a", [float("nan")], [1])), "must be a finite number"),
    ],
)
def test_panels_that_cannot_be_drawn_are_refused(panel: dict[str, Any], message: str) -> None:
    figure = {"target": "tab", "id": "f", "title": "", "caption": "", "panels": [panel]}
    with pytest.raises(InputError, match=re.escape(message)):
        ReproductionDocument.parse(made.document(figures=[figure]))


def test_the_summary_counts_what_comes_out() -> None:
    document = ReproductionDocument.parse(made.document())
    tab, claims = (document.of(target)[0] for target in document.targets)
    said = (
        "3 of 4 printed cells match; 1 does not, documented: tab-a/net/G8; 1 more number has "
        "no printed counterpart."
    )
    assert reproduction_tables.summary(tab) == said
    said = (
        "0 of 1 printed cell matches; 1 does not, documented: other; 1 more number has no "
        "printed counterpart."
    )
    assert reproduction_tables.summary(claims) == said
    strange = [
        checked(Item, made.item("a", rounded="56.12", match="mismatch")),
        checked(Item, made.item("b", documented=True)),
    ]
    expected = (
        "1 of 2 printed cells match; 1 does not, unexpected: a; 1 documented "
        "mismatch now matches: b."
    )
    assert reproduction_tables.summary(strange) == expected
    unprinted = checked(Item, made.item(printed=None, match="not-printed"))
    assert reproduction_tables.summary([unprinted]) == "1 more number has no printed counterpart."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (58703872, "58703872"),
        (56.12890625, "56.1289"),
        (1234567.25, "1234567"),
        (1e-7, "1e-07"),
        (0.0, "0"),
    ],
)
def test_computed_numbers_have_six_digits_where_a_reader_reads_them(
    value: float | None, text: str
) -> None:
    assert reproduction_tables.number(value) == text


def test_the_markdown_page_has_a_table_for_each_of_the_papers() -> None:
    document = ReproductionDocument.parse(made.document())
    page_ = reproduction_tables.markdown(document, document.targets[0])
    lines = page_.splitlines()
    assert lines[0] == "# A paper, table 1"
    assert lines[2] == r"What `printed` means. Units are \|W\| and a &lt; b."
    assert "Made by `accelsim reproduce all` (accelsim 0.1.0)." in lines
    assert [line for line in lines if line.startswith("## tab")] == ["## tab-a", "## tab-b"]
    assert "| item | unit | printed | computed | rounded | match | accounting | note |" in lines
    assert "| net/BP | MB | 56.13 | 56.1289 | 56.13 | exact | weights-once |  |" in lines
    assert (
        "| net/G8 | MB | 5.87 | 5.854 | 5.85 | **mismatch, documented** | weights-once | a "
        "misprint |" in lines
    )
    assert "| net/new | MB | - | 89.5 | 89.50 | not-printed | weights-once |  |" in lines
    assert "![Figure of bars](bars.svg)" in lines


def test_hostile_text_does_not_break_a_markdown_table() -> None:
    document = ReproductionDocument.parse(made.document())
    text = reproduction_tables.markdown(document, document.targets[1])
    assert "<script>" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in rows[:3]} == {
        len(reproduction_tables.COLUMNS) + 1
    }
    assert "machine near-memory, batch 1" in text


def test_csv_has_exact_numbers_and_a_column_for_every_key_of_a_context() -> None:
    document = ReproductionDocument.parse(made.document())
    rows = list(
        csv_module.DictReader(io.StringIO(reproduction_tables.csv(document, document.targets[0])))
    )
    assert rows[0]["computed"] == "56.12890625"
    assert rows[0]["printed"] == "56.13"
    assert rows[2]["documented"] == "yes"
    assert rows[3]["printed"] == ""
    assert rows[4]["computed"] == "58703872"
    claims = list(
        csv_module.DictReader(io.StringIO(reproduction_tables.csv(document, document.targets[1])))
    )
    assert (claims[0]["machine"], claims[0]["batch"], claims[1]["machine"]) == (
        "near-memory",
        "1",
        "",
    )
    assert claims[1]["note"] == made.HOSTILE


def test_a_terminal_of_80_columns_is_not_left() -> None:
    text = io.StringIO()
    print_reproduction(
        ReproductionDocument.parse(made.document()), Console(file=text, width=80, highlight=False)
    )
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert "tab-a, MB, weights-once" in lines
    assert any(
        re.match(r" net/HDFA +17.22 +17.2143 +17.22 +within-rounding +1$", line) for line in lines
    )
    assert "  1  mean of the rounded cells" in lines
    assert any("machine near-memory, batch 1" in line for line in lines)


class Reader(HTMLParser):
    """Collects what a browser would see: tags that are open, attributes, text."""

    VOID = ("meta", "img")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in self.VOID and tag != "br":
            self.open.append(tag)
        for key, value in attrs:
            assert not key.startswith("on")
            if key == "id":
                self.ids.append(value or "")
            if key in {"href", "src", "xlink:href"}:
                self.links.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_html_page_is_whole_escaped_and_asks_for_its_figures_alone() -> None:
    raw = made.document()
    raw["figures"][0]["id"] = "tab-a"  # the name of a table, too
    document = ReproductionDocument.parse(raw)
    reader = Reader()
    reader.feed(page(document))
    assert reader.open == []
    assert "script" not in reader.tags
    assert "<script>alert('x')</script> & \"q\" |" in reader.text
    assert len(set(reader.ids)) == len(reader.ids)
    drawings = {f"{figure.id}.svg" for figure in document.figures}
    assert {link for link in reader.links if not link.startswith("#")} == drawings
    assert all(link[1:] in reader.ids for link in reader.links if link.startswith("#"))
    assert {"table", "figure", "details", "img", "style"} <= reader.tags
    assert "mismatch, documented" in reader.text
    assert document.command in reader.text


def test_on_80_columns_no_table_is_wider_and_no_word_is_broken_that_need_not_be() -> None:
    said = {
        "printed": "87.9",
        "computed": -19.94792123,
        "rounded": "88.0",
        "match": "mismatch",
        "documented": True,
        "note": "why",
    }
    cells = [
        made.item("claims/sparse/RNN/operations", target="claims", **said),
        made.item("claims/sparse/shared-memory-with-positions", target="claims", **said),
        made.item(
            "claims/sparse/GRU/memory-of-everything-with-positions",
            target="claims",
            **said | {"note": "because"},
        ),
    ]
    document = ReproductionDocument.parse(made.document(items=cells, figures=[]))
    out = io.StringIO()
    print_reproduction(document, Console(file=out, width=80))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    text = out.getvalue().split("claims/sparse", 1)[1]
    for whole in (
        "operations",
        "shared-memory-with-",
        "positions",
        "mismatch,",
        "documented",
        "note",
    ):
        assert whole in text, whole


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("shared-memory-with-positions", 20, ["shared-memory-with-", "positions"]),
        ("mismatch, documented", 15, ["mismatch,", "documented"]),
        ("mismatch, documented", 20, ["mismatch, documented"]),
        ("-19.9479 of -3", 8, ["-19.9479", "of -3"]),
        ("unbreakable", 5, ["unbre", "akabl", "e"]),
        ("", 3, [""]),
    ],
)
def test_text_is_folded_at_blanks_and_hyphens_before_words_are_broken(
    text: str, width: int, lines: list[str]
) -> None:
    assert folded(text, width) == lines


def test_pages_say_what_their_words_mean_and_no_others() -> None:
    document = ReproductionDocument.parse(made.document(figures=[]))
    shown = page(document).split('<details id="words">')[1]
    text = reproduction_tables.markdown(document, document.targets[0]).split("## Words")[1]
    for words in (shown, text):
        assert "weights-once" in words
        assert "HDFA-0.1-G4" in words
        assert "depends_on" not in words
    assert set(reproduction_words.words("SDFA-k10 and BDFA, xneuron")) == {"SDFA"}
