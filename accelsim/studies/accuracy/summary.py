"""The study's test accuracies as a small table, which `accelsim reproduce` draws beside the
simulator's counts, and its conclusions in six lines.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from accelsim.studies.accuracy.orderings import CELLS, FC_NETWORKS, GPT, HEAD, VGG
from accelsim.studies.accuracy.outcomes import Outcomes, deviation, less, mean

COLUMNS = ("network", "rule", "test_accuracy_percent", "deviation_points", "seeds")
BP = "bp"


def summary(outcomes: Outcomes) -> str:
    """CSV with one line per rule and network that has finished runs."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in outcomes.part("cnn", "rnn", "fc", "transfer"):
        accuracies = each.percent("test_accuracy")
        if accuracies:
            writer.writerow(
                (each.network, each.rule, mean(accuracies), deviation(accuracies), len(accuracies))
            )
    return text.getvalue()


@dataclass(frozen=True)
class Conclusion:
    """One line of the page's opening. ``text`` has at most three fields. Each value is the largest
    loss of accuracy to `bp`, in points, over (network, rule) pairs.
    """

    text: str
    values: tuple[tuple[tuple[str, str], ...], ...]


CONCLUSIONS = (
    Conclusion(
        "**Convolutions**: against `bp`, on VGG16 `dfa` loses {0} points, "
        "`revised:groups=4` {1}, training the output layer alone {2}.",
        (((VGG, "dfa"),), ((VGG, "revised:groups=4"),), ((VGG, "frozen"),)),
    ),
    Conclusion(
        "**Hybrids**: with 30 % of `bp`'s steps VGG16 loses {0} points; with these steps alone "
        "(`bp-only`) {1}.",
        (((VGG, "hdfa:p=0.3,groups=4"),), ((VGG, "bp-only:p=0.3"),)),
    ),
    Conclusion(
        "**Fully connected networks**: `dfa` loses at most {0} points, `ssdfa` {1}, the output "
        "layer alone {2}.",
        tuple(
            tuple((network, rule) for network in FC_NETWORKS) for rule in ("dfa", "ssdfa", "frozen")
        ),
    ),
    Conclusion(
        "**Language models**: on LSTM and GRU powers of one matrix lose at most {0} points, the "
        "triangle {1}, `dfa` {2}. The plain RNN saturates under every rule and is no test.",
        tuple(
            tuple((cell, rule) for cell in CELLS[1:])
            for rule in ("revised:init=bw", "triangular", "dfa")
        ),
    ),
    Conclusion(
        "**Transfer**: on frozen features of `bp`, `ssdfa` loses {0} points, `dfa` {1}, the "
        "output layer alone {2}.",
        (((HEAD, "ssdfa"),), ((HEAD, "dfa"),), ((HEAD, "frozen"),)),
    ),
    Conclusion(
        "**Transformer**: on bytes, early in training, `dfa` of blocks loses {0} points, of "
        "sublayers {1}, the output layer alone {2}.",
        (
            ((GPT, "dfa:granularity=block"),),
            ((GPT, "dfa:granularity=sublayer"),),
            ((GPT, "frozen"),),
        ),
    ),
)


def conclusions(outcomes: Outcomes) -> list[str]:
    """The six lines. A loss of which runs are missing is a dash."""
    return [
        each.text.format(*(_loss(outcomes, pairs) for pairs in each.values)) for each in CONCLUSIONS
    ]


def _loss(outcomes: Outcomes, pairs: Sequence[tuple[str, str]]) -> str:
    losses = [
        less(_accuracy(outcomes, network, BP), _accuracy(outcomes, network, rule))
        for network, rule in pairs
    ]
    known = [loss for loss in losses if loss is not None]
    return f"{max(known):.1f}" if known and len(known) == len(losses) else "-"


def _accuracy(outcomes: Outcomes, network: str, rule: str) -> float | None:
    found = outcomes.find(network, rule)
    return None if found is None else mean(found.percent("test_accuracy"))
