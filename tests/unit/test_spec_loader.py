"""Every kind of fault that a model can find, word for word, with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from accelsim.config.loader import faults_of, load_model, validate_data
from accelsim.config.models.problems import Problem, raise_problems
from accelsim.config.models.units import Bytes, Picojoules
from accelsim.config.source import parse_document
from accelsim.errors import InputError


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Inner(Strict):
    lanes: Annotated[int, Field(ge=1)] = 1
    window: Annotated[int, Field(ge=1, le=64)] = 16
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    even: Annotated[int, Field(multiple_of=2)] = 2


class Conv(Strict):
    kind: Literal["conv"]
    out_channels: Annotated[int, Field(ge=1)]
    stride: (
        Annotated[int, Field(ge=1)]
        | tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
    ) = 1
    padding: Literal["same", "valid"] | Annotated[int, Field(ge=0)] = 0


class Pool(Strict):
    kind: Literal["max_pool", "avg_pool"]
    size: int = 2


class Root(Strict):
    name: str = Field("x", min_length=1)
    mode: Literal["moving", "stationary", "none"] = "none"
    flag: bool = False
    capacity: Annotated[Bytes, Field(ge=1, alias="size")] = 1
    energy: Picojoules = 0.0
    maybe: int | None = None
    required: int = 0
    inner: Inner = Inner()
    layers: (
        Annotated[
            tuple[Annotated[Conv | Pool, Field(discriminator="kind")], ...], Field(min_length=1)
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _rules(self) -> Root:
        if self.inner.lanes > self.inner.window:
            raise_problems(
                [
                    Problem(
                        ("inner", "lanes"),
                        "at most inner.window",
                        self.inner.lanes,
                        (("inner", "window"),),
                    )
                ]
            )
        return self


class Needs(Strict):
    rows: Annotated[int, Field(ge=1)]
    inner: Inner
    mode: Literal["a", "b"]
    list_: tuple[int, ...] = Field(alias="list")


def faults(text: str, model: type[BaseModel] = Root) -> list[str]:
    return [str(fault) for fault in faults_of(parse_document(text, "f.yaml"), model)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # bounds
        ("inner:\n  lanes: 0\n", "f.yaml:2:10: inner.lanes must be >= 1, got 0"),
        ("inner: {window: 65}\n", "f.yaml:1:17: inner.window must be <= 64, got 65"),
        ("inner: {share: 0}\n", "f.yaml:1:16: inner.share must be > 0.0, got 0"),
        ("inner: {share: 1.5}\n", "f.yaml:1:16: inner.share must be < 1.0, got 1.5"),
        ("inner: {even: 3}\n", "f.yaml:1:15: inner.even must be a multiple of 2, got 3"),
        ("size: 0KiB\n", "f.yaml:1:7: size must be >= 1B, got 0KiB"),
        # types
        ("inner: {lanes: 4.5}\n", "f.yaml:1:16: inner.lanes must be an integer >= 1, got 4.5"),
        ("inner: {lanes: 1e1}\n", "f.yaml:1:16: inner.lanes must be an integer >= 1, got 1e1"),
        ("inner: {lanes: 8.0}\n", "f.yaml:1:16: inner.lanes must be an integer >= 1, got 8.0"),
        (
            "inner: {lanes: 0x10}\n",
            (
                "f.yaml:1:16: inner.lanes must be an integer in plain decimal digits, or a text in "
                "quotes, got 0x10"
            ),
        ),
        ('inner: {lanes: "4"}\n', 'f.yaml:1:16: inner.lanes must be an integer >= 1, got "4"'),
        ("inner: {lanes: true}\n", "f.yaml:1:16: inner.lanes must be an integer >= 1, got true"),
        ("inner:\n  lanes:\n", "f.yaml:2:9: inner.lanes must be an integer >= 1, got null"),
        (
            "inner: {lanes: [1, 2]}\n",
            "f.yaml:1:16: inner.lanes must be an integer >= 1, got [1, 2]",
        ),
        (
            "inner: {lanes: {a: 1}}\n",
            "f.yaml:1:16: inner.lanes must be an integer >= 1, got a mapping",
        ),
        (
            "inner: {window: x}\n",
            "f.yaml:1:17: inner.window must be an integer from 1 to 64, got x",
        ),
        ("inner: {share: x}\n", "f.yaml:1:16: inner.share must be a number > 0 and < 1, got x"),
        ("inner: {share: .nan}\n", "f.yaml:1:16: inner.share must be a finite number, got .nan"),
        ("flag: on\n", "f.yaml:1:7: flag must be true or false, got on"),
        ("flag: 1\n", "f.yaml:1:7: flag must be true or false, got 1"),
        ("name: 3\n", "f.yaml:1:7: name must be a non-empty text, got 3"),
        ('name: ""\n', 'f.yaml:1:7: name must be a non-empty text, got ""'),
        ("maybe: x\n", "f.yaml:1:8: maybe must be an integer or null, got x"),
        ("inner: 3\n", "f.yaml:1:8: inner must be a mapping, got 3"),
        ("inner:\n", "f.yaml:1:7: inner must be a mapping, got null"),
        ("layers: 3\n", "f.yaml:1:9: layers must be a list of at least 1 item or null, got 3"),
        ("layers: []\n", "f.yaml:1:9: layers must be a list of at least 1 item or null, got []"),
        # quantities
        (
            "size: 64\n",
            "f.yaml:1:7: size must be a number with a unit of B, KiB, MiB, GiB, kB, MB, GB, got 64",
        ),
        (
            "size: 64KB\n",
            (
                "f.yaml:1:7: size must be a number with a unit of B, KiB, MiB, GiB, kB, MB, GB, "
                "got 64KB; did you mean 64KiB or 64kB?"
            ),
        ),
        (
            "size: -1B\n",
            (
                "f.yaml:1:7: size must be a number with a unit of B, KiB, MiB, GiB, kB, MB, GB, "
                "got "
                "-1B"
            ),
        ),
        (
            "size: 1e99B\n",
            (
                "f.yaml:1:7: size must be a number with a unit of B, KiB, MiB, GiB, kB, MB, GB, "
                "got "
                "1e99B"
            ),
        ),
        (
            "size: 0.3B\n",
            (
                "f.yaml:1:7: size must be a number with a unit of B, KiB, MiB, GiB, kB, MB, GB, "
                "and "
                "come to a whole number of B, got 0.3B"
            ),
        ),
        ("energy: 3\n", "f.yaml:1:9: energy must be a number with a unit of fJ, pJ, nJ, got 3"),
        # choices
        (
            "mode: movin\n",
            "f.yaml:1:7: mode must be moving, stationary or none, got movin; did you mean moving?",
        ),
        ("mode: zzz\n", "f.yaml:1:7: mode must be moving, stationary or none, got zzz"),
        # keys
        ("inner:\n  lnaes: 4\n", "f.yaml:2:3: inner.lnaes is not a known key; did you mean lanes?"),
        (
            "inner:\n  zzz: 4\n",
            "f.yaml:2:3: inner.zzz is not a known key; known keys: lanes, window, share, even",
        ),
        (
            "capacity: 1B\n",
            (
                "f.yaml:1:1: capacity is not a known key; known keys: name, mode, flag, size, "
                "energy, "
                "maybe, required, inner, layers"
            ),
        ),
        ("Name: y\n", "f.yaml:1:1: Name is not a known key; did you mean name?"),
        (
            "inner: {lanes: 2, lane: 3}\n",
            "f.yaml:1:19: inner.lane is not a known key; did you mean lanes?",
        ),
        # rules between keys
        ("inner: {lanes: 32}\n", "f.yaml:1:16: inner.lanes must be at most inner.window, got 32"),
        # lists and unions
        (
            "layers:\n- {kind: conv, out_channels: 0}\n",
            "f.yaml:2:30: layers[0].out_channels must be >= 1, got 0",
        ),
        (
            "layers:\n- {kind: conv}\n",
            "f.yaml:2:3: layers[0].out_channels must be an integer >= 1, got nothing",
        ),
        (
            "layers:\n- {kind: cnov, out_channels: 1}\n",
            (
                "f.yaml:2:10: layers[0].kind must be conv, max_pool or avg_pool, got cnov; did you "
                "mean conv?"
            ),
        ),
        (
            "layers:\n- {kind: 3}\n",
            "f.yaml:2:10: layers[0].kind must be conv, max_pool or avg_pool, got 3",
        ),
        (
            "layers:\n- {size: 3}\n",
            "f.yaml:2:3: layers[0].kind must be conv, max_pool or avg_pool, got nothing",
        ),
        (
            "layers:\n- {knd: avg_pool, size: 3}\n",
            "f.yaml:2:4: layers[0].knd is not a known key; did you mean kind?",
        ),
        (
            "layers:\n- {kind: max_pool, sz: 3}\n",
            "f.yaml:2:20: layers[0].sz is not a known key; did you mean size?",
        ),
        ("layers:\n- 3\n", "f.yaml:2:3: layers[0] must be a mapping, got 3"),
        (
            "layers:\n- {kind: conv, out_channels: 1, stride: x}\n",
            (
                "f.yaml:2:41: layers[0].stride must be an integer >= 1 or a list of 2 integers >= "
                "1, "
                "got x"
            ),
        ),
        (
            "layers:\n- {kind: conv, out_channels: 1, stride: 0}\n",
            "f.yaml:2:41: layers[0].stride must be >= 1, got 0",
        ),
        (
            "layers:\n- {kind: conv, out_channels: 1, stride: [1, 0]}\n",
            "f.yaml:2:45: layers[0].stride[1] must be >= 1, got 0",
        ),
        (
            "layers:\n- {kind: conv, out_channels: 1, stride: [1, x]}\n",
            "f.yaml:2:45: layers[0].stride[1] must be an integer >= 1, got x",
        ),
        (
            "layers:\n- {kind: conv, out_channels: 1, padding: smae}\n",
            (
                "f.yaml:2:42: layers[0].padding must be same, valid or an integer >= 0, got smae; "
                "did "
                "you mean same?"
            ),
        ),
        # the root
        ("- a\n", "f.yaml:1:1: the file must be a mapping of keys to values, got a list"),
        ("just text\n", "f.yaml:1:1: the file must be a mapping of keys to values, got just text"),
    ],
)
def test_faults_word_for_word(text: str, message: str) -> None:
    assert faults(text) == [message]


def test_missing_keys_stand_at_their_mapping() -> None:
    assert faults("inner: {}\n", Needs) == [
        "f.yaml:1:1: list must be a list of integers, got nothing",
        "f.yaml:1:1: mode must be a or b, got nothing",
        "f.yaml:1:1: rows must be an integer >= 1, got nothing",
    ]
    assert "f.yaml:1:1: inner must be a mapping, got nothing" in faults("rows: 1\n", Needs)


def test_all_faults_at_once_in_the_order_of_the_file() -> None:
    text = (
        "mode: x\nnmae: y\ninner:\n  lanes: 0\n  lanes: 3\n  wndow: 99\nlayers:\n- kind: conv\n "
        " out_chanels: 0\n- {kind: fc}\n"
    )
    assert faults(text) == [
        "f.yaml:1:7: mode must be moving, stationary or none, got x",
        "f.yaml:2:1: nmae is not a known key; did you mean name?",
        "f.yaml:4:10: inner.lanes must be >= 1, got 0",
        "f.yaml:5:3: inner.lanes must appear once, got it again (first at line 4)",
        "f.yaml:6:3: inner.wndow is not a known key; did you mean window?",
        "f.yaml:6:10: inner.window must be <= 64, got 99",
        "f.yaml:9:3: layers[0].out_chanels is not a known key; did you mean out_channels?",
        "f.yaml:9:16: layers[0].out_channels must be >= 1, got 0",
        "f.yaml:10:10: layers[1].kind must be conv, max_pool or avg_pool, got fc",
    ]


def test_a_misspelt_required_key_is_one_fault() -> None:
    assert faults("rwos: 3\ninner: {}\nmode: a\nlist: [1]\n", Needs) == [
        "f.yaml:1:1: rwos is not a known key; did you mean rows?"
    ]


def test_a_misspelt_key_does_not_hide_a_rule_between_keys() -> None:
    assert faults("inner: {lnaes: 32}\n") == [
        "f.yaml:1:9: inner.lnaes is not a known key; did you mean lanes?",
        "f.yaml:1:16: inner.lanes must be at most inner.window, got 32",
    ]


def test_a_rule_between_keys_stands_at_the_key_that_the_file_has() -> None:
    class Small(Strict):
        window: int = 8
        lanes: int = 16

        @model_validator(mode="after")
        def _rule(self) -> Small:
            if self.lanes > self.window:
                raise_problems([Problem(("lanes",), "at most window", self.lanes, (("window",),))])
            return self

    assert faults("window: 4\n", Small) == [
        "f.yaml:1:9: lanes must be at most window, got 16, its default"
    ]


class Limits(Strict):
    """Two rules, of which one reads what the other does not."""

    window: Annotated[int, Field(ge=1)] = 8
    lanes: Annotated[int, Field(ge=1)] = 4
    ports: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _lanes(self) -> Limits:
        if self.lanes > self.seen:
            raise_problems([Problem(("lanes",), "at most window", self.lanes, (("window",),))])
        return self

    @model_validator(mode="after")
    def _ports(self) -> Limits:
        if self.ports > self.lanes:
            raise_problems([Problem(("ports",), "at most lanes", self.ports, (("lanes",),))])
        return self

    @property
    def seen(self) -> int:
        return self.window


class Holder(Strict):
    name: str
    limits: Limits = Limits()
    items: tuple[Limits, ...] = ()


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        # a fault elsewhere hides no rule
        (
            "name: 3\nlimits: {window: 2}\n",
            [
                "f.yaml:1:7: name must be a text, got 3",
                "f.yaml:2:18: limits.lanes must be at most window, got 4, its default",
            ],
        ),
        (
            "limits: {window: 0, ports: 5}\n",
            [
                "f.yaml:1:1: name must be a text, got nothing",
                "f.yaml:1:18: limits.window must be >= 1, got 0",
                "f.yaml:1:28: limits.ports must be at most lanes, got 5",
            ],
        ),
        (
            "name: x\nlimits: {windw: 2}\nitems: [{ports: 9}]\n",
            [
                "f.yaml:2:10: limits.windw is not a known key; did you mean window?",
                "f.yaml:2:17: limits.lanes must be at most window, got 4, its default",
                "f.yaml:3:17: items[0].ports must be at most lanes, got 9",
            ],
        ),
        # what only follows from another fault is none
        (
            "name: x\nlimits: {lanes: 9, ports: 9}\n",
            ["f.yaml:2:17: limits.lanes must be at most window, got 9"],
        ),
        (
            "name: x\nlimits: {lanes: x, ports: 9}\n",
            ["f.yaml:2:17: limits.lanes must be an integer >= 1, got x"],
        ),
        (
            "name: x\nlimits: {lanes: *n, ports: 9}\n",
            ["f.yaml:2:17: limits.lanes must be written out, got the alias *n"],
        ),
        (
            "name: x\nlimits: {zzz: 3, window: 2}\n",
            ["f.yaml:2:10: limits.zzz is not a known key; known keys: window, lanes, ports"],
        ),
    ],
)
def test_faults_hide_no_rule_between_other_keys(text: str, messages: list[str]) -> None:
    assert faults(text, Holder) == messages


def test_a_validators_sentence_stands_at_the_key_it_names() -> None:
    class Sentence(Strict):
        inner: Inner = Inner()
        other: int = 0

        @model_validator(mode="after")
        def _rule(self) -> Sentence:
            if self.other == 1:
                raise ValueError("inner.lanes must be 2 where other is 1, got 3")
            if self.other == 2:
                raise ValueError("something else is wrong")
            return self

    assert faults("other: 1\ninner:\n  lanes: 3\n", Sentence) == [
        "f.yaml:3:10: inner.lanes must be 2 where other is 1, got 3"
    ]
    assert faults("other: 2\n", Sentence) == ["f.yaml:1:1: something else is wrong"]


def test_what_is_right_is_read() -> None:
    text = (
        "size: 1.5KiB\nenergy: 250fJ\ninner: {lanes: 10}\nlayers:\n- {kind: conv, out_channels: "
        "4, stride: [1, 2]}\n- {kind: avg_pool}\n"
    )
    root = validate_data(parse_document(text).data, Root)
    assert root.capacity == 1536
    assert root.energy == pytest.approx(0.25)
    assert root.inner.lanes == 10
    assert root.layers is not None
    assert [layer.kind for layer in root.layers] == ["conv", "avg_pool"]


def test_long_values_are_cut() -> None:
    (message,) = faults("mode: " + "x" * 500 + "\n")
    assert message.endswith("got " + "x" * 57 + "...")


def test_files_and_plain_data(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("inner: {lanes: 0}\n")
    with pytest.raises(InputError) as caught:
        load_model(path, Root)
    assert str(caught.value) == f"{path}:1:16: inner.lanes must be >= 1, got 0"
    with pytest.raises(InputError) as caught:
        validate_data({"inner": {"lanes": 0}, "flag": "x"}, Root)
    assert str(caught.value) == "flag must be true or false, got x\ninner.lanes must be >= 1, got 0"
