"""``revised`` of Han et al. 2020: on feed-forward networks links of two grouped convolutions
(`accelsim.rules.modular.ops`), on recurrent ones triangular feedback whose blocks are masked powers
of one partial backward weight (eqs. 9 to 12 as amended).

A memory holds the blocks written out, each with its own mask and signs, as table 4 counts them;
that they are powers decides their values alone.
"""

from __future__ import annotations

from math import prod

from accelsim.errors import Fault, InputError
from accelsim.rules.direct.ops import PER_STEP, DirectFeedback
from accelsim.rules.info import RuleInfo
from accelsim.rules.modular.ops import REVISED_CNN_OPTIONS, lower_revised_cnn
from accelsim.rules.sequence.ops import TriangularFeedback, sources_of
from accelsim.rules.spelling import Option, OptionValue, RuleSpec
from accelsim.rules.walk.backward import lower_step
from accelsim.step.ops import Pass, TrainingStep
from accelsim.workload.network import Network
from accelsim.zeros.feedback import entries_a_row

_CNN = {option.name: option for option in REVISED_CNN_OPTIONS}

SPARSITY = Option(
    "sparsity",
    float,
    0.0,
    minimum=0,
    maximum=1,
    description="Fraction of feedback weights that are zero and not stored, below 1 (recurrent "
    "networks).",
)
INIT = Option(
    "init",
    str,
    "random",
    choices=("random", "bw"),
    description="Feedback drawn at random, or started as the transposes of the fresh weights; "
    "changes no count (recurrent networks).",
)
EXPONENT = Option(
    "exponent",
    str,
    "distance",
    choices=("distance", "printed"),
    description="Block i, j is the power j - i, or the printed T - j; changes no count (recurrent "
    "networks).",
)
REVISED_OPTIONS = (
    _CNN["groups"],
    SPARSITY,
    _CNN["binary"],
    INIT,
    PER_STEP,
    EXPONENT,
    _CNN["order"],
    _CNN["modules"],
    _CNN["scale"],
)
"""Options of both kinds of network; what is given for the other kind is refused."""

_FEED_FORWARD_ALONE = ("groups", "order", "modules")
_RECURRENT_ALONE = ("sparsity", "init", "per_step", "exponent")


def _refuse_others(network: Network, rule: RuleSpec) -> None:
    others, kind = (
        (_FEED_FORWARD_ALONE, "with") if network.vocabulary else (_RECURRENT_ALONE, "without")
    )
    given = [(name, value) for name, value in rule.options if name in others]
    if given:
        lines = (
            f"{rule.name}.{name} must be left out for a network {kind} recurrent layers, got "
            f"{_spelt(value)}"
            for name, value in given
        )
        raise InputError(*(Fault("", 0, 0, line) for line in lines))


def _spelt(value: OptionValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def lower_revised_rnn(
    network: Network, rule: RuleSpec, batch: int, optimizer: str, passes: frozenset[Pass]
) -> TrainingStep:
    """Training step of ``revised`` on recurrent networks.

    InputError as `sources_of`, on a sparsity of 1, and where a layer's input is not as long as the
    cell's state: D is square.
    """
    sparsity, binary = float(rule.get("sparsity") or 0.0), bool(rule.get("binary"))
    if not sparsity < 1:
        raise InputError(f"{rule.name}.sparsity must be a number from 0, below 1, got {sparsity:g}")
    sources = sources_of(network, rule.name)
    for name, source in sources.items():
        hidden, size = source.out_shape[2], prod(network.layer(name).in_shape)
        if size != hidden:
            raise InputError(
                f"{rule.name} must have inputs of {name} as long as the state of {source.name} "
                f"({hidden}), got {size}"
            )
    nonzeros = entries_a_row(prod(network.output.out_shape), 1 - sparsity) if sparsity else 0
    output = DirectFeedback(nonzeros, bool(rule.get("per_step")), binary)
    return lower_step(
        network,
        str(rule),
        TriangularFeedback(sources, output, 1 - sparsity, binary),
        batch,
        optimizer,
        passes,
    )


def lower_revised(
    network: Network, rule: RuleSpec, batch: int, optimizer: str, passes: frozenset[Pass]
) -> TrainingStep:
    """Training step of ``revised`` on any network. InputError as the two of them, and on options of
    the other kind of network.
    """
    _refuse_others(network, rule)
    lower = lower_revised_rnn if network.vocabulary else lower_revised_cnn
    return lower(network, rule, batch, optimizer, passes)


RULES = (
    RuleInfo(
        "revised",
        "revised",
        "Revised DFA: grouped dilated feedback from the end of a module (eq. 7); in recurrent "
        "networks sparse triangular feedback.",
        REVISED_OPTIONS,
        lower_revised,
    ),
)
