"""Learning rules as the command line writes them."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from accelsim.config.registries import RULES
from accelsim.errors import InputError
from accelsim.rules.spelling import declared, parse_rule, parse_rules
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


BIND = "use ; between the options of one rule, as in"


@pytest.mark.parametrize(
    ("text", "unknown", "written"),
    [
        ("bp,revised:groups=8,oops", "oops", "revised:groups=8;oops=VALUE"),
        ("bp,revised:groups=8,binary", "binary", "revised:groups=8;binary=VALUE"),
        ("bp,sdfa,k=2", "k=2", "sdfa:k=2"),
    ],
)
def test_an_option_that_reads_as_a_rule_is_told_how_options_bind(
    text: str, unknown: str, written: str
) -> None:
    assert (
        words(text, many=True) == f"unknown rule {unknown} (accelsim list rules); {BIND} {written}"
    )


def test_each_of_several_options_that_read_as_rules_is_told_so() -> None:
    assert words("revised:groups=8,oops,binary=true", many=True) == (
        f"unknown rule oops (accelsim list rules); {BIND} revised:groups=8;oops=VALUE\n"
        f"unknown rule binary=true (accelsim list rules); {BIND} revised:groups=8;binary=true"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("revised:groups=8,dffa", "unknown rule dffa; did you mean dfa? (accelsim list rules)"),
        ("bp,zzz", "unknown rule zzz (accelsim list rules)"),
        ("dfa,k=2", "unknown rule k=2 (accelsim list rules)"),
    ],
)
def test_what_can_be_no_option_is_an_unknown_rule(text: str, message: str) -> None:
    assert words(text, many=True) == message


def test_a_sequence_of_rules_is_read_with_all_faults() -> None:
    spec = parse_rule("sdfa:k=3", TABLE)
    assert [str(each) for each in parse_rules(["bp", spec, "sdfa:k=2,rank=4"], TABLE)] == [
        "bp",
        "sdfa:k=3",
        "sdfa:k=2,rank=4",
    ]
    with pytest.raises(InputError) as caught:
        parse_rules(["dffa", "bp", "sdfa:k=0"], TABLE)
    assert str(caught.value) == (
        "unknown rule dffa; did you mean dfa? (accelsim list rules)\n"
        "sdfa.k must be an integer >= 1, got 0"
    )


def test_every_declaration_has_the_name_that_it_is_registered_by_and_functions_that_exist() -> None:
    for name in RULES.names():
        rule = declared(name)
        assert rule.name == name
        assert bool(rule.ops) != bool(rule.kinds)
        assert set(rule.options.names()) == set(rule.options.model_fields)
        for place in filter(None, (rule.ops, rule.numbers, rule.kinds)):
            module, _, attribute = place.partition(":")
            assert callable(getattr(import_module(module), attribute)), place
        for option in rule.options.names():
            assert rule.options.description(option), f"{name}.{option}"


def test_rules_are_read_without_numpy() -> None:
    program = (
        "import sys\n"
        "from accelsim.cli.values import rule_list\n"
        "from accelsim.cli.commands.files.list import rules\n"
        "assert len(rule_list('--rules', 'bp,revised:groups=8,binary=true')) == 2\n"
        "assert rules()\n"
        "assert not {'numpy', 'numba', 'simpy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
