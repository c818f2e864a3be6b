"""Strict YAML: what values become, where they are, and the words of every fault."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from accelsim.config.source import MAX_DEPTH, Document, dotted, parse_document, read_document
from accelsim.errors import InputError


def faults(text: str) -> list[str]:
    try:
        document = parse_document(text, "f.yaml")
    except InputError as error:
        return [str(fault) for fault in error.faults]
    return [str(fault) for fault in document.faults]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("No", "No"),
        ("y", "y"),
        ("true", True),
        ("false", False),
        ("True", "True"),
        ("1:30", "1:30"),
        ("190:20:30", "190:20:30"),
        ("2024-01-01", "2024-01-01"),
        ("1e9", 1e9),
        ("1.5e3", 1500.0),
        ("1.0", 1.0),
        ("-3", -3),
        ("+3", 3),
        ("0", 0),
        ("-0.5", -0.5),
        ("0b10", "0b10"),
        ("1_000", "1_000"),
        (".5", 0.5),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("~", None),
        ("null", None),
        ("", None),
        ('"1"', "1"),
        ("'true'", "true"),
        ('""', ""),
        ("64KiB", "64KiB"),
        ("=", "="),
        ("1e400", math.inf),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    read = parse_document(f"key: {text}\n").data["key"]
    assert read == value
    assert type(read) is type(value)


def test_not_a_number_is_a_number() -> None:
    assert math.isnan(parse_document("key: .nan\n").data["key"])


def test_places_of_keys_and_values() -> None:
    document = parse_document("a: 1\nb:\n  c: [x, 22]\n  d:\n  - e: 5\n", "f.yaml")
    assert document.data == {"a": 1, "b": {"c": ["x", 22], "d": [{"e": 5}]}}

    def key(*path: str | int) -> tuple[int, int]:
        return document.keys[path].line, document.keys[path].column

    def value(*path: str | int) -> tuple[int, int, str]:
        return document.values[path].line, document.values[path].column, document.values[path].text

    assert key("a") == (1, 1)
    assert key("b", "d", 0, "e") == (5, 5)
    assert value("a") == (1, 4, "1")
    assert value("b", "c", 1) == (3, 10, "22")
    assert value("b", "d", 0, "e") == (5, 8, "5")
    assert value("b", "c") == (3, 6, "a list")


def test_owner_of_a_missing_key_is_the_mapping_around_it() -> None:
    document = parse_document("a:\n  b: 1\nl:\n- c: 2\n", "f.yaml")
    assert (document.place(("a", "zz")).line, document.place(("a", "zz")).column) == (1, 1)
    assert (document.place(("l", 0, "zz")).line, document.place(("l", 0, "zz")).column) == (4, 3)
    assert (document.place(("zz",)).line, document.place(("zz",)).column) == (1, 1)
    assert Document("", {}).place(("zz",)).line == 0


def test_columns_count_characters_not_bytes() -> None:
    assert parse_document("é: {ü: 1}\n").keys["é", "ü"].column == 5


def test_dotted() -> None:
    assert dotted(("layers", 3, "stride", 0)) == "layers[3].stride[0]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: a must appear once, got it again (first at line 1)"),
        (
            "x:\n  a: 1\n  a: {b: 1}\n",
            "f.yaml:3:3: x.a must appear once, got it again (first at line 2)",
        ),
        ("a: &n 1\n", "f.yaml:1:4: a must be written without an anchor, got &n"),
        ("a: !!int 1\n", "f.yaml:1:4: a must be written without a tag, got tag:yaml.org,2002:int"),
        ("? [1, 2]\n: 3\n", "f.yaml:1:3: a key must be a text, without anchor or tag"),
        ("b:\n  ? &x k\n  : 3\n", "f.yaml:2:5: a key of b must be a text, without anchor or tag"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: the file must be one YAML document, got a second"),
        ("", "f.yaml:1:1: the file must be a mapping of keys to values, got nothing"),
        (
            "# only a comment\n",
            "f.yaml:1:1: the file must be a mapping of keys to values, got nothing",
        ),
        ("a: " + "9" * 41 + "\n", "f.yaml:1:4: a must be an integer of at most 40 digits, got 41"),
        (
            "a: 010\n",
            (
                "f.yaml:1:4: a must be an integer in plain decimal digits, or a text in quotes, "
                "got "
                "010"
            ),
        ),
        (
            "a: -08\n",
            (
                "f.yaml:1:4: a must be an integer in plain decimal digits, or a text in quotes, "
                "got "
                "-08"
            ),
        ),
        (
            "a: 0o10\n",
            (
                "f.yaml:1:4: a must be an integer in plain decimal digits, or a text in quotes, "
                "got "
                "0o10"
            ),
        ),
        (
            "a: [0x1F]\n",
            (
                "f.yaml:1:5: a[0] must be an integer in plain decimal digits, or a text in quotes, "
                "got "
                "0x1F"
            ),
        ),
        (
            "a: b: c\n",
            (
                "f.yaml:1:5: the file must be valid YAML: mapping values are not allowed in this "
                "context"
            ),
        ),
        (
            "a: [1, 2\n",
            (
                "f.yaml:2:1: the file must be valid YAML: while parsing a flow sequence, did not "
                "find "
                "expected ',' or ']'"
            ),
        ),
        (
            "a:\n\tb: 1\n",
            (
                "f.yaml:2:1: the file must be valid YAML: while scanning for the next token, found "
                "character that cannot start any token"
            ),
        ),
        (
            "a: 1\nb: \x07\n",
            "f.yaml:2:4: the file must be valid YAML: control characters are not allowed",
        ),
    ],
)
def test_faults_word_for_word(text: str, message: str) -> None:
    assert faults(text) == [message]


def test_anchors_aliases_and_merge_keys_are_all_reported() -> None:
    assert faults("a: &n {c: 1}\nb: *n\nd:\n  <<: *n\n") == [
        "f.yaml:1:4: a must be written without an anchor, got &n",
        "f.yaml:2:4: b must be written out, got the alias *n",
        "f.yaml:4:3: a key of d must be written out, got the merge key <<",
        "f.yaml:4:7: d.<< must be written out, got the alias *n",
    ]


def test_values_kept_out_of_the_data_are_named_as_in_the_file() -> None:
    assert faults("clock: 1\nx:\n  clock: 1\n  clock: {a: &n 1}\nclock: &m 2\n? [&k 1]\n: 3\n") == [
        "f.yaml:4:3: x.clock must appear once, got it again (first at line 3)",
        "f.yaml:4:14: x.clock.a must be written without an anchor, got &n",
        "f.yaml:5:1: clock must appear once, got it again (first at line 1)",
        "f.yaml:5:8: clock must be written without an anchor, got &m",
        "f.yaml:6:3: a key must be a text, without anchor or tag",
        "f.yaml:6:4: ?[0] must be written without an anchor, got &k",
    ]
    assert parse_document("a: {b: 1}\n? [1]\n: 3\n<<: {c: 1}\n").data == {"a": {"b": 1}}


def test_values_with_a_fault_of_their_own_are_known() -> None:
    assert parse_document("a: 0x10\nb: [*n, 1]\nc: 1\n").unread == {("a",), ("b", 0)}


def test_nesting_is_bounded() -> None:
    text = "a: " + "[" * 5000 + "]" * 5000
    assert faults(text) == [
        f"f.yaml:1:{4 + MAX_DEPTH}: the file must be nested at most {MAX_DEPTH} deep, got more"
    ]


def test_duplicate_keys_keep_the_first_value() -> None:
    assert parse_document("a: 1\na: 2\n").data == {"a": 1}


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    def words(path: Path) -> str:
        with pytest.raises(InputError) as caught:
            read_document(path)
        return str(caught.value)

    assert words(tmp_path / "none.yaml") == f"{tmp_path / 'none.yaml'}: no such file"
    assert words(tmp_path) == f"{tmp_path}: must be a file, got a directory"
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("a: 1\nbé: ".encode() + b"\xe9\n")
    assert words(latin) == f"{latin}:2:5: the file must be UTF-8, got byte 0xe9"


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    document = read_document(path)
    assert document.data == {"a": 1, "b": 2}
    assert document.keys["b",].line == 2
