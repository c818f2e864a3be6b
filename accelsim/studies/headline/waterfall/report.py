"""The headline's changes as a part of the page and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from accelsim.studies.headline.waterfall.causes import (
    CAUSES,
    Costs,
    Waterfall,
)
from accelsim.studies.headline.waterfall.figure import KINDS, signed

COLUMNS = ("state", "cause", "workload", "machine", "rule", "batch", "cycles", "energy_pj")
CODE = "accelsim/studies/headline/waterfall"


def table(costs: Costs, causes: Mapping[str, str]) -> str:
    """All costs as CSV, in the order of time."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for state, cause in causes.items():
        for step, cost in costs[state].items():
            writer.writerow(
                (
                    state,
                    cause,
                    step.workload,
                    step.machine,
                    step.rule,
                    step.batch,
                    cost.cycles,
                    f"{cost.energy_pj:.0f}",
                )
            )
    return text.getvalue()


def section(
    found: Sequence[Waterfall], rows: Sequence[Mapping[str, str]], command: str
) -> list[str]:
    """The part of the page: figure, causes, one table of ratios, and the past states."""
    first = rows[0]["version"]
    return [
        f"The figure shows the ratio of some of these runs in version {first}, how much each cause",
        "moved it, and the ratio today, of the machines as shipped.",
        "",
        "![The headline, cause by cause](waterfall.png)",
        "",
        *(f"* **{name}**: {text}." for name, text in CAUSES.items()),
        "",
        "A change is the ratio after its cause minus the ratio before, with all earlier causes",
        "inside. In time, sums came before groups, and other words between groups and DRAM: the",
        "earlier states listed as other words cost what the state before costs, in every step.",
        "A few words that changed along with the controller are in the bar of the DRAM. Causes are",
        "not independent: in another order their changes differ, while first and last stay.",
        "Placement changes nothing where the search keeps the canonical places. The axes of the",
        "figure do not begin at 0.",
        "",
        *_ratios(found, first),
        "",
        "### States",
        "",
        "Past states were measured once, each in a checkout of its commit, and are stored in",
        f"[past.csv](../../{CODE}/past.csv) with the commands. Today's states (`canonical`,",
        "`fused`, `placed`, `mapped` in [waterfall.csv](waterfall.csv)) are measured by",
        f"`{command}`: the same steps with the machine key `fusion` and the option `--objective`.",
        "No option searches places alone; `placed` runs the places of `--objective edp` with",
        f"canonical mappings ([measure.py](../../{CODE}/measure.py)).",
        "",
        "| commit | version | cause | subject |",
        "|---|---|---|---|",
        *_states(rows),
    ]


def _ratios(found: Sequence[Waterfall], first: str) -> list[str]:
    lines = [
        f"| run | cost | {first} | {' | '.join(CAUSES)} | today |",
        f"|---|---|{'--:|' * (len(CAUSES) + 2)}",
    ]
    for each in found:
        run = f"{each.headline.title}, `{each.headline.rule}`, batch {each.headline.batch}"
        changes = " | ".join(map(signed, each.changes.values()))
        lines.append(
            f"| {run} | {KINDS[each.cost]} | {each.first:.3f} | {changes} | {each.last:.3f} |"
        )
    return lines


def _states(rows: Sequence[Mapping[str, str]]) -> list[str]:
    states = {row["commit"]: row for row in rows}
    return [
        f"| `{commit}` | {row['version']} | {row['cause'] or '-'} | {row['subject']} |"
        for commit, row in states.items()
    ]
