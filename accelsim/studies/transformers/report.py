"""The measured transformer as a page and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from accelsim.studies.transformers.measure import BP, RULES, WORKLOAD, Point
from accelsim.version import __version__

COMMAND = "make transformers"


def write(found: Sequence[Point], folder: Path) -> list[str]:
    """Write the page and the table into a folder. Returns their names."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"README.md": page(found), "transformers.csv": table(found)}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return list(files)


def table(found: Sequence[Point]) -> str:
    """All points as CSV."""
    rows = []
    for each in found:
        row = asdict(each)
        rows.append({**row.pop("counts"), **row})
    text = io.StringIO()
    names = [name for name in rows[0] if name not in {"machine", "batch", "rule"}]
    writer = csv.DictWriter(text, ["machine", "batch", "rule", *names], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def page(found: Sequence[Point]) -> str:
    """The page: conclusions, then what is left of EP, then what a step costs."""
    batches = sorted({each.batch for each in found})
    heads = " | ".join(f"MACs, batch {batch}" for batch in batches)
    lines = [
        "# What direct feedback leaves of a transformer's backward pass",
        "",
        *_conclusions(found),
        "",
        f"Made by `{COMMAND}`, accelsim {__version__}, for `{WORKLOAD}` (6 post-norm blocks, width",
        "512, 128 tokens). Rules are those of",
        "[docs/learning-rules.md](../../docs/learning-rules.md#blocks-of-attention-launay-et-al-2020).",
        "No trace of this network is shipped, so only the triangle of causal attention is zero.",
        "",
        "## Error propagation, counted",
        "",
        "MACs of EP, words of weights that EP reads transposed, and the most products of EP that",
        "wait for one another. The last two do not depend on the batch.",
        "",
        f"| rule | {heads} | transposed words | chain |",
        f"|---|{'--:|' * (len(batches) + 2)}",
    ]
    for rule, title in RULES.items():
        own = {each.batch: each.counts for each in found if each.rule == rule}
        cells = [f"{own[batch].macs / 1e9:.1f} G" for batch in batches]
        any_of = own[batches[0]]
        lines.append(
            f"| {title} | {' | '.join(cells)} | {any_of.transported / 1e6:.2f} M | {any_of.chain} |"
        )
    for machine in dict.fromkeys(each.machine for each in found):
        lines += ["", f"## A step on {machine}, against BP", "", *_costs(found, machine, batches)]
    return "\n".join(lines) + "\n"


def _costs(found: Sequence[Point], machine: str, batches: Sequence[int]) -> list[str]:
    heads = [f"{what}, batch {batch}" for batch in batches for what in ("EP", "step", "energy")]
    lines = [f"| rule | {' | '.join(heads)} |", f"|---|{'--:|' * len(heads)}"]
    for rule, title in RULES.items():
        if rule == BP:
            continue
        cells = []
        for batch in batches:
            each = _of(found, machine, batch, rule)
            cells += [f"{each.ep_cycles_ratio:.2f}", f"{each.cycles_ratio:.2f}", _energy(each)]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return [
        *lines,
        "",
        "EP and step: cycles. Energy: of the step, with its 5-to-95-% interval.",
    ]


def _energy(each: Point) -> str:
    low, high = each.energy_ratio_p5, each.energy_ratio_p95
    return f"{each.energy_ratio:.2f} ({low:.2f} to {high:.2f})"


def _of(found: Sequence[Point], machine: str, batch: int, rule: str) -> Point:
    return next(
        each for each in found if (each.machine, each.batch, each.rule) == (machine, batch, rule)
    )


def _conclusions(found: Sequence[Point]) -> list[str]:
    """What the tables say about the first feedback rule."""
    rule = next(each for each in RULES if each != BP)
    largest = max(each.batch for each in found)
    own = [each for each in found if each.rule == rule]
    base, counted = (
        next(each.counts for each in found if each.rule == name and each.batch == largest)
        for name in (BP, rule)
    )
    macs, words = counted.macs / base.macs, counted.transported / base.transported
    steps = [each.cycles_ratio for each in own]
    energies = [each.energy_ratio for each in own]
    machines = " and ".join(dict.fromkeys(each.machine for each in own))
    left = f"* One tap per block leaves {macs:.0%} of the MACs of EP, {words:.0%} of the transposed"
    chain = (
        f"  weights, and {counted.chain} of {base.chain} products in a row: it removes the chain"
    )
    cost = f"* A step takes {min(steps):.2f} to {max(steps):.2f} of BP's cycles and"
    energy = f"  {min(energies):.2f} to {max(energies):.2f} of its energy ({machines})."
    return [left, chain, "  from block to block.", cost, energy]
