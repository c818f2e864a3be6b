"""What a file is, and that one misspelt key neither hides its kind nor goes unseen, anywhere in any
built-in file.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from accelsim.cli.file_kinds import faults, file_types
from accelsim.config import catalog
from accelsim.config.loader import faults_of
from accelsim.config.reading.file_types import FileType, check_file, file_type
from accelsim.config.source import Document, read_document
from accelsim.errors import Fault
from accelsim.machine.architecture import Machine
from accelsim.machine.loading import read_architecture

BUILT_IN = [
    (kind, catalog.find(kind, name))
    for kind in ("arch", "workload", "technology", "dram")
    for name in catalog.names(kind)
]
KEY = re.compile(r"(?:^|[{,])\s*(?:- )?(?P<key>[A-Za-z_]\w*):(?= |$)", re.MULTILINE)
each_file = pytest.mark.parametrize(
    ("kind", "path"), BUILT_IN, ids=[f"{kind}-{path.stem}" for kind, path in BUILT_IN]
)


def misspelt(path: Path) -> Iterator[tuple[int, int, str]]:
    """(line, column, key) of each kind of key of a file once, comments and quoted texts left
    alone.
    """
    document, seen = read_document(path), set()
    for keys, place in document.keys.items():
        shape = tuple(part for part in keys if isinstance(part, str))
        if shape not in seen:
            seen.add(shape)
            yield place.line, place.column, str(keys[-1])


@each_file
def test_built_in_files_are_right(kind: str, path: Path) -> None:
    assert faults(path) == []
    found = file_type(read_document(path), file_types())
    assert found is not None
    assert found.name == kind


@each_file
def test_a_misspelt_key_is_a_fault_at_its_place_and_the_kind_is_still_told(
    kind: str, path: Path, tmp_path: Path
) -> None:
    lines = path.read_text().splitlines()
    copy = tmp_path / path.name
    for table in path.parent.glob("*.csv"):
        (tmp_path / table.name).write_bytes(table.read_bytes())
    for line, column, key in misspelt(path):
        for wrong in (key[1:] + key[0] if len(set(key)) > 1 else key + "x", key + "s"):
            text = lines[line - 1]
            broken = text[: column - 1] + wrong + text[column - 1 + len(key) :]
            copy.write_text("\n".join([*lines[: line - 1], broken, *lines[line:]]) + "\n")
            found = file_type(read_document(copy), file_types())
            assert found is not None
            assert found.name == kind, (key, wrong)
            places = [(fault.line, fault.column) for fault in faults(copy)]
            assert (line, column) in places, (key, wrong)


@pytest.mark.parametrize("path", [path for _, path in BUILT_IN], ids=lambda path: path.stem)
def test_no_key_is_of_the_users_choosing(path: Path) -> None:
    """So every mapping's keys come from a model: what a text search takes for a key is one."""
    document = read_document(path)
    known = {str(keys[-1]) for keys in document.keys}
    code = "\n".join(re.sub(r"#.*|\"[^\"]*\"", "", line) for line in path.read_text().splitlines())
    assert {match["key"] for match in KEY.finditer(code)} <= known


def test_the_kind_without_schema_and_with_a_misspelt_key(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    for text, kind in (
        ("nmae: x\nbase: near-memory\n", "arch"),
        ("name: x\nbse: near-memory\n", "arch"),
        ("name: x\ninput: {channels: 3}\nlayres: []\n", "workload"),
        ("shcema: accelsim.dram/1\n", "dram"),
        ("name: x\ntimng: {}\n", "dram"),
        ("name: x\nnode: 45\nentires: []\n", "technology"),
    ):
        path.write_text(text)
        found = file_type(read_document(path), file_types())
        assert found is not None
        assert found.name == kind, text


def test_a_file_of_no_kind(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("qqq: 1\n")
    assert [str(fault) for fault in faults(path)] == [
        (
            f"{path}:1:1: the file must be one of arch, dram, ert-map, result, technology, trace "
            f"or workload, got none of their keys"
        )
    ]
    path.write_text("- 1\n")
    assert [fault.line for fault in faults(path)] == [1]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert [str(fault) for fault in faults(tmp_path / "none.yaml")] == [
        f"{tmp_path / 'none.yaml'}: no such file"
    ]
    (tmp_path / "x.yaml").write_text("a: [\n")
    assert [str(fault) for fault in faults(tmp_path / "x.yaml")] == [
        (
            f"{tmp_path / 'x.yaml'}:2:1: the file must be valid YAML: while parsing a flow node, "
            f"did "
            f"not find expected node content"
        )
    ]


def test_a_type_by_its_suffix_is_checked_by_its_own_function(tmp_path: Path) -> None:
    fault = Fault("t.npz", 0, 0, "wrong")
    trace = FileType("trace", lambda _: [fault], suffixes=(".npz",))
    assert check_file(tmp_path / "t.npz", [trace]) == [fault]
    layers = FileType("workload", lambda _: [fault], keys=frozenset({"layers"}))
    assert check_file(catalog.find("workload", "mnist-fc"), [trace, layers]) == [fault]


def test_a_fault_of_one_mapping_of_a_standard_hides_none_of_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "d.yaml"
    text = catalog.find("dram", "lpddr4-3200").read_text()
    path.write_text(
        re.sub(r"tREFI: *\d+", "tREFI: 9", re.sub(r"drain_high: *[\d.]+", "drain_high: 0.1", text))
    )
    messages = [re.sub(r"\d+, the", "N, the", fault.message) for fault in faults(path)]
    assert messages == [
        "timing.tREFI must be > N, the maximum duration of a refresh, got 9",
        "policy.drain_low must be <= drain_high (0.1), got 0.2",
    ]


JUNK = st.sampled_from(
    [
        None,
        0,
        -1,
        3,
        2.5,
        True,
        "x",
        "1KiB",
        "1GHz",
        "systolic",
        "coupled",
        "broadcast",
        "near_memory",
        [],
        [1],
        {},
        {"a": 1},
    ]
)
MACHINE = read_architecture(catalog.find("arch", "near-memory"))


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(path for path in MACHINE.values if path)), JUNK),
        min_size=1,
        max_size=4,
    )
)
def test_data_are_right_or_have_faults(changes: list[tuple[tuple[str, ...], object]]) -> None:
    """Whatever stands where: what pydantic refuses has a fault here, what it takes has none, and no
    rule stumbles over a wrong value.
    """
    data = copy.deepcopy(MACHINE.data)
    for path, value in changes:
        section = data
        for key in path[:-1]:
            section = section.get(key) if isinstance(section, dict) else None
        if isinstance(section, dict):
            section[path[-1]] = value
    try:
        Machine.model_validate(
            {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
        )
        right = True
    except ValidationError:
        right = False
    assert (faults_of(Document("", data), Machine) == ()) == right
