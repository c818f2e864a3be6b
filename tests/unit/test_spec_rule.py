"""Learning rules as the command line writes them."""

from __future__ import annotations

import pytest

from accelsim.errors import InputError
from accelsim.rules.spelling import parse_rule, parse_rules
from tests.made_up_rules import TABLE


def words(text: str, many: bool = False) -> str:
    with pytest.raises(InputError) as caught:
        parse_rules(text, TABLE) if many else parse_rule(text, TABLE)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("bp", "bp"),
        (" bp ", "bp"),
        ("sdfa", "sdfa"),
        ("sdfa:rank=10,k=2", "sdfa:k=2,rank=10"),
        ("sdfa:k=3;rank=4", "sdfa:k=3,rank=4"),
        ("revised: groups = 4 , binary = true", "revised:groups=4,binary=true"),
        ("revised:sparsity=0.980", "revised:sparsity=0.98"),
        ("revised:sparsity=1", "revised:sparsity=1.0"),
        ("revised:init=bw", "revised:init=bw"),
    ],
)
def test_canonical_text(text: str, canonical: str) -> None:
    spec = parse_rule(text, TABLE)
    assert str(spec) == spec.text == canonical
    assert parse_rule(canonical, TABLE) == spec


def test_values_and_defaults() -> None:
    spec = parse_rule("revised:groups=4,binary=true", TABLE)
    assert spec.options.given == (("groups", 4), ("binary", True))
    assert (spec.options.groups, spec.options.binary) == (4, True)
    assert (spec.options.init, spec.options.sparsity) == ("random", 0.0)
    again = parse_rule("revised:binary=true;groups=4", TABLE)
    assert again == spec
    assert hash(again) == hash(spec)


def test_an_option_given_at_its_default_is_written_and_tells_rules_apart() -> None:
    assert str(parse_rule("sdfa:k=2", TABLE)) == "sdfa:k=2"
    assert parse_rule("sdfa:k=2", TABLE) != parse_rule("sdfa", TABLE)


def test_lists() -> None:
    assert [spec.text for spec in parse_rules("bp,revised:groups=8;binary=true,dfa", TABLE)] == [
        "bp",
        "revised:groups=8,binary=true",
        "dfa",
    ]
    assert [spec.text for spec in parse_rules("bp,sdfa:k=2,rank=10", TABLE)] == [
        "bp",
        "sdfa:k=2,rank=10",
    ]
    assert parse_rule("sdfa:k=2,rank=1", TABLE).listed == "sdfa:k=2;rank=1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dffa", "unknown rule dffa; did you mean dfa? (accelsim list rules)"),
        ("zzz", "unknown rule zzz (accelsim list rules)"),
        ("", "unknown rule of no name (accelsim list rules)"),
        ("revised:gruops=4", "revised.gruops is not a known option; did you mean groups?"),
        ("sdfa:zzz=4", "sdfa.zzz is not a known option; known options: k, rank"),
        ("bp:k=1", "bp.k is not a known option; the rule has none"),
        ("sdfa:k=0", "sdfa.k must be an integer >= 1, got 0"),
        ("sdfa:k=1.5", "sdfa.k must be an integer >= 1, got 1.5"),
        ("sdfa:k=1_0", "sdfa.k must be an integer >= 1, got 1_0"),
        ("sdfa:k=", "sdfa.k must be an integer >= 1, got nothing"),
        ("revised:sparsity=1.5", "revised.sparsity must be a number from 0 to 1, got 1.5"),
        ("revised:sparsity=nan", "revised.sparsity must be a number from 0 to 1, got nan"),
        ("revised:binary=yes", "revised.binary must be true or false, got yes"),
        (
            "revised:init=randm",
            "revised.init must be bw or random, got randm; did you mean random?",
        ),
        ("sdfa:k=2,k=3", "sdfa.k must appear once, got it again"),
        ("sdfa:k", "sdfa must be written name:key=value,key=value, got 'sdfa:k'"),
        ("bp:", "bp must be written name:key=value,key=value, got 'bp:'"),
        (
            "sdfa:k=0,rank=x",
            "sdfa.k must be an integer >= 1, got 0\nsdfa.rank must be an integer >= 1, got x",
        ),
    ],
)
def test_faults_word_for_word(text: str, message: str) -> None:
    assert words(text) == message


def test_faults_of_a_list_are_all_given() -> None:
    text = "bp,dffa,sdfa:k=0,bp"
    assert words(text, many=True) == (
        "unknown rule dffa; did you mean dfa? (accelsim list rules)\nsdfa.k must be an integer >= "
        "1, got 0\nbp must appear once, got it again"
    )
