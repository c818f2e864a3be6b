"""The committed pages and the template say what the models say; the schemas agree with the
loader.
"""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
from pydantic import BaseModel

from accelsim.cli.pages.documentation import every_key, outputs
from accelsim.config import catalog
from accelsim.config.registries import PE_KINDS
from accelsim.config.schema import file_schema
from accelsim.config.source import parse_document, read_document
from accelsim.cost.technology_file import TechnologyFile
from accelsim.dram.standard import DramSpec
from accelsim.machine.architecture import Machine
from accelsim.workload.file import Workload

ROOT = Path(__file__).parents[2]


def test_generated_files_are_current() -> None:
    for path, text in outputs(ROOT).items():
        assert path.read_text(encoding="utf-8") == text, (
            f"{path.name} is stale: python -m accelsim.cli.pages.documentation"
        )


def test_the_template_names_every_key() -> None:
    path = catalog.find("arch", "template")
    text = path.read_text(encoding="utf-8")
    keys = set(parse_document(text.replace("# base:", "base:")).keys)
    commented = re.findall(r"^  # (\w+): \S+$", text, re.MULTILINE)
    others = {("pe_array", key) for key in commented}
    assert {key.path for key in every_key(Machine)} == keys | others
    assert len(others) == len(commented)
    assert not keys & others


def test_the_values_of_keys_in_comments_are_their_defaults() -> None:
    text = catalog.find("arch", "template").read_text(encoding="utf-8")
    for name in PE_KINDS.names():
        model = PE_KINDS.resolve(name)
        data = {"kind": name, "rows": 1, "cols": 1}
        for key, field in model.model_fields.items():
            for value in re.findall(rf"^  # {key}: (\S+)$", text, re.MULTILINE):
                data[key] = parse_document(f"{key}: {value}").data[key]
                assert data[key] == field.default
        assert model.model_validate(data).model_dump() == (
            model(kind=name, rows=1, cols=1).model_dump()
        )


def test_the_page_names_every_key_and_every_key_says_what_it_is() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for key in every_key(Machine):
        assert f"| `{key.path[-1]}` |" in page
        assert (key.field.description or "").endswith("."), key.path


def test_the_page_names_what_is_built_in() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    (standard,) = (line for line in page.splitlines() if line.startswith("| `standard` |"))
    (technology,) = (line for line in page.splitlines() if line.startswith("| `technology` |"))
    assert all(f"`{name}`" in standard for name in catalog.names("dram"))
    assert all(f"`{name}`" in technology for name in catalog.names("technology"))


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        ("arch", Machine),
        ("workload", Workload),
        ("dram", DramSpec),
        ("technology", TechnologyFile),
    ],
)
def test_built_in_files_satisfy_the_schema(kind: catalog.FileKind, model: type[BaseModel]) -> None:
    schema = file_schema(model)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for name in catalog.names(kind):
        validator.validate(read_document(catalog.find(kind, name)).data)


def test_the_schema_refuses_what_the_loader_refuses() -> None:
    validator = jsonschema.Draft202012Validator(file_schema(Machine))
    near = read_document(catalog.find("arch", "near-memory")).data
    for broken in (
        {**near, "nmae": 1},
        {**near, "clock": 800},
        {**near, "pe_array": {**near["pe_array"], "lnaes": 1}},
        {key: value for key, value in near.items() if key != "pe_array"},
        {"name": "x", "base": "near-memory", "pe_array": {"rows": 0}},
        {"base": "near-memory"},
    ):
        assert not validator.is_valid(broken)
    assert validator.is_valid({"name": "x", "base": "near-memory", "pe_array": {"rows": 8}})
