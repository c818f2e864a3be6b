"""The study's report: README.md with tables, plots and their commands, one CSV file per table, and
one SVG file per plot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from accelsim.report.files import staged
from accelsim.report.table import Cell, Table, Uncertain, write_csv
from accelsim.studies.accuracy.figures.files import FIGURES, write_figures
from accelsim.studies.accuracy.orderings import orderings_table
from accelsim.studies.accuracy.outcomes import Outcomes
from accelsim.studies.accuracy.page import texts
from accelsim.studies.accuracy.summary import conclusions
from accelsim.studies.accuracy.tables.all import all_tables
from accelsim.studies.accuracy.tables.tuning import TUNING

REPORT = "python -m accelsim.studies.accuracy report"
LONG = ("curves", "update_angles")
"""Tables that are too long for the page and are only in their CSV file."""


def write_report(outcomes: Outcomes, out: Path) -> list[str]:
    """Write everything to ``out``, or nothing on failure. Plots and tables of an earlier report
    that no longer exist are deleted. Returns the names written.
    """
    tables = {"orderings": orderings_table(outcomes), **all_tables(outcomes)}
    with staged(
        out,
        lambda place: (
            [place / f"{name}.csv" for name in tables] + [place / f"{name}.svg" for name in FIGURES]
        ),
    ) as folder:
        for name, table in tables.items():
            (folder / f"{name}.csv").write_text(write_csv(table), encoding="utf-8")
        drawn = write_figures(outcomes, folder)
        (folder / "README.md").write_text(readme(outcomes, tables, drawn), encoding="utf-8")
    return ["README.md", *(f"{name}.csv" for name in tables), *(f"{name}.svg" for name in drawn)]


def markdown(table: Table) -> str:
    """Table as Markdown, with a dash for missing numbers. Columns without a heading are only in the
    CSV file.
    """
    shown = [index for index, column in enumerate(table.columns) if column.heading]
    heads = [table.columns[index] for index in shown]
    lines = [
        " | ".join(column.heading for column in heads),
        " | ".join("---" if column.kind == "text" else "--:" for column in heads),
    ]
    lines += [
        " | ".join(_written(row[index], table.columns[index].kind) for index in shown)
        for row in table.rows
    ]
    return "\n".join(f"| {line} |" for line in lines)


def _written(cell: Cell, kind: str) -> str:
    if cell is None or cell == "":
        return "-"
    if isinstance(cell, Uncertain):
        return f"{cell:.2f} ({cell.interval[0]:.2f} to {cell.interval[1]:.2f})"
    if isinstance(cell, float):
        return f"{cell:.2f}" if kind == "percent" else f"{cell:.4g}"
    return str(cell).replace("|", "\\|")


def _run(part: str) -> str:
    return f"python -m accelsim.studies.accuracy run --data DIR --part {part}"


def readme(outcomes: Outcomes, tables: Mapping[str, Table], drawn: Iterable[str]) -> str:
    """The page. ``drawn``: names of the available figures."""
    figures = set(drawn)

    def table(name: str, part: str = "") -> str:
        made = tables[name]
        command = f"`{_run(part)}`, then `{REPORT}`" if part else f"`{REPORT}`"
        rows = (
            f"{len(made.rows)} lines, only in the CSV file.\n"
            if name in LONG
            else f"{markdown(made)}\n"
        )
        notes = "".join(f"\n{note}.\n" for note in made.notes)
        return f"**{made.title}** ([{name}.csv]({name}.csv); {command})\n\n{rows}{notes}"

    def figure(name: str, title: str, part: str) -> str:
        if name not in figures:
            return f"*{title}: not run.* (`{_run(part)}`, then `{REPORT}`)\n"
        return f"![{title}]({name}.svg)\n\n*{title}* (`{_run(part)}`, then `{REPORT}`)\n"

    blocks = [
        texts.HEAD.format(
            conclusions="\n".join(
                f"{place}. {line}" for place, line in enumerate(conclusions(outcomes), 1)
            )
        ),
        texts.CONTROLS,
        "## Expected orderings\n",
        texts.ORDERINGS,
        table("orderings"),
        texts.SCALE,
        table("settings"),
        "## (a) Fully connected networks\n",
        texts.FC,
        table("fully_connected", "fc"),
        figure(
            "fully_connected",
            "Test accuracy by rule: seeds as circles, means as diamonds with one deviation",
            "fc",
        ),
        texts.SWEEP,
        table("sweeps", "sweep"),
        figure(
            "rank",
            "Accuracy and angle over the rank of the feedback, after Crafton et al. 2019, figure 5",
            "sweep",
        ),
        figure(
            "sparsity",
            "Accuracy and angle over the sparsity of the feedback, after Crafton et al. 2019, "
            "figure 6",
            "sweep",
        ),
        "## (b) Convolutional networks\n",
        texts.CNN,
        table("convolutional", "cnn"),
        figure(
            "curves_vgg16",
            "VGG16 at 1/8 of its width: accuracy over epochs, means over the seeds",
            "cnn",
        ),
        figure(
            "curves_resnet18",
            "ResNet-18 at 1/8 of its width: accuracy over epochs, means over the seeds",
            "cnn",
        ),
        table("curves"),
        figure(
            "angles_vgg16",
            "VGG16 at 1/8 of its width: update angles to backpropagation by layer, after the last "
            "epoch",
            "cnn",
        ),
        figure(
            "angles_resnet18",
            "ResNet-18 at 1/8 of its width: update angles to backpropagation by layer, after the "
            "last epoch",
            "cnn",
        ),
        table("update_angles"),
        "## (c) Language models\n",
        texts.TEXT,
        table("text", "rnn"),
        figure(
            "perplexity",
            "Perplexity without the unknown word, by rule: seeds as circles, means as diamonds",
            "rnn",
        ),
        "## (d) Transfer\n",
        texts.TRANSFER,
        table("transfer", "transfer"),
        figure(
            "transfer",
            "Test accuracy of whole networks, and of heads on frozen features",
            "transfer",
        ),
        figure(
            "filters",
            "First-layer filters trained by bp and by dfa, each over its own range, after Crafton "
            "et al. 2019, figure 7",
            "transfer",
        ),
        "## (e) Transformer\n",
        texts.TRANSFORMER,
        table("transformer", "transformer"),
        figure(
            "transformer",
            "Training loss over steps, means over the seeds; test perplexity against the energy of "
            "a step",
            "transformer",
        ),
        "## How options were chosen\n",
        texts.TUNING,
        *(table(name, parts[0]) for name, parts in TUNING.items()),
        texts.ORIGIN.format(finished=outcomes.finished, planned=outcomes.planned),
        "## Not run\n",
        _not_run(outcomes),
    ]
    return "\n".join(blocks).rstrip("\n") + "\n"


def _not_run(outcomes: Outcomes) -> str:
    lines = [
        f"* {each.cell.setting.part}: `{each.network}`, `{each.rule}`: {each.missing}"
        for each in outcomes.all
        if each.missing
    ]
    text = "\n".join(lines) + "\n" if lines else "None: every run of the plan is finished.\n"
    if outcomes.strays:
        lines = [f"* `{name}`: {scores}" for name, scores in outcomes.strays.items()]
        text += "\nResults outside the plan, not in any table:\n\n" + "\n".join(lines) + "\n"
    return text
