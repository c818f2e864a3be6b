"""Any file content is either read, or refused with faults in our own words, each with a place in
the file.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from accelsim.config import catalog
from accelsim.config.loader import faults_of
from accelsim.config.models.units import BYTES, parse_quantity
from accelsim.config.source import parse_document
from accelsim.cost.technology_file import TechnologyFile
from accelsim.dram.standard import DramSpec
from accelsim.errors import InputError
from accelsim.machine.architecture import Machine
from accelsim.rules.spelling import parse_rules
from accelsim.workload.file import Workload
from tests.made_up_rules import MIXED_TABLE

JARGON = re.compile(
    r"Input should|validation error|valid "
    r"(integer|string|dictionary|tuple|number)|union|tagged|literal|pydantic|function-",
    re.IGNORECASE,
)
FILES: list[tuple[type[BaseModel], Any]] = [
    (Machine, parse_document(catalog.find("arch", "near-memory").read_text()).data),
    (Workload, parse_document(catalog.find("workload", "vgg16-cifar10").read_text()).data),
    (Workload, parse_document(catalog.find("workload", "lstm-wikitext2").read_text()).data),
    (DramSpec, parse_document(catalog.find("dram", "ddr4-2400").read_text()).data),
    (TechnologyFile, parse_document(catalog.find("technology", "45nm").read_text()).data),
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**18), 10**18),
    st.floats(),
    st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=8),
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "name", "rows", "x"]), inner, max_size=3)
    ),
)


def places(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if path else []
    items = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    for key, value in items:
        found += places(value, (*path, key))
    return found


def replaced(data: Any, path: tuple[str | int, ...], value: Any) -> Any:
    if not path:
        return value
    if isinstance(data, dict):
        return {
            key: replaced(inner, path[1:], value) if key == path[0] else inner
            for key, inner in data.items()
        }
    return [
        replaced(inner, path[1:], value) if index == path[0] else inner
        for index, inner in enumerate(data)
    ]


@given(st.data())
def test_any_value_anywhere_gives_faults_in_our_words_with_places(data: st.DataObject) -> None:
    model, right = data.draw(st.sampled_from(FILES))
    broken = right
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(broken)))
        broken = replaced(broken, path, data.draw(JUNK))
        if not isinstance(broken, dict) or not places(broken):
            break
    document = parse_document(yaml.safe_dump(broken, allow_unicode=True), "f.yaml")
    for fault in faults_of(document, model):
        before = fault.message.split(", got ")[0]
        assert not JARGON.search(before), fault
        assert (fault.source, fault.line > 0, fault.column > 0) == ("f.yaml", True, True), fault


@given(st.text(st.sampled_from("ab:-[]{}#&*!|>'\"%@`?,\n\t 01.e\x00é"), max_size=60))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        document = parse_document(text, "f.yaml")
        faults, values = document.faults, document.values
    except InputError as error:
        faults, values = error.faults, {}
    assert faults or values
    assert all(place.line > 0 and place.column > 0 for place in (*faults, *values.values()))


@given(
    st.recursive(
        st.booleans() | st.integers() | st.text("abc", min_size=1),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("abc", min_size=1), inner),
    )
)
def test_plain_data_comes_back(data: Any) -> None:
    assert parse_document(yaml.safe_dump({"a": data})).data == {"a": data}


@given(st.integers(0, 2**50), st.sampled_from(sorted(BYTES)))
def test_quantities_are_exact(number: int, unit: str) -> None:
    assert parse_quantity(f"{number}{unit}", BYTES, whole=True) == number * BYTES[unit]


@given(st.decimals(min_value=0, max_value=10**6, places=3), st.sampled_from(["kB", "MB", "GB"]))
def test_decimal_quantities_are_exact(number: Any, unit: str) -> None:
    assert parse_quantity(f"{number}{unit}", BYTES, whole=True) == int(number * BYTES[unit])


@given(st.integers(1, 10**9), st.floats(0, 1e300, allow_nan=False), st.booleans())
def test_canonical_rule_text_reads_back(k: int, p: float, binary: bool) -> None:
    (spec,) = parse_rules(f"sdfa:binary={str(binary).lower()};p={p!r};k={k}", MIXED_TABLE)
    assert parse_rules(spec.text, MIXED_TABLE) == parse_rules(spec.listed, MIXED_TABLE) == (spec,)
    assert math.isclose(spec.options.p, p)


@given(st.text("bpsdfak=:;,. 1", max_size=20))
def test_any_rule_text_is_read_or_refused(text: str) -> None:
    try:
        found: tuple[object, ...] = parse_rules(text, MIXED_TABLE)
    except InputError as error:
        found = error.faults
    assert found
