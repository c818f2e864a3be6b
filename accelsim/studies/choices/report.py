"""The measured choices as a page and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

from accelsim.studies.choices.measure import Ratio
from accelsim.studies.choices.variants import DEFAULT, MACHINES
from accelsim.version import __version__

COMMAND = "make choices"
SHORT = {"vgg16-cifar10": "VGG16", "resnet18-cifar10": "ResNet-18", "lstm-wikitext2": "LSTM"}
COLUMNS = (
    "variant",
    "machine",
    "workload",
    "bp_cycles",
    "dfa_cycles",
    "bp_energy_pj",
    "dfa_energy_pj",
    "cycles_ratio",
    "energy_ratio",
)


def write(found: Sequence[Ratio], folder: Path) -> list[str]:
    """Write the page and the table into a folder. Returns their names."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"README.md": page(found), "choices.csv": table(found)}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return list(files)


def table(found: Sequence[Ratio]) -> str:
    """All costs as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in found:
        writer.writerow(
            (
                each.variant,
                each.machine,
                each.workload,
                each.bp.cycles,
                each.dfa.cycles,
                each.bp.energy_pj,
                each.dfa.energy_pj,
                f"{each.cycles:.4f}",
                f"{each.energy:.4f}",
            )
        )
    return text.getvalue()


def page(found: Sequence[Ratio]) -> str:
    """The page: the spread of the ratios, then one table of cycles and one of energy."""
    lines = [
        "# What a choice does to DFA against BP",
        "",
        f"Made by `{COMMAND}`, accelsim {__version__}. Each row changes one choice of the machines",
        "as shipped; choices without a switch are listed in",
        "[docs/model.md](../../docs/model.md). A number is the cost of one training step under",
        "`dfa` over that under `bp`: below 1, DFA costs less. A dash: the machine does not have",
        "the choice.",
        "",
        *(_spread(found, name, value) for name, value in COSTS.items()),
    ]
    for name, value in COSTS.items():
        lines += ["", f"## {name}", "", *_rows(found, value)]
    return "\n".join(lines) + "\n"


COSTS: dict[str, Callable[[Ratio], float]] = {
    "Cycles": lambda each: each.cycles,
    "Energy": lambda each: each.energy,
}


def _spread(found: Sequence[Ratio], name: str, value: Callable[[Ratio], float]) -> str:
    """The choice that moves a ratio furthest from that of the default."""
    default = {(each.machine, each.workload): value(each) for each in found if _is_default(each)}

    def moved(each: Ratio) -> float:
        ratio = value(each) / default[each.machine, each.workload]
        return max(ratio, 1 / ratio)

    most = max(found, key=moved)
    before = default[most.machine, most.workload]
    return (
        f"* {name}: {min(map(value, found)):.2f} to {max(map(value, found)):.2f}. Furthest from "
        f"its default is `{most.variant}` ({SHORT.get(most.workload, most.workload)}, "
        f"{most.machine}): {before:.2f} becomes {value(most):.2f}."
    )


def _is_default(each: Ratio) -> bool:
    return each.variant == DEFAULT


def _rows(found: Sequence[Ratio], value: Callable[[Ratio], float]) -> list[str]:
    workloads = list(dict.fromkeys(each.workload for each in found))
    columns = [(machine, workload) for machine in MACHINES for workload in workloads]
    heads = [f"{SHORT.get(workload, workload)}, {machine}" for machine, workload in columns]
    lines = [f"| choice | {' | '.join(heads)} |", f"|---|{'--:|' * len(columns)}"]
    for variant in dict.fromkeys(each.variant for each in found):
        own = {
            (each.machine, each.workload): f"{value(each):.2f}"
            for each in found
            if each.variant == variant
        }
        cells = " | ".join(own.get(column, "-") for column in columns)
        name = variant if variant == DEFAULT else f"`{variant}`"
        lines.append(f"| {name} | {cells} |")
    return lines
