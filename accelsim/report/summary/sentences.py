"""Three sentences: the cost of each run, where the time goes, and what would reduce the cost.

A sentence that the numbers do not support is empty.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accelsim.report.runs import Runs, ratio
from accelsim.report.style import joules, joules_between, listed, percent, si, times
from accelsim.report.summary.levers import CAUSE_WORDS, levers
from accelsim.results.op import PASSES
from accelsim.results.result import Result

MOST_NAMED = 4
"""Maximum number of runs that a sentence lists one by one; with more runs it gives the extremes."""
EVERY = "every run"
"""Subject of a sentence about a value that all runs share."""
SAME = 1e-9
"""Maximum relative difference of two equal values, whose sums may be rounded differently."""


def sentences(runs: Runs) -> list[str]:
    """The sentences that the numbers support, in order."""
    return [text for text in (costs(runs), longest(runs), levers(runs)) if text]


def active_passes(runs: Runs) -> list[str]:
    """Passes on which any run spent cycles or energy."""
    return [
        name
        for name in PASSES
        if any(
            result.passes[name].cycles or result.passes[name].energy_pj
            for result in runs.results
            if name in result.passes
        )
    ]


def subject(runs: Runs) -> str:
    """The simulated part of a step: ``a step``, ``the passes FF and WG of a step``."""
    active = active_passes(runs)
    step = "a first step" if runs.shared("warm") is False else "a step"
    if len(active) == len(PASSES) or not active:
        return step
    if len(active) == 1:
        return f"the {active[0]} pass of {step}"
    return f"the passes {listed(active)} of {step}"


def costs(runs: Runs) -> str:
    """Sentence about cycles and energy: of a single run, or of each run relative to the
    baseline.
    """
    base = _named(runs.baseline_label, runs.baseline)
    verb = "take" if subject(runs).startswith("the passes") else "takes"
    if len(runs.results) == 1:
        return f"Under {base}, {subject(runs)} {verb} {_absolute(runs.baseline)}."
    others = [
        (_named(name, result), _relative(result, runs))
        for name, result in zip(runs.labels, runs.results, strict=True)
        if result is not runs.baseline
    ]
    if len(others) < MOST_NAMED:
        first, *rest = others
        each = [f"{subject(runs)} under {first[0]} {verb} {first[1]}"]
        each += [f"under {name} {amounts}" for name, amounts in rest]
        return f"Against {base}, {'; '.join(each)}."
    quickest, fast = _least(runs, runs.duration)
    thriftiest, low = _least(runs, lambda result: result.energy_pj)
    unit = "time" if runs.in_time else "cycles"
    duration = si(fast.seconds, "s") if runs.in_time else si(fast.cycles)
    less = "the same" if quickest == EVERY else "the least" if runs.in_time else "the fewest"
    other = "" if quickest == thriftiest else f"{thriftiest} "
    return (
        f"For {subject(runs)}, {quickest} {'take' if ' and ' in quickest else 'takes'} "
        f"{less} {unit}, {duration}{_of_base(fast, runs, runs.duration)}, "
        f"and {other}the {'same' if thriftiest == EVERY else 'least'} energy, "
        f"{joules(low.energy_pj)}{_of_base(low, runs, lambda result: result.energy_pj)}."
    )


def _named(label: str, result: Result) -> str:
    """A run's label; of a hybrid rule with the remark that its numbers are means."""
    return f"{label} (mean over its kinds of step)" if len(result.steps) > 1 else label


def _least(runs: Runs, value: Callable[[Result], float]) -> tuple[str, Result]:
    """Names of all runs with the least value, and the first of them. `EVERY` if all are equal."""
    least = min(runs.results, key=value)
    equal = [
        _named(label, result)
        for label, result in zip(runs.labels, runs.results, strict=True)
        if math.isclose(value(result), value(least), rel_tol=SAME)
    ]
    if len(equal) == len(runs.results):
        return EVERY, least
    if len(equal) > MOST_NAMED:
        equal = [*equal[: MOST_NAMED - 1], f"{len(equal) - MOST_NAMED + 1} more"]
    return listed(equal), least


def _absolute(result: Result) -> str:
    more, interval, step = "", result.interval_cycles, result.step
    if interval is not None and interval != result.cycles:
        more = f"; such steps in a row start every {si(interval)} cycles"
    if step is not None:
        more = f"; the whole step takes {si(step.cycles)} cycles and {joules(step.energy_pj)}"
    return (
        f"{si(result.cycles)} cycles ({si(result.seconds, 's')}) and "
        f"{joules_between(result.energy_pj, result.energy_interval_pj)}{more}"
    )


def _relative(result: Result, runs: Runs) -> str:
    """``1.2x the cycles and 0.8x the energy``; time instead of cycles if clocks differ."""
    base = runs.baseline
    duration = ratio(runs.duration(result), runs.duration(base))
    energy = ratio(result.energy_pj, base.energy_pj)
    unit = "time" if runs.in_time else "cycles"
    absolute = si(result.seconds, "s") if runs.in_time else f"{si(result.cycles)} cycles"
    long = f"{times(duration)} the {unit}" if duration is not None else absolute
    if energy is None:
        return f"{long} and {joules(result.energy_pj)}"
    return f"{long} and {_times_of(energy, runs.energy_ratio_interval(result))} the energy"


def _times_of(ratio: float, bounds: tuple[float, float] | None) -> str:
    """``0.81x (0.76 to 0.89)``; without bounds that round to the ratio itself."""
    alone = times(ratio)
    narrow = bounds is not None and all(times(bound) == alone for bound in bounds)
    return alone if narrow else times(ratio, bounds)


def _of_base(result: Result, runs: Runs, value: Callable[[Result], float]) -> str:
    part = ratio(value(result), value(runs.baseline))
    different = part is not None and not math.isclose(part, 1, rel_tol=SAME)
    return f" ({times(part)} of {runs.baseline_label})" if different else ""


@dataclass(frozen=True)
class _Longest:
    """The longest pass of a run, its share of the run's cycles, and the largest cause in it."""

    label: str
    name: str
    share: float
    cause: str
    cause_share: float


def longest(runs: Runs) -> str:
    """Sentence about the longest pass of each run and the largest cause of its array cycles. If ops
    overlap, or only one pass was simulated, it gives only the largest cause.
    """
    shown = _shown(runs)
    if any(result.overlaps for _, result in shown) or len(active_passes(runs)) == 1:
        return _largest_causes(shown)
    found = [each for each in (_longest(label, result) for label, result in shown) if each]
    if not found:
        return ""
    first = found[0]
    if len({(each.name, each.cause) for each in found}) == 1:
        only = len(found) == 1
        shares = [f"{percent(first.share)} of the cycles"]
        if not only:
            shares[0] += f" in {first.label}"
        shares += [f"{percent(each.share)} in {each.label}" for each in found[1:]]
        causes = sorted(each.cause_share for each in found)
        return (
            f"The longest pass is {first.name}, with {listed(shares)}; "
            f"{_span(causes[0], causes[-1])} of the pass is spent {CAUSE_WORDS[first.cause]}."
        )
    each = [
        f"{entry.name} in {entry.label} ({percent(entry.share)} of its cycles, "
        f"{percent(entry.cause_share)} of that {CAUSE_WORDS[entry.cause]})"
        for entry in found
    ]
    return f"The longest pass is {listed(each)}."


def _longest(label: str, result: Result) -> _Longest | None:
    name = max(result.passes, key=lambda each: result.passes[each].cycles, default=None)
    if name is None or not result.cycles:
        return None
    causes = result.cycles_by_cause(name)
    total = sum(causes.values())
    if not total:
        return None
    cause = max(causes, key=lambda each: causes[each])
    share = result.passes[name].cycles / result.cycles
    return _Longest(label, name, share, cause, causes[cause] / total)


def _largest_causes(shown: Sequence[tuple[str, Result]]) -> str:
    each = []
    for label, result in shown:
        causes = result.cycles_by_cause()
        total = sum(causes.values())
        if total:
            cause = max(causes, key=lambda name: causes[name])
            place = "" if len(shown) == 1 else f"in {label} "
            each.append(f"{place}{percent(causes[cause] / total)} {CAUSE_WORDS[cause]}")
    return f"Largest share of the array's cycles: {', '.join(each)}." if each else ""


def _shown(runs: Runs) -> list[tuple[str, Result]]:
    """The runs that a sentence lists: all if they are few, else the baseline and the fastest."""
    every = list(zip(runs.labels, runs.results, strict=True))
    if len(every) <= MOST_NAMED:
        return every
    fastest = min(every, key=lambda each: runs.duration(each[1]))
    first = (runs.baseline_label, runs.baseline)
    tied = runs.duration(fastest[1]) == runs.duration(first[1])
    return [first] if tied else [first, fastest]


def _span(least: float, most: float) -> str:
    low, high = percent(least), percent(most)
    return low if low == high else f"{low.removesuffix(' %')} to {high}"
