"""Figures of the validation report, drawn only from its checks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from accelsim.report.figures.style import DPI, PAGE_INCHES, STYLE
from accelsim.studies.validation.check import Check
from accelsim.studies.validation.simulators.dram import measurements
from accelsim.studies.validation.subjects import Subject

PUBLISHED, OURS = "#D55E00", "#0072B2"


def write_figures(results: Sequence[tuple[Subject, list[Check]]], folder: Path) -> list[str]:
    """Draw the figures for which the report has checks. Returns the names of the SVG
    and PNG files.
    """
    draw = {"dram": _dram, "eie": _eie, "eyeriss": _eyeriss}
    names = []
    with rc_context(STYLE):
        for subject, checks in results:
            if subject.name in draw:
                figure = draw[subject.name](checks)
                figure.savefig(folder / f"{subject.name}.svg", metadata={"Date": None})
                figure.savefig(folder / f"{subject.name}.png", dpi=DPI, metadata={"Software": None})
                names += [f"{subject.name}.svg", f"{subject.name}.png"]
    return names


def _figure(width: float, height: float, rows: int = 1, cols: int = 1) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(rows, cols, squeeze=False, sharey=False).flat)
    for axes in panels:
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels


def _dram(checks: Sequence[Check]) -> Figure:
    """Deviation of the last data's clock from each simulator: one row per stream, one panel per
    configuration. Grey marks +-1 %.
    """
    names = {check.subject: check.measured for check in checks if check.quantity == "last data"}
    configurations = list(dict.fromkeys(name.split()[0] for name in names))
    streams = list(dict.fromkeys(name.split()[1] for name in names))[::-1]
    figure, panels = _figure(PAGE_INCHES, 2.8, 1, len(configurations))
    looks = {
        "dramsim3": ("DRAMsim3", "o", PUBLISHED),
        "ramulator2_frfcfs_rowhit": ("Ramulator 2.1, FRFCFS-RowHit", "|", OURS),
    }
    for axes, configuration in zip(panels, configurations, strict=True):
        axes.axvspan(-1, 1, color="#EEEEEE", zorder=0)
        for simulator, (label, marker, colour) in looks.items():
            points = [
                (
                    100 * (names[f"{configuration} {stream}"] / known[simulator].total_cycles - 1),
                    row,
                )
                for row, stream in enumerate(streams)
                if simulator in (known := measurements()[configuration, stream])
            ]
            axes.plot(
                *zip(*points, strict=True),
                marker,
                ms=3 if marker == "o" else 6,
                color=colour,
                label=label,
            )
        axes.set_title(configuration, fontsize=7)
        axes.set_xlabel("deviation [%]")
        axes.set_ylim(-0.7, len(streams) - 0.3)
        axes.set_yticks(range(len(streams)), streams if axes is panels[0] else [""] * len(streams))
        axes.grid(axis="y", color="#EEEEEE", linewidth=0.5)
    figure.legend(
        *panels[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=len(looks),
        frameon=False,
    )
    return figure


def _eie(checks: Sequence[Check]) -> Figure:
    """Times of the nine layers beside the published ones, and load balance against FIFO depth."""
    figure, (left, right) = _figure(PAGE_INCHES, 2.2, 1, 2)
    times = [check for check in checks if check.quantity.startswith("time with FIFOs")]
    _pairs(left, [check.subject.removeprefix("EIE ") for check in times], times, "time [us]")
    balance = [check for check in checks if check.quantity.startswith("mean load balance")]
    depths = [int(check.quantity.split()[-1]) for check in balance]
    right.plot(
        depths, [100 * check.measured for check in balance], "o-", ms=3, linewidth=1, color=OURS
    )
    right.set_xscale("log", base=2)
    right.set_xticks(depths, [str(depth) for depth in depths])
    right.minorticks_off()
    right.set_xlabel("entries of a FIFO")
    right.set_ylabel("mean load balance [%]")
    right.set_ylim(0, 100)
    right.grid(axis="y", color="#E6E6E6", linewidth=0.5)
    return figure


def _eyeriss(checks: Sequence[Check]) -> Figure:
    """Latency of each layer beside the chip's."""
    figure, (left, right) = _figure(PAGE_INCHES, 2.2, 1, 2)
    for axes, network in ((left, "AlexNet"), (right, "VGG16")):
        latencies = [
            check
            for check in checks
            if check.quantity == "processing latency" and _is_layer(check, network)
        ]
        _pairs(
            axes,
            [check.subject.split()[1].removeprefix("CONV").rstrip(",") for check in latencies],
            latencies,
            "processing latency [ms]",
        )
        axes.set_xlabel(f"convolution of {network}")
    return figure


def _pairs(axes: Axes, names: Sequence[str], checks: Sequence[Check], label: str) -> None:
    """Published and computed bars side by side."""
    places = range(len(checks))
    axes.bar(
        [place - 0.2 for place in places],
        [check.expected or 0 for check in checks],
        0.38,
        color=PUBLISHED,
        label="published",
    )
    axes.bar(
        [place + 0.2 for place in places],
        [check.measured for check in checks],
        0.38,
        color=OURS,
        label="accelsim",
    )
    axes.set_xticks(places, names, rotation=45 if max(map(len, names), default=0) > 4 else 0)
    axes.set_ylabel(label)
    axes.grid(axis="y", color="#E6E6E6", linewidth=0.5)
    axes.legend(frameon=False)


def _is_layer(check: Check, network: str) -> bool:
    """True for the check of a single layer of ``network`` with our own mapping."""
    return check.subject.startswith(f"{network} CONV") and not check.subject.endswith(
        "the chip's mapping"
    )
