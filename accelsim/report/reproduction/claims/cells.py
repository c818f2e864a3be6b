"""Cells of the table of sentences, as texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accelsim.report.reproduction.claims.templates import say
from accelsim.results.reproduction import Sentence, SentenceCost

STEP, ENERGY = "step", "energy"
MINUS = "\N{MINUS SIGN}"
ELLIPSIS = "-"
SHORT = {"words moved": "words", "DRAM bytes": "DRAM", "MACs executed": "MACs"}
"""Names of costs where there is little room."""


@dataclass(frozen=True)
class Line:
    """One line of a cell. ``cost``: its short name; empty for an interval."""

    cost: str
    text: str


def number(value: float, unit: str) -> str:
    """A gain without its unit: three digits of a ratio, no decimal of a percentage from 10 on."""
    if unit == "x":
        text = (
            f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
        )
    else:
        text = f"{value:,.0f}" if abs(value) >= 10 else f"{value:.1f}"
    return text.replace("-", MINUS)


def with_unit(text: str, unit: str) -> str:
    """The text with its unit."""
    return say("percent" if unit == "%" else "times", value=text)


def printed(sentence: Sentence) -> str:
    """The printed number, or a dash."""
    return ELLIPSIS if sentence.printed is None else with_unit(sentence.printed, sentence.unit)


def counted(sentence: Sentence) -> list[Line]:
    """The number by the paper's counting, and that of the measured network."""
    lines = [Line("", with_unit(sentence.counted, sentence.unit))]
    if sentence.recounted is not None:
        other = with_unit(number(float(sentence.recounted), sentence.unit), sentence.unit)
        lines.append(Line("measured", other))
    return lines


def accuracy(sentence: Sentence) -> list[Line]:
    """Points of accuracy that the new rule gains, and the network."""
    if sentence.accuracy_points is None:
        return []
    points = f"{sentence.accuracy_points:+.1f}".replace("-", MINUS)
    network = sentence.accuracy_on.partition("@")[0]
    return [Line("", points), Line(network.removesuffix("-cifar10").removesuffix("-wikitext2"), "")]


def batches(sentence: Sentence) -> list[int]:
    """Measured batches, in order."""
    return sorted({each.batch for each in sentence.costs})


def measured(sentence: Sentence, scope: str, place: int) -> list[Line]:
    """Lines of a cell: for each cost the values of both machines, then the interval of the energy,
    from the lowest to the highest end. ``place``: 0 for the smallest batch, 1 for the largest.
    """
    known = batches(sentence)
    if place >= len(known):
        return []
    in_scope = STEP if scope == STEP else sentence.scope
    batch = known[0] if place == 0 else known[-1]
    of = [each for each in sentence.costs if (each.scope, each.batch) == (in_scope, batch)]
    lines = []
    for cost in dict.fromkeys(each.cost for each in of):
        cells = sorted((each for each in of if each.cost == cost), key=lambda each: each.machine)
        lines.append(Line(SHORT.get(cost, cost), _pair(cells, sentence.unit)))
        lines += _interval(cells, sentence.unit)
    if lines and batch != (1, 64)[place]:
        lines.insert(0, Line("", say("at", batch=batch)))
    return lines


def _pair(cells: Sequence[SentenceCost], unit: str) -> str:
    texts = [ELLIPSIS if each.value is None else number(each.value, unit) for each in cells]
    if len(texts) == 2:
        return with_unit(say("pair", near=texts[0], von=texts[1]), unit)
    return with_unit(texts[0], unit)


def _interval(cells: Sequence[SentenceCost], unit: str) -> list[Line]:
    lows = [each.low for each in cells if each.low is not None]
    highs = [each.high for each in cells if each.high is not None]
    if not lows or not highs:
        return []
    low, high = number(min(lows), unit), number(max(highs), unit)
    return [Line("", say("interval", low=low, high=high))]


HEADS: tuple[tuple[str, Callable[[Sentence], list[Line]]], ...] = (
    ("printed", lambda each: [Line("", printed(each))]),
    ("same counting", counted),
    ("EP, batch 1", lambda each: measured(each, "EP", 0)),
    ("EP, batch 64", lambda each: measured(each, "EP", 1)),
    ("step, batch 1", lambda each: measured(each, STEP, 0)),
    ("step, batch 64", lambda each: measured(each, STEP, 1)),
    ("accuracy, points", accuracy),
    ("mark", lambda each: [Line("", each.mark)]),
    ("cause", lambda each: [Line("", each.cause)]),
)
"""Columns of the table after the sentence itself."""
