"""The headline as one table, as CSV with a row per point, and its part of the page."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import astuple, fields
from itertools import product

from accelsim.studies.headline.points.accuracy import Accuracy, accuracy_of
from accelsim.studies.headline.points.measure import Point
from accelsim.studies.headline.points.plan import (
    BATCHES,
    BP,
    COLUMNS,
    MACHINES,
    OPTIMIZERS,
    SUBJECTS,
    Subject,
)
from accelsim.studies.headline.points.summary import TARGET, sourced, verdicts

ACCURACY_COLUMNS = (
    "accuracy_gap_points",
    "accuracy_gap_interval_points",
    "accuracy_network",
    "accuracy_seeds",
)


def table(found: Sequence[Point], known: Sequence[Accuracy]) -> str:
    """All points as CSV, those of BP included."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*(each.name for each in fields(Point)), *ACCURACY_COLUMNS))
    for point in found:
        measured = accuracy_of(point.workload, point.rule, known)
        more: tuple[object, ...] = ("", "", "", "")
        if measured is not None:
            interval = "" if measured.interval is None else measured.interval
            more = (measured.gap, interval, measured.network, measured.seeds)
        writer.writerow((*map(_cell, astuple(point)), *more))
    return text.getvalue()


def _cell(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) and abs(value) < 1000 else _whole(value)


def _whole(value: object) -> str:
    return f"{value:.0f}" if isinstance(value, float) else str(value)


def section(found: Sequence[Point], known: Sequence[Accuracy]) -> list[str]:
    """The headline's part of the page: verdicts, figure, table and notes."""
    return [
        "The cost of one training step under a feedback rule over that under `bp`, on the same",
        "machine: below 1, the rule costs less. Brackets hold the 5th and 95th percentile of the",
        "ratio of energies over the bounds of the prices ([energy.md](../../docs/energy.md)).",
        "A nominal ratio may lie outside, as nominal prices are not in the middle of their bounds.",
        "Cycles have no interval. An interval does not cover structure, which the option",
        "`--variants` of `accelsim compare` varies.",
        "",
        "| rule | points | fewer cycles | interval of energy below 1 | holds 1 | above 1 |",
        "|---|--:|--:|--:|--:|--:|",
        *(
            f"| {each.column} | {each.points} | {each.faster} | {each.less} | {each.open} | "
            f"{each.more} |"
            for each in verdicts(found)
        ),
        "",
        "![Cycles and energy of each rule over those of BP](headline.png)",
        "",
        *_sources(found),
        "",
        *_table(found, known),
        "",
        *_notes(known),
    ]


def _sources(found: Sequence[Point]) -> list[str]:
    share = sourced(found)
    worst = share.worst
    reached = "reached in every run" if share.least >= TARGET else "missed in some runs"
    return [
        f"**Sources.** {100 * share.whole:.1f} % of the energy of all {share.runs} runs together",
        f"rests on primitives with a source, {100 * share.mean:.1f} % as a mean over the runs. The",
        f"least share of a run is {100 * share.least:.1f} %: {worst.workload}, {worst.machine},",
        f"`{worst.rule}`, batch {worst.batch}, {worst.optimizer}.",
        f"The target, {100 * TARGET:.0f} %, is {reached}.",
    ]


def _table(found: Sequence[Point], known: Sequence[Accuracy]) -> list[str]:
    lines = [
        f"| network | machine | batch | optimizer | {' | '.join(COLUMNS)} |",
        f"|---|---|--:|---|{'---|' * len(COLUMNS)}",
    ]
    for subject in SUBJECTS:
        own = [each for each in found if each.workload.startswith(subject.workload)]
        for machine, batch, optimizer in product(MACHINES, BATCHES, OPTIMIZERS):
            points = {
                each.column: each
                for each in own
                if (each.machine, each.batch, each.optimizer) == (machine, batch, optimizer)
            }
            if points:
                cells = " | ".join(cell(points[name]) for name in COLUMNS)
                lines.append(f"| {subject.title} | {machine} | {batch} | {optimizer} | {cells} |")
        if own:
            costs = " | ".join(gap(subject, name, known) for name in COLUMNS)
            lines.append(f"| {subject.title} | accuracy, points | | | {costs} |")
    return lines


def cell(point: Point) -> str:
    """Ratio of cycles, then that of energies with its interval."""
    low, high = (_ratio(each) for each in (point.energy_ratio_p5, point.energy_ratio_p95))
    return f"{_ratio(point.cycles_ratio)}, {_ratio(point.energy_ratio)} ({low} to {high})"


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def gap(subject: Subject, column: str, known: Sequence[Accuracy]) -> str:
    """The accuracy cost of a rule on a network; a dash where it is not measured."""
    measured = accuracy_of(subject.workload, subject.rules[column], known)
    return "-" if measured is None else f"{measured.gap:+.1f}"


def _notes(known: Sequence[Accuracy]) -> list[str]:
    rules = [
        f"* {subject.title}: "
        + ", ".join(f"{name} `{rule}`" for name, rule in subject.rules.items())
        + f"; zeros: {'the shipped traces' if subject.trace == 'shipped' else subject.trace}."
        for subject in SUBJECTS
    ]
    networks = sorted(
        {
            measured.network
            for subject in SUBJECTS
            for rule in (BP, *subject.rules.values())
            if (measured := accuracy_of(subject.workload, rule, known)) is not None
        }
    )
    return [
        "A cell has the ratio of cycles, then that of energies with its interval. Accuracy is test",
        "accuracy less that of BP, from the records of [reports/accuracy](../accuracy/README.md)",
        f"for the same rule on {', '.join(networks)}.",
        "The number after `@` is the width; training was short, with one or two seeds. A dash: not",
        "measured. All points with their hashes are in [headline.csv](headline.csv).",
        "",
        *rules,
        "",
        "On the LSTM, dense feedback reads the 33,278 errors of the output layer: 6.7 million",
        "weights per layer, many or all of which come from DRAM in EP. `ssdfa` and the sparse",
        "hybrid store few. Feedback weights of the hybrid have one bit; under momentum, its",
        "feedback steps keep two momenta.",
    ]
