"""The headline's changes as a page and as CSV, beside the figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from accelsim.studies.headline.causes import (
    CAUSES,
    TODAY,
    Costs,
    Waterfall,
    past,
    past_causes,
    past_costs,
    waterfalls,
)
from accelsim.studies.headline.figure import KINDS, signed, write_figure
from accelsim.version import __version__

COMMAND = "make headline"
COLUMNS = ("state", "cause", "workload", "machine", "rule", "batch", "cycles", "energy_pj")
CODE = "accelsim/studies/headline"


def write(today: Costs, folder: Path) -> list[str]:
    """Write page, table and figure into a folder. Returns their names."""
    rows = past()
    causes = past_causes(rows) | TODAY
    costs = past_costs(rows) | dict(today)
    found = waterfalls(costs, causes)
    folder.mkdir(parents=True, exist_ok=True)
    files = {"README.md": page(found, rows), "headline.csv": table(costs, causes)}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [*files, *write_figure(found, folder)]


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


def page(found: Sequence[Waterfall], rows: Sequence[Mapping[str, str]]) -> str:
    """The page: figure, causes, one table of ratios, and the past states."""
    first = rows[0]["version"]
    lines = [
        "# How the headline changed",
        "",
        f"Made by `{COMMAND}`, accelsim {__version__}. The headline is the cost of one training",
        "step under a feedback rule over that under `bp`: below 1, the rule costs less. The",
        f"figure shows the ratio in version {first}, how much each cause moved it, and the ratio",
        "today, of the machines as shipped.",
        "",
        "![The headline, cause by cause](headline.png)",
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
        "## States",
        "",
        "Past states were measured once, each in a checkout of its commit, and are stored in",
        f"[past.csv](../../{CODE}/past.csv) with the commands. Today's states (`canonical`,",
        "`fused`, `placed`, `mapped` in [headline.csv](headline.csv)) are measured by",
        f"`{COMMAND}`: the same steps with the machine key `fusion` and the option `--objective`.",
        "No option searches places alone; `placed` runs the places of `--objective edp` with",
        f"canonical mappings ([measure.py](../../{CODE}/measure.py)).",
        "",
        "| commit | version | cause | subject |",
        "|---|---|---|---|",
        *_states(rows),
    ]
    return "\n".join(lines) + "\n"


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
